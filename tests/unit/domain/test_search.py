"""From a request to a search: what is refused, and what each part of a search wants."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order.domain.attributes import AttributeType
from regards_order.domain.errors import InvalidInput, QueryRefused, RequestRefused
from regards_order.domain.product import DataType
from regards_order.domain.search import compile_search
from regards_order.domain.selection import SelectionRequest
from regards_order.domain.urn import Urn
from regards_order.domain.versions import LastVersions
from regards_order.testing import RePatterns, make_dataset, make_file, make_product

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


PLACES = {
    "point": {"type": "Point", "coordinates": [1.44, 43.6]},
    "line": {"type": "LineString", "coordinates": [[-20, 43.2], [20, 43.2]]},
    "nowhere": None,
}


@pytest.mark.parametrize(
    ("parameters", "names"),
    [
        ({"g": "POLYGON((0 40, 10 40, 10 50, 0 50, 0 40))"}, {"point", "line"}),
        ({"g": "POLYGON((0 43.5, 10 43.5, 10 50, 0 43.5))", "q": ""}, {"point"}),
        ({"lat": "43.6", "lon": "1.44", "r": "1km"}, {"point"}),
        ({"lat": "43.6", "lon": "1.44", "r": "100km", "q": "NOT label:point"}, {"line"}),
        ({"exists": "cloud"}, {"point"}),
        ({"exists": "properties.cloud", "q": "cloud:5"}, {"point"}),
        ({"exists": "productId"}, {"point", "line", "nowhere"}),
        ({"hasImage": "true"}, {"line"}),
        ({"hasImage": "True"}, {"line"}),
        ({"hasImage": "false"}, {"point", "line", "nowhere"}),
    ],
)
def test_parameters_beside_the_query(parameters: dict[str, str], names: set[str]) -> None:
    """Areas, an attribute that must have a value, and pictures are joined to the query by AND."""
    products = [attrs.evolve(make_product(name), geometry=place) for name, place in PLACES.items()]
    products[0] = attrs.evolve(products[0], properties={"cloud": 5})
    products[1] = attrs.evolve(products[1], files=(make_file("q", data_type=DataType.QUICKLOOK_MD),))
    request = SelectionRequest({name: (value,) for name, value in parameters.items()})
    test = compile_search(request, TYPES).predicate(RePatterns().compile)
    assert {product.label for product in products if test(product)} == names


LAST = LastVersions.of([A.urn, B.urn])
A_LAST = str(Urn.parse(A.urn).last)


@pytest.mark.parametrize(
    ("request_", "tags"),
    [
        (SelectionRequest(dataset_urn=A.urn), {A.urn}),
        (SelectionRequest(dataset_urn=A_LAST), {A_LAST}),
        (SelectionRequest.of(f'NOT (label:x OR tags:("{A.urn}" OR "free")) AND label:("URN:x")'), {A.urn}),
        (SelectionRequest.of(f'tags:*1 AND tags@text:x OR tags:"{B.urn}"', dataset=A.urn), {A.urn, B.urn}),
        (SelectionRequest(), set()),
    ],
)
def test_tags_that_may_name_a_dataset(request_: SelectionRequest, tags: set[str]) -> None:
    """Whoever evaluates a search has to know the last versions of these only."""
    assert compile_search(request_, TYPES).dataset_tags == tags


@pytest.mark.parametrize(
    ("query", "dataset", "found"),
    [
        (None, A.urn, True),
        (None, A_LAST, True),
        (f'tags:"{A.urn}"', None, True),
        (f'tags:("x" OR "{A_LAST}")', None, True),
        (f'NOT tags:"{A_LAST}"', None, False),
        (f'tags:"{B.urn}"', None, False),
        ("tags:*LAST AND tags:*V1", None, False),
    ],
)
@pytest.mark.parametrize("tag", [A.urn, A_LAST])
def test_the_last_version_of_a_dataset_has_two_names(
    query: str | None, dataset: str | None, found: bool, tag: str
) -> None:
    """Equality on tags finds both, whichever a product has."""
    search = compile_search(SelectionRequest.of(query, dataset=dataset), TYPES)
    product = attrs.evolve(BOTH, tags=frozenset({tag}))
    assert search.predicate(RePatterns().compile, LAST)(product) is found
    assert search.naming(LAST).naming(LAST) == search.naming(LAST)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (SelectionRequest(engine_type=" "), InvalidInput, "Engine type may not be empty"),
        (SelectionRequest(engine_type="opensearch"), RequestRefused, 'Unknown search engine "opensearch"'),
        (SelectionRequest({"geometry": ("POINT",)}), RequestRefused, 'search parameter "geometry" is not supported'),
        (SelectionRequest({"q": ("a", "b")}), InvalidInput, "2 values are given"),
        (SelectionRequest({"geometry": ("a", "b")}), InvalidInput, r"\$\.searchParameters\.geometry: 2 values"),
        (SelectionRequest({"toponym": ("x",)}), RequestRefused, '"toponym" is not supported; expected q, g, lat'),
        (SelectionRequest({"exists": ("what",)}), RequestRefused, 'unknown attribute "what"'),
        (SelectionRequest({"g": ("POINT(1 2)",)}), RequestRefused, "no WKT polygon"),
        (SelectionRequest({"r": ("1",)}), RequestRefused, "Missing center latitude parameter : lat"),
        (SelectionRequest({"hasImage": ("true", "false")}), InvalidInput, "2 values"),
        (SelectionRequest(dataset_urn="DS1"), RequestRefused, 'datasetUrn: .*"DS1" to urn'),
        (SelectionRequest.of("MACHIN: BIDULE AND PATATIPATAT: POUET"), QueryRefused, "MACHIN"),
        (SelectionRequest.of("cloud:("), QueryRefused, "line 1, column"),
    ],
)
def test_refused_requests(request_: SelectionRequest, error: type[Exception], words: str) -> None:
    """What no catalogue could answer is refused with its cause."""
    with pytest.raises(error, match=words):
        compile_search(request_, TYPES)
