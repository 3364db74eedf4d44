"""Signed tokens: who asks, in which tenant (docs/rest.md), and which order a public link opens (docs/notifications.md).

PyJWT signs and verifies; what the claims mean is judged here, with the clock of the service.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from regards_order.domain.errors import InvalidInput, OrderingError
from regards_order.domain.order import Order
from regards_order.domain.principal import Role, User
from regards_order.domain.product import PUBLIC
from regards_order.ports.clock import Clock
from regards_order_adapters.extras import require

require("http", "jwt")

from jwt import PyJWS  # noqa: E402 -- after its absence was explained
from jwt.algorithms import HMACAlgorithm  # noqa: E402
from jwt.exceptions import PyJWTError  # noqa: E402

SECRET_BYTES = 32
ORDER_ID = "ORDER_ID"
_FAR = 1e15  # seconds; beyond it, or NaN, is no time
_ORDER_ALGORITHM = "HS256"
_ORDER_ID_DIGITS = 19  # fewer digits than this fit into the 64 bits of an id
_ALGORITHMS = {"HS256": HMACAlgorithm.SHA256, "HS384": HMACAlgorithm.SHA384, "HS512": HMACAlgorithm.SHA512}


@attrs.define(eq=False)
class Unauthenticated(OrderingError):
    """The bearer token cannot be used: {self.cause}."""

    code = "UNAUTHENTICATED"
    status = 401
    cause: str


@attrs.define(eq=False)
class TokenExpired(Unauthenticated):
    """io.jsonwebtoken.ExpiredJwtException: the bearer token expired {self.cause} s ago; log in again."""

    # the front end looks for the Java name to say that the session is over
    code = "TOKEN_EXPIRED"


@attrs.define(eq=False)
class OrderTokenRefused(OrderingError):
    """The link cannot be used: its token {self.cause}. The owner of the order finds a new one on its page."""

    # not `Unauthenticated`: download clients ask people for a password when a 401 names a way to log in
    code = "ORDER_TOKEN_REFUSED"
    status = 401
    cause: str


@attrs.frozen
class Caller:
    """Say who asks, and in which tenant."""

    tenant: str
    user: User


@attrs.frozen
class Grant:
    """Say what the token of an order opens: the order, as its owner.

    Attributes:
        order_id: the order.
        owner: e-mail of who owned it when the token was made.
    """

    order_id: int
    owner: str


class _Hmac(HMACAlgorithm):
    """HMAC with a shared secret: one minimum length for all three algorithms, checked once and not at every call."""

    def prepare_key(self, key: str | bytes) -> bytes:
        """Return the bytes of the secret, whatever they look like."""
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: Any) -> str | None:
        """Find nothing wrong: short secrets were refused before."""
        return None


def _secret_bytes(secret: str | bytes) -> bytes:
    data = secret.encode() if isinstance(secret, str) else secret
    if len(data) < SECRET_BYTES:
        raise ValueError(f"a secret of {len(data)} bytes is too short; at least {SECRET_BYTES} are needed")
    return data


class _Signer:
    """Sign and read claims with one secret and a few algorithms."""

    def __init__(self, secret: str | bytes, algorithms: Iterable[str]) -> None:
        self._secret = _secret_bytes(secret)
        self._jws = PyJWS(algorithms=[])
        self._names = list(algorithms)
        for name in self._names:
            self._jws.register_algorithm(name, _Hmac(_ALGORITHMS[name]))

    def sign(self, claims: Mapping[str, object], algorithm: str) -> str:
        """Return a token with these claims, in their order; its header holds nothing but the algorithm."""
        return self.sign_payload(json.dumps(claims, separators=(",", ":")).encode(), algorithm)

    def sign_payload(self, payload: bytes, algorithm: str) -> str:
        """Return a token around any bytes."""
        return self._jws.encode(payload, self._secret, algorithm, headers={"typ": None})

    def read(self, token: str) -> dict[str, Any]:
        """Return the claims of a token.

        Raises:
            Unauthenticated: it is no token, or not signed with the secret.
        """
        try:
            payload = self._jws.decode(token, self._secret, algorithms=self._names)
            claims = json.loads(payload)
        except PyJWTError as refusal:
            raise Unauthenticated(str(refusal)) from refusal
        except (ValueError, RecursionError) as error:
            raise Unauthenticated("its claims are no JSON") from error
        if not isinstance(claims, dict):
            raise Unauthenticated("its claims are no JSON object")
        return claims


class Tokens:
    """Mint and verify tokens with one shared secret.

    Args:
        secret: at least 32 bytes.
        clock: says what has expired.

    Raises:
        ValueError: the secret is too short.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        self._signer, self._clock = _Signer(secret, _ALGORITHMS), clock

    def mint(self, claims: Mapping[str, object], algorithm: str = "HS512") -> str:
        """Return a token with these claims, in their order; its header holds nothing but the algorithm."""
        return self._signer.sign(claims, algorithm)

    def mint_bearer(self, tenant: str, user: User, expires: dt.datetime) -> str:
        """Return a bearer token for *user* that is good until *expires*, as REGARDS issues them (docs/rest.md)."""
        claims: dict[str, object] = {
            "tenant": tenant,
            "role": user.role.name,
            "sub": user.email,
            "email": user.email,
            "exp": int(expires.timestamp()),
        }
        if user.groups != PUBLIC:
            claims["accessGroups"] = sorted(user.groups)
        return self.mint(claims)

    def verify(self, token: str) -> Caller:
        """Return the caller whom a bearer token names (docs/rest.md).

        Raises:
            TokenExpired: its time is over; there is no leeway.
            Unauthenticated: it is no token, not signed with the secret, not valid yet, lacks a claim, or is the public
                token of an order.
        """
        claims = self._signer.read(token)
        if ORDER_ID in claims:
            raise Unauthenticated("it is the public token of an order, not that of a user")
        self._check_time(claims)
        tenant, _, email, role = (_text(claims, name) for name in ("tenant", "sub", "email", "role"))
        try:
            return Caller(tenant, _user(email, role, _groups(claims)))
        except InvalidInput as refusal:
            raise Unauthenticated(refusal.summary) from refusal

    def _check_time(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        expires, begins = _seconds(claims, "exp"), _seconds(claims, "nbf")
        if expires is not None and expires <= now:
            raise TokenExpired(f"{now - expires:.0f}")
        if begins is not None and begins > now:
            raise Unauthenticated("it is not valid yet (nbf)")


class OrderTokens:
    """Mint and verify the public tokens of orders (docs/notifications.md): HS256, with a secret of their own.

    Args:
        secret: at least 32 bytes; not the one of bearer tokens.
        clock: says what has expired.

    Raises:
        ValueError: the secret is too short.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        self._signer, self._clock = _Signer(secret, [_ORDER_ALGORITHM]), clock

    def mint(self, order: Order, tenant: str) -> str:
        """Return a token that opens *order* for whoever bears it, in the name of its owner, until the order expires.

        Raises:
            ValueError: its files are not listed yet, so nobody knows when it expires.
        """
        if order.expires is None or not order.listed:
            raise ValueError(f"order {order.id} has no expiration date yet")
        claims = {
            "tenant": tenant,
            "role": order.role.name,
            "sub": order.owner,
            "email": order.owner,
            ORDER_ID: str(order.id),
            "exp": int(order.expires.timestamp()),
        }
        return self._signer.sign(claims, _ORDER_ALGORITHM)

    def verify(self, token: str, scope: str) -> int:
        """Return the id of the order that a token opens in the tenant *scope*; there is no leeway.

        Raises:
            OrderTokenRefused: it is no token of an order, or of another tenant, not signed with the secret by HS256, or
                its time is over.
        """
        return self.grant(token, scope).order_id

    def grant(self, token: str, scope: str) -> Grant:
        """Return what a token opens in the tenant *scope*; its owner is to be compared with that of the order.

        Raises:
            OrderTokenRefused: as `verify` says.
        """
        try:
            claims = self._signer.read(token)
            expires, number = _seconds(claims, "exp"), _text(claims, ORDER_ID)
            tenant, owner = _text(claims, "tenant"), _text(claims, "sub")
        except Unauthenticated as refusal:
            raise OrderTokenRefused(f"is not valid: {refusal.cause}") from refusal
        if expires is None or not (number.isdecimal() and number.isascii() and len(number) < _ORDER_ID_DIGITS):
            raise OrderTokenRefused('is not valid: its claim "exp" is missing or ORDER_ID is no number')
        if tenant != scope:
            raise OrderTokenRefused("is not one of this scope")
        now = self._clock.now().timestamp()
        if expires <= now:
            raise OrderTokenRefused(f"expired {now - expires:.0f} s ago")
        return Grant(int(number), owner)


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise Unauthenticated(f'its claim "{name}" is missing or is no text')
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _FAR:
        raise Unauthenticated(f'its claim "{name}" is no number of seconds')
    return value


def _groups(claims: Mapping[str, Any]) -> frozenset[str]:
    groups = claims.get("accessGroups")
    if groups is None:
        return PUBLIC
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        raise Unauthenticated('its claim "accessGroups" is no list of texts')
    return frozenset(groups)


def _user(email: str, name: str, groups: frozenset[str]) -> User:
    """Return the user; a role that only the site knows stands at the foot of the ladder."""
    name = name.removeprefix("ROLE_")
    if name.startswith("SYS_"):
        return User(email, Role.REGISTERED_USER, groups, service=True)
    return User(email, Role[name] if name in Role.__members__ else Role.PUBLIC, groups)
