"""Links (docs/rest.md): of an order, what its state and the caller's role allow; whose it is does not matter."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from regards_order.application.tenant_settings import TenantSetting
from regards_order.domain.order import Order, OrderEvent, OrderStatus
from regards_order.domain.principal import Role, User

_ACTIONS = (
    ("pause", OrderEvent.PAUSE, "/user/orders/pause/{id}"),
    ("resume", OrderEvent.RESUME, "/user/orders/resume/{id}"),
    ("delete", OrderEvent.DELETE, "/user/orders/{id}"),
    ("remove", OrderEvent.REMOVE, "/user/orders/remove/{id}"),
    ("restart", OrderEvent.RESTART, "/user/orders/{id}/restart"),
    ("retry", OrderEvent.RETRY, "/user/orders/{id}/retry"),
)


def order_links(base: str, order: Order, events: Collection[OrderEvent], user: User) -> list[dict[str, str]]:
    """Return the links of an order, in whose state *events* may happen, for *user*; each begins with *base*."""
    links = _links(order, events, user)
    return [{"rel": rel, "href": base + path.format(id=order.id)} for rel, path in links]


def _links(order: Order, events: Collection[OrderEvent], user: User) -> Iterator[tuple[str, str]]:
    yield "self", "/user/orders/{id}"
    yield "list", "/user/orders"
    if order.status is not OrderStatus.DELETED and order.available > 0:
        yield "download", "/user/orders/{id}/download"
    for rel, event, path in _ACTIONS:
        open_to_caller = rel != "remove" or user.service or user.role.rank >= Role.PROJECT_ADMIN.rank
        if open_to_caller and event in events:
            yield rel, path


def setting_links(base: str, setting: TenantSetting) -> list[dict[str, str]]:
    """Return the links of a setting, whose caller may change it; what has its default need not be reset."""
    one = f"{base}/settings/{setting.name}"
    links = [{"rel": "self", "href": f"{base}/settings"}, {"rel": "update", "href": one}]
    return links if setting.value == setting.default else [*links, {"rel": "reset", "href": one}]
