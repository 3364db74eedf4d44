"""Tokens say who asks, and nobody else can make them."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import attrs
import pytest

from regards_order import Order, OrderStatus, Role, User
from regards_order.testing import ManualClock
from regards_order_adapters.tokens import (
    Caller,
    Grant,
    OrderTokenRefused,
    OrderTokens,
    TokenExpired,
    Tokens,
    Unauthenticated,
)

SECRET = "spec-secret-0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEF"
CLAIMS: dict[str, Any] = {
    "tenant": "default",
    "role": "REGISTERED_USER",
    "sub": "ana@example.org",
    "email": "ana@example.org",
    "exp": 4102444800,
}
PAYLOAD = (
    "eyJ0ZW5hbnQiOiJkZWZhdWx0Iiwicm9sZSI6IlJFR0lTVEVSRURfVVNFUiIsInN1YiI6ImFuYUBleGFtcGxlLm9yZyIsImVtYWlsIjoiYW5hQGV4"
    "YW1wbGUub3JnIiwiZXhwIjo0MTAyNDQ0ODAwfQ"
)
HS256 = f"eyJhbGciOiJIUzI1NiJ9.{PAYLOAD}.36RbWixkUiSsoSh-A-0JMBaoBvPR5c0kuifQGFDedBg"
HS512 = (
    f"eyJhbGciOiJIUzUxMiJ9.{PAYLOAD}."
    "FDyQc3KBl_nGf15lPRzOTRoGiin4VmeFrs0ZMVs3Jiw7o1VM56vBwmTg5f9k5T0tkt5b-dx1yVhTEnGACD4GWA"
)
ORDER_TOKEN = (
    "eyJhbGciOiJIUzI1NiJ9.eyJ0ZW5hbnQiOiJkZWZhdWx0Iiwicm9sZSI6IlJFR0lTVEVSRURfVVNFUiIsInN1YiI6ImFuYUBleGFtcGxlLm9yZyIs"
    "ImVtYWlsIjoiYW5hQGV4YW1wbGUub3JnIiwiT1JERVJfSUQiOiI1NCIsImV4cCI6NDEwMjQ0NDgwMH0"
    ".6jALsAYfGKzArqst1N1VZt-1tFl8hdFo5e0_gM6IQ18"
)


@pytest.fixture
def clock() -> ManualClock:
    """Return a clock that stands still."""
    return ManualClock()


@pytest.fixture
def tokens(clock: ManualClock) -> Tokens:
    """Return tokens with the secret of the check values."""
    return Tokens(SECRET, clock)


@pytest.mark.parametrize(("algorithm", "token"), [("HS256", HS256), ("HS512", HS512)])
def test_check_values_of_bearer_tokens(tokens: Tokens, algorithm: str, token: str) -> None:
    """Minting gives the check values to the bit, and verifying takes them."""
    assert tokens.mint(CLAIMS, algorithm) == token
    assert tokens.verify(token) == Caller("default", User("ana@example.org"))


def test_bearer_token_is_minted_as_regards_does(tokens: Tokens) -> None:
    """HS512, a header with nothing but the algorithm, and `sub` equal to `email`."""
    token = tokens.mint_bearer("default", User("ana@example.org"), dt.datetime(2100, 1, 1, tzinfo=dt.timezone.utc))
    assert token == HS512


def test_bearer_token_keeps_role_and_groups(tokens: Tokens, clock: ManualClock) -> None:
    """What was minted for a user names that user."""
    user = User("eve@example.org", Role.ADMIN, frozenset({"b", "a"}))
    token = tokens.mint_bearer("alps", user, clock.now() + dt.timedelta(seconds=1))
    assert tokens.verify(token) == Caller("alps", user)


def test_every_algorithm_shares_one_minimum(clock: ManualClock) -> None:
    """32 bytes are enough for all three, without a warning; 31 are not."""
    tokens = Tokens("x" * 32, clock)
    for algorithm in ("HS256", "HS384", "HS512"):
        assert tokens.verify(tokens.mint(CLAIMS, algorithm)).tenant == "default"
    with pytest.raises(ValueError, match="31 bytes is too short"):
        Tokens("x" * 31, clock)


def test_secret_counts_in_bytes_and_may_look_like_anything(clock: ManualClock) -> None:
    """16 characters of two bytes are 32 bytes; a secret that looks like a key of another kind is a secret."""
    for secret in ("é" * 16, b"\xff" * 32, '{"kty": "oct", "padding": "0123456789"}'):
        tokens = Tokens(secret, clock)
        assert tokens.verify(tokens.mint(CLAIMS)).tenant == "default"


def test_time_is_that_of_the_service(tokens: Tokens, clock: ManualClock) -> None:
    """A token is good before its last second and not from then on; there is no leeway."""
    now = int(clock.now().timestamp())
    token = tokens.mint({**CLAIMS, "exp": now + 1})
    assert tokens.verify(token)
    clock.advance(seconds=1)
    with pytest.raises(TokenExpired, match=r"^io\.jsonwebtoken\.ExpiredJwtException: .*0 s ago; log in again"):
        tokens.verify(token)


def test_token_that_is_not_valid_yet(tokens: Tokens, clock: ManualClock) -> None:
    """`nbf` is honoured; at its very second the token is good."""
    now = clock.now().timestamp()
    assert tokens.verify(tokens.mint({**CLAIMS, "nbf": now}))
    with pytest.raises(Unauthenticated, match="nbf"):
        tokens.verify(tokens.mint({**CLAIMS, "nbf": now + 0.5}))


def test_token_without_end_never_expires(tokens: Tokens, clock: ManualClock) -> None:
    """`exp` may be missing."""
    clock.advance(days=10_000)
    assert tokens.verify(tokens.mint({**CLAIMS, "exp": None}))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"tenant": None}, '"tenant" is missing'),
        ({"sub": None}, '"sub" is missing'),
        ({"email": None}, '"email" is missing'),
        ({"role": None}, '"role" is missing'),
        ({"tenant": ""}, '"tenant" is missing'),
        ({"email": 5}, '"email" is missing or is no text'),
        ({"exp": "4102444800"}, '"exp" is no number'),
        ({"exp": True}, '"exp" is no number'),
        ({"exp": float("nan")}, '"exp" is no number'),
        ({"exp": float("inf")}, '"exp" is no number'),
        ({"exp": 10**400}, '"exp" is no number'),
        ({"nbf": []}, '"nbf" is no number'),
        ({"accessGroups": "public"}, '"accessGroups" is no list'),
        ({"accessGroups": [5]}, '"accessGroups" is no list'),
        ({"accessGroups": ["\n"]}, "groups"),
        ({"email": "a\nb"}, "email"),
        ({"email": "x" * 129}, "email"),
        ({"email": "\ud800"}, "email"),
        ({"ORDER_ID": "54"}, "public token of an order"),
        ({"ORDER_ID": None}, "public token of an order"),
    ],
)
def test_wrong_claims(tokens: Tokens, changes: Mapping[str, Any], cause: str) -> None:
    """A claim that is missing, of a wrong type, or refused by the domain makes the token worthless."""
    with pytest.raises(Unauthenticated, match=cause) as refused:
        tokens.verify(tokens.mint({**CLAIMS, **changes}))
    assert refused.value.status == 401


def encoded(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def test_foreign_tokens(tokens: Tokens, clock: ManualClock) -> None:
    """Another secret, no signature, another algorithm, or no token at all."""
    unsigned = f"{encoded(json.dumps({'alg': 'none'}).encode())}.{PAYLOAD}."
    rsa = f"{encoded(json.dumps({'alg': 'RS256'}).encode())}.{PAYLOAD}.{HS256.rpartition('.')[2]}"
    swapped = f"{HS512.partition('.')[0]}.{PAYLOAD}.{HS256.rpartition('.')[2]}"
    other = Tokens("another" * 10, clock).mint(CLAIMS)
    for token in (
        other,
        unsigned,
        rsa,
        swapped,
        HS256[:-2],
        "",
        "a",
        "a.b.c",
        "é.é.é",
        HS256 + ".x",
        "." * 2,
        "\ud800",
    ):
        with pytest.raises(Unauthenticated):
            tokens.verify(token)


@pytest.mark.parametrize("payload", [b"", b"[]", b"5", b"{", b"\xff", b"[" * 100_000, b'{"exp":' + b"9" * 5000 + b"}"])
def test_signed_nonsense(tokens: Tokens, payload: bytes) -> None:
    """Even what is signed is judged."""
    token = tokens._signer.sign_payload(payload, "HS256")
    with pytest.raises(Unauthenticated):
        tokens.verify(token)


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("REGISTERED_USER", Role.REGISTERED_USER),
        ("ROLE_PROJECT_ADMIN", Role.PROJECT_ADMIN),
        ("PUBLIC", Role.PUBLIC),
        ("NOT_ADMIN", Role.PUBLIC),
        ("ROLE_", Role.PUBLIC),
        ("admin", Role.PUBLIC),
    ],
)
def test_roles(tokens: Tokens, name: str, role: Role) -> None:
    """The prefix may be there or not; a role of the site's own is that of the public."""
    user = tokens.verify(tokens.mint({**CLAIMS, "role": name})).user
    assert (user.role, user.service) == (role, False)


