"""Functions that SQLite borrows from the core, so that both read a text alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import orjson

from regards_order.domain.lucene import Wildcard
from regards_order.domain.lucene.matching import contains_test, like_test, words_test
from regards_order.domain.lucene.words import words

LIKE = "regards_order_like"
CONTAINS = "regards_order_contains"
HAS_WORDS = "regards_order_has_words"
MATCHES = "regards_order_matches"
_MARKS = {Wildcard.ANY: 0, Wildcard.ONE: 1}
_WILDCARDS = tuple(_MARKS)
_KEPT = 64

Pieces = Sequence[str | Wildcard]
TextTest = Callable[[str], bool]


def dump_pieces(pieces: Pieces) -> list[Any]:
    """Return the pieces of a wildcard term as JSON."""
    return [piece if isinstance(piece, str) else _MARKS[piece] for piece in pieces]


def _load_pieces(pieces: list[Any]) -> tuple[str | Wildcard, ...]:
    return tuple(piece if isinstance(piece, str) else _WILDCARDS[piece] for piece in pieces)


@lru_cache(_KEPT)
def _like(pattern: str, ignore_case: int) -> TextTest:
    return like_test(_load_pieces(orjson.loads(pattern)), ignore_case=bool(ignore_case))


@lru_cache(_KEPT)
def _contains(texts: str) -> TextTest:
    return contains_test(orjson.loads(texts))


@lru_cache(_KEPT)
def _has_words(phrases: str) -> TextTest:
    return words_test([tuple(map(_load_pieces, phrase)) for phrase in orjson.loads(phrases)])


def register(connection: Any) -> None:
    """Teach a SQLite connection the functions that need nothing but the core."""

    def add(name: str, count: int, function: Callable[..., bool]) -> None:
        connection.create_function(name, count, function, deterministic=True)

    add(LIKE, 3, lambda pattern, ignore_case, text: _like(pattern, ignore_case)(text))
    add(CONTAINS, 2, lambda texts, text: _contains(texts)(text))
    add(HAS_WORDS, 2, lambda phrases, text: _has_words(phrases)(text))


def register_patterns(connection: Any, compile_pattern: Callable[[str], TextTest]) -> None:
    """Teach a SQLite connection to match the regular expressions that *compile_pattern* compiles."""
    tests: dict[str, TextTest] = {}

    def matches(pattern: str, each_word: int, text: str) -> bool:
        if pattern not in tests:
            tests[pattern] = compile_pattern(pattern)
        return any(map(tests[pattern], words(text))) if each_word else tests[pattern](text)

    connection.create_function(MATCHES, 3, matches, deterministic=True)
