"""Functions that SQLite borrows from the core, so that both read a wildcard alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from regards_order.domain.lucene import Wildcard
from regards_order.domain.lucene.predicate import like_test

LIKE = "regards_order_like"
_MARKS = {Wildcard.ANY: 0, Wildcard.ONE: 1}
_WILDCARDS = tuple(_MARKS)


def dump_pieces(pieces: Sequence[str | Wildcard]) -> str:
    """Return the pieces of a wildcard term as one text: what the function `LIKE` takes first."""
    return orjson.dumps([piece if isinstance(piece, str) else _MARKS[piece] for piece in pieces]).decode()


@lru_cache(maxsize=64)
def _test(pattern: str) -> Callable[[str], bool]:
    return like_test([piece if isinstance(piece, str) else _WILDCARDS[piece] for piece in orjson.loads(pattern)])


def register(connection: Any) -> None:
    """Teach a SQLite connection the function `LIKE`."""
    connection.create_function(LIKE, 2, lambda pattern, text: _test(pattern)(text), deterministic=True)