@pytest.mark.parametrize("name", ["SYS_RS_DELIVERY", "ROLE_SYS_RS_DELIVERY"])
def test_role_of_another_service(tokens: Tokens, name: str) -> None:
    """Another service of the platform may call everything."""
    assert tokens.verify(tokens.mint({**CLAIMS, "role": name})).user.service


def test_groups(tokens: Tokens) -> None:
    """The token names the user's groups; without the claim it is everybody's group."""
    assert tokens.verify(HS256).user.groups == {"public"}
    assert tokens.verify(tokens.mint({**CLAIMS, "accessGroups": ["a", "b"]})).user.groups == {"a", "b"}
    assert tokens.verify(tokens.mint({**CLAIMS, "accessGroups": []})).user.groups == set()


# --- public tokens of orders -----------------------------------------------------------------------------------------

ORDER_SECRET = "order-secret-0123456789abcdefghijklmnop"
ORDER_CLAIMS: dict[str, Any] = {**{name: CLAIMS[name] for name in CLAIMS if name != "exp"}, "ORDER_ID": "54"}
ORDER_CLAIMS["exp"] = CLAIMS["exp"]
PLACED = dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc)
ORDER = Order(
    id=54,
    owner="ana@example.org",
    label="Clear scenes",
    correlation_id="c",
    created=PLACED,
    status=OrderStatus.RUNNING,
    status_date=PLACED,
    hours=240,
    expires=dt.datetime.fromtimestamp(4102444800, dt.timezone.utc),
    listed=True,
)


