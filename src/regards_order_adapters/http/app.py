"""The application: which endpoint answers which path (docs/rest.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from regards_order.application.ordering import Ordering
from regards_order.domain.principal import Role
from regards_order_adapters.http import basket, files, health, orders, quota, settings
from regards_order_adapters.http.answers import JSON, MULTIPART, Answer
from regards_order_adapters.http.calls import Endpoint, Resource, refuse, working
from regards_order_adapters.http.errors import UnknownPath, WrongVerb
from regards_order_adapters.http.middleware import Common, Prefixed
from regards_order_adapters.http.site import Limits, Site
from regards_order_adapters.tokens import Tokens

#: path → verb → endpoint; a path that names something stands before one with a variable in its place
ENDPOINTS: dict[str, dict[str, Endpoint]] = {
    "/order/basket": {
        "GET": Endpoint(working(basket.get_basket)),
        "DELETE": Endpoint(working(basket.empty_basket)),
    },
    "/order/basket/selection": {"POST": Endpoint(working(basket.add_selection), body=JSON)},
    "/order/basket/selection/upload": {"POST": Endpoint(working(basket.add_identifiers), body=MULTIPART)},
    "/order/basket/dataset/{datasetSelectionId}": {"DELETE": Endpoint(working(basket.remove_dataset))},
    "/order/basket/dataset/{datasetSelectionId}/updateFileFilters": {
        "PUT": Endpoint(working(basket.filter_files), body=JSON)
    },
    "/order/basket/dataset/{datasetSelectionId}/{itemsSelectionDate}": {
        "DELETE": Endpoint(working(basket.remove_item))
    },
    "/user/orders": {
        "GET": Endpoint(working(orders.list_orders)),
        "POST": Endpoint(working(orders.place_order), body=JSON),
    },
    "/user/orders/pause/{orderId}": {"PUT": Endpoint(working(orders.acting(Ordering.pause_order)))},
    "/user/orders/resume/{orderId}": {"PUT": Endpoint(working(orders.acting(Ordering.resume_order)))},
    "/user/orders/remove/{orderId}": {
        "DELETE": Endpoint(working(orders.acting(Ordering.remove_order)), role=Role.PROJECT_ADMIN)
    },
    "/user/orders/{orderId}": {
        "GET": Endpoint(working(orders.get_order)),
        "DELETE": Endpoint(working(orders.acting(Ordering.delete_order))),
    },
    "/user/orders/{orderId}/restart": {"POST": Endpoint(working(orders.restart_order), body=JSON)},
    "/user/orders/{orderId}/retry": {"PUT": Endpoint(working(orders.acting(Ordering.retry_order)))},
    "/user/orders/{orderId}/download": {"GET": Endpoint(orders.download_zip, download=True)},
    "/user/orders/{orderId}/files/available": {"GET": Endpoint(working(files.list_available))},
    "/user/orders/{orderId}/filesTask/{filesTaskId}/files/available": {"GET": Endpoint(working(files.list_available))},
    "/orders": {"POST": Endpoint(working(orders.place_application_order), role=Role.ADMIN, body=JSON)},
    "/orders/{orderId}/files/available": {"GET": Endpoint(working(files.list_available))},
    "/orders/{orderId}/filesTask/{filesTaskId}/files/available": {"GET": Endpoint(working(files.list_available))},
    "/orders/files/{dataFileId}": {"GET": Endpoint(files.download_file, download=True)},
    "/quota": {"GET": Endpoint(working(quota.own_limits), role=Role.PUBLIC)},
    "/quota/current": {"GET": Endpoint(working(quota.own_values), role=Role.PUBLIC)},
    "/quota/max": {"GET": Endpoint(working(quota.default_limit), role=Role.ADMIN)},
    "/quota/current/{user_email}": {"GET": Endpoint(working(quota.values_of), role=Role.PROJECT_ADMIN)},
    "/quota/{user_email}": {
        "GET": Endpoint(working(quota.limits_of), role=Role.PROJECT_ADMIN),
        "PUT": Endpoint(working(quota.set_limits), role=Role.PROJECT_ADMIN, body=JSON),
    },
    "/settings": {"GET": Endpoint(working(settings.list_settings), role=Role.ADMIN)},
    "/settings/{name}": {
        "PUT": Endpoint(working(settings.change_setting), role=Role.ADMIN, body=JSON),
        "DELETE": Endpoint(working(settings.reset_setting), role=Role.ADMIN),
    },
}


def create_app(
    *,
    ordering: Callable[[str], Ordering],
    tenants: Collection[str],
    tokens: Tokens,
    public_url: str,
    prefix: str = "/api/v1/rs-order",
    ready: Callable[[], Sequence[str]] = tuple,
    changed: Callable[[], None] = lambda: None,
    limits: Limits | None = None,
) -> ASGIApp:
    """Return the REST interface as an ASGI application, for a server or for mounting in another application.

    Args:
        ordering: tenant → its use cases; called in threads.
        tenants: the tenants that exist.
        tokens: verifies who asks.
        public_url: what links begin with, followed by the prefix.
        prefix: below which path the interface answers; `/health/live` and `/health/ready` are beside it.
        ready: says in a thread why the service is not ready; nothing when it is.
        changed: told, in a thread, when there may be work for a worker.
        limits: what keeps the process within its means.
    """
    segments = tuple(filter(None, prefix.split("/")))
    site = Site(
        ordering=ordering,
        tenants=tenants,
        tokens=tokens,
        base="/".join((public_url.rstrip("/"), *segments)),
        ready=ready,
        changed=changed,
        limits=limits or Limits(),
    )
    routes = [Route(path, Resource(site, endpoints)) for path, endpoints in ENDPOINTS.items()]
    beside: dict[str, ASGIApp] = {
        "/health/live": _open(site, health.live),
        "/health/ready": _open(site, health.ready),
    }
    inside = Router(routes, redirect_slashes=False, default=_nothing(site))
    return Common(Prefixed(segments, inside, beside, _nowhere))


def _open(site: Site, answer: Callable[[Site], Awaitable[Answer]]) -> ASGIApp:
    """Return an application that answers GET and HEAD to anybody."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            await refuse(WrongVerb(scope["method"], scope["path"], "GET, HEAD"), scope, receive, send)
            return
        await (await answer(site)).send(scope, receive, send)

    return app


def _nothing(site: Site) -> ASGIApp:
    """Return what answers below the prefix where there is nothing; only known callers learn that."""
    resource = Resource(site, {})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        await resource(scope, receive, send)

    return app


async def _nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    await refuse(UnknownPath(scope["path"]), scope, receive, send)
