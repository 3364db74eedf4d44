"""Twin, SQLite and PostgreSQL find and count the same, whatever is asked and however they go about it.

Each example is a catalogue and some searches.  ``REGARDS_ORDER_EXAMPLES`` sets how many there are: 500 unless given,
20,000 in the nightly run.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from typing import Any
from unittest.mock import patch

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from regards_order import Access, DataType, Product, SelectionRequest, compile_search
from regards_order.domain.errors import QueryRefused, RequestRefused
from regards_order.domain.search import Search
from regards_order.ports.catalog import Catalog
from regards_order.testing import MemoryCatalog, make_dataset, make_file, make_product
from regards_order.testing.samples import ENTERED
from regards_order_adapters.catalog import anchors, pages, query
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.catalog.write import put
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.unit_of_work import SqlStore

EXAMPLES = int(os.environ.get("REGARDS_ORDER_EXAMPLES", "500"))
_URN = "URN:AIP:{}:default:00000000-0000-0000-0000-{:012}:{}"
_DATASETS = tuple(
    attrs.evolve(make_dataset(f"d{n}"), urn=_URN.format("DATASET", n, f"V{version}"), groups=frozenset({group}))
    for n, version, group in ((1, 1, "public"), (1, 2, "public"), (2, 1, "lab-team"))
)
_TAGS = (*(each.urn for each in _DATASETS), *(_URN.format("DATASET", n, "LAST") for n in (1, 2)), "a%b", "ÉTÉ", "plop")

# --- catalogues

_LONG = "long " * 15
_TEXTS = (
    "Star Wars",
    "star wars II",
    "STAR-WARS, été_7",
    "Été à Évian",
    "100% a_b\\c",
    "a.b+c(d)[e]{f}^$|?*",
    "line\nend",
    "line\r\n",
    "\u212aelvin \u017ftar stra\u00dfe \u0130stanbul \u01c6",
    "ΟΔΟΣ σίσυφος",
    "🙂 emoji",
    "e\u0301te\u0301",
    "10",
    "-5",
    "2020-01-01T00:00:00Z",
    "true",
    "",
    " ",
    f"{_LONG}one",
    f"{_LONG}two",
    " ".join(str(n * 7919 % 10007) for n in range(1500)),
)
_INTEGERS = st.sampled_from((-(2**63), -5, -1, 0, 1, 2, 10, 2000, 2**53, 2**53 + 1, 2**63 - 1))
_NUMBERS = st.sampled_from((-1e300, -0.5, 0.0, 0.1, 0.1 + 0.2, 0.3, 1.0, 128.0, 145.6, 5e-324, 1e300))
_INSTANTS = st.sampled_from(
    (
        "2020-01-01T00:00:00Z",
        "2020-01-01T01:00:00+01:00",
        "2020-01-01T00:00:00.000001Z",
        "2021-06-30T12:00",
        "1900-01-01T00:00:00Z",
    )
)
_texts = st.sampled_from(_TEXTS)


def _several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(values | st.none(), max_size=3)


_properties = st.fixed_dictionaries(
    {},
    optional={
        "title": _texts,
        "cast": _several(_texts),
        "mixed": _texts | _INTEGERS | _NUMBERS | st.booleans() | _INSTANTS,
        "level": _INTEGERS,
        "years": _several(_INTEGERS),
        "cloud": _NUMBERS | _INTEGERS,
        "when": _INSTANTS,
        "ok": st.booleans(),
        "sensing": st.fixed_dictionaries(
            {}, optional={"mode": _texts, "deep": st.fixed_dictionaries({"level": _INTEGERS})}
        ),
        "orbit": st.fixed_dictionaries({}, optional={"mode": _texts}),
    },
)
_SQUARE = [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]]
_geometries = st.sampled_from(
    (
        None,
        {"type": "Point", "coordinates": [5, 5]},
        {"type": "Point", "coordinates": [180, 0]},
        {"type": "Point", "coordinates": [-179.9, 0]},
        {"type": "LineString", "coordinates": [[-5, 5], [15, 5]]},
        {"type": "Polygon", "coordinates": _SQUARE},
        {"type": "MultiPoint", "coordinates": [[50, 50], [-50, -50]]},
        {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [2, 3]}]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Unknown"},
    )
)
_files = st.lists(
    st.builds(
        lambda name, kind, data: make_file(name, data, data_type=kind),
        st.sampled_from(("a.zip", "A.zip", "b%.nc", "été.png")),
        st.sampled_from((DataType.RAWDATA, DataType.QUICKLOOK_SD, DataType.THUMBNAIL, DataType.DOCUMENT)),
        st.sampled_from((b"", b"x", b"abc")),
    ),
    max_size=3,
)


@st.composite
def _products(draw: st.DrawFn) -> list[Product]:
    products = []
    for n in range(draw(st.integers(1, 6))):
        entity, version = draw(st.sampled_from(((n, 1), (n, 2), (9, n + 1))))
        product = make_product(f"p{entity}", *draw(_files), version=version, properties=draw(_properties))
        products.append(
            attrs.evolve(
                product,
                urn=_URN.format("DATA", entity, f"V{version}") + draw(st.sampled_from(("", "", "", ",3", ":REVx"))),
                label=draw(_texts) or "label",
                tags=frozenset(draw(st.sets(st.sampled_from(_TAGS), max_size=3))),
                groups=frozenset(draw(st.sets(st.sampled_from(("public", "lab-team")), max_size=2))),
                geometry=draw(_geometries),
                creation_date=ENTERED + dt.timedelta(microseconds=draw(st.integers(0, 3))),
            )
        )
    unique = {each.urn: each for each in products}.values()
    newest: dict[str, int] = {}
    for each in unique:
        newest[each.provider_id] = max(each.version, newest.get(each.provider_id, 0))
    return [attrs.evolve(each, last=each.version == newest[each.provider_id]) for each in unique]


# --- queries

_ATTRIBUTES = "title title cast mixed level years cloud when ok sensing.mode orbit.mode properties.sensing.deep.level"
_BUILT_IN = "id virtualId providerId productId label model tags version last rawdata datasetModelNames _creationDate"
_FIELDS = tuple(f"{_ATTRIBUTES} {_BUILT_IN} _lastUpdate".split(" "))
_SPECIAL = frozenset('+-!():^<>=[]"{}~\\/*? \t\r\n\u3000&|')


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in _SPECIAL else each for each in text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def _piece(draw: st.DrawFn) -> str:
    text = draw(
        _texts
        | st.sampled_from(_TAGS)
        | st.sampled_from(("p0", "p9", "a.zip", _URN.format("DATA", 9, "V1"), _URN.format("DATA", 9, "LAST")))
    )[:200]
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, len(text)))
    text = draw(st.sampled_from((text, text[start:end], text.swapcase())))
    return text or "x"


_values = (
    _piece()
    | st.sampled_from(("1", "-5", "0", "2000", "9007199254740993", "0.3", "1e0", "128", "true", "false"))
    | _INSTANTS
)
_PATTERNS = (
    ".*|.|[Ss]tar.*|[^a-z]+|(Star\u2223star) [Ww]ars( II)?|line.end|line\\n?.*|.{3,9}|É.*|a\\.b.*"
    "|\\d+|\\w+|\\S+|[0-9]{2}|x\u2223"
    "|p[0-9]|été|[é-ü]t.|.*🙂.*|(a\u2223b)*|[\\d_]+|\\W+|[^\\s]*|k.*|.*$|^|a{0,3}.*|.*\\w\\W.*|[A-Z].*|.*[^\\d]"
)
_regexes = st.sampled_from([each.replace("\u2223", "|") for each in _PATTERNS.split("|")])


@st.composite
def _operands(draw: st.DrawFn) -> str:
    value = draw(_values)
    match draw(st.integers(0, 7)):
        case 0 | 1:
            return ":" + _escaped(value)
        case 2 | 3:
            return "=" + _quoted(value)
        case 4:
            cut = draw(st.integers(0, len(value)))
            sign = draw(st.sampled_from(("*", "?")))
            return ":" + draw(st.sampled_from(("", "*"))) + _escaped(value[:cut]) + sign + _escaped(value[cut + 1 :])
        case 5:
            return f":/{draw(_regexes)}/"
        case 6:
            low, high = draw(_values | st.just("*")), draw(_values | st.just("*"))
            low, high = (each if each == "*" else _quoted(each) for each in (low, high))
            return f":{draw(st.sampled_from('[{'))}{low} TO {high}{draw(st.sampled_from(']}'))}"
        case _:
            return ":(" + " OR ".join(map(_quoted, draw(st.lists(_values, min_size=1, max_size=4)))) + ")"


@st.composite
def _atoms(draw: st.DrawFn) -> str:
    operand = draw(_operands())
    if draw(st.integers(0, 4)) == 0:
        return operand[1:]
    return draw(st.sampled_from(_FIELDS)) + draw(st.sampled_from(("", "", "", "@text"))) + operand


_queries = st.recursive(
    _atoms(),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(("AND", "OR")), inner), inner.map("NOT ({})".format)
    ),
    max_leaves=5,
)
_polygons = st.sampled_from(
    (
        "POLYGON((0 0, 4 0, 4 4, 0 4, 0 0))",
        "POLYGON((4 4, 6 4, 6 6, 4 6, 4 4))",
        "POLYGON((-60 -60, 60 -60, 60 60, -60 60, -60 -60))",
        "POLYGON((170 -1, 180 -1, 180 1, 170 1, 170 -1))",
        "POLYGON((20 20, 20 21, 21 20, 20 20))",
    )
)
_parameters = st.one_of(
    st.fixed_dictionaries({"q": _queries}),
    st.fixed_dictionaries({"q": _queries}),
    st.fixed_dictionaries({}, optional={"q": _queries, "g": _polygons, "hasImage": st.sampled_from(("true", "false"))}),
    st.fixed_dictionaries({"exists": st.sampled_from(_FIELDS)}, optional={"q": _queries}),
    st.builds(
        lambda place, radius: {"lat": place[0], "lon": place[1], "r": radius},
        st.sampled_from((("5", "5"), ("0", "180"), ("-90", "0"), ("0", "0"))),
        st.sampled_from(("1", "30km", "600 km", "0")),
    ),
)


@st.composite
def _requests(draw: st.DrawFn, products: Sequence[Product]) -> SelectionRequest:
    urns = st.lists(st.sampled_from([*(each.urn for each in products), "URN:unknown"]), max_size=3).map(tuple)
    sometimes = st.integers(0, 3).map(bool)
    return SelectionRequest(
        {name: (value,) for name, value in draw(_parameters).items()},
        None if draw(sometimes) else draw(st.sampled_from(_TAGS[:5])),
        None if draw(sometimes) else draw(urns),
        None if draw(sometimes) else draw(urns),
        selection_date=None if draw(sometimes) else ENTERED + dt.timedelta(microseconds=draw(st.integers(0, 4))),
    )


# --- the test


def _read_all(catalog: Catalog, searches: Sequence[Search], access: Access, limit: int) -> list[list[Any]]:
    found: list[list[Any]] = []
    after = ""
    while page := catalog.search(searches, access, after=after, limit=limit):
        found.append(list(page))
        after = page[-1].urn
    return found


_numbers = count()
_accesses = st.sampled_from(
    (Access(), Access(frozenset({"public", "lab-team"})), Access(frozenset()), Access(everything=True))
)
#: how the databases go about it: whether few matches are found first, whether pages are walked, what they may be asked
_WAYS = st.fixed_dictionaries(
    {
        "few": st.sampled_from((0, anchors.FEW)),
        "far": st.sampled_from((0, 10**9)),
        "depth": st.sampled_from((0, 1, 8, 8, 8)),
    }
)


@pytest.mark.no_cover  # what is covered must not depend on what is drawn, and to note it doubles the time
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), products=_products(), access=_accesses, limit=st.integers(1, 4), way=_WAYS)
def test_all_find_the_same(
    engines: list[sa.Engine],
    data: st.DataObject,
    products: list[Product],
    access: Access,
    limit: int,
    way: dict[str, int],
) -> None:
    """Attributes, counters and pages of any searches for any user are the same in memory and in both databases."""
    twin = MemoryCatalog(_DATASETS, products)
    attributes = twin.attributes()
    searches: list[Search] = []
    for request in data.draw(st.lists(_requests(products), min_size=1, max_size=4)):
        try:
            searches.append(compile_search(request, attributes))
        except (QueryRefused, RequestRefused):
            continue
    groups = [[each] for each in searches] + ([searches] if len(searches) > 1 else [])
    wanted = [(group, twin.summary(group, access), _read_all(twin, group, access, limit)) for group in groups]
    number = next(_numbers)
    for engine in engines:
        store = SqlStore(engine, f"tenant {number}")
        put(store, _DATASETS, products)
        catalog = SqlCatalog(store, Re2Patterns())
        assert catalog.attributes() == attributes
        with ExitStack() as ways:
            ways.enter_context(patch.object(anchors, "FEW", way["few"]))
            ways.enter_context(patch.object(pages, "_FAR", way["far"]))
            ways.enter_context(patch.object(pages, "_SAMPLE", 1))
            ways.enter_context(patch.object(query, "MAX_DEPTH", way["depth"]))
            for group, summary, found in wanted:
                assert catalog.summary(group, access) == summary, (engine.name, group)
                assert _read_all(catalog, group, access, limit) == found, (engine.name, group)