@pytest.fixture
def order_tokens(clock: ManualClock) -> OrderTokens:
    """Return tokens of orders with the secret of the check value."""
    return OrderTokens(ORDER_SECRET, clock)


def test_check_value_of_an_order_token(order_tokens: OrderTokens) -> None:
    """Minting gives the check value to the bit, and verifying takes it."""
    assert order_tokens.mint(ORDER, "default") == ORDER_TOKEN
    assert order_tokens.verify(ORDER_TOKEN, "default") == 54
    assert order_tokens.grant(ORDER_TOKEN, "default") == Grant(54, "ana@example.org")


def test_order_token_names_the_owner_and_the_owners_role(order_tokens: OrderTokens) -> None:
    """Whoever asks for it, it is the owner's."""
    token = order_tokens.mint(attrs.evolve(ORDER, owner="eve@example.org", role=Role.ADMIN), "alps")
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert (claims["sub"], claims["email"], claims["role"]) == ("eve@example.org", "eve@example.org", "ADMIN")
    assert claims["tenant"] == "alps"


@pytest.mark.parametrize("changes", [{"expires": None}, {"listed": False}])
def test_order_without_expiration_date_has_no_token(order_tokens: OrderTokens, changes: Mapping[str, Any]) -> None:
    """Before its files are listed nobody knows when an order expires."""
    with pytest.raises(ValueError, match="54 has no expiration date yet"):
        order_tokens.mint(attrs.evolve(ORDER, **changes), "default")


