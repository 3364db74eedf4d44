"""The catalogue at 1,000,000 products on PostgreSQL: its summary against SQL by hand, and searches that find few."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import psycopg
from common import compare, judge, timed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from regards_order import Access, SelectionRequest, compile_search
from regards_order.testing import make_dataset, make_file, make_product
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.unit_of_work import SqlStore
from servers.postgres import run_cluster

PRODUCTS = int(os.environ.get("REGARDS_ORDER_PRODUCTS", "1000000"))
_SET = make_dataset("films")
_ROUNDS = 7
_LIMIT_MS = 50.0

_URN = "'URN:AIP:DATA:default:00000000-0000-0000-0000-' || lpad(to_hex(n::bigint * 7919 %% 1000003), 12, '0')"
#: products like the first one, which the program has stored itself; $1 is their number
_FILL = (
    f"""INSERT INTO products SELECT 100 + n, tenant_id, {_URN} || ':V1', 'film_' || n, 'film_' || n, model, version,
    last, properties, geometry, group_set_id, creation_date, last_update, file_count, {_URN} || ':LAST'
    FROM products, generate_series(1, %(count)s) AS n""",
    f"""INSERT INTO product_tags SELECT 1, '{_SET.urn}', urn, id FROM products WHERE id > 100""",
    """INSERT INTO product_files SELECT tenant_id, 100 + n, position, data_type, filename, uri, mime_type, size,
    checksum, digest_algorithm, online, reference FROM product_files, generate_series(1, %(count)s) AS n""",
    """INSERT INTO product_values SELECT 1, 100 + n, 'title', 0, 'TEXT', 'Film number ' || n
    FROM generate_series(1, %(count)s) AS n""",
    """INSERT INTO product_values SELECT 1, 100 + n, 'platform', 0, 'TEXT', 'S' || n %% 10
    FROM generate_series(1, %(count)s) AS n""",
    """INSERT INTO product_values SELECT 1, 100 + n, 'altitude', 0, 'INTEGER', n::text, n, n
    FROM generate_series(1, %(count)s) AS n""",
)
#: the best that was found for a query on one attribute, of products in one dataset each
_BY_HAND = """
WITH wanted AS MATERIALIZED (
    SELECT p.id FROM product_values v JOIN products p ON p.id = v.product_id AND p.tenant_id = 1
    WHERE v.tenant_id = 1 AND v.name = 'platform' AND substr(v.text, 1, 64) = 'S3' AND v.text = 'S3'
    AND p.group_set_id = 1)
SELECT t.tag, f.data_type, f.reference, count(*), sum(f.size), count(DISTINCT f.product_id)
FROM wanted w JOIN product_files f ON f.tenant_id = 1 AND f.product_id = w.id
LEFT JOIN product_tags t ON t.tenant_id = 1 AND t.product_id = w.id AND t.tag IN (SELECT urn FROM datasets)
GROUP BY GROUPING SETS ((f.data_type, f.reference), (t.tag, f.data_type, f.reference))
"""


def _fill(url: str, store: SqlStore) -> None:
    properties = {"title": "Film", "platform": "S", "altitude": 0}
    product = make_product("first", make_file("a.nc", b"123"), datasets=(_SET,), properties=properties)
    put(store, [_SET], [product])
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        for statement in _FILL:
            connection.execute(statement, {"count": PRODUCTS})
        connection.execute("VACUUM ANALYZE")


def _measure(catalog: SqlCatalog, url: str) -> bool:
    names = catalog.attributes()

    def search(query: str) -> list[Any]:
        return [compile_search(SelectionRequest.of(query, dataset=_SET.urn), names)]

    many = search('platform:"S3"')
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET jit = off")
        hand = connection.execute(_BY_HAND).fetchall()
        assert max(row[3] for row in hand) == catalog.summary(many, Access()).total.files_count == PRODUCTS // 10
        medians = compare(
            {
                "SQL by hand": lambda: timed(lambda: connection.execute(_BY_HAND).fetchall()),
                "summary": lambda: timed(lambda: catalog.summary(many, Access())),
            },
            _ROUNDS,
        )
    good = judge(
        f"summary of 10 % of {PRODUCTS:,} products, to SQL by hand", medians["summary"] / medians["SQL by hand"], 1.5
    )
    ids = " OR ".join(f'"film_{n * 37}"' for n in range(1, 1001))
    for what, query in {
        "an equality": 'title:"Film number 4711"',
        "a range": "altitude:[4000 TO 4100]",
        "1,000 ids": f"providerId:({ids})",
    }.items():
        few = search(query)
        medians = compare(
            {
                f"{what}: summary": lambda few=few: timed(lambda: catalog.summary(few, Access())),  # type: ignore[misc]
                f"{what}: page": lambda few=few: timed(lambda: catalog.search(few, Access(), limit=10_000)),  # type: ignore[misc]
            },
            _ROUNDS,
        )
        good &= judge(f"{what} among {PRODUCTS:,} products", max(medians.values()) * 1000, 2 * _LIMIT_MS, " ms")
    return good


def run() -> bool:
    """Measure all of it."""
    with run_cluster() as cluster:
        url = cluster.create()
        engine = make_engine(url)
        try:
            store = SqlStore(engine, "default")
            print(f"    filled in {timed(lambda: _fill(url, store)):.0f} s")
            return _measure(SqlCatalog(store, Re2Patterns()), url)
        finally:
            engine.dispose()


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
