"""Geometries of products, and the areas that they intersect."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regards_order.domain.areas import EARTH_RADIUS, Circle, Polygon
from regards_order.domain.geometry import Box, Position, holds, read_shape, side, touch

SQUARE = ((0.0, 0.0), (10.0, 0.0), (10.0, 10.0), (0.0, 10.0), (0.0, 0.0))
HOLE = ((4.0, 4.0), (6.0, 4.0), (6.0, 6.0), (4.0, 6.0), (4.0, 4.0))
FRAME = Polygon((SQUARE, HOLE))


def geometry(kind: str, *coordinates: Any) -> dict[str, Any]:
    """Return a GeoJSON geometry."""
    return {"type": kind, "coordinates": coordinates}


def line(*positions: Position) -> dict[str, Any]:
    """Return a GeoJSON line."""
    return geometry("LineString", *positions)


# --- GeoJSON ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "paths", "polygons"),
    [
        ({"type": "Point", "coordinates": [1, 2, 30]}, 1, 0),
        ({"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}, 2, 0),
        ({"type": "LineString", "coordinates": [[1, 2], [3, 4]]}, 1, 0),
        ({"type": "MultiLineString", "coordinates": [[[1, 2], [3, 4]], [[1, 2], [3, 4]]]}, 2, 0),
        ({"type": "Polygon", "coordinates": [SQUARE, HOLE]}, 2, 1),
        ({"type": "MultiPolygon", "coordinates": [[SQUARE, HOLE], [HOLE]]}, 3, 2),
        (
            {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "Point", "coordinates": [1, 2]},
                    {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "coordinates": [SQUARE]}]},
                ],
            },
            2,
            1,
        ),
    ],
)
def test_every_type_of_geometry_is_read(written: dict[str, Any], paths: int, polygons: int) -> None:
    """Points, lines and rings become paths; heights are left out."""
    shape = read_shape(written)
    assert shape is not None
    assert (len(shape.paths), len(shape.polygons)) == (paths, polygons)
    assert all(len(position) == 2 for path in shape.paths for position in path)


@pytest.mark.parametrize(
    "written",
    [
        None,
        5,
        {},
        [],
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": ["a", 2]},
        {"type": "Point", "coordinates": [None, 2]},
        {"type": "Point", "coordinates": [math.nan, 2]},
        {"type": "Point", "coordinates": [10**400, 2]},
        {"type": "Point", "coordinates": [1e300, 2]},
        {"type": "Point", "coordinates": {"x": 1}},
        {"type": "MultiPoint", "coordinates": []},
        {"type": "Polygon", "coordinates": [SQUARE, 5]},
        {"type": "GeometryCollection", "geometries": []},
        {"type": "GeometryCollection"},
    ],
)
def test_what_is_no_geometry_lies_nowhere(written: Any) -> None:
    """It is no error: nothing intersects it."""
    assert read_shape(written) is None
    assert not FRAME.intersects(written)
    assert not Circle(0, 0, 1e9).intersects(written)


# --- lines ------------------------------------------------------------------------------------------------------------

GRID = st.integers(-4, 4).map(float)
POSITIONS = st.tuples(GRID, GRID)


@pytest.mark.parametrize(
    ("position", "expected"), [((0.5, 0.5), 0), ((0.5, math.nextafter(0.5, 1)), 1), ((0.5, math.nextafter(0.5, 0)), -1)]
)
def test_sides_are_exact(position: Position, expected: int) -> None:
    """The smallest step off a line is a step to one side."""
    assert side((12.0, 12.0), (24.0, 24.0), position) == expected


@given(POSITIONS, POSITIONS, POSITIONS, POSITIONS)
def test_touching_is_mutual(a: Position, b: Position, c: Position, d: Position) -> None:
    """It depends neither on the order of two edges nor on their directions; an edge touches its own points."""
    assert touch((a, b), (c, d)) == touch((c, d), (a, b)) == touch((b, a), (c, d)) == touch((a, b), (d, c))
    middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    assert touch((a, b), (middle, middle))
    assert touch((a, b), (middle, c))


@given(POSITIONS, st.permutations(((-3.0, -3.0), (3.0, -2.0), (2.0, 3.0))))
def test_a_triangle_holds_what_lies_on_the_same_side_of_all_edges(position: Position, corners: list[Position]) -> None:
    """The border belongs to it."""
    a, b, c = corners
    turns = {side(a, b, position), side(b, c, position), side(c, a, position)}
    assert holds([(a, b, c, a)], position) == (not {1, -1} <= turns)


# --- polygons ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (geometry("Point", 1, 1), True),
        (geometry("Point", 10, 10), True),
        (geometry("Point", 5, 0), True),
        (geometry("Point", 4, 5), True),
        (geometry("Point", 5, 5), False),
        (geometry("Point", 10.001, 5), False),
        (geometry("Point", 50, 50), False),
        (geometry("MultiPoint", (50, 50), (1, 1)), True),
        (line((-5, 5), (15, 5.5)), True),
        (line((-5, 5), (-1, 15)), False),
        (line((5, -5), (17, 6)), False),
        (line((4.5, 4.5), (5.5, 5.5)), False),
        (line((4.5, 4.5), (5.5, 6)), True),
        (line((5, -5), (15, 5)), True),
        (geometry("Polygon", tuple((x * 10 - 20, y * 10 - 20) for x, y in SQUARE)), True),
        (geometry("Polygon", HOLE), True),
        (geometry("Polygon", tuple((x / 10 + 4.5, y / 10 + 4.5) for x, y in SQUARE)), False),
        (geometry("Polygon", tuple((x / 10 + 1, y / 10 + 1) for x, y in SQUARE)), True),
        (
            geometry(
                "Polygon",
                tuple((x * 10 - 20, y * 10 - 20) for x, y in SQUARE),
                tuple((x * 2 - 5, y * 2 - 5) for x, y in SQUARE),
            ),
            False,
        ),
    ],
)
def test_a_polygon_intersects_what_has_a_point_in_common(written: Any, found: bool) -> None:
    """Borders belong to it, holes do not; a geometry around it intersects it unless it lies in a hole."""
    assert FRAME.intersects(written) is found


@pytest.mark.parametrize(
    ("rings", "fault"),
    [
        ((SQUARE,), None),
        ((SQUARE[::-1], HOLE), None),
        ((SQUARE[:4],), "four positions"),
        (((*SQUARE[:-1], (0.0, 1.0)),), "four positions"),
        ((((0.0, 0.0),) * 5,), "repeated"),
        ((((0.0, 0.0), (10.0, 0.0), (5.0, 0.0), (0.0, 0.0)),), "touches or crosses"),
        ((((0.0, 0.0), (1.0, 1.0), (0.0, 0.0), (1.0, 1.0), (0.0, 0.0)),), "touches or crosses"),
        ((((0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0), (0.0, 0.0)),), "touches or crosses"),
        ((((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (4.0, 0.0), (0.0, 9.0), (0.0, 0.0)),), "touches or crosses"),
        ((((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (9.0, 4.0), (0.0, 9.0), (0.0, 0.0)),), "touches or crosses"),
        ((HOLE, SQUARE), "a hole lies outside"),
        ((HOLE, tuple((x + 20, y) for x, y in HOLE)), "a hole lies outside"),
        ((SQUARE, HOLE, tuple((x / 2 + 2.5, y / 2 + 2.5) for x, y in HOLE)), "another hole"),
        ((SQUARE, tuple((x / 2 + 2.5, y / 2 + 2.5) for x, y in HOLE), HOLE), "another hole"),
        ((SQUARE, HOLE, tuple((x - 3, y - 3) for x, y in HOLE)), None),
        ((SQUARE, HOLE, tuple((x + 1, y + 1) for x, y in HOLE)), "touches or crosses"),
    ],
)
def test_faults_of_polygons(rings: Any, fault: str | None) -> None:
    """Rings are closed, have an area, touch nowhere, and lie where they belong."""
    found = Polygon(rings).fault()
    assert (found is None) if fault is None else (found is not None and fault in found)


@given(st.lists(POSITIONS, min_size=1, max_size=6), st.lists(POSITIONS, min_size=3, max_size=6))
def test_a_polygon_agrees_with_itself_turned_round(positions: list[Position], ring: list[Position]) -> None:
    """Neither the direction of its ring nor where it begins, nor which of two is searched, changes what it finds."""
    polygon = Polygon(((*ring, ring[0]),))
    assume(polygon.fault() is None)
    turned = Polygon((tuple(reversed((*ring[1:], ring[0], ring[1]))),))
    assert turned.fault() is None
    found = polygon.intersects(line(*positions))
    assert found == turned.intersects(line(*reversed(positions)))
    assert found >= any(polygon.intersects(geometry("Point", *position)) for position in positions)
    other = Polygon(((*positions, positions[0]),))
    if other.fault() is None:
        ours, theirs = (geometry("Polygon", *each.rings) for each in (polygon, other))
        assert polygon.intersects(theirs) == other.intersects(ours)
        assert polygon.intersects(theirs) >= found


# --- circles ----------------------------------------------------------------------------------------------------------

DEGREE = math.radians(1) * EARTH_RADIUS


@pytest.mark.parametrize(
    ("circle", "written", "found"),
    [
        (Circle(0, 0, 0), geometry("Point", 0, 0), True),
        (Circle(0, 0, DEGREE + 1), geometry("Point", 1, 0), True),
        (Circle(0, 0, DEGREE - 1), geometry("Point", 1, 0), False),
        (Circle(0, 60, DEGREE / 2 + 1), geometry("Point", 1, 60), True),
        (Circle(179.5, 0, 1.1 * DEGREE), geometry("Point", -179.5, 0), True),
        (Circle(-179.5, 0, 1.1 * DEGREE), geometry("Point", 179.5, 0), True),
        (Circle(180, 0, 1), geometry("Point", -180, 0), True),
        (Circle(0, 89.5, 2 * DEGREE), geometry("Point", 180, 89), True),
        (Circle(0, -89.5, DEGREE), geometry("Point", 180, -89), False),
        (Circle(0, 0, 4 * math.pi * EARTH_RADIUS), geometry("Point", 180, 0), True),
        (Circle(0, 1, 1.01 * DEGREE), line((-50, 0), (50, 0)), True),
        (Circle(0, 1, 0.99 * DEGREE), line((-50, 0), (50, 0)), False),
        (Circle(0, 51, 1.01 * DEGREE), line((-50, 50), (50, 50)), True),
        (Circle(0, 51, 0.98 * DEGREE), line((-50, 50), (50, 50)), False),
        (Circle(0, 0, 1.01 * DEGREE), line((1, 0), (1, 0)), True),
        (Circle(5, 5, 0.99 * DEGREE), geometry("Polygon", SQUARE, HOLE), False),
        (Circle(5, 5, 1.01 * DEGREE), geometry("Polygon", SQUARE, HOLE), True),
        (Circle(1, 1, 1), geometry("Polygon", SQUARE, HOLE), True),
        (Circle(-180, 1, 1), geometry("Polygon", ((170, 0), (180, 0), (180, 2), (170, 2), (170, 0))), True),
        (Circle(20, 5, DEGREE), geometry("Polygon", SQUARE), False),
    ],
)
def test_a_circle_measures_on_the_sphere(circle: Circle, written: Any, found: bool) -> None:
    """Across the antimeridian and over the poles; lines are straight in degrees, an inside is at no distance."""
    assert circle.intersects(written) is found


ON_EARTH = st.tuples(st.floats(-180, 180), st.floats(-90, 90))


def distance(one: Position, other: Position) -> float:
    """Return the distance by the haversine formula."""
    (a, b), (c, d) = (map(math.radians, each) for each in (one, other))
    h = math.sin((d - b) / 2) ** 2 + math.cos(b) * math.cos(d) * math.sin((c - a) / 2) ** 2
    return 2 * EARTH_RADIUS * math.asin(min(1.0, math.sqrt(h)))


@given(ON_EARTH, ON_EARTH, st.floats(0, 2.1e7))
def test_a_circle_holds_what_is_near(centre: Position, position: Position, radius: float) -> None:
    """Its boxes never hide a point that is near enough."""
    away = distance(centre, position)
    assume(abs(away - radius) > 1)
    assert Circle(*centre, radius).intersects(geometry("Point", *position)) is (away < radius)


@given(ON_EARTH, st.lists(ON_EARTH, min_size=2, max_size=4), st.floats(500, 1e6), st.floats(0, 1))
def test_a_line_is_near_where_one_of_its_points_is(
    centre: Position, ends: list[Position], more: float, part: float
) -> None:
    """Whatever point of a line lies well within a circle, the circle meets the line."""
    (a, b), (c, d) = ends[:2]
    position = (a + (c - a) * part, b + (d - b) * part)
    assert Circle(*centre, distance(centre, position) + more).intersects(line(*ends))


def test_boxes() -> None:
    """A circle that crosses the antimeridian has two, one over a pole all longitudes."""
    assert [(box.west, box.east) for box in Circle(179.9, 0, DEGREE).boxes] == [
        (pytest.approx(178.9), pytest.approx(180.9)),
        (-180.0, pytest.approx(-179.1)),
    ]
    assert [(box.west, box.east) for box in Circle(-179.9, 0, DEGREE).boxes][1] == (pytest.approx(179.1), 180.0)
    assert Circle(5, 89.5, DEGREE).boxes == (Box(-180.0, pytest.approx(88.5), 180.0, 90.0),)
    assert Circle(5, 0, 1e9).boxes == (Box(-180.0, -90.0, 180.0, 90.0),)
    assert FRAME.boxes == (Box(0, 0, 10, 10),)
