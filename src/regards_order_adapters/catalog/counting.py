"""Count products and their files, in one statement."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.product import ORDERABLE, DataType
from regards_order_adapters.catalog.selection import last_versions
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.conditions import Condition
from regards_order_adapters.sql.tenancy import Scope, among

_TAGS, _FILES, _DATASETS = schema.product_tags, schema.product_files, schema.datasets

#: tags that may name the last version of a dataset
_MAYBE_LAST = "URN:%:DATASET:%:LAST%"

#: a dataset or None for all, a type of files, whether they are references
_Key = tuple[str | None, str, bool]


class _AllOf(FunctionElement[Any]):
    """All values of a group: a list, or JSON, or nothing."""

    inherit_cache = True


@compiles(_AllOf, "postgresql")
def _array(element: _AllOf, compiler: Any, **options: Any) -> str:
    return f"array_agg({compiler.process(element.clauses, **options)})"


@compiles(_AllOf, "sqlite")
def _json(element: _AllOf, compiler: Any, **options: Any) -> str:
    return f"json_group_array({compiler.process(element.clauses, **options)})"


def count(matching: sa.Select[Any], visible: Condition, scope: Scope) -> Summary:
    """Count the products that *matching* finds, in all and in each dataset for which *visible* holds.

    They are added up by the datasets that they have in common, of which there are few: a product is counted once,
    whatever the number of its datasets.

    Args:
        matching: a query for ids.
        visible: a condition on datasets.
        scope: whose products.
    """
    chosen = matching.cte("matching")
    own = scope.select(_TAGS, _AllOf(_TAGS.c.tag)).where(
        _TAGS.c.product_id == chosen.c.id,
        _TAGS.c.tag.in_(scope.select(_DATASETS, _DATASETS.c.urn).where(visible)) | _TAGS.c.tag.like(_MAYBE_LAST),
    )
    tagged = sa.select(chosen.c.id, own.correlate(chosen).scalar_subquery().label("datasets")).cte("tagged")
    rows = scope.execute(sa.union_all(_products(tagged), _totals(tagged, scope))).all()
    return _add_up([(_read(row[0]), *row[1:]) for row in rows], visible, scope)


def _add_up(rows: Sequence[tuple[Any, ...]], visible: Condition, scope: Scope) -> Summary:
    """Return the counters of all products, and of those of each dataset."""
    lasts = {tag for tags, *_ in rows for tag in tags if ":LAST" in tag.upper()}  # LIKE of SQLite ignores the case
    versions = last_versions(lasts, scope)
    doubtful = versions.named(lasts)
    known = scope.select(_DATASETS, _DATASETS.c.urn).where(visible, among(_DATASETS.c.urn, doubtful))
    hidden = doubtful.difference(scope.execute(known).scalars() if lasts else ())
    objects: Counter[str | None] = Counter({None: 0})
    numbers: Counter[_Key] = Counter()
    sizes: Counter[_Key] = Counter()
    for tags, data_type, reference, number, size in rows:
        for each in (None, *(versions.named(tags) - hidden)):
            if data_type is None:
                objects[each] += number
            else:
                numbers[each, data_type, reference] += number
                sizes[each, data_type, reference] += size
    types: defaultdict[str | None, dict[DataType, TypeCount]] = defaultdict(dict)
    for each, name in sorted({(each, name) for each, name, _ in numbers}, key=str):
        stored, referenced = (each, name, False), (each, name, True)
        counts = numbers[stored], sizes[stored], numbers[referenced], sizes[referenced]
        types[each][DataType(name)] = TypeCount(*counts)
    total = Counters(objects.pop(None), types[None])
    return Summary(total, {urn: Counters(objects[urn], types[urn]) for urn in sorted(filter(None, objects))})


def _read(datasets: Any) -> Iterable[str]:
    return orjson.loads(datasets) if isinstance(datasets, str) else datasets or ()


def _products(tagged: sa.CTE) -> sa.Select[Any]:
    nothing = sa.cast(sa.null(), sa.Text), sa.cast(sa.null(), sa.Boolean)
    columns = tagged.c.datasets, *nothing, sa.func.count(), sa.cast(0, sa.BigInteger)
    return sa.select(*columns).group_by(tagged.c.datasets)


def _totals(tagged: sa.CTE, scope: Scope) -> sa.Select[Any]:
    """Return a query for the number and size of the files that count."""
    size = sa.cast(sa.func.coalesce(sa.func.sum(_FILES.c.size), 0), sa.BigInteger)  # not PostgreSQL's decimals
    keys = tagged.c.datasets, _FILES.c.data_type, _FILES.c.reference
    return (
        scope.select(_FILES, *keys, sa.func.count(), size)
        .join(tagged, tagged.c.id == _FILES.c.product_id)
        .where(
            _FILES.c.data_type.in_([each.value for each in ORDERABLE]), _FILES.c.reference | _FILES.c.size.is_not(None)
        )
        .group_by(*keys)
    )
