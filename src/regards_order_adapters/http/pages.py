"""Pages: what is asked for, and how an answer is framed (docs/rest.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import attrs
from starlette.datastructures import QueryParams

from regards_order.domain.errors import Fault
from regards_order.ports.listings import Sort
from regards_order_adapters.http.errors import MalformedRequest

_LARGEST = 2000
_FAR = 2**62  # beyond every offset that a database takes
_NUMBER = re.compile(r"0*([0-9]+)", re.ASCII)
_LAST = 2**63 - 1
_NAMED = 10


@attrs.frozen
class Page:
    """Say which page of a list is wanted.

    Attributes:
        number: counted from 0.
        size: items on a page.
        sort: given fields with their direction, the strongest first, as links repeat them.
        after: items with this id and below are left out.
    """

    number: int
    size: int
    sort: tuple[tuple[str, str], ...] = ()
    after: int = 0

    @classmethod
    def asked(cls, query: QueryParams, size: int) -> Page:
        """Return the page that a query asks for; *size* is the default."""
        wanted = _digits(query.get("size")) or size
        return cls(_number(query.get("page")), min(wanted, _LARGEST))

    @classmethod
    def sorted(cls, query: QueryParams, size: int) -> Page:
        """Return the page that a query asks for, with ``sort`` and ``after``; a field that comes again changes nothing.

        Raises:
            MalformedRequest: a sort has a direction that is none.
        """
        fields: dict[str, str] = {}
        for name, direction in (_order(text) for text in query.getlist("sort") if text.strip()):
            fields.setdefault(name, direction)
        return attrs.evolve(cls.asked(query, size), sort=tuple(fields.items()), after=_number(query.get("after")))

    @property
    def offset(self) -> int:
        """Return how many items come before the page."""
        return min(self.number * self.size, _FAR)

    def sorts(self, fields: Mapping[str, str]) -> tuple[Sort, ...]:
        """Return the sorts, each with the field of the core behind its name.

        Raises:
            MalformedRequest: a name stands for no field.
        """
        unknown = [name for name, _ in self.sort if name not in fields]
        if unknown:
            known = ", ".join(fields)
            raise MalformedRequest(
                tuple(Fault("sort", f'"{name}" cannot be sorted by; expected {known}') for name in unknown[:_NAMED])
            )
        return tuple(Sort(fields[name], direction == "desc") for name, direction in self.sort)

    def frame(self, url: str, total: int, items: Sequence[Any]) -> dict[str, Any]:
        """Return a page of a list at *url* that has *total* items in all."""
        pages = -(-total // self.size)
        numbers = {"self": self.number}
        if self.number > 0:
            numbers = {"first": 0, "prev": self.number - 1, **numbers}
        if self.number + 1 < pages:
            numbers |= {"next": self.number + 1, "last": pages - 1}
        return {
            "metadata": {"size": self.size, "totalElements": total, "totalPages": pages, "number": self.number},
            "content": items,
            "links": [{"rel": rel, "href": f"{url}?{self._query(number)}"} for rel, number in numbers.items()],
        }

    def _query(self, number: int) -> str:
        query = [("page", str(number)), ("size", str(self.size))]
        query += [("sort", f"{name},{direction}") for name, direction in self.sort]
        if self.after:
            query.append(("after", str(self.after)))
        return urlencode(query, quote_via=quote, safe=",")


def _digits(text: str | None) -> int:
    """Return a number, 0 when a text is none; of a longer one than any that counts, one that is too large as well."""
    match = _NUMBER.fullmatch(text or "")
    return int(match[1][:20]) if match else 0


def _number(text: str | None) -> int:
    """Return a number of 64 bits, 0 when a text is none."""
    number = _digits(text)
    return number if number <= _LAST else 0


def _order(text: str) -> tuple[str, str]:
    name, _, direction = (part.strip() for part in text.partition(","))
    if direction.lower() not in ("", "asc", "desc"):
        raise MalformedRequest((Fault("sort", f'"{direction}" is no direction; expected asc or desc'),))
    return name, direction.lower() or "asc"
