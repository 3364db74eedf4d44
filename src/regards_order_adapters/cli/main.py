"""The commands and their exit codes (docs/configuration.md): 0 done, 1 failed, 2 wrong use, 130 interrupted."""

from __future__ import annotations

import logging
import math
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from regards_order.domain.errors import InvalidInput, OrderingError
from regards_order.domain.text import is_unicode
from regards_order_adapters.bootstrap import open_database
from regards_order_adapters.catalog.load import Loaded
from regards_order_adapters.cli.ask import explain
from regards_order_adapters.cli.output import make_console, make_progress
from regards_order_adapters.cli.shared import TENANT, Group, open_configured, read_settings, role_of, tenant_of
from regards_order_adapters.cli.users import users
from regards_order_adapters.config import WrongConfiguration
from regards_order_adapters.sql.migrate import CURRENT, DatabaseUnusable, SchemaTooNew, SchemaTooOld

_WRONG_USE = (WrongConfiguration, SchemaTooOld, SchemaTooNew, DatabaseUnusable, InvalidInput)


class _Hours(click.FloatRange):
    """Hours; "nan" is a float in every range."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        hours = super().convert(value, param, ctx)
        if math.isnan(hours):
            self.fail(f'"{value}" is no number of hours', param, ctx)
        return hours


_HOURS = _Hours(0, 1e6)


@click.group(
    cls=Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="""
    regards-order demo
    regards-order catalog scan ~/Pictures
    REGARDS_ORDER_DATABASE_URL=sqlite:////tmp/orders.db regards-order users add lise@obs.example
    """,
)
@click.version_option(package_name="regards-order", prog_name="regards-order")
def cli() -> None:
    """Order products of a space-data centre: baskets, orders, suborders, downloads.

    Configured by REGARDS_ORDER_… variables, or by a TOML file named by REGARDS_ORDER_CONFIG.

    Exit codes: 0 done; 1 the work failed; 2 wrong option, configuration or schema; 130 interrupted.
    """


@cli.command(
    epilog="""
    regards-order demo
    regards-order demo --keep /tmp/demo && unzip -t /tmp/demo/order_*.zip
    """
)
@click.option("--keep", metavar="DIR", type=click.Path(path_type=Path), help="Leave database, files and ZIP in DIR.")
def demo(keep: Path | None) -> None:
    """Tell the whole story in under a minute, on a database and files in a temporary folder."""
    from regards_order_adapters.cli.demo import run_demo

    if not run_demo(make_console(), keep):
        raise SystemExit(1)


@cli.command(epilog="regards-order migrate")
def migrate() -> None:
    """Bring the database to the current schema; on SQLite the other commands do it by themselves."""
    from regards_order_adapters.sql.migrate import migrate as bring

    engine = open_database(read_settings())
    try:
        before, after = bring(engine)
    finally:
        engine.dispose()
    state = f"is now {after}, was {before}" if before != after else f"is {after} already"
    click.echo(f"schema of {engine.url.render_as_string()} {state} (this program needs {CURRENT})")


@cli.command(
    epilog="""
    regards-order serve --demo
    REGARDS_ORDER_JWT_SECRET=$(cat secret) regards-order serve --host 0.0.0.0 --port 8080
    """
)
@click.option("--host", metavar="H", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", metavar="P", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0 = any.")
@click.option("--no-worker", is_flag=True, help="Leave background work to regards-order worker.")
@click.option("--demo", is_flag=True, help="Serve the sample from a database that is thrown away; print curl lines.")
def serve(host: str, port: int, no_worker: bool, demo: bool) -> None:
    """Serve the REST interface, and do background work beside it.

    SIGTERM and Ctrl-C end it: running downloads get 10 s, what it had claimed is given back.
    """
    from regards_order_adapters.cli.serve import run_demo_server, run_server

    run = run_demo_server if demo else run_server
    run(read_settings(logging.INFO), host, port, worker=not no_worker)


@cli.command(epilog="regards-order worker")
def worker() -> None:
    """Do background work alone: list the files of orders, give out slots, ask the storage, take its answers.

    Any number of workers may run against one PostgreSQL.
    """
    from regards_order_adapters.cli.serve import run_worker

    run_worker(read_settings(logging.INFO))


@cli.command(
    epilog="""
    regards-order token lise@obs.example
    regards-order token karim@obs.example --role PROJECT_ADMIN --tenant lab --hours 2
    """
)
@click.argument("email")
@click.option("--role", metavar="R", default="REGISTERED_USER", show_default=True, help="Place on the ladder of roles.")
@click.option("--hours", metavar="N", type=_HOURS, default=24, show_default=True, help="Good for.")
@TENANT
def token(email: str, role: str, hours: float, tenant: str | None) -> None:
    """Print a bearer token for EMAIL, signed with the configured secret."""
    from datetime import timedelta

    from regards_order.domain.principal import User
    from regards_order_adapters.cli.serve import require_secret
    from regards_order_adapters.system import SystemClock
    from regards_order_adapters.tokens import Tokens

    config = read_settings()
    name, clock = tenant or config.tenants[0], SystemClock()
    if name not in config.tenants:
        raise click.BadParameter(f'"{name}" is none of {", ".join(config.tenants)}', param_hint="--tenant")
    user = User(email, role_of(role))
    click.echo(Tokens(require_secret(config), clock).mint_bearer(name, user, clock.now() + timedelta(hours=hours)))


cli.add_command(explain)
cli.add_command(users)


@cli.group(cls=Group)
def catalog() -> None:
    """Fill the catalogue."""


@catalog.command(
    "import",
    epilog="""
    regards-order catalog import products.ndjson
    regards-order catalog import 2025.jsonl.gz 2026.geojson --tenant lab
    """,
)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@TENANT
def import_(files: tuple[Path, ...], tenant: str | None) -> None:
    """Load products and datasets from NDJSON or GeoJSON FILES, packed with gzip or not.

    A refused line never stops the rest; exit code 1 if any was refused.
    """
    from regards_order_adapters.catalog.load import load_files

    console = make_console()
    with open_configured() as service, make_progress(make_console(stderr=True), sizes=True) as progress:
        tenant = tenant_of(service, tenant)
        bar = progress.add_task("reading", total=sum(path.stat().st_size for path in files))
        now = service.clock.now()
        loaded = load_files(service.store(tenant), tenant, files, now, lambda step: progress.advance(bar, step))
    for refusal in loaded.refusals:
        console.out(f"{refusal.source}: line {refusal.number} refused: {refusal.cause}")
    _summarise(console, loaded)


@catalog.command(
    epilog=r"""
    regards-order catalog scan /usr/share/doc
    regards-order catalog scan S2/ --dataset SENTINEL2-L1C --product '(S2[AB]_\w+?)_B\d+'
    """
)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dataset", metavar="NAME", help="Name of the dataset; the folder's own unless given.")
@click.option("--product", metavar="REGEX", help="Expression whose first group, in a file's path, names its product.")
@TENANT
def scan(folder: Path, dataset: str | None, product: str | None, tenant: str | None) -> None:
    """Make a catalogue out of the files below DIR, which stay where they are.

    One product per file unless --product groups them; image files named like a data file plus _quicklook, _ql or
    .thumb become its quicklook. Exit code 1 if a file could not be read.
    """
    from regards_order_adapters.catalog.scan import compile_product
    from regards_order_adapters.catalog.scan import scan as run

    if not folder.is_dir():
        raise click.BadParameter(f'"{folder}" is no folder', param_hint="DIR")
    console = make_console()
    expression = compile_product(product)
    with open_configured() as service, make_progress(make_console(stderr=True)) as progress:
        tenant = tenant_of(service, tenant)

        def start(total: int) -> Callable[[int], None]:
            bar = progress.add_task("reading", total=total)
            return lambda step: progress.advance(bar, step)

        loaded = run(
            service.store(tenant),
            tenant,
            folder,
            service.clock.now(),
            dataset=dataset,
            product=expression,
            progress=start,
        )
    shown = 20
    for skipped in loaded.skipped[:shown]:
        console.out(f"{skipped.source}: left out: {skipped.cause}")
    if len(loaded.skipped) > shown:
        console.out(f"… and {len(loaded.skipped) - shown} more left out")
    for refusal in loaded.refusals:
        console.out(f"{refusal.source}: refused: {refusal.cause}")
    _summarise(console, loaded)


def _summarise(console: Console, loaded: Loaded) -> None:
    written = loaded.written
    console.out(f"{written.added} added, {written.replaced} replaced, {len(loaded.refusals)} refused")
    if loaded.interrupted:
        console.out("interrupted: what came in stays; run it again for the rest")
        raise SystemExit(130)
    if loaded.refusals:
        raise SystemExit(1)


def _main(arguments: Sequence[str]) -> None:
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # the caller closed it
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115 -- it lives as long as we do
    for argument in arguments:
        if not is_unicode(argument):
            raise click.UsageError(f"{argument!a} is not UTF-8")
    cli.main(list(arguments), prog_name="regards-order", standalone_mode=False)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a user's mistake is one line on standard error."""
    try:
        _main(arguments)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except SystemExit as end:
        return int(end.code or 0)
    except OrderingError as error:
        click.echo(f"regards-order: {error}".replace("\n", " "), err=True)
        return 2 if isinstance(error, _WRONG_USE) else 1
    except (KeyboardInterrupt, click.Abort):
        click.echo("regards-order: interrupted", err=True)
        return 130
    except BrokenPipeError:
        # whoever read our output has gone; the interpreter must not try to write the rest
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        click.echo(f"regards-order: {error}", err=True)
        return 1
    return 0
