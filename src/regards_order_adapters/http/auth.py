"""Who asks, and in which tenant (docs/rest.md)."""

from __future__ import annotations

from collections.abc import Mapping

from regards_order.domain.principal import Role, User
from regards_order_adapters.http.errors import TenantNotNamed, UnknownTenant
from regards_order_adapters.http.site import Site
from regards_order_adapters.tokens import Caller

NOBODY = User("public@regards.com", Role.PUBLIC)


def authenticate(site: Site, headers: Mapping[str, str], query: Mapping[str, str]) -> Caller:
    """Return the caller: who the bearer token names, else the public user of the tenant that ``scope`` names.

    Raises:
        Unauthenticated: the token cannot be used, or there is neither token nor scope.
        UnknownTenant: there is no such tenant.
    """
    token = _bearer(headers)
    if token is None:
        token = query.get("token") or None
    if token is not None:
        caller = site.tokens.verify(token)
    else:
        scope = headers.get("scope") or query.get("scope")
        if not scope:
            raise TenantNotNamed("no token and no scope")
        caller = Caller(scope, NOBODY)
    if caller.tenant not in site.tenants:
        raise UnknownTenant(caller.tenant)
    return caller


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
