"""Settings of a tenant over REST."""

from __future__ import annotations

import json
from typing import Any

import pytest

from regards_order import Role, User

BASE = "https://data.example.org/api/v1/rs-order/settings"
USER, APP, LONGEST = "user_order_parameters", "app_sub_order_duration", "expiration_max_duration_in_hours"
DEFAULTS = {
    USER: {"subOrderDuration": 240, "delayBeforeEmailNotification": 72},
    APP: 2,
    LONGEST: 168,
    "maxQuota": -1,
    "rateLimit": -1,
}


@pytest.fixture
def admin() -> User:
    """Return the lowest role that may see settings."""
    return User("admin@example.org", Role.ADMIN)


def put(desk: Any, user: User, name: str, value: Any) -> Any:
    """Return the answer to a change."""
    return desk.ask("PUT", f"/settings/{name}", user, json={"value": value})


def values(desk: Any, user: User) -> dict[str, Any]:
    """Return the values that hold."""
    return {item["content"]["name"]: item["content"]["value"] for item in desk.get("/settings", user).json()}


def test_settings_are_a_bare_list(desk: Any, admin: User) -> None:
    """Each has its envelope; what has its default need not be reset."""
    answer = desk.get("/settings", admin)
    assert answer.status_code == 200
    shown = {item["content"]["name"]: item for item in answer.json()}
    assert {name: item["content"]["value"] for name, item in shown.items()} == DEFAULTS
    assert shown[APP] == {
        "content": {
            "name": APP,
            "description": "Sub order duration for applicative orders (in hours)",
            "defaultValue": 2,
            "value": 2,
        },
        "links": [{"rel": "self", "href": BASE}, {"rel": "update", "href": f"{BASE}/{APP}"}],
    }
    assert all(item["content"]["description"] for item in shown.values())


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"names={APP}", {APP}),
        (f"names={APP}&names={USER}", {APP, USER}),
        (f"names={APP},{USER},nonsense", {APP, USER}),
        (f"names=%20{APP}%20,", {APP}),
        ("names=nonsense", set()),
        ("names=", set(DEFAULTS)),
        ("names=,&names=", set(DEFAULTS)),
    ],
)
def test_settings_by_name(desk: Any, admin: User, query: str, names: set[str]) -> None:
    """Repeated or separated by commas; what there is not is left out."""
    answer = desk.get(f"/settings?{query}", admin)
    assert answer.status_code == 200
    assert {item["content"]["name"] for item in answer.json()} == names


def test_case_51_change_a_setting(desk: Any, admin: User) -> None:
    """A number may come as text; the setting comes back, with a link that resets it."""
    answer = put(desk, admin, APP, "3")
    assert answer.status_code == 200
    assert (answer.json()["content"]["value"], answer.json()["content"]["defaultValue"]) == (3, 2)
    reset = {"rel": "reset", "href": f"{BASE}/{APP}"}
    assert answer.json()["links"][2:] == [reset]
    assert desk.get(f"/settings?names={APP}", admin).json() == [answer.json()]
    refused = put(desk, admin, APP, -1)
    assert refused.status_code == 422
    assert "valid positive number" in refused.json()["messages"][0]
    assert put(desk, User("x@example.org", Role.EXPLOIT), APP, 1).status_code == 403
    assert values(desk, admin)[APP] == 3


def test_reset_a_setting(desk: Any, admin: User) -> None:
    """It has its default again, as often as one likes."""
    put(desk, admin, APP, 3)
    for _ in range(2):
        answer = desk.ask("DELETE", f"/settings/{APP}", admin)
        assert (answer.status_code, answer.json()["content"]["value"]) == (200, 2)
        assert [link["rel"] for link in answer.json()["links"]] == ["self", "update"]
    assert values(desk, admin) == DEFAULTS


def test_whole_setting_as_the_front_end_sends_it_back(desk: Any, admin: User) -> None:
    """Only the value counts; members that nobody knows are ignored and not kept."""
    [item] = desk.get(f"/settings?names={USER}", admin).json()
    value = {"subOrderDuration": "24", "delayBeforeEmailNotification": 24.0, "more": "x"}
    answer = desk.ask("PUT", f"/settings/{USER}", admin, json={**item["content"], "name": "other", "value": value})
    assert answer.status_code == 200
    expected = {"subOrderDuration": 24, "delayBeforeEmailNotification": 24}
    assert answer.json()["content"]["value"] == expected
    assert values(desk, admin)[USER] == expected
    with desk.centre.ordering.store.read() as tx:
        assert dict(tx.settings.changed()) == {USER: expected}


