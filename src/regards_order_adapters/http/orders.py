"""Orders: place them, look at them, take their ZIP (docs/rest.md)."""

from __future__ import annotations

from typing import Any

from regards_order.domain.errors import StorageUnavailable
from regards_order.domain.order import Order
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
    label, frontend_url = read_order_request(call.json())
    order = call.ordering.place_order(call.user, label=label, frontend_url=frontend_url)
    call.site.changed()
    return call.answer(_written_one(call, order), 201)


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
