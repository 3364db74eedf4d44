"""The areas of a search: a polygon in degrees, or a circle on the sphere."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import attrs

from regards_order.domain.geometry import Box, Edge, Position, Ring, Shape, holds, read_shape, touch

EARTH_RADIUS = 6_371_008.8  # metres: the mean radius
_PIECE = 1.0  # degrees: longer edges are cut into pieces for measuring

_Vector = tuple[float, float, float]


@attrs.frozen
class Polygon:
    """Hold a polygon, its outer ring first, and find what has a point in common with it, its border included."""

    rings: tuple[Ring, ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Return the boxes that hold all of it; no geometry whose box meets none of them intersects it."""
        return (Box.around(self.rings[0]),)

    def fault(self) -> str | None:
        """Return why this is no polygon, or None: rings must be closed, have an area, and touch nowhere."""
        for ring in self.rings:
            if len(ring) < 4 or ring[0] != ring[-1]:
                return "each ring needs at least four positions, the last one equal to the first"
        edges = [edge for ring in self.rings for edge in pairwise(ring)]
        if any(a == b for a, b in edges):
            return "a position is repeated"
        if any(_cross(one, other) for one, other in combinations(edges, 2)):
            return "its border touches or crosses itself"
        if not all(holds(self.rings[:1], hole[0]) for hole in self.rings[1:]):
            return "a hole lies outside"
        inner = combinations(self.rings[1:], 2)
        if any(holds([one], other[0]) or holds([other], one[0]) for one, other in inner):
            return "a hole lies in another hole"
        return None

    def intersects(self, geometry: Any) -> bool:
        """Return whether a GeoJSON *geometry* has a point in common with the polygon."""
        shape = read_shape(geometry)
        return shape is not None and self.boxes[0].meets(shape.box) and self._meets(shape)

    def _meets(self, shape: Shape) -> bool:
        """Return whether both have a point in common: unless edges touch, each path is wholly inside or outside."""
        if any(holds(self.rings, path[0]) for path in shape.paths):
            return True
        if any(holds(polygon, self.rings[0][0]) for polygon in shape.polygons):
            return True
        edges = [edge for ring in self.rings for edge in pairwise(ring)]
        near = [edge for edge in shape.edges() if Box.around(edge).meets(self.boxes[0])]
        return any(touch(one, other) for one in near for other in edges)


def _cross(one: Edge, other: Edge) -> bool:
    """Return whether two edges of a border have more in common than the end of one that begins the other."""
    (a, b), (c, d) = one, other
    if b == c and a == d:
        return True
    if b == c:
        return touch((a, a), other) or touch(one, (d, d))
    if d == a:
        return touch((c, c), one) or touch(other, (b, b))
    return touch(one, other)


@attrs.frozen
class Circle:
    """Hold a circle on a sphere, and find what lies within *radius* metres of its centre, wholly or in part.

    The boxes and the inside of a geometry are those of straight lines in degrees; its edges, in pieces of one degree at
    most, count as arcs of great circles.
    """

    longitude: float
    latitude: float
    radius: float

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Return the boxes that hold all of it, two when it crosses the antimeridian."""
        angle = math.degrees(self.radius / EARTH_RADIUS)
        south, north = self.latitude - angle, self.latitude + angle
        if south <= -90 or north >= 90:
            return (Box(-180.0, max(south, -90.0), 180.0, min(north, 90.0)),)
        ratio = math.sin(math.radians(angle)) / math.cos(math.radians(self.latitude))
        width = math.degrees(math.asin(min(ratio, 1.0)))
        west, east = self.longitude - width, self.longitude + width
        boxes = [Box(west, south, east, north)]
        if west <= -180:
            boxes.append(Box(west + 360, south, 180.0, north))
        if east >= 180:
            boxes.append(Box(-180.0, south, east - 360, north))
        return tuple(boxes)

    def intersects(self, geometry: Any) -> bool:
        """Return whether some point of a GeoJSON *geometry* lies within the circle."""
        shape = read_shape(geometry)
        return shape is not None and any(box.meets(shape.box) for box in self.boxes) and self._meets(shape)

    def _meets(self, shape: Shape) -> bool:
        centres = [(self.longitude, self.latitude)]
        if abs(self.longitude) == 180:
            centres.append((-self.longitude, self.latitude))
        if any(holds(polygon, centre) for polygon in shape.polygons for centre in centres):
            return True
        centre, limit = _vector(centres[0]), self.radius / EARTH_RADIUS
        if any(_angle(centre, _vector(position)) <= limit for path in shape.paths for position in path):
            return True
        return any(_arc_angle(centre, *piece) <= limit for edge in shape.edges() for piece in self._pieces(edge))

    def _pieces(self, edge: Edge) -> Iterator[tuple[_Vector, _Vector]]:
        """Yield the pieces of *edge* that are not too far north or south."""
        (west, south), (east, north) = edge
        reach = math.degrees(self.radius / EARTH_RADIUS) + _PIECE
        count = math.ceil(max(abs(east - west), abs(north - south), _PIECE / 2) / _PIECE)
        steps = [(west + (east - west) * n / count, south + (north - south) * n / count) for n in range(count)]
        for a, b in pairwise([*steps, edge[1]]):
            if abs(a[1] - self.latitude) <= reach:
                yield _vector(a), _vector(b)


# --- the sphere -------------------------------------------------------------------------------------------------------


def _vector(position: Position) -> _Vector:
    longitude, latitude = map(math.radians, position)
    across = math.cos(latitude)
    return across * math.cos(longitude), across * math.sin(longitude), math.sin(latitude)


def _dot(a: _Vector, b: _Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _normal(a: _Vector, b: _Vector) -> _Vector:
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def _angle(a: _Vector, b: _Vector) -> float:
    return math.atan2(math.hypot(*_normal(a, b)), _dot(a, b))


def _arc_angle(centre: _Vector, a: _Vector, b: _Vector) -> float:
    """Return the angle between *centre* and the closest point of the arc from *a* to *b*."""
    normal = _normal(a, b)
    if _dot(_normal(normal, a), centre) < 0 or _dot(_normal(b, normal), centre) < 0 or not any(normal):
        return min(_angle(centre, a), _angle(centre, b))
    return abs(math.asin(_dot(normal, centre) / math.hypot(*normal)))
