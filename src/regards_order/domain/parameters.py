"""The parameters of a search beside the query, read from their texts (docs/queries.md)."""

from __future__ import annotations

import math
import re

from regards_order.domain.areas import Circle, Polygon
from regards_order.domain.errors import RequestRefused
from regards_order.domain.geometry import Position, Ring
from regards_order.domain.selection import SelectionRequest

Area = Polygon | Circle

MAX_POSITIONS = 1000
_NUMBER = r"[+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?"
_POSITION = re.compile(rf"\s*+({_NUMBER})\s++({_NUMBER})\s*+", re.ASCII)
_RADIUS = re.compile(rf"\s*+({_NUMBER})\s*+([A-Za-z]*+)\s*+", re.ASCII)
_RING = re.compile(r"\s*+\(([^()]*+)\)\s*+")
_POLYGON = re.compile(r"\s*+POLYGON\s*+\((.*)\)\s*", re.IGNORECASE | re.DOTALL)
#: metres in each unit of a radius
UNITS = {"m": 1.0, "km": 1000.0, "cm": 0.01, "mm": 0.001, "mi": 1609.344, "yd": 0.9144, "ft": 0.3048, "in": 0.0254}
UNITS["NM"] = UNITS["nmi"] = 1852.0


def read_areas(request: SelectionRequest) -> tuple[Area, ...]:
    """Return the areas that ``g`` and that ``lat``, ``lon`` and ``r`` name.

    Raises:
        InvalidInput: a parameter has several values.
        RequestRefused: it is no polygon, no number, or a part of the circle is missing.
    """
    areas: list[Area] = []
    polygon = request.parameter("g")
    if polygon is not None:
        areas.append(read_polygon(polygon))
    circle = {name: request.parameter(name) for name in ("lat", "lon", "r")}
    if any(value is not None for value in circle.values()):
        areas.append(_read_circle(circle))
    return tuple(areas)


def read_polygon(text: str) -> Polygon:
    """Return the polygon that *text* describes.

    Raises:
        RequestRefused: it is no ``POLYGON`` in WKT, or no valid one.

    >>> read_polygon("POLYGON((0 0, 10 0, 10 10, 0 0))").boxes
    (Box(west=0.0, south=0.0, east=10.0, north=10.0),)
    """
    found = _POLYGON.fullmatch(text)
    rings = None if found is None else _read_rings(found[1])
    if rings is None:
        example = "POLYGON((0 40, 10 40, 10 50, 0 50, 0 40))"
        raise RequestRefused(f'The search parameter "g" is no WKT polygon of longitudes and latitudes, as in {example}')
    count = sum(map(len, rings))
    if count > MAX_POSITIONS:
        problem = f"has {count} positions; at most {MAX_POSITIONS} are allowed"
        raise RequestRefused(f'The polygon of the search parameter "g" {problem}')
    if any(abs(longitude) > 180 or abs(latitude) > 90 for ring in rings for longitude, latitude in ring):
        raise RequestRefused('The search parameter "g" has a longitude beyond 180 or a latitude beyond 90 degrees')
    polygon = Polygon(rings)
    fault = polygon.fault()
    if fault is not None:
        raise RequestRefused(f'The search parameter "g" is no valid polygon: {fault}')
    return polygon


def _read_rings(text: str) -> tuple[Ring, ...] | None:
    rings: list[Ring] = []
    offset = 0
    while (found := _RING.match(text, offset)) is not None:
        positions = [_POSITION.fullmatch(each) for each in found[1].split(",")]
        if not all(positions):
            return None
        rings.append(tuple(_read_position(each) for each in positions if each))
        offset = found.end()
        if offset == len(text):
            return tuple(rings)
        if text[offset] != ",":
            return None
        offset += 1
    return None


def _read_position(found: re.Match[str]) -> Position:
    return float(found[1]), float(found[2])


def _read_circle(texts: dict[str, str | None]) -> Circle:
    names = {"lat": "center latitude", "lon": "center longitude", "r": "radius"}
    for name, meaning in names.items():
        if texts[name] is None:
            raise RequestRefused(f"Missing {meaning} parameter : {name}; a circle needs lat, lon and r")
    latitude, longitude = (_read_angle(name, str(texts[name]), limit) for name, limit in (("lat", 90), ("lon", 180)))
    found = _RADIUS.fullmatch(str(texts["r"]))
    if found is not None and (found[2] or "m") in UNITS:
        radius = float(found[1]) * UNITS[found[2] or "m"]
        if 0 <= radius < math.inf:
            return Circle(longitude, latitude, radius)
    units = ", ".join(UNITS)
    raise RequestRefused(f'The search parameter "r" is no radius: a number of metres, or with one of {units}')


def _read_angle(name: str, text: str, limit: int) -> float:
    angle = float(text) if re.fullmatch(_NUMBER, text.strip(), re.ASCII) else math.nan
    if not -limit <= angle <= limit:
        raise RequestRefused(f'The search parameter "{name}" is no number of degrees from -{limit} to {limit}')
    return angle
