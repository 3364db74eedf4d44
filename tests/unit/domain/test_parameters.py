"""The search parameters that name areas."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.areas import Circle, Polygon
from regards_order.domain.errors import InvalidInput, RequestRefused
from regards_order.domain.parameters import MAX_POSITIONS, Area, read_areas
from regards_order.domain.selection import SelectionRequest


def areas(**parameters: str) -> tuple[Area, ...]:
    """Return the areas that these parameters name."""
    return read_areas(SelectionRequest({name: (value,) for name, value in parameters.items()}))


def test_no_parameter_names_no_area() -> None:
    """Absent and empty parameters are no conditions."""
    assert areas() == areas(g="", lat="", lon="", r="") == areas(q="x") == ()


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON((0 40, 10 40, 10 50, 0 40))",
        "  polygon ( ( 0.0 4e1,+10 40. ,1E+1 50\n,0\t40 ) ) ",
        "Polygon((0 40,10 40,10 50,0 40))",
    ],
)
def test_polygons(text: str) -> None:
    """Case, blanks and the form of numbers do not matter."""
    assert areas(g=text) == (Polygon((((0.0, 40.0), (10.0, 40.0), (10.0, 50.0), (0.0, 40.0)),)),)


def test_a_polygon_may_have_holes() -> None:
    """The outer ring comes first."""
    (found,) = areas(g="POLYGON((0 0, 10 0, 10 10, 0 0), (5 2, 6 2, 6 3, 5 2))")
    assert isinstance(found, Polygon)
    assert [len(ring) for ring in found.rings] == [4, 4]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("POINT(1 2)", "no WKT polygon"),
        ("MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))", "no WKT polygon"),
        ("POLYGON EMPTY", "no WKT polygon"),
        ("POLYGON()", "no WKT polygon"),
        ("POLYGON(())", "no WKT polygon"),
        ("POLYGON((0 0, 1 0, 1 1, 0 0)", "no WKT polygon"),
        ("POLYGON((0 0, 1 0, 1 1, 0 0)))", "no WKT polygon"),
        ("POLYGON((0 0, 1 0, 1 1, 0 0),)", "no WKT polygon"),
        ("POLYGON((0 0, 1 0, 1 1, 0 0)(0 0, 1 0, 1 1, 0 0))", "no WKT polygon"),
        ("POLYGON((0 0 5, 1 0 5, 1 1 5, 0 0 5))", "no WKT polygon"),
        ("POLYGON((a b, 1 0, 1 1, a b))", "no WKT polygon"),
        ("POLYGON((٣ 0, 1 0, 1 1, ٣ 0))", "no WKT polygon"),
        ("POLYGON((nan 0, 1 0, 1 1, nan 0))", "no WKT polygon"),
        ("POLYGON((0 0, 1 0, 1 1))", "no valid polygon: each ring"),
        ("POLYGON((0 0,0 0,0 0, 0 0, 0 0))", "no valid polygon: a position is repeated"),
        ("POLYGON((0 0, 181 0, 1 1, 0 0))", "longitude beyond 180"),
        ("POLYGON((0 0, 1e999 0, 1 1, 0 0))", "longitude beyond 180"),
        ("POLYGON((0 0, 1 0, 1 -90.1, 0 0))", "latitude beyond 90"),
        (f"POLYGON(({', '.join(['0 0'] * (MAX_POSITIONS + 1))}))", "1001 positions; at most 1000"),
    ],
)
def test_what_is_no_polygon_is_refused(text: str, part: str) -> None:
    """The refusal says what is expected, or what is wrong with the polygon."""
    with pytest.raises(RequestRefused, match=part):
        areas(g=text)


def test_the_largest_polygon_is_judged_in_time() -> None:
    """A thousand positions take well under a second."""
    ring = [(math.cos(n * math.tau / 999) * 100, math.sin(n * math.tau / 999) * 80) for n in range(999)]
    started = time.perf_counter()
    assert areas(g=f"POLYGON(({', '.join(f'{x} {y}' for x, y in (*ring, ring[0]))}))")
    assert time.perf_counter() - started < 3


@pytest.mark.parametrize(
    ("radius", "metres"),
    [
        ("100", 100.0),
        ("0", 0.0),
        (" 1.5e3 ", 1500.0),
        ("100m", 100.0),
        ("2 km", 2000.0),
        ("1mi", 1609.344),
        ("1NM", 1852.0),
        ("1nmi", 1852.0),
        ("100cm", 1.0),
        ("1000mm", 1.0),
        ("1yd", 0.9144),
        ("1ft", 0.3048),
        ("1in", 0.0254),
    ],
)
def test_circles(radius: str, metres: float) -> None:
    """A radius is in metres, or has a unit."""
    assert areas(lat="43.6", lon=" -1.44", r=radius) == (Circle(-1.44, 43.6, metres),)


def test_a_polygon_and_a_circle() -> None:
    """Both may be given: a product must intersect both."""
    assert len(areas(g="POLYGON((0 40, 10 40, 10 50, 0 40))", lat="0", lon="0", r="1")) == 2


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"lat": "1", "lon": "2"}, "Missing radius parameter : r"),
        ({"lat": "1", "r": "2"}, "Missing center longitude parameter : lon"),
        ({"r": "1"}, "Missing center latitude parameter : lat"),
        ({"lat": "91", "lon": "2", "r": "3"}, '"lat" is no number of degrees from -90 to 90'),
        ({"lat": "x", "lon": "2", "r": "3"}, '"lat" is no number of degrees'),
        ({"lat": "1", "lon": "-181", "r": "3"}, '"lon" is no number of degrees'),
        ({"lat": "1", "lon": "nan", "r": "3"}, '"lon" is no number of degrees'),
        ({"lat": "1", "lon": "2", "r": "-3"}, '"r" is no radius'),
        ({"lat": "1", "lon": "2", "r": "1e999"}, '"r" is no radius'),
        ({"lat": "1", "lon": "2", "r": "3 parsecs"}, '"r" is no radius'),
        ({"lat": "1", "lon": "2", "r": "wide"}, '"r" is no radius'),
    ],
)
def test_what_is_no_circle_is_refused(parameters: dict[str, str], message: str) -> None:
    """A circle needs three numbers that make sense."""
    with pytest.raises(RequestRefused, match=message):
        areas(**parameters)


def test_several_values_are_refused() -> None:
    """Dropping one would find something else."""
    with pytest.raises(InvalidInput):
        read_areas(SelectionRequest({"r": ("1", "2")}))


WORDS = ["POLYGON", "(", ")", "0", "1 ", "1e", "-", ",", " ", "km", "\0", "é"]


@given(st.lists(st.sampled_from(WORDS)).map("".join) | st.text(), st.lists(st.sampled_from(WORDS)).map("".join))
def test_any_text_ends_in_areas_or_in_a_refusal(one: str, other: str) -> None:
    """Nothing else happens."""
    for parameters in ({"g": one}, {"g": f"POLYGON({one})"}, {"lat": one, "lon": other, "r": one}):
        try:
            found = areas(**parameters)
        except RequestRefused:
            continue
        assert len(found) <= 1
