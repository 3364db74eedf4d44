"""The atoms of a query: one token each, its escapes undone and its wildcards told from its letters."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator

import attrs

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.tokens import Bound, Kind, Token, quoted_in, texts_in

_PIECE = re.compile(
    r"\\u(?P<code>[0-9a-fA-F]{4})|\\(?P<escaped>[^u])|(?P<wildcard>[*?])|(?P<plain>[^\\*?]++)", re.DOTALL
)


class Wildcard(enum.Enum):
    """Stand for letters that are not known."""

    ANY = "*"  #: any number of characters, none included
    ONE = "?"  #: exactly one character

    __hash__ = object.__hash__


Piece = str | Wildcard


@attrs.frozen
class Text:
    """Ask for a text: an equal one when it is quoted, else one that contains it."""

    value: str
    quoted: bool = attrs.field(kw_only=True)


@attrs.frozen
class Texts:
    """Ask for one of several texts, all of them quoted."""

    token: Token

    @property
    def values(self) -> tuple[str, ...]:
        """Return the different texts."""
        return tuple(dict.fromkeys(texts_in(self.token)))

    def __len__(self) -> int:
        return self.token.text.count('"') // 2

    def alone(self) -> Iterator[tuple[Text, int]]:
        """Yield each text, and where it stands in the query."""
        for value, offset in quoted_in(self.token):
            yield Text(value, quoted=True), offset


@attrs.frozen
class Pattern:
    """Ask for a text of a certain shape."""

    pieces: tuple[Piece, ...]


@attrs.frozen
class Limit:
    """Hold one end of a range; without *value* it is open."""

    value: str | None
    offset: int
    included: bool = attrs.field(kw_only=True)


@attrs.frozen
class Range:
    """Ask for a value between two limits."""

    low: Limit
    high: Limit


@attrs.frozen
class Regex:
    """Ask for a text that matches a regular expression, which is as written, without its slashes."""

    text: str


Operand = Text | Texts | Pattern | Regex | Range


@attrs.frozen
class Name:
    """Hold the name of a field, its escapes undone, and where it stands in the query."""

    text: str
    offset: int


@attrs.frozen
class Atom:
    """Ask one thing of one field; without *field* it is asked of the whole product."""

    field: Name | None
    operand: Operand
    offset: int


def read_name(query: str, token: Token) -> Name:
    """Return the field that a term before a colon or a comparison names: wildcards mean nothing there."""
    return Name(literal(query, token.text, token.offset), token.offset)


def read_operand(query: str, token: Token) -> Operand:
    """Return what a term, a quoted text, a regular expression or a range asks for.

    Raises:
        QueryRefused: an escape is wrong.
    """
    if token.kind is Kind.QUOTED:
        return Text(literal(query, token.text[1:-1], token.offset + 1), quoted=True)
    if token.kind is Kind.LIST:
        return Texts(token)
    if token.kind is Kind.REGEX:
        return Regex(token.text[1:-1])
    if token.kind is Kind.RANGE:
        low, high = token.bounds
        return Range(
            _limit(query, low, included=token.text[0] == "["), _limit(query, high, included=token.text[-1] == "]")
        )
    pieces = tuple(_merge(_pieces(query, token.text, token.offset)))
    if len(pieces) == 1 and isinstance(pieces[0], str):
        return Text(pieces[0], quoted=False)
    return Pattern(pieces)


def read_comparison(query: str, sign: Token, bound: Token) -> Range:
    """Return the range that ``>``, ``>=``, ``<`` or ``<=`` and the term or quoted text after it mean.

    Raises:
        QueryRefused: an escape is wrong.
    """
    quotes = 1 if bound.kind is Kind.QUOTED else 0
    written = Bound(bound.text[quotes : len(bound.text) - quotes], bound.offset + quotes)
    limit = _limit(query, written, included=sign.text.endswith("="))
    end = Limit(None, sign.offset, included=True)
    return Range(limit, end) if sign.text[0] == ">" else Range(end, limit)


def literal(query: str, text: str, offset: int) -> str:
    """Return *text*, which stands at *offset* of the query, with its escapes undone and its wildcards as letters.

    Raises:
        QueryRefused: an escape is wrong.
    """
    if "\\" not in text:
        return text
    pieces = (piece if isinstance(piece, str) else piece.value for piece in _pieces(query, text, offset))
    return _join_surrogates("".join(pieces))


def _limit(query: str, bound: Bound, *, included: bool) -> Limit:
    value = None if bound.text == "*" else literal(query, bound.text, bound.offset)
    return Limit(value, bound.offset, included=included)


def _pieces(query: str, text: str, offset: int) -> Iterator[Piece]:
    """Yield the letters and wildcards of *text*, escapes undone."""
    position = 0
    while position < len(text):
        found = _PIECE.match(text, position)
        if found is None:
            raise QueryRefused(query, _bad_escape(text, position), offset + position)
        position = found.end()
        if found["code"] is not None:
            yield chr(int(found["code"], 16))
        elif found["wildcard"] is not None:
            yield Wildcard(found["wildcard"])
        else:
            yield found["escaped"] or found["plain"]


def _bad_escape(text: str, position: int) -> str:
    if position == len(text) - 1:
        return "Nothing follows this backslash: write \\\\ for a backslash that belongs to the text."
    return "Four hexadecimal digits must follow \\u, as in \\u0041: write \\\\u for a backslash before a u."


def _merge(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Yield neighbouring letters as one text and neighbouring ``*`` as one."""
    letters: list[str] = []
    previous: Piece = ""
    for piece in pieces:
        if isinstance(piece, str):
            letters.append(piece)
        else:
            if letters:
                yield _join_surrogates("".join(letters))
                letters.clear()
            if piece is Wildcard.ONE or previous is not Wildcard.ANY:
                yield piece
        previous = piece
    if letters:
        yield _join_surrogates("".join(letters))


def _join_surrogates(text: str) -> str:
    """Return *text* with each pair of surrogates, as escapes write it, as the one character that it stands for."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
