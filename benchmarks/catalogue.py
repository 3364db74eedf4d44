"""The catalogue at 1,000,000 products on PostgreSQL: its summary against SQL by hand, and searches that find few."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import psycopg
from common import compare, judge, timed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from regards_order import Access, SelectionRequest, Summary, compile_search
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.unit_of_work import SqlStore
from servers import crowd
from servers.postgres import run_cluster

PRODUCTS = int(os.environ.get("REGARDS_ORDER_PRODUCTS", "1000000"))
_ROUNDS = 7
_LIMIT_MS = 50.0

#: The best that was found for a query on one attribute in one dataset, of products that may be in several datasets.
#: Joining tags with files instead takes nearly twice as long, to gather the tags by a join a good deal longer.
_BY_HAND = f"""
WITH wanted AS (
    SELECT p.id FROM products p
    WHERE p.tenant_id = 1 AND p.group_set_id = 1
    AND p.id IN (SELECT product_id FROM product_values
        WHERE tenant_id = 1 AND name = 'platform' AND substr(text, 1, 64) = 'S3')
    AND p.id IN (SELECT product_id FROM product_tags WHERE tenant_id = 1 AND tag = '{crowd.FILMS.urn}')),
tagged AS MATERIALIZED (
    SELECT w.id, (
        SELECT array_agg(t.tag) FROM product_tags t
        WHERE t.tenant_id = 1 AND t.product_id = w.id
        AND t.tag IN (SELECT urn FROM datasets WHERE tenant_id = 1 AND group_set_id = 1)) AS datasets
    FROM wanted w)
SELECT datasets, NULL, NULL::bool, count(*), 0::bigint FROM tagged GROUP BY datasets
UNION ALL
SELECT w.datasets, f.data_type, f.reference, count(*), sum(f.size)::bigint
FROM tagged w JOIN product_files f ON f.tenant_id = 1 AND f.product_id = w.id
WHERE f.data_type IN ('RAWDATA', 'QUICKLOOK_SD', 'QUICKLOOK_MD', 'QUICKLOOK_HD')
AND (f.reference OR f.size IS NOT NULL)
GROUP BY w.datasets, f.data_type, f.reference
"""

#: by dataset, None for all: products, and files and bytes of each type
Told = dict[str | None, tuple[int, dict[str, tuple[int, int]]]]


def _add_up(rows: list[Any]) -> Told:
    products: defaultdict[str | None, int] = defaultdict(int)
    files: defaultdict[str | None, dict[str, tuple[int, int]]] = defaultdict(dict)
    for datasets, data_type, _, number, size in rows:
        for dataset in (None, *(datasets or ())):
            if data_type is None:
                products[dataset] += number
            else:
                old = files[dataset].get(data_type, (0, 0))
                files[dataset][data_type] = (old[0] + number, old[1] + size)
    return {dataset: (number, files[dataset]) for dataset, number in products.items()}


def _told(summary: Summary) -> Told:
    counters = {None: summary.total, **summary.datasets}
    return {
        dataset: (
            each.objects_count,
            {
                kind.value: (count.stored_files + count.referenced_files, count.stored_bytes + count.referenced_bytes)
                for kind, count in each.types.items()
            },
        )
        for dataset, each in counters.items()
    }


def _measure(catalog: SqlCatalog, url: str) -> bool:
    names = catalog.attributes()

    def search(query: str) -> list[Any]:
        return [compile_search(SelectionRequest.of(query, dataset=crowd.FILMS.urn), names)]

    many = search('platform:"S3"')
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("SET jit = off")
        by_hand = _add_up(connection.execute(_BY_HAND).fetchall())
        assert by_hand == _told(catalog.summary(many, Access()))
        assert len(by_hand) == 3
        assert by_hand[None][0] == PRODUCTS // 10
        medians = compare(
            {
                "SQL by hand": lambda: timed(lambda: _add_up(connection.execute(_BY_HAND).fetchall())),
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
            print(f"    filled in {timed(lambda: crowd.fill(store, PRODUCTS)):.0f} s")
            return _measure(SqlCatalog(store, Re2Patterns()), url)
        finally:
            engine.dispose()


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