def test_order_token_expires_with_the_order(order_tokens: OrderTokens, clock: ManualClock) -> None:
    """It is good before its last second and not from then on."""
    token = order_tokens.mint(attrs.evolve(ORDER, expires=clock.now() + dt.timedelta(seconds=2)), "default")
    clock.advance(seconds=1)
    assert order_tokens.verify(token, "default") == 54
    clock.advance(seconds=1)
    with pytest.raises(OrderTokenRefused, match=r"its token expired \d s ago") as refused:
        order_tokens.verify(token, "default")
    assert refused.value.status == 401


def test_order_token_opens_nothing_in_another_tenant(order_tokens: OrderTokens) -> None:
    """The order with the same number in another tenant stays shut."""
    for scope in ("alps", "", "DEFAULT"):
        with pytest.raises(OrderTokenRefused, match="not one of this scope"):
            order_tokens.verify(ORDER_TOKEN, scope)


@pytest.mark.parametrize(
    "changes",
    [
        {"ORDER_ID": None},
        {"ORDER_ID": ""},
        {"ORDER_ID": 54},
        {"ORDER_ID": True},
        {"ORDER_ID": "fifty"},
        {"ORDER_ID": "-54"},
        {"ORDER_ID": "54 "},
        {"ORDER_ID": "٥٤"},
        {"ORDER_ID": "9" * 5000},
        {"tenant": None},
        {"tenant": 5},
        {"sub": None},
        {"exp": None},
        {"exp": "4102444800"},
        {"exp": float("nan")},
        {"exp": True},
    ],
)
def test_wrong_claims_of_an_order_token(clock: ManualClock, changes: Mapping[str, Any]) -> None:
    """A claim that is missing or of a wrong type is 401, signed or not."""
    token = Tokens(ORDER_SECRET, clock).mint({**ORDER_CLAIMS, **changes}, "HS256")
    with pytest.raises(OrderTokenRefused, match="is not valid") as refused:
        OrderTokens(ORDER_SECRET, clock).verify(token, "default")
    assert refused.value.status == 401


def test_order_token_is_signed_by_hs256_alone(order_tokens: OrderTokens, clock: ManualClock) -> None:
    """The right secret with another algorithm is refused, as are other secrets and what is no token."""
    same_secret = Tokens(ORDER_SECRET, clock)
    unsigned = f"{encoded(json.dumps({'alg': 'none'}).encode())}.{ORDER_TOKEN.split('.')[1]}."
    refused = [same_secret.mint(ORDER_CLAIMS, algorithm) for algorithm in ("HS384", "HS512")]
    refused += [Tokens(SECRET, clock).mint(ORDER_CLAIMS, "HS256"), unsigned, ORDER_TOKEN[:-2], "", "a.b.c", "\ud800"]
    for token in refused:
        with pytest.raises(OrderTokenRefused):
            order_tokens.verify(token, "default")


def test_order_token_and_bearer_token_are_never_each_other(clock: ManualClock) -> None:
    """Not even when both have the same secret."""
    bearer, public = Tokens(ORDER_SECRET, clock), OrderTokens(ORDER_SECRET, clock)
    with pytest.raises(Unauthenticated, match="public token of an order"):
        bearer.verify(ORDER_TOKEN)
    with pytest.raises(OrderTokenRefused, match="ORDER_ID"):
        public.verify(bearer.mint(CLAIMS, "HS256"), "default")


def test_short_order_secret_is_refused(clock: ManualClock) -> None:
    """As that of bearer tokens."""
    with pytest.raises(ValueError, match="31 bytes is too short"):
        OrderTokens("x" * 31, clock)
