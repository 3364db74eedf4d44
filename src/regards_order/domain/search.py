"""From a selection request to a search that a catalogue can answer: judged once, here, for every catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TypeGuard

import attrs

from regards_order.domain.attributes import AttributeType
from regards_order.domain.errors import InvalidUrn, RequestRefused
from regards_order.domain.fields import FieldNames
from regards_order.domain.lucene import (
    EVERYTHING,
    CompilePattern,
    Exists,
    OneOf,
    Predicate,
    Query,
    compile_predicate,
    parse_query,
)
from regards_order.domain.lucene.nodes import conjunction, leaves, replace_leaves
from regards_order.domain.lucene.tokens import shown
from regards_order.domain.parameters import Area, read_areas
from regards_order.domain.product import QUICKLOOKS, DataType, Product
from regards_order.domain.selection import SelectionRequest
from regards_order.domain.urn import Urn
from regards_order.domain.versions import LastVersions

ENGINE = "legacy"
#: the types of files that are pictures of a product
IMAGES = frozenset({DataType.THUMBNAIL, *QUICKLOOKS})
_KNOWN = ("q", "g", "lat", "lon", "r", "exists", "hasImage")
_IGNORED = frozenset({"facets", "sort", "page", "size"})


@attrs.frozen
class Search:
    """Hold a validated request; all parts are joined by AND.

    Attributes:
        request: what was asked, word for word.
        query: the Lucene query, with the parameter ``exists`` joined to it; None for everything.
        datasets: URNs that must all be among a product's tags.
        include: URNs of the only products wanted, None for any.
        exclude: URNs of products not wanted.
        before: only products that entered the catalogue strictly before (UTC).
        areas: only products whose geometry intersects each of them; their boxes are good for a first choice.
        has_image: only products that have a file of one of the types `IMAGES`.
    """

    request: SelectionRequest
    query: Query | None
    datasets: tuple[str, ...]
    include: frozenset[str] | None
    exclude: frozenset[str]
    before: dt.datetime | None
    areas: tuple[Area, ...] = ()
    has_image: bool = False

    @property
    def dataset_tags(self) -> frozenset[str]:
        """Return every tag asked for by equality that may name a dataset: what `LastVersions` should know."""
        tags = {tag for leaf in leaves(self.query or EVERYTHING) if _on_tags(leaf) for tag in leaf.values}
        return frozenset(str(tag) for tag in tags.union(self.datasets) if str(tag).startswith("URN:"))

    def naming(self, versions: LastVersions) -> Search:
        """Return the search whose query asks for both names of the last version of a dataset where it asks for one.

        For each of *datasets*, whoever evaluates the search has to take one of ``versions.names(urn)``.
        """
        if self.query is None:
            return self

        def both_names(leaf: Query) -> Query:
            if not _on_tags(leaf):
                return leaf
            names = [name for tag in leaf.values for name in versions.names(str(tag))]
            return attrs.evolve(leaf, values=tuple(dict.fromkeys(names)))

        return attrs.evolve(self, query=replace_leaves(self.query, both_names))

    def predicate(self, compile_pattern: CompilePattern, versions: LastVersions | None = None) -> Predicate:
        """Return a test for products, compiled once.

        Args:
            compile_pattern: what compiles the regular expressions of the query: `Patterns.compile`.
            versions: the last versions of the catalogue's datasets, or of `dataset_tags`.
        """
        versions = versions or LastVersions()
        matches = compile_predicate(self.naming(versions).query or EVERYTHING, compile_pattern)
        datasets = [frozenset(versions.names(urn)) for urn in self.datasets]

        def test(product: Product) -> bool:
            return (
                not any(map(product.tags.isdisjoint, datasets))
                and (self.include is None or product.urn in self.include)
                and product.urn not in self.exclude
                and (self.before is None or product.creation_date < self.before)
                and matches(product)
                and (not self.has_image or any(file.data_type in IMAGES for file in product.files))
                and all(area.intersects(product.geometry) for area in self.areas)
            )

        return test


def _on_tags(leaf: Query) -> TypeGuard[OneOf]:
    return isinstance(leaf, OneOf) and leaf.field.built_in and leaf.field.name == "tags"


def compile_search(
    request: SelectionRequest, attributes: Mapping[str, AttributeType], *, dataset: str | None = None
) -> Search:
    """Judge a request and return the search it means.

    Args:
        request: what is asked.
        attributes: names and types of the catalogue's attributes.
        dataset: also only products of this dataset.

    Raises:
        InvalidInput: a parameter has several values, or there are too many ids.
        RequestRefused: an engine, a parameter or a dataset URN that cannot be searched.
        QueryRefused: the Lucene query cannot be understood.
    """
    request.check()
    if request.engine_type != ENGINE:
        raise RequestRefused(f'Unknown search engine "{request.engine_type}"; expected "{ENGINE}"')
    for name in request.search_parameters or {}:
        if name not in _IGNORED and request.parameter(name) is not None and name not in _KNOWN:
            raise RequestRefused(f'The search parameter "{name}" is not supported; expected {", ".join(_KNOWN)}')
    if request.dataset_urn is not None:
        try:
            Urn.parse(request.dataset_urn)
        except InvalidUrn as refusal:
            raise RequestRefused(f"datasetUrn: {refusal}") from refusal
    return Search(
        request,
        _query(request, attributes),
        tuple(dict.fromkeys(urn for urn in (dataset, request.dataset_urn) if urn is not None)),
        None if request.include is None else frozenset(request.include),
        frozenset(request.exclude or ()),
        request.selection_date,
        read_areas(request),
        (request.parameter("hasImage") or "").lower() == "true",
    )


def _query(request: SelectionRequest, attributes: Mapping[str, AttributeType]) -> Query | None:
    """Return what the parameters ``q`` and ``exists`` ask for together."""
    parts: list[Query] = []
    if request.query is not None:
        parts.append(parse_query(request.query, attributes))
    name = request.parameter("exists")
    if name is not None:
        field = FieldNames(attributes).find(name)
        if field is None:
            raise RequestRefused(f'The search parameter "exists" names the unknown attribute "{shown(name)}"')
        parts.append(Exists(field))
    return conjunction(parts) if parts else None
