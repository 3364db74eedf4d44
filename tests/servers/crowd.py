"""Catalogues of many products, made by the database itself in seconds; needs no pytest, as benchmarks use it too."""

from __future__ import annotations

import attrs
import sqlalchemy as sa

from regards_order.testing import make_dataset, make_file, make_product
from regards_order_adapters.catalog.write import put
from regards_order_adapters.sql.unit_of_work import SqlStore

#: holds every product
FILMS = make_dataset("films")
#: holds each third one as well
THIRDS = make_dataset("thirds")
#: only its group sees it, although it holds each fifth product
CLOSED = attrs.evolve(make_dataset("closed"), groups=frozenset({"lab-team"}))

_FIRST = 100
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
#: the order of the URNs is not that of the numbers
_STEM = "'URN:AIP:DATA:default:00000000-0000-0000-0000-' || "
_URN = {
    "sqlite": f"{_STEM} printf('%012x', n * 7919 % 1000003)",
    "postgresql": f"{_STEM} lpad(to_hex(n::bigint * 7919 % 1000003), 12, '0')",
}
_PRODUCTS = """INSERT INTO products {numbers} SELECT {first} + n, tenant_id, {urn} || ':V1', 'film_' || n, 'film_' || n,
    model, version, last, properties, geometry, group_set_id, creation_date, last_update, file_count, {urn} || ':LAST',
    west, south, east, north FROM products CROSS JOIN numbers WHERE id < {first}"""
_TAGS = """INSERT INTO product_tags SELECT tenant_id, {tag}, urn, id FROM products
    WHERE id > {first} AND (id - {first}) % {step} = 0"""
_FILES = """INSERT INTO product_files {numbers} SELECT tenant_id, {first} + n, position, data_type, filename, uri,
    mime_type, size, checksum, digest_algorithm, online, reference FROM product_files CROSS JOIN numbers
    WHERE product_id < {first} AND (position = 0 OR n % 20 < 10)"""
_VALUES = """INSERT INTO product_values (tenant_id, product_id, name, position, kind, text, integer, number) {numbers}
    SELECT tenant_id, {first} + n, name, 0, kind, {text}, {number}, {number} FROM product_values CROSS JOIN numbers
    WHERE product_id < {first} AND name = {name}"""


def fill(store: SqlStore, count: int) -> None:
    """Put many products into an empty catalogue on SQLite or PostgreSQL, and let PostgreSQL look at them.

    Product ``film_n`` has the title "Film number n", the altitude n, and the platform "S0" to "S9": its last digit.
    Half of those of each platform have a quicklook beside their file.

    Args:
        store: of an empty database.
        count: how many, at most 1,000,000.
    """
    first = make_product(
        "first",
        make_file("a.nc", b"123"),
        make_file("a.png", b"12345"),
        datasets=(FILMS,),
        properties={"title": "Film", "platform": "S", "altitude": 0},
    )
    put(store, [FILMS, THIRDS, CLOSED], [first])
    with store.write() as tx:
        tx.scope.be_patient()
        connection = tx.scope.connection
        for statement in _statements(connection.dialect.name, count):
            connection.execute(sa.text(statement.replace(":", r"\:")))
    if connection.dialect.name == "postgresql":
        with connection.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as own:
            own.exec_driver_sql("SET statement_timeout = 0")
            own.exec_driver_sql("VACUUM ANALYZE")


def _statements(dialect: str, count: int) -> list[str]:
    known = {"first": _FIRST, "urn": _URN[dialect], "numbers": _NUMBERS.format(count=count)}
    tags = {f"'{FILMS.urn}'": 1, f"'{THIRDS.urn}'": 3, f"'{CLOSED.urn}'": 5, "'campaign-' || (id % 50)": 1}
    values = {
        "'title'": ("'Film number ' || n", "NULL"),
        "'platform'": ("'S' || (n % 10)", "NULL"),
        "'altitude'": ("CAST(n AS TEXT)", "n"),
    }
    return [
        _PRODUCTS.format(**known),
        *(_TAGS.format(**known, tag=tag, step=step) for tag, step in tags.items()),
        _FILES.format(**known),
        *(_VALUES.format(**known, name=name, text=text, number=number) for name, (text, number) in values.items()),
    ]
