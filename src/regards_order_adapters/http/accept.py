"""What a client accepts (docs/rest.md): the header ``Accept``, as RFC 9110 describes it."""

from __future__ import annotations

import re

import attrs

_RANGE = re.compile(r"([\w!#$&^.+*-]+)/([\w!#$&^.+*-]+)", re.ASCII)
_QUALITY = re.compile(r"\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*", re.ASCII | re.IGNORECASE)


@attrs.frozen
class Accept:
    """Hold media ranges with their qualities; what is no range was left out, and without any everything will do.

    >>> Accept.of("text/*, application/json;q=0.5").quality("application/json")
    0.5
    >>> Accept.of("text/html").quality("application/json")
    0.0
    """

    ranges: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, header: str) -> Accept:
        """Return what a header says, or several of them joined by commas."""
        return cls(tuple(filter(None, map(_range, header.lower().split(",")))))

    def quality(self, kind: str) -> float:
        """Return how much a media type is wanted, 0 to 1; of the ranges that hold it the narrowest one decides."""
        if not self.ranges:
            return 1.0
        for wanted in (kind, kind.partition("/")[0] + "/*", "*/*"):
            found = [quality for name, quality in self.ranges if name == wanted]
            if found:
                return max(found)
        return 0.0

    def names(self, kind: str) -> bool:
        """Return whether a media type is wanted by its full name."""
        return any(name == kind and quality > 0 for name, quality in self.ranges)


def _range(text: str) -> tuple[str, float] | None:
    name, *parameters = text.split(";")
    if not _RANGE.fullmatch(name.strip()):
        return None
    qualities = [match[1] for match in map(_QUALITY.fullmatch, parameters) if match]
    return name.strip(), min(float(qualities[0]), 1.0) if qualities else 1.0