@pytest.mark.parametrize(
    ("name", "value", "kept"),
    [
        (APP, 0, 0),
        (APP, 2**31 - 1, 2**31 - 1),
        (APP, 2**31, None),
        (USER, {"subOrderDuration": 876_001, "delayBeforeEmailNotification": 876_001}, None),
        (APP, "0", 0),
        (APP, "-0", 0),
        (APP, 3.0, 3),
        (LONGEST, 1, 1),
        (LONGEST, "876000", 876_000),
        (LONGEST, 0, None),
        (LONGEST, 876_001, None),
        (LONGEST, "9" * 5000, None),
        (LONGEST, 1e300, None),
        (APP, "abc", None),
        (APP, "", None),
        (APP, " 3", None),
        (APP, "٣", None),
        (APP, 5.5, None),
        (APP, "5.5", None),
        (APP, True, None),
        (APP, None, None),
        (APP, [3], None),
        (APP, {"subOrderDuration": 3}, None),
        (USER, 5, None),
        (USER, {}, None),
        (USER, {"subOrderDuration": 5}, None),
        (USER, {"subOrderDuration": 5, "delayBeforeEmailNotification": None}, None),
        (USER, {"subOrderDuration": 5, "delayBeforeEmailNotification": 6}, None),
        (USER, {"subOrderDuration": 5, "delayBeforeEmailNotification": 0}, None),
        (USER, {"subOrderDuration": [5], "delayBeforeEmailNotification": 5}, None),
    ],
)
def test_values(desk: Any, admin: User, name: str, value: Any, kept: Any) -> None:
    """What a setting cannot have is refused with its place, in a message of bearable length, and nothing changes."""
    answer = put(desk, admin, name, value)
    if kept is not None:
        assert (answer.status_code, answer.json()["content"]["value"]) == (200, kept)
        return
    assert answer.status_code == 422
    assert all(message.startswith("$.value") and len(message) < 250 for message in answer.json()["messages"])
    assert values(desk, admin) == DEFAULTS


@pytest.mark.parametrize(
    ("content", "status"),
    [(b"", 400), (b"{", 400), (b"[]", 400), (b"5", 400), (b"null", 400), (b'{"value": NaN}', 400), (b"{}", 422)],
)
def test_body_of_a_setting(desk: Any, admin: User, content: bytes, status: int) -> None:
    """An object is needed, and a value in it."""
    headers = {"content-type": "application/json"}
    for name, expected in ((APP, status), ("nonsense", 404 if status == 422 else 400)):
        answer = desk.ask("PUT", f"/settings/{name}", admin, content=content, headers=headers)
        assert answer.status_code == expected


def test_unknown_setting(desk: Any, admin: User) -> None:
    """It is named, together with those that there are."""
    for answer in (put(desk, admin, "nonsense", 5), desk.ask("DELETE", "/settings/nonsense", admin)):
        assert answer.status_code == 404
        assert "nonsense" in answer.json()["messages"][0]
        assert APP in answer.json()["messages"][0]
    assert desk.get(f"/settings/{APP}", admin).status_code == 405


def test_roles(desk: Any, admin: User) -> None:
    """ADMIN and above, and other services."""
    for role in (Role.PUBLIC, Role.REGISTERED_USER, Role.EXPLOIT):
        user = User("x@example.org", role)
        for verb, path in (("GET", "/settings"), ("PUT", "/settings/x"), ("DELETE", "/settings/x")):
            assert desk.ask(verb, path, user).status_code == 403
    claims = {"tenant": "default", "sub": "s", "email": "s", "role": "SYS_DELIVERY"}
    headers = {"authorization": f"Bearer {desk.tokens.mint(claims)}"}
    assert desk.get("/settings", headers=headers).status_code == 200
    assert desk.get("/settings", User("x@example.org", Role.INSTANCE_ADMIN)).status_code == 200


def test_no_json_is_told_before_anything_is_done(desk: Any, admin: User) -> None:
    """Who wants no JSON changes nothing."""
    put(desk, admin, APP, 3)
    headers = {"accept": "text/html"}
    assert desk.get("/settings", admin, headers=headers).status_code == 406
    assert (
        desk.ask("PUT", f"/settings/{APP}", admin, content=json.dumps({"value": 5}), headers=headers).status_code == 406
    )
    assert desk.ask("DELETE", f"/settings/{APP}", admin, headers=headers).status_code == 406
    assert values(desk, admin)[APP] == 3


def test_the_next_order_follows(desk: Any, admin: User) -> None:
    """A change holds for orders that are placed afterwards; those that exist stay as they are."""
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", b"a"))

    def expires() -> str:
        desk.post("/order/basket/selection", json={"engineType": "legacy"})
        order_id = desk.post("/user/orders", json={}).json()["content"]["id"]
        desk.centre.ordering.work()
        return str(desk.get(f"/user/orders/{order_id}").json()["content"]["expirationDate"])

    assert expires() == "2026-03-09T09:21:50Z"
    put(desk, admin, LONGEST, 24)
    assert expires() == "2026-03-03T09:21:50Z"
    assert desk.get("/user/orders/1").json()["content"]["expirationDate"] == "2026-03-09T09:21:50Z"
    put(desk, admin, LONGEST, 876_000)
    put(desk, admin, USER, {"subOrderDuration": 2**31 - 1, "delayBeforeEmailNotification": 876_000})
    assert expires().startswith("2126-")
