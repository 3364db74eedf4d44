"""Large catalogues: what a search asks for is found by an index, on both kinds of database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa

from regards_order import Access, SelectionRequest, compile_search
from regards_order_adapters.catalog import anchors
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.unit_of_work import SqlStore
from servers import crowd

PRODUCTS = 100_000
#: rows that a look at an index may read before it is given up for another one
_FEW = 2 * anchors.FEW
_TABLES = {"products", "product_tags", "product_files", "product_values"}
_IDS = " OR ".join(f'"film_{n * 37}"' for n in range(1, 1001))
_TITLES = " OR ".join(f'"Film number {n * 37}"' for n in range(1, 1001))
#: by tenant, or by tenant and name of an attribute: every product has these
_ALL_OF_A_TENANT = re.compile(r"\(tenant_id=\?( AND name=\?)?\)$")

Statement = tuple[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> Iterator[sa.Engine]:
    """A catalogue of 100,000 products."""
    url = request.getfixturevalue(request.param)()
    # as on a disk where it does not matter what lies side by side; by default it matters so much to PostgreSQL that of
    # less than some hundred thousand products it reads all rather than a thousand of them
    near = "?options=-c%20random_page_cost%3D1.1" if request.param == "postgres" else ""
    engine = make_engine(url + near)
    crowd.fill(SqlStore(engine, "default"), PRODUCTS)
    yield engine
    engine.dispose()


@contextmanager
def recorded(engine: sa.Engine) -> Iterator[list[Statement]]:
    """Note the queries that are run, with their parameters."""
    queries: list[Statement] = []

    def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            queries.append((statement, parameters))

    sa.event.listen(engine, "before_cursor_execute", note)
    yield queries
    sa.event.remove(engine, "before_cursor_execute", note)


def whole_reads(engine: sa.Engine, statement: str, parameters: Any) -> list[str]:
    """Return the steps of a plan that read a table of the catalogue whole, or all rows of the tenant in it."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            return [row.detail for row in rows if _reads_all(row.detail)]
        ((plans,),) = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}", parameters)
    plan = plans if isinstance(plans, list) else json.loads(plans)
    return [json.dumps(step) for step in _steps(plan[0]["Plan"]) if _rows_read(step) > _FEW]


def _reads_all(step: str) -> bool:
    way, table, *_ = step.split()
    return table in _TABLES and (way == "SCAN" or (way == "SEARCH" and bool(_ALL_OF_A_TENANT.search(step))))


def _steps(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {name: value for name, value in plan.items() if name != "Plans"}
    for part in plan.get("Plans", ()):
        yield from _steps(part)


def _rows_read(step: dict[str, Any]) -> float:
    if step.get("Relation Name") not in _TABLES and not str(step.get("Index Name", "")).startswith(("ix_", "pk_")):
        return 0
    rows = step["Actual Rows"] + step.get("Rows Removed by Filter", 0) + step.get("Rows Removed by Index Recheck", 0)
    return float(rows * step["Actual Loops"])


@pytest.mark.parametrize("dataset", [crowd.FILMS.urn, crowd.THIRDS.urn, None], ids=["large", "third", "none"])
@pytest.mark.parametrize(
    "query",
    [
        'title:"Film number 4711"',
        "altitude:[4000 TO 4100]",
        f"providerId:({_IDS})",
        f"title:({_TITLES})",
        'providerId:"film_7" OR title:"Film number 4711"',
    ],
    ids=lambda query: query[:24],
)
def test_what_finds_few_uses_an_index(engine: sa.Engine, query: str, dataset: str | None) -> None:
    """An equality, a range and an OR of 1,000 ids or values read no table whole: counted, and page by page."""
    catalog = SqlCatalog(SqlStore(engine, "default"), Re2Patterns())
    searches = [compile_search(SelectionRequest.of(query, dataset=dataset), catalog.attributes())]
    with recorded(engine) as queries:
        summary = catalog.summary(searches, Access())
        page = catalog.search(searches, Access(), limit=5000)
    assert 0 < len(page) == summary.total.objects_count <= 1000 or dataset == crowd.THIRDS.urn
    assert [(query[:200], reads) for query in queries if (reads := whole_reads(engine, *query))] == []


def test_a_whole_read_is_noticed(engine: sa.Engine) -> None:
    """The measure of the test above: what looks into every product, or every value of an attribute, fails it."""
    for statement in (
        "SELECT count(*) FROM products WHERE model LIKE '%x%'",
        "SELECT count(*) FROM products WHERE tenant_id = 1 AND model = 'x'",
        "SELECT count(*) FROM product_values WHERE tenant_id = 1 AND name = 'title' AND text LIKE '%x%'",
    ):
        assert whole_reads(engine, statement.replace("%", "%%" if engine.dialect.name != "sqlite" else "%"), ())


def test_connections_that_were_open_before_know_the_plans(sqlite: Callable[[], str]) -> None:
    """SQLite reads what it knows about tables when a connection opens, and when the schema has changed."""
    engine, other = make_engine(url := sqlite()), make_engine(url)
    statement = "SELECT product_id FROM product_values WHERE tenant_id = 1 AND name = 'a'"
    statement += " AND substr(text, 1, 64) IN (SELECT value FROM json_each('[]'))"
    with other.connect() as early:
        before = early.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").first()
        early.commit()
        crowd.fill(SqlStore(engine, "default"), 1)
        early.exec_driver_sql("SELECT 1 FROM products").all()
        # two blanks: a prepared statement would tell its plan again
        after = early.exec_driver_sql(f"EXPLAIN QUERY PLAN  {statement}").first()
    assert "ix_product_values_text" not in str(before)
    assert "ix_product_values_text" in str(after)
    engine.dispose()
    other.dispose()
