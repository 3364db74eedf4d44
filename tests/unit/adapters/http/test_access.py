"""Who may call what, and in which order a request is judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from regards_order import Role, User
from regards_order_adapters.http.app import ENDPOINTS

PREFIX = "/api/v1/rs-order"
BASKET = PREFIX + "/order/basket"
PAYLOAD = (
    "eyJ0ZW5hbnQiOiJkZWZhdWx0Iiwicm9sZSI6IlJFR0lTVEVSRURfVVNFUiIsInN1YiI6ImFuYUBleGFtcGxlLm9yZyIsImVtYWlsIjoiYW5hQGV4"
    "YW1wbGUub3JnIiwiZXhwIjo0MTAyNDQ0ODAwfQ"
)
HS256 = f"eyJhbGciOiJIUzI1NiJ9.{PAYLOAD}.36RbWixkUiSsoSh-A-0JMBaoBvPR5c0kuifQGFDedBg"
HS512 = (
    f"eyJhbGciOiJIUzUxMiJ9.{PAYLOAD}."
    "FDyQc3KBl_nGf15lPRzOTRoGiin4VmeFrs0ZMVs3Jiw7o1VM56vBwmTg5f9k5T0tkt5b-dx1yVhTEnGACD4GWA"
)


def test_case_48_without_token_and_with_the_check_values(desk: Any) -> None:
    """No token and no scope: 401; a scope alone: 403; both check values are good."""
    client = desk.client
    refused = client.get(BASKET)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert "Missing 'scope' header or param" in refused.json()["messages"][0]
    for query, headers in (("", {"scope": "default"}), ("?scope=default", {})):
        denied = client.get(BASKET + query, headers=headers)
        assert denied.status_code == 403
        assert denied.json()["messages"][0].startswith("Access is denied")
        assert "www-authenticate" not in denied.headers
    for token in (HS256, HS512):
        assert client.get(BASKET, headers={"authorization": f"Bearer {token}"}).status_code == 204


def test_case_49_expired_token(desk: Any, ana: User) -> None:
    """The first message begins with the name that the front end looks for."""
    token = desk.token(ana)
    desk.centre.ordering.clock.advance(hours=1)
    refused = desk.client.get(BASKET, headers={"authorization": f"Bearer {token}"})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert refused.json()["messages"][0].startswith("io.jsonwebtoken.ExpiredJwtException")


def test_case_50_token_in_the_query(desk: Any) -> None:
    """A link that a browser opens carries the token; the header wins when both are there."""
    client, token = desk.client, desk.token()
    assert client.get(f"{PREFIX}/user/orders?token={token}").status_code == 200
    headers = {"authorization": f"Bearer {token}"}
    assert client.get(f"{PREFIX}/user/orders?token=nonsense", headers=headers).status_code == 200
    assert client.get(f"{PREFIX}/user/orders?token={token}", headers={"authorization": "Bearer no"}).status_code == 401
    assert client.get(f"{PREFIX}/user/orders?token={token}", headers={"authorization": "Basic YTpi"}).status_code == 200
    assert client.get(f"{PREFIX}/user/orders?token=&scope=default").status_code == 403


@pytest.mark.parametrize("word", ["Bearer", "bearer", "BEARER"])
def test_word_bearer_in_any_case(desk: Any, word: str) -> None:
    """The word before the token is read in any case."""
    assert desk.client.get(BASKET, headers={"authorization": f"{word} {desk.token()}"}).status_code == 204


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer a.b.c", "Bearer caf\u00e9"])
def test_token_that_is_none(desk: Any, value: str) -> None:
    """What is no token is refused, and says how to do better."""
    refused = desk.client.get(BASKET, headers={"authorization": value.encode("latin-1")})
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


def test_tenant_is_that_of_the_token(make_desk: Callable[..., Any], ana: User) -> None:
    """The scope is ignored when there is a token; each tenant has its own data."""
    asked: list[str] = []
    desk = make_desk()
    centre = desk.centre
    desk = make_desk(centre, ordering=lambda tenant: asked.append(tenant) or centre.ordering)
    desk.get("/user/orders", headers={"scope": "alps"})
    assert set(asked) == {"default"}


def test_unknown_tenant(desk: Any) -> None:
    """A tenant that does not exist is denied, whoever names it."""
    claims = {"tenant": "nowhere", "sub": "a", "email": "a", "role": "INSTANCE_ADMIN"}
    for headers in ({"scope": "nowhere"}, {"authorization": f"Bearer {desk.tokens.mint(claims)}"}):
        denied = desk.client.get(BASKET, headers=headers)
        assert denied.status_code == 403
        assert denied.json()["messages"][0].startswith("Access is denied")


@pytest.mark.parametrize(
    ("verb", "path"), [(verb, path) for path, verbs in ENDPOINTS.items() for verb in verbs], ids=lambda each: str(each)
)
def test_every_endpoint_needs_a_registered_user(desk: Any, verb: str, path: str) -> None:
    """The role comes before the syntax of path and body: nobody learns about validation first."""
    pattern, path = path, re.sub(r"{\w+}", "x", path)
    body = {"content": b"{", "headers": {"content-type": "text/plain"}} if verb in ("POST", "PUT") else {}
    assert desk.client.request(verb, PREFIX + path).status_code == 401
    for role in ("PUBLIC", "MADE_UP") if OTHER.get((verb, pattern)) is not Role.PUBLIC else ():
        claims = {"tenant": "default", "sub": "a", "email": "a", "role": role}
        headers = {**body.get("headers", {}), "authorization": f"Bearer {desk.tokens.mint(claims)}"}
        assert desk.client.request(verb, PREFIX + path, **{**body, "headers": headers}).status_code == 403


#: endpoints that need more, or less, than a registered user
OTHER = {
    ("POST", "/orders"): Role.ADMIN,
    ("DELETE", "/user/orders/remove/{orderId}"): Role.PROJECT_ADMIN,
    ("GET", "/settings"): Role.ADMIN,
    ("PUT", "/settings/{name}"): Role.ADMIN,
    ("DELETE", "/settings/{name}"): Role.ADMIN,
    ("GET", "/quota"): Role.PUBLIC,
    ("GET", "/quota/current"): Role.PUBLIC,
    ("GET", "/quota/max"): Role.ADMIN,
    ("GET", "/quota/{user_email}"): Role.PROJECT_ADMIN,
    ("PUT", "/quota/{user_email}"): Role.PROJECT_ADMIN,
    ("GET", "/quota/current/{user_email}"): Role.PROJECT_ADMIN,
}


@pytest.mark.parametrize("role", list(Role))
def test_lowest_role_of_every_endpoint(desk: Any, role: Role) -> None:
    """Each role may call what the roles below it may, and no more."""
    user = User("x@example.org", role)
    for path, verbs in ENDPOINTS.items():
        for verb in verbs:
            lowest = OTHER.get((verb, path), Role.REGISTERED_USER)
            status = desk.ask(verb, re.sub(r"{\w+}", "x", path), user).status_code
            assert (status == 403) == (role.rank < lowest.rank), (verb, path, status)


def test_a_name_wins_over_a_variable() -> None:
    """Of two paths that may be the same, the first one to answer has the name where they first differ."""
    split = [path.split("/") for path in ENDPOINTS]
    for number, second in enumerate(split):
        for first in split[:number]:
            places = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
            apart = len(first) != len(second) or any("{" not in a + b for a, b in places)
            assert apart or "{" not in places[0][0], (first, second)


def test_another_service_passes_every_check_and_owns_nothing(desk: Any, ana: User) -> None:
    """A service of the platform may call, but is nobody's owner."""
    claims = {"tenant": "default", "sub": "s", "email": "ana@example.org", "role": "ROLE_SYS_DELIVERY"}
    headers = {"authorization": f"Bearer {desk.tokens.mint(claims)}"}
    centre = desk.centre
    centre.product(centre.dataset("D"), "P", ("a.txt", b"a"))
    order = centre.place(ana)
    assert desk.client.get(f"{PREFIX}/user/orders", headers=headers).status_code == 200
    assert desk.client.get(f"{PREFIX}/user/orders/{order.id}", headers=headers).status_code == 403


