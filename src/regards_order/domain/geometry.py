"""Places on the Earth: the GeoJSON geometries of products, and the areas in which they are searched.

Positions are longitude and latitude in degrees.  An edge is a straight line in degrees, as GeoJSON says, and nothing
crosses the antimeridian: whatever does is cut in two there.  Only distances are measured on the sphere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import attrs

Position = tuple[float, float]
Edge = tuple[Position, Position]
Ring = tuple[Position, ...]

_FARTHEST = 1e6  # degrees
_ROUNDING = 4 * 2.0**-52


@attrs.frozen
class Box:
    """Hold the corners of a rectangle in degrees."""

    west: float
    south: float
    east: float
    north: float

    def meets(self, other: Box) -> bool:
        """Return whether both have a point in common."""
        return (
            self.west <= other.east
            and other.west <= self.east
            and self.south <= other.north
            and other.south <= self.north
        )

    @classmethod
    def around(cls, positions: Sequence[Position]) -> Box:
        """Return the smallest box that holds *positions*, of which there is one at least."""
        longitudes, latitudes = zip(*positions, strict=True)
        return cls(min(longitudes), min(latitudes), max(longitudes), max(latitudes))


@attrs.frozen
class Shape:
    """Hold a geometry in its simple parts.

    Attributes:
        paths: the positions of its points (one each), lines and rings; a ring ends where it begins.
        polygons: the rings of each polygon, the outer one first; they are among the paths too.
        box: what all of it lies in.
    """

    paths: tuple[tuple[Position, ...], ...]
    polygons: tuple[tuple[Ring, ...], ...]
    box: Box

    def edges(self) -> Iterator[Edge]:
        """Yield all edges."""
        for path in self.paths:
            yield from pairwise(path)


def read_shape(geometry: Any) -> Shape | None:
    """Return the parts of a GeoJSON *geometry*, or None for null, for an empty one and for what is none.

    >>> read_shape({"type": "Point", "coordinates": [1.5, 43.6]}).box
    Box(west=1.5, south=43.6, east=1.5, north=43.6)
    """
    paths: list[tuple[Position, ...]] = []
    polygons: list[tuple[Ring, ...]] = []
    pending = [geometry]
    try:
        while pending:
            part = pending.pop()
            if part["type"] == "GeometryCollection":
                pending.extend(part["geometries"])
                continue
            for path, polygon in _PARTS[part["type"]](part["coordinates"]):
                paths.extend(path)
                polygons.extend(polygon)
        positions = [position for path in paths for position in path]
        return Shape(tuple(paths), tuple(polygons), Box.around(positions)) if positions else None
    except (KeyError, TypeError, ValueError, IndexError, OverflowError):
        return None


_Parts = Iterator[tuple[Sequence[tuple[Position, ...]], Sequence[tuple[Ring, ...]]]]


def _position(written: Any) -> Position:
    longitude, latitude = float(written[0]), float(written[1])
    if not (abs(longitude) <= _FARTHEST and abs(latitude) <= _FARTHEST):
        raise ValueError(f"{written} is no position")
    return longitude, latitude


def _line(written: Any) -> tuple[Position, ...]:
    return tuple(map(_position, written))


def _points(written: Any) -> _Parts:
    yield [(_position(each),) for each in written], []


def _lines(written: Any) -> _Parts:
    yield list(map(_line, written)), []


def _polygons(written: Any) -> _Parts:
    for polygon in written:
        rings = tuple(map(_line, polygon))
        yield rings, [rings]


_PARTS: Mapping[str, Any] = {
    "Point": lambda written: _points([written]),
    "MultiPoint": _points,
    "LineString": lambda written: _lines([written]),
    "MultiLineString": _lines,
    "Polygon": lambda written: _polygons([written]),
    "MultiPolygon": _polygons,
}


# --- straight lines in degrees ----------------------------------------------------------------------------------------


def side(a: Position, b: Position, c: Position) -> int:
    """Return on which side of the line from *a* to *b* the position *c* lies: 1 left, -1 right, 0 on it, exactly."""
    left, right = (b[0] - a[0]) * (c[1] - a[1]), (b[1] - a[1]) * (c[0] - a[0])
    turn = left - right
    if abs(turn) <= _ROUNDING * (abs(left) + abs(right)):
        # too close for floats
        (ax, ay), (bx, by), (cx, cy) = (map(Fraction, each) for each in (a, b, c))
        exact = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        return (exact > 0) - (exact < 0)
    return 1 if turn > 0 else -1


def touch(one: Edge, other: Edge) -> bool:
    """Return whether two edges have a point in common."""
    (a, b), (c, d) = one, other
    for axis in (0, 1):
        if max(a[axis], b[axis]) < min(c[axis], d[axis]) or max(c[axis], d[axis]) < min(a[axis], b[axis]):
            return False
    # where their boxes meet, edges on one line have a point in common as well
    return side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0


def holds(polygon: Sequence[Ring], position: Position) -> bool:
    """Return whether *position* lies in a polygon or on its border, and in none of its holes."""
    inside = False
    x, y = position
    for ring in polygon:
        for a, b in pairwise(ring):
            turn = side(a, b, position)
            if turn == 0 and min(a[0], b[0]) <= x <= max(a[0], b[0]) and min(a[1], b[1]) <= y <= max(a[1], b[1]):
                return True
            if (a[1] > y) != (b[1] > y) and (turn > 0) == (b[1] > a[1]):
                inside = not inside
    return inside
