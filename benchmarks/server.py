"""The server of `served`: the application as it is, and beside it what it is compared with.

``/plain/ORDER`` streams the files of an order one after the other, verified like all downloads, without ZIP;
``/file/PATH`` is Starlette's own FileResponse.  Run as ``python server.py DATABASE_URL STORAGE_ROOT SECRET``.
"""

from __future__ import annotations

import functools
import socket
import sys
from collections.abc import Generator

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

from regards_order import Ordering, StoreUnavailable, User
from regards_order.application.sources import open_source, read_verified
from regards_order_adapters.bootstrap import open_service
from regards_order_adapters.config import Config
from regards_order_adapters.http.app import create_app
from regards_order_adapters.http.blocks import Body
from regards_order_adapters.http.server import serve
from regards_order_adapters.http.site import Limits, Site
from regards_order_adapters.http.streams import Download
from regards_order_adapters.tokens import Tokens

USER = User("bench@obs.example")


def contents(ordering: Ordering, order_id: int) -> Generator[bytes, None, None]:
    after = 0
    while page := ordering.list_files(USER, order_id, after=after):
        for file in page:
            source = open_source(ordering, file)
            yield from read_verified(source, file)
            source.close()
        after = page[-1].id


def plain(ordering: Ordering, order_id: int) -> Body:
    chunks = contents(ordering, order_id)
    return Body(
        headers={"content-type": "application/octet-stream"},
        size=None,
        chunks=chunks,
        confirm=lambda: None,
        close=chunks.close,
    )


def main(url: str, root: str, secret: str) -> None:
    config = Config(database_url=url, storage_root=root, max_suborders_per_user=10_000)
    with open_service(config) as service, socket.create_server(("127.0.0.1", 0)) as listener:
        ordering, worker = service.ordering("default"), service.worker()
        tokens = Tokens(secret, service.clock)
        app = create_app(ordering=service.ordering, tenants=["default"], tokens=tokens, public_url="http://127.0.0.1")
        site = Site(
            ordering=service.ordering,
            tenants=["default"],
            tokens=tokens,
            base="",
            ready=tuple,
            changed=lambda: None,
            limits=Limits(),
        )

        async def beside(scope: Scope, receive: Receive, send: Send) -> None:
            kind, _, rest = scope.get("path", "").removeprefix("/").partition("/")
            if kind == "file":
                await FileResponse(f"/{rest}")(scope, receive, send)
            elif kind == "plain":
                await Download(
                    site=site,
                    opener=functools.partial(plain, ordering, int(rest)),
                    late=StoreUnavailable("it took too long"),
                    subject={},
                ).send(scope, receive, send)
            else:
                await app(scope, receive, send)

        worker.start()
        port = listener.getsockname()[1]
        serve(beside, listener, ready=lambda: print(port, flush=True))
        worker.stop(5)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3])
