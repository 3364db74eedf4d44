"""Orders: place them, look at them, let something happen to them, take their ZIP (docs/rest.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from regards_order.application.ordering import Ordering
from regards_order.domain.errors import StorageUnavailable
from regards_order.domain.order import Order
from regards_order.domain.principal import User
from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.blocks import Body
from regards_order_adapters.http.calls import Call, Sendable
from regards_order_adapters.http.links import order_links
from regards_order_adapters.http.pages import Page
from regards_order_adapters.http.reading import read_order_request
from regards_order_adapters.http.streams import Download
from regards_order_adapters.http.wire import wrapped, write_order

_PAGE = 20


def place_order(call: Call) -> Answer:
    """Turn the basket into an order; without basket the answer is empty."""
    return _place(call, application=False)


def place_application_order(call: Call) -> Answer:
    """Turn the basket into an order for a program; without basket the answer is empty."""
    return _place(call, application=True)


def _place(call: Call, *, application: bool) -> Answer:
    label, frontend_url = read_order_request(call.json())
    return _placed(
        call,
        call.ordering.place_order(call.user, label=label, frontend_url=frontend_url, application=application),
    )


def restart_order(call: Call) -> Answer:
    """Order the same once more, for the owner of the order, and return the new one."""
    order_id = call.id("orderId")
    label, frontend_url = read_order_request(call.json())
    return _placed(call, call.ordering.restart_order(call.user, order_id, label=label, frontend_url=frontend_url))


def _placed(call: Call, order: Order) -> Answer:
    call.site.changed()
    return call.answer(_written_one(call, order), 201)


def acting(act: Callable[[Ordering, User, int], object]) -> Callable[[Call], Answer]:
    """Return an endpoint that lets something happen to an order; its answer is empty."""

    def answer(call: Call) -> Answer:
        order_id = call.id("orderId")
        act(call.ordering, call.user, order_id)
        # even what ends an order gives work: a slot of its owner may be free
        call.site.changed()
        return Answer(200)

    return answer


def list_orders(call: Call) -> Answer:
    """Return a page of the caller's orders, the newest first."""
    page = Page.asked(call.request.query_params, _PAGE)
    listed = call.ordering.page_orders(call.user, offset=page.offset, limit=page.size)
    items = _written(call, *listed.items)
    return call.answer(page.frame(f"{call.site.base}/user/orders", listed.total, items))


def get_order(call: Call) -> Answer:
    """Return one order."""
    return call.answer(_written_one(call, call.ordering.get_order(call.user, call.id("orderId"))))


async def download_zip(call: Call) -> Sendable:
    """Return the ZIP of what is available; the states of its files change when all of it was handed over."""
    order_id = call.id("orderId")
    delivery = await call.site.work(lambda: call.ordering.open_zip(call.user, order_id))
    headers = {
        "content-type": "application/octet-stream",
        "content-disposition": f"attachment;filename={delivery.name}",
    }
    if call.head:
        return Answer(200, headers=headers, sized=False)
    body = Body(
        headers=headers,
        size=None,
        chunks=delivery,
        confirm=delivery.confirm,
        close=_nothing,
        progress=lambda: (delivery.files, len(delivery.failures)),
    )
    return Download(
        site=call.site,
        opener=lambda: body,
        late=StorageUnavailable("the archive did not begin"),
        subject={"order_id": order_id},
    )


def _nothing() -> None:
    """A ZIP holds sources only while it is read."""


def _written_one(call: Call, order: Order) -> dict[str, Any]:
    return _written(call, order)[0]


def _written(call: Call, *orders: Order) -> list[dict[str, Any]]:
    possible = call.ordering.possible_events(orders)
    return [
        wrapped(write_order(order), order_links(call.site.base, order, events, call.user))
        for order, events in zip(orders, possible, strict=True)
    ]
