"""From a selection request to a search that a catalogue can answer: judged once, here, for every catalogue."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from regards_order.domain.attributes import AttributeType
from regards_order.domain.errors import InvalidUrn, RequestRefused
from regards_order.domain.lucene import (
    EVERYTHING,
    CompilePattern,
    Predicate,
    Query,
    compile_predicate,
    parse_query,
)
from regards_order.domain.product import Product
from regards_order.domain.selection import SelectionRequest
from regards_order.domain.urn import Urn

ENGINE = "legacy"
_IGNORED = frozenset({"facets", "sort", "page", "size"})


@attrs.frozen
class Search:
    """Hold a validated request; all parts are joined by AND.

    Attributes:
        request: what was asked, word for word.
        query: the Lucene query, None for everything.
        datasets: URNs that must all be among a product's tags.
        include: URNs of the only products wanted, None for any.
        exclude: URNs of products not wanted.
        before: only products that entered the catalogue strictly before (UTC).
    """

    request: SelectionRequest
    query: Query | None
    datasets: tuple[str, ...]
    include: frozenset[str] | None
    exclude: frozenset[str]
    before: dt.datetime | None

    def predicate(self, compile_pattern: CompilePattern) -> Predicate:
        """Return a test for products, compiled once.

        Args:
            compile_pattern: what compiles the regular expressions of the query: `Patterns.compile`.
        """
        matches = compile_predicate(EVERYTHING if self.query is None else self.query, compile_pattern)
        wanted, include, exclude, before = frozenset(self.datasets), self.include, self.exclude, self.before

        def test(product: Product) -> bool:
            return (
                wanted <= product.tags
                and (include is None or product.urn in include)
                and product.urn not in exclude
                and (before is None or product.creation_date < before)
                and matches(product)
            )

        return test


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
        if name != "q" and name not in _IGNORED and request.parameter(name) is not None:
            raise RequestRefused(f'The search parameter "{name}" is not supported; expected "q"')
    if request.dataset_urn is not None:
        try:
            Urn.parse(request.dataset_urn)
        except InvalidUrn as refusal:
            raise RequestRefused(f"datasetUrn: {refusal}") from refusal
    query = request.query
    return Search(
        request,
        None if query is None else parse_query(query, attributes),
        tuple(dict.fromkeys(urn for urn in (dataset, request.dataset_urn) if urn is not None)),
        None if request.include is None else frozenset(request.include),
        frozenset(request.exclude or ()),
        request.selection_date,
    )
