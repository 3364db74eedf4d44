"""What several searches of one user select, and how to find it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.domain.errors import InvalidUrn
from regards_order.domain.geometry import Box
from regards_order.domain.lucene import CompilePattern, Predicate
from regards_order.domain.parameters import Area
from regards_order.domain.principal import Access
from regards_order.domain.search import IMAGES, Search
from regards_order.domain.urn import Urn
from regards_order.domain.versions import LastVersions
from regards_order_adapters.catalog.anchors import find_few
from regards_order_adapters.catalog.query import MAX_LEAVES, condition, is_simple, size
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.conditions import Condition, some, unindexed
from regards_order_adapters.sql.dialects import is_postgresql
from regards_order_adapters.sql.tenancy import Scope, among

_PRODUCTS, _TAGS, _FILES, _DATASETS = schema.products, schema.product_tags, schema.product_files, schema.datasets
_MAX_ALL_LEAVES = 3 * MAX_LEAVES
_SMALL = 10
_MANY_DATASETS = 50


@attrs.frozen
class Part:
    """Hold one search with what the catalogue had to add.

    Attributes:
        search: which asks for both names of a last version of a dataset.
        datasets: of each dataset the names that some product bears as a tag.
        simple: whether its query is one for the database.
    """

    search: Search
    datasets: tuple[tuple[str, ...], ...]
    simple: bool

    @property
    def needs_look(self) -> bool:
        """Return whether the database finds more than is meant."""
        return not self.simple or bool(self.search.areas)

    def condition(self, scope: Scope, *, each: bool, known: str | None) -> Condition:
        """Return the condition on products; *known* is a tag that they have anyway."""
        search = self.search
        # SQLite would list all products of a dataset, rather than look at the tags of those that a query finds
        tags_of_each = each or (search.query is not None and not is_postgresql(scope.connection))
        datasets = [names for names in self.datasets if names != (known,)]
        parts: list[Condition] = [_tagged(names, scope, each=tags_of_each) for names in datasets]
        if search.include is not None:
            parts.append(among(_PRODUCTS.c.urn, search.include))
        if search.exclude:
            parts.append(~among(_PRODUCTS.c.urn, search.exclude))
        if search.before is not None:
            parts.append(unindexed(_PRODUCTS.c.creation_date) < search.before)
        if search.has_image:
            types = _FILES.c.data_type.in_(sorted(each.value for each in IMAGES))
            parts.append(_of_each(_FILES, types, scope))
        parts += map(_near, search.areas)
        if search.query is not None and self.simple:
            parts.append(condition(search.query, scope, each=each))
        return sa.and_(sa.true(), *parts)


@attrs.frozen
class Selection:
    """Say which products are wanted.

    Attributes:
        parts: the searches, joined by OR.
        access: the condition that the user may see a product.
        look: what has the last word, when the database finds more than is meant.
        few: the ids of few products among which all are, if an index was asked and knows them.
    """

    parts: tuple[Part, ...]
    access: Condition
    look: Predicate | None
    few: sa.CompoundSelect[Any] | None = None

    def narrowed(self, scope: Scope, most: int) -> Selection:
        """Ask the indexes for few products among which all are; *most* for each search are few."""
        few = find_few([(part.search, part.datasets) for part in self.parts], scope, most)
        return attrs.evolve(self, few=few)

    def condition(self, scope: Scope, *, each: bool, known: str | None = None) -> Condition:
        """Return the condition on products; *each* as in `query.condition`."""
        each = each or self.few is not None
        found = sa.or_(sa.false(), *(part.condition(scope, each=each, known=known) for part in self.parts))
        few = () if self.few is None else (_PRODUCTS.c.id.in_(self.few),)
        return sa.and_(self.access, *few, found)

    @property
    def is_plain(self) -> bool:
        """Return whether nothing but datasets, access and dates decide: nearly all products of a dataset are wanted."""
        return all(
            part.search.query is None
            and part.search.include is None
            and not part.search.has_image
            and not part.search.areas
            for part in self.parts
        )

    @property
    def dataset(self) -> str | None:
        """Return a tag that all wanted products have, or None."""
        sole = [{names[0] for names in part.datasets if len(names) == 1} for part in self.parts]
        return min(set.intersection(*sole), default=None) if sole else None


def select(searches: Sequence[Search], access: Access, scope: Scope, compile_pattern: CompilePattern) -> Selection:
    """Return what *searches* select for *access*."""
    versions = last_versions(frozenset[str]().union(*(search.dataset_tags for search in searches)), scope)
    named = [search.naming(versions) for search in searches]
    leaves = [0 if search.query is None else size(search.query) for search in named]
    crowded = sum(leaves) > _MAX_ALL_LEAVES
    parts = []
    for search, count in zip(named, leaves, strict=True):
        simple = search.query is None or (not (crowded and count > _SMALL) and is_simple(search.query))
        datasets = tuple(_in_use(versions.names(urn), scope) for urn in search.datasets)
        parts.append(Part(search, datasets, simple))
    look = None
    if any(part.needs_look for part in parts):
        look = _any_of([search.predicate(compile_pattern, versions) for search in searches])
    return Selection(tuple(parts), covered(_PRODUCTS, access, scope), look)


def covered(table: sa.Table, access: Access, scope: Scope) -> Condition:
    """Return the condition that a user may see rows of *table*."""
    if access.everything:
        return sa.true()
    return table.c.group_set_id.in_([id for id, names in group_sets(scope).items() if access.covers(names)])


def group_sets(scope: Scope) -> dict[int, frozenset[str]]:
    """Return all sets of groups by their ids."""
    rows = scope.execute(scope.select(schema.group_sets))
    return {row.id: frozenset(row.names.split("\n")) - {""} for row in rows}


def _any_of(tests: Sequence[Predicate]) -> Predicate:
    return lambda product: any(test(product) for test in tests)


def last_versions(tags: Iterable[str], scope: Scope) -> LastVersions:
    """Return the last versions of the datasets that *tags* name."""
    stems = {stem for tag in tags if (stem := _stem(tag)) is not None}
    if not stems:
        return LastVersions()
    query = scope.select(_DATASETS, _DATASETS.c.urn)
    if len(stems) <= _MANY_DATASETS:
        # "V1" and "LAST" come before "W"
        query = query.where(sa.or_(*(_DATASETS.c.urn.between(stem, f"{stem}W") for stem in sorted(stems))))
    return LastVersions.of(scope.execute(query).scalars())


def _stem(tag: str) -> str | None:
    """Return what the URNs of all versions of a dataset begin with."""
    try:
        urn = Urn.parse(tag)
    except InvalidUrn:
        return None
    return str(attrs.evolve(urn, version=None, order=None, revision=None)).removesuffix("LAST")


def _in_use(names: tuple[str, ...], scope: Scope) -> tuple[str, ...]:
    """Return the names that are tags of products; the first one at least."""
    others = [
        name
        for name in names[1:]
        if scope.execute(scope.select(_TAGS, _TAGS.c.tag).where(_TAGS.c.tag == name).limit(1)).first()
    ]
    return (names[0], *others)


def _tagged(names: tuple[str, ...], scope: Scope, *, each: bool) -> Condition:
    if each:
        return _of_each(_TAGS, unindexed(_TAGS.c.tag).in_(names), scope)
    return _PRODUCTS.c.id.in_(scope.select(_TAGS, _TAGS.c.product_id).where(_TAGS.c.tag.in_(names)))


def _of_each(table: sa.Table, test: Condition, scope: Scope) -> Condition:
    rows = scope.select(table, sa.literal_column("1")).where(table.c.product_id == _PRODUCTS.c.id, test)
    return some(rows.correlate(_PRODUCTS))


def _near(area: Area) -> Condition:
    return sa.or_(*map(_meets, area.boxes))


def _meets(box: Box) -> Condition:
    own = _PRODUCTS.c
    return sa.and_(own.west <= box.east, own.east >= box.west, own.south <= box.north, own.north >= box.south)
