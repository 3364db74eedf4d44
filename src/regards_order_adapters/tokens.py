"""Signed tokens: who asks, in which tenant (docs/rest.md).

PyJWT signs and verifies; what the claims mean is judged here, with the clock of the service.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

import attrs

from regards_order.domain.errors import InvalidInput, OrderingError
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


@attrs.frozen
class Caller:
    """Say who asks, and in which tenant."""

    tenant: str
    user: User


class _Hmac(HMACAlgorithm):
    """HMAC with a shared secret: one minimum length for all three algorithms, checked once and not at every call."""

    def prepare_key(self, key: str | bytes) -> bytes:
        """Return the bytes of the secret, whatever they look like."""
        return key.encode() if isinstance(key, str) else key

    def check_key_length(self, key: Any) -> str | None:
        """Find nothing wrong: `Tokens` refuses short secrets."""
        return None


def _secret_bytes(secret: str | bytes) -> bytes:
    data = secret.encode() if isinstance(secret, str) else secret
    if len(data) < SECRET_BYTES:
        raise ValueError(f"a secret of {len(data)} bytes is too short; at least {SECRET_BYTES} are needed")
    return data


class Tokens:
    """Mint and verify tokens with one shared secret.

    Args:
        secret: at least 32 bytes.
        clock: says what has expired.

    Raises:
        ValueError: the secret is too short.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        self._secret, self._clock = _secret_bytes(secret), clock
        self._jws = PyJWS(algorithms=[])
        for name, function in _ALGORITHMS.items():
            self._jws.register_algorithm(name, _Hmac(function))

    def mint(self, claims: Mapping[str, object], algorithm: str = "HS512") -> str:
        """Return a token with these claims, in their order; its header holds nothing but the algorithm."""
        payload = json.dumps(claims, separators=(",", ":")).encode()
        return self._jws.encode(payload, self._secret, algorithm, headers={"typ": None})

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
        claims = self._claims(token)
        if ORDER_ID in claims:
            raise Unauthenticated("it is the public token of an order, not that of a user")
        self._check_time(claims)
        tenant, _, email, role = (_text(claims, name) for name in ("tenant", "sub", "email", "role"))
        try:
            return Caller(tenant, _user(email, role, _groups(claims)))
        except InvalidInput as refusal:
            raise Unauthenticated(refusal.summary) from refusal

    def _claims(self, token: str) -> dict[str, Any]:
        try:
            payload = self._jws.decode(token, self._secret, algorithms=list(_ALGORITHMS))
            claims = json.loads(payload)
        except PyJWTError as refusal:
            raise Unauthenticated(str(refusal)) from refusal
        except (ValueError, RecursionError) as error:
            raise Unauthenticated("its claims are no JSON") from error
        if not isinstance(claims, dict):
            raise Unauthenticated("its claims are no JSON object")
        return claims

    def _check_time(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        expires, begins = _seconds(claims, "exp"), _seconds(claims, "nbf")
        if expires is not None and expires <= now:
            raise TokenExpired(f"{now - expires:.0f}")
        if begins is not None and begins > now:
            raise Unauthenticated("it is not valid yet (nbf)")


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
