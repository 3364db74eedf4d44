"""From a request to a search: what is refused, and what each part of a search wants."""

from __future__ import annotations

import datetime as dt

import pytest

from regards_order.domain.attributes import AttributeType
from regards_order.domain.errors import InvalidInput, QueryRefused, RequestRefused
from regards_order.domain.search import compile_search
from regards_order.domain.selection import SelectionRequest
from regards_order.testing import RePatterns, make_dataset, make_product

A, B = make_dataset("A"), make_dataset("B")
ENTERED = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
BOTH = make_product("both", datasets=(A, B), properties={"cloud": 10})
ONLY_A = make_product("only a", datasets=(A,), properties={"cloud": 90})
TYPES = {"cloud": AttributeType.LONG}


def found(request: SelectionRequest, dataset: str | None = None) -> set[str]:
    """Return the names of the products that a request finds."""
    test = compile_search(request, TYPES, dataset=dataset).predicate(RePatterns().compile)
    return {product.provider_id for product in (BOTH, ONLY_A) if test(product)}


@pytest.mark.parametrize(
    ("request_", "dataset", "names"),
    [
        (SelectionRequest(), None, {"both", "only a"}),
        (SelectionRequest.of("cloud:[0 TO 20]"), None, {"both"}),
        (SelectionRequest(dataset_urn=B.urn), None, {"both"}),
        (SelectionRequest(dataset_urn=A.urn), None, {"both", "only a"}),
        (SelectionRequest(dataset_urn=A.urn), A.urn, {"both", "only a"}),
        (SelectionRequest(dataset_urn=A.urn), B.urn, {"both"}),
        (SelectionRequest(), B.urn, {"both"}),
        (SelectionRequest(include=(ONLY_A.urn,)), None, {"only a"}),
        (SelectionRequest(include=()), None, set()),
        (SelectionRequest(include=(ONLY_A.urn,), dataset_urn=B.urn), None, set()),
        (SelectionRequest(exclude=(ONLY_A.urn,)), None, {"both"}),
        (SelectionRequest(exclude=()), None, {"both", "only a"}),
        (SelectionRequest(include=(BOTH.urn, ONLY_A.urn), exclude=(BOTH.urn,)), None, {"only a"}),
        (SelectionRequest(selection_date=ENTERED), None, set()),
        (SelectionRequest(selection_date=ENTERED + dt.timedelta(microseconds=1)), None, {"both", "only a"}),
        (SelectionRequest({"q": ("",), "sort": ("x", "y"), "page": ("1",)}), None, {"both", "only a"}),
        (SelectionRequest({"geometry": (None, "")}), None, {"both", "only a"}),
    ],
)
def test_parts_are_joined_by_and(request_: SelectionRequest, dataset: str | None, names: set[str]) -> None:
    """Query, datasets, ids and the date of the selection all have to hold (page 10, 1.4)."""
    assert found(request_, dataset) == names


def test_dataset_is_asked_once() -> None:
    """The same dataset given twice is one condition; a second one is another (AND)."""
    assert compile_search(SelectionRequest(dataset_urn=A.urn), {}, dataset=A.urn).datasets == (A.urn,)
    assert compile_search(SelectionRequest(dataset_urn=A.urn), {}, dataset=B.urn).datasets == (B.urn, A.urn)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (SelectionRequest(engine_type=" "), InvalidInput, "Engine type may not be empty"),
        (SelectionRequest(engine_type="opensearch"), RequestRefused, 'Unknown search engine "opensearch"'),
        (SelectionRequest({"geometry": ("POINT",)}), RequestRefused, 'search parameter "geometry" is not supported'),
        (SelectionRequest({"q": ("a", "b")}), InvalidInput, "2 values are given"),
        (SelectionRequest({"geometry": ("a", "b")}), InvalidInput, r"\$\.searchParameters\.geometry: 2 values"),
        (SelectionRequest(dataset_urn="DS1"), RequestRefused, 'datasetUrn: .*"DS1" to urn'),
        (SelectionRequest.of("MACHIN: BIDULE AND PATATIPATAT: POUET"), QueryRefused, "MACHIN"),
        (SelectionRequest.of("cloud:("), QueryRefused, "line 1, column"),
    ],
)
def test_refused_requests(request_: SelectionRequest, error: type[Exception], words: str) -> None:
    """What no catalogue could answer is refused with its cause."""
    with pytest.raises(error, match=words):
        compile_search(request_, TYPES)
