"""Tests of texts that mean the same on SQLite, on PostgreSQL and in the predicate of the core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from regards_order.domain.lucene import Wildcard
from regards_order.domain.lucene.matching import lower
from regards_order_adapters.sql import functions, words
from regards_order_adapters.sql.dialects import Test
from regards_order_adapters.sql.functions import Pieces, dump_pieces
from regards_order_adapters.sql.types import dump_json

Condition = sa.ColumnElement[bool]
_ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})
_MARKS = {Wildcard.ANY: "%", Wildcard.ONE: "_"}


class _Contains(Test):
    inherit_cache = True


class _ContainsOne(Test):
    inherit_cache = True


class _Like(Test):
    inherit_cache = True


class _LikeIgnoringCase(Test):
    inherit_cache = True


class _Matches(Test):
    inherit_cache = True


class _SomeWordMatches(Test):
    inherit_cache = True


class _HasWords(Test):
    inherit_cache = True


# --- what is looked for, as each database wants it --------------------------------------------------------------------


class _Texts(sa.TypeDecorator[Any]):
    """Hand over texts, any of which may be contained."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.ARRAY(sa.Text()) if array else sa.Text())

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> Any:
        if dialect.name != "postgresql":
            return dump_json(value)
        return [f"%{lower(text).translate(_ESCAPED)}%" for text in value]


class _Pattern(sa.TypeDecorator[Any]):
    """Hand over the pieces of a wildcard term."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        if dialect.name != "postgresql":
            return dump_json(dump_pieces(value))
        return "".join(_MARKS[piece] if isinstance(piece, Wildcard) else piece.translate(_ESCAPED) for piece in value)


class _Whole(sa.TypeDecorator[Any]):
    """Hand over a regular expression that a whole text has to match."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str:
        return f"^(?:{value})$" if dialect.name == "postgresql" else str(value)


class _Phrases(sa.TypeDecorator[Any]):
    """Hand over phrases, as an expression or as JSON."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        if dialect.name == "postgresql":
            return words.has_words(value)
        return dump_json([[dump_pieces(shape) for shape in phrase] for phrase in value])


def _given(value: Any, kind: sa.types.TypeEngine[Any]) -> sa.BindParameter[Any]:
    # the parameter has a name of its own, so that two of them in one statement stay apart
    return sa.bindparam(None, value, type_=kind, unique=True)


# --- conditions -------------------------------------------------------------------------------------------------------


def contains(column: sa.ColumnElement[Any], texts: Sequence[str]) -> Condition:
    """Return the condition that *column* contains one of *texts*, ASCII letters in either case."""
    if len(texts) == 1:
        return _ContainsOne(column, _given(lower(texts[0]), sa.Text()))
    return _Contains(column, _given(tuple(texts), _Texts()))


def like(column: sa.ColumnElement[Any], pieces: Pieces, *, ignore_case: bool = False) -> Condition:
    """Return the condition that the whole of *column* follows *pieces*."""
    if ignore_case:
        lowered = tuple(lower(piece) if isinstance(piece, str) else piece for piece in pieces)
        return _LikeIgnoringCase(column, _given(lowered, _Pattern()))
    return _Like(column, _given(tuple(pieces), _Pattern()))


def matches(column: sa.ColumnElement[Any], pattern: str, *, each_word: bool = False) -> Condition:
    """Return the condition that the whole of *column*, or one of its words, matches a normalised *pattern*."""
    given = _given(pattern, _Whole())
    return _SomeWordMatches(column, given) if each_word else _Matches(column, given)


def has_words(column: sa.ColumnElement[Any], phrases: Sequence[Sequence[Pieces]]) -> Condition:
    """Return the condition that in *column* the words of one of *phrases* follow each other."""
    return _HasWords(column, _given(tuple(phrases), _Phrases()))


# --- as SQL -----------------------------------------------------------------------------------------------------------


def _parts(element: FunctionElement[Any], compiler: Any, options: Any) -> list[str]:
    return [compiler.process(each, **options) for each in element.clauses]


@compiles(_ContainsOne, "sqlite")
def _instr(element: _ContainsOne, compiler: Any, **options: Any) -> str:
    column, text = _parts(element, compiler, options)
    return f"(instr(lower({column}), {text}) > 0)"


@compiles(_ContainsOne, "postgresql")
def _strpos(element: _ContainsOne, compiler: Any, **options: Any) -> str:
    column, text = _parts(element, compiler, options)
    # by the collation "C", which the column has, only ASCII letters have another case
    return f'(strpos(lower({column}), {text} COLLATE "C") > 0)'


@compiles(_Contains, "sqlite")
def _contains_function(element: _Contains, compiler: Any, **options: Any) -> str:
    column, texts = _parts(element, compiler, options)
    return f"({functions.CONTAINS}({texts}, {column}) = 1)"


@compiles(_Contains, "postgresql")
def _like_any(element: _Contains, compiler: Any, **options: Any) -> str:
    column, patterns = _parts(element, compiler, options)
    return f"(lower({column}) LIKE ANY ({patterns}))"


@compiles(_Like, "sqlite")
def _like_function(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({functions.LIKE}({pattern}, 0, {column}) = 1)"


@compiles(_Like, "postgresql")
def _like_operator(element: _Like, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({column} LIKE {pattern})"


@compiles(_LikeIgnoringCase, "sqlite")
def _ilike_function(element: _LikeIgnoringCase, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({functions.LIKE}({pattern}, 1, {column}) = 1)"


@compiles(_LikeIgnoringCase, "postgresql")
def _ilike_operator(element: _LikeIgnoringCase, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"(lower({column}) LIKE {pattern})"


@compiles(_Matches, "sqlite")
def _matches_function(element: _Matches, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({functions.MATCHES}({pattern}, 0, {column}) = 1)"


@compiles(_Matches, "postgresql")
def _matches_operator(element: _Matches, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({column} ~ {pattern})"


@compiles(_SomeWordMatches, "sqlite")
def _some_word_function(element: _SomeWordMatches, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    return f"({functions.MATCHES}({pattern}, 1, {column}) = 1)"


@compiles(_SomeWordMatches, "postgresql")
def _some_word_operator(element: _SomeWordMatches, compiler: Any, **options: Any) -> str:
    column, pattern = _parts(element, compiler, options)
    letters, folded = words.alphabet().letters, words.alphabet().folded
    text = (
        f"CASE WHEN octet_length({column}) = length({column}) THEN lower({column})"
        f" ELSE translate({column}, '{letters}', '{folded}') END"
    )
    cut = f"regexp_matches({text}, '{words.word()}', 'g')"
    return f'EXISTS (SELECT FROM {cut} AS cut (word) WHERE word[1] COLLATE "C" ~ {pattern})'


@compiles(_HasWords, "sqlite")
def _has_words_function(element: _HasWords, compiler: Any, **options: Any) -> str:
    column, phrases = _parts(element, compiler, options)
    return f"({functions.HAS_WORDS}({phrases}, {column}) = 1)"


@compiles(_HasWords, "postgresql")
def _has_words_operator(element: _HasWords, compiler: Any, **options: Any) -> str:
    column, expression = _parts(element, compiler, options)
    # of phrases that no text can have there is no expression
    return f"coalesce({column} ~ {expression}, FALSE)"
