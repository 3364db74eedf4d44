"""Commands that ask the catalogue and change nothing."""

from __future__ import annotations

import click

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import explain as explained
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.cli.shared import TENANT, Examples, open_configured, tenant_of
from regards_order_adapters.patterns import Re2Patterns


@click.command(
    cls=Examples,
    epilog="""
    regards-order explain 'cloud_cover:[0 TO 20] AND NOT title:test'
    regards-order explain --tenant lab -- '-title:test'
    """,
)
@click.argument("query")
@TENANT
def explain(query: str, tenant: str | None) -> None:
    """Tell what a Lucene QUERY means: its tree, fields and types, or where and why it is refused.

    Fields and types are those of the catalogue. A QUERY that begins with - goes after --. Exit code 1 if it is refused.
    """
    with open_configured() as service:
        attributes = SqlCatalog(service.store(tenant_of(service, tenant)), Re2Patterns()).attributes()
    try:
        click.echo(explained(query, attributes))
    except QueryRefused as refusal:
        click.echo(f"regards-order: {refusal.explain()}", err=True)
        raise SystemExit(1) from None
