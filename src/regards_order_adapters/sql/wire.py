"""Domain values as JSON columns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar, get_args

import attrs
import orjson
from cattrs import Converter
from cattrs.gen import make_dict_unstructure_fn

from regards_order.domain.counters import Counters
from regards_order.domain.events import Event
from regards_order.domain.product import DataFile
from regards_order.domain.selection import FileFilter, SelectionRequest

T = TypeVar("T")

_SHORT = 10_000

EVENTS: Mapping[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}


def _make_converter() -> Converter:
    # sets as sorted arrays: a hook for frozenset itself would not be asked for frozenset[FileTypes]
    converter = Converter(forbid_extra_keys=True, unstruct_collection_overrides={frozenset: sorted})
    converter.register_unstructure_hook(dt.datetime, dt.datetime.isoformat)
    converter.register_structure_hook(dt.datetime, lambda text, _: dt.datetime.fromisoformat(text))

    def lean(kind: type[Any]) -> Callable[[Any], dict[str, Any]]:
        return make_dict_unstructure_fn(kind, converter, _cattrs_omit_if_default=True)

    converter.register_unstructure_hook_factory(attrs.has, lean)
    return converter


_converter = _make_converter()


def dump(value: Any) -> Any:
    """Return a domain value as JSON, or None as None; what has its default is left out."""
    return None if value is None else _converter.unstructure(value)


def load(kind: type[T], data: Any) -> T:
    """Return the domain value that was dumped."""
    return _converter.structure(data, kind)


def load_filter(data: Any) -> FileFilter | None:
    """Return a dumped file filter, or None."""
    return None if data is None else load(FileFilter, data)


@lru_cache(maxsize=256)
def load_filter_text(text: str | None) -> FileFilter | None:
    """Return a dumped file filter, or None, from its JSON text."""
    return None if text is None else load_filter(orjson.loads(text))


def load_requests(text: str) -> tuple[SelectionRequest, ...]:
    """Return dumped requests from their JSON text; short ones, which come again and again, are read once."""
    return _load_short(text) if len(text) <= _SHORT else _load_requests(text)


def _load_requests(text: str) -> tuple[SelectionRequest, ...]:
    return load(tuple[SelectionRequest, ...], orjson.loads(text))


_load_short = lru_cache(maxsize=256)(_load_requests)


__all__ = [
    "EVENTS",
    "Counters",
    "DataFile",
    "FileFilter",
    "SelectionRequest",
    "dump",
    "load",
    "load_filter",
    "load_filter_text",
    "load_requests",
]
