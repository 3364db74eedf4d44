"""The commands that run until they are told to stop: ``serve`` and ``worker``."""

from __future__ import annotations

import contextlib
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType

import attrs
import click

from regards_order.domain.errors import Fault
from regards_order.domain.principal import User
from regards_order_adapters import sample
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.load import load_files
from regards_order_adapters.config import PREFIX, Config, WrongConfiguration
from regards_order_adapters.http.app import create_app
from regards_order_adapters.http.server import serve
from regards_order_adapters.mail.build import check_mail
from regards_order_adapters.sample.external import served
from regards_order_adapters.tokens import Tokens
from regards_order_adapters.worker.loop import Worker

#: seconds in which a worker may end what it is doing, after the signal to stop
GRACE = 10.0
_USER = "lise.arnaud@obs.example"
_TENANT = "default"


def run_server(config: Config, host: str, port: int, *, worker: bool) -> None:
    """Serve until the process is told to stop.

    Raises:
        WrongConfiguration: there is no secret to verify tokens with.
        OSError: the address cannot be listened on.
    """
    secret = require_secret(config)
    with _listening(host, port) as listener:
        config = _with_address(config, listener)
        with open_service(config) as service:
            _serve(service, listener, secret, worker=worker, ready=_announce)


def run_demo_server(config: Config, host: str, port: int, *, worker: bool) -> None:
    """Serve the sample catalogue from a database that is thrown away, and print how to use it.

    Raises:
        OSError: the address cannot be listened on.
    """
    with TemporaryDirectory(prefix="regards-order-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        secret = config.jwt_secret or secrets.token_urlsafe(48)
        config = attrs.evolve(
            config,
            database_url=f"sqlite:///{folder / 'regards-order.db'}",
            storage_root=str(folder / "storage"),
            storage_nearline_seconds=3,
            external_allow=(*config.external_allow, "127.0.0.1"),
            tenants=(_TENANT,),
            jwt_secret=secret,
        )
        listener = stack.enter_context(_listening(host, port))
        config = _with_address(config, listener)
        external = stack.enter_context(served(sample.write_files(folder / "storage")))
        service = stack.enter_context(open_service(config))
        now = service.clock.now()
        load_files(service.store(_TENANT), _TENANT, [sample.write_catalogue(folder / "sample.ndjson", external)], now)
        token = Tokens(secret, service.clock).mint_bearer(_TENANT, User(_USER), now + timedelta(days=1))

        def ready(url: str) -> None:
            _announce(url)
            click.echo(_curl_lines(url + config.prefix, token))

        _serve(service, listener, secret, worker=worker, ready=ready)


def run_worker(config: Config) -> None:
    """Do background work until the process is told to stop."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    check_mail(config)
    with open_service(config) as service:
        worker = service.worker()
        worker.start()
        click.echo(f"regards-order works for {', '.join(config.tenants)}", err=True)
        stopping.wait()
        worker.stop(GRACE)


def require_secret(config: Config) -> str:
    """Return the secret that tokens are signed with.

    Raises:
        WrongConfiguration: there is none.
    """
    if config.jwt_secret is None:
        raise WrongConfiguration((Fault(PREFIX + "JWT_SECRET", "is not set; it needs at least 32 bytes"),))
    return config.jwt_secret


def _serve(
    service: Service, listener: socket.socket, secret: str, *, worker: bool, ready: Callable[[str], None]
) -> None:
    config, url = service.config, _url(listener)
    background: Worker | None = service.worker() if worker else None
    app = create_app(
        ordering=service.ordering,
        tenants=config.tenants,
        tokens=Tokens(secret, service.clock),
        public_url=config.public_url or url,
        prefix=config.prefix,
        ready=service.ready,
        changed=background.wake if background else lambda: None,
    )
    if background is not None:
        background.start()
    try:
        serve(app, listener, ready=lambda: ready(url))
    finally:
        if background is not None:
            background.stop(GRACE / 3)


def _with_address(config: Config, listener: socket.socket) -> Config:
    """Return the configuration with the address that links begin with.

    Raises:
        WrongConfiguration: mails need something that is not configured.
    """
    config = attrs.evolve(config, public_url=config.public_url or _url(listener))
    check_mail(config)
    return config


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    with listener:
        yield listener


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(url: str) -> None:
    click.echo(f"regards-order serves {url}", err=True)


def _curl_lines(base: str, token: str) -> str:
    return f"""
A token of {_USER}, good for a day:

  export TOKEN={token}

Fill a basket, order it, see what is ready (204: nothing yet, 206: some, 200: all), take the ZIP and one file:

  curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" {base}/order/basket/selection \\
    -d '{{"engineType": "legacy", "searchParameters": {{"q": ["cloud_cover:[0 TO 20]"]}}}}'
  curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" {base}/user/orders \\
    -d '{{"label": "Clear scenes"}}'
  curl -i -H "Authorization: Bearer $TOKEN" {base}/orders/1/files/available
  curl -OJ -H "Authorization: Bearer $TOKEN" {base}/user/orders/1/download
  curl -OJ -H "Authorization: Bearer $TOKEN" {base}/orders/files/1

Everything is thrown away when this ends (Ctrl-C).
"""