def test_order_of_checks(desk: Any, ana: User, stranger: User) -> None:
    """Syntax before validation, validation before existence, existence before ownership."""
    assert desk.post("/order/basket/selection", content=b"{").status_code == 400
    assert desk.post("/order/basket/selection", json={"engineType": ""}).status_code == 422
    assert desk.get("/user/orders/x").status_code == 400
    assert desk.get("/user/orders/99", stranger).status_code == 404


@pytest.mark.parametrize(
    ("role", "status"),
    [
        (Role.REGISTERED_USER, 403),
        (Role.EXPLOIT, 403),
        (Role.ADMIN, 403),
        (Role.PROJECT_ADMIN, 200),
        (Role.INSTANCE_ADMIN, 200),
    ],
)
def test_orders_of_others(desk: Any, ana: User, role: Role, status: int) -> None:
    """Only administrators of the project and of the instance read what somebody else ordered."""
    centre = desk.centre
    centre.product(centre.dataset("D"), "P", ("a.txt", b"a"))
    order = centre.work(centre.place(ana))
    other = User("x@example.org", role)
    for path in ("/user/orders/{}", "/orders/{}/files/available", "/user/orders/{}/files/available"):
        answer = desk.get(path.format(order.id), other)
        assert answer.status_code == status
        assert status == 200 or answer.json()["messages"][0].startswith("Access is denied")


@pytest.mark.parametrize(
    ("verb", "path"), [("GET", "/nowhere"), ("PUT", "/order/basket"), ("HEAD", "/order/basket/selection"), ("GET", "")]
)
def test_only_known_callers_learn_what_is_there(desk: Any, verb: str, path: str) -> None:
    """Token and tenant come before path and verb; outside the prefix nobody is asked."""
    status = 404 if path in ("", "/nowhere") else 405
    refused = desk.client.request(verb, PREFIX + path)
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    assert desk.client.request(verb, PREFIX + path, headers={"scope": "nowhere"}).status_code == 403
    assert desk.client.request(verb, PREFIX + path, headers={"scope": "default"}).status_code == status
    assert desk.ask(verb, path).status_code == status
    assert desk.client.options(PREFIX + path).status_code == 200
    assert desk.client.get("/nowhere").status_code == 404
