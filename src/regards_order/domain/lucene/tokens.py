"""The scanner: the text of a query, cut into tokens.

The longest token wins; docs/queries.md lists them.  Inside ``[ ]`` and ``{ }`` other rules apply, therefore a whole
range is one token.  Every character belongs to a token or to white space, or the query is refused where it does not.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from typing import NamedTuple

from regards_order.domain.errors import QueryRefused

SHOWN_CHARACTERS = 60


class Kind(enum.Enum):
    """Say what a token is."""

    AND = "AND"  #: ``AND`` ``&&``
    OR = "OR"  #: ``OR`` ``||``
    NOT = "NOT"  #: ``NOT`` ``!``
    PLUS = "+"
    MINUS = "-"
    OPEN = "("
    CLOSE = ")"
    COLON = ":"  #: ``:`` ``=``
    COMPARISON = "<"  #: ``<`` ``<=`` ``>`` ``>=``
    BOOST = "^"  #: ``^`` and a number
    QUOTED = '"'  #: ``"…"``
    TERM = "term"  #: anything that ends at a space or at a special character
    FUZZY = "~"  #: ``~``, perhaps with a number
    LIST = '""'  #: ``"…" OR "…"``, ``f:"…" OR f:"…"``: texts between two others of one OR
    REGEX = "/"  #: ``/…/``
    RANGE = "["  #: from ``[`` or ``{`` to ``]`` or ``}``
    END = ""  #: what the reader of the tokens sees after the last one

    __hash__ = object.__hash__


class Bound(NamedTuple):
    """Hold one end of a range as written, without its quotes."""

    text: str
    offset: int


class Token(NamedTuple):
    """Hold one token: a plain tuple, because a query may have a hundred thousand.

    Attributes:
        kind: what it is.
        text: as written.
        offset: where it begins in the query.
        bounds: lower and upper end of a range.
    """

    kind: Kind
    text: str
    offset: int
    bounds: tuple[Bound, ...] = ()


# Possessive quantifiers: no text makes these expressions go back and try again.
_TOKEN = re.compile(
    r"""
      (?P<SPACE>[ \t\n\r\u3000]++)
    | (?P<TERM>(?:[^ \t\n\r\u3000+\-!():^<>=\[\]"{}~\\/]|\\.)(?:[^ \t\n\r\u3000!():^<>=\[\]"{}~\\/]++|\\.)*+)
    | (?P<QUOTED>"[^"\\]*+(?:\\.[^"\\]*+)*+")
    | (?P<COLON>[:=])
    | (?P<OPEN>\()
    | (?P<CLOSE>\))
    | (?P<NOT>!)
    | (?P<PLUS>\+)
    | (?P<MINUS>-)
    | (?P<COMPARISON>[<>]=?)
    | (?P<BOOST>\^[0-9]++(?:\.[0-9]++)?)
    | (?P<FUZZY>~[0-9]*+(?:\.[0-9]++)?)
    | (?P<REGEX>/(?:[^/\\]++|\\/?)*+/)
    """,
    re.VERBOSE | re.DOTALL,
)
_OPERATORS = {"AND": Kind.AND, "&&": Kind.AND, "OR": Kind.OR, "||": Kind.OR, "NOT": Kind.NOT}
_KINDS = {kind.name: kind for kind in Kind}
_QUOTED_BOUND = re.compile(r'"((?:[^"\\]|\\"?)++)"')
_BOUND = re.compile(r"[^ \]}]++")
_BLANKS = frozenset(" \t\n\r\u3000")


def shown(text: str) -> str:
    """Return *text* as a message may show it: short, and with printable characters only."""
    cut = text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
    return "".join(c if c.isprintable() else "\ufffd" for c in cut)


def scan(query: str) -> Iterator[Token]:
    """Yield the tokens of *query*.

    Raises:
        QueryRefused: a quoted text, a regular expression, a range or an escape does not end, or a character stands
            where it means nothing.
    """
    offset = 0
    while offset < len(query):
        found = _TOKEN.match(query, offset)
        if found is None:
            token = _irregular(query, offset)
            yield token
            offset += len(token.text)
            continue
        offset = found.end()
        name = str(found.lastgroup)
        if name == "SPACE":
            continue
        text = found[0]
        yield Token(_OPERATORS.get(text) or _KINDS[name], text, found.start())
        named = name == "TERM" and text not in _OPERATORS and query.startswith((':"', '="'), offset)
        if named or name == "QUOTED":
            listed = _list(query, found.start(), offset, named=named)
            yield from listed
            offset = listed[-1].offset + len(listed[-1].text) if listed else offset


# Orders name their products by thousands: all texts of one OR but the first and the last, which their neighbours may
# bind to something else, are read at once.
_NEXT = r"[ \t\n\r\u3000]++(?:OR|\|\|)[ \t\n\r\u3000]++"
_TEXT = r'"[^"\\]*+"'
_TEXTS = re.compile(rf"(?:{_NEXT}{_TEXT})++")
_NAMED_TEXTS = re.compile(rf"([^\\:=]++)([:=])({_TEXT})((?:{_NEXT}\1\2{_TEXT})++)")
_PLAIN_TEXT = re.compile(r'"([^"]*+)"')


def _list(query: str, start: int, end: int, *, named: bool) -> list[Token]:
    """Return the tokens after the one from *start* to *end*, down to the list of all texts but the last of an OR.

    Args:
        query: the whole text.
        start: where a quoted text, or the name of the field before it, begins.
        end: where it ends.
        named: whether it is a name, which must stand before each text.
    """
    found = _NAMED_TEXTS.match(query, start) if named else _TEXTS.match(query, end)
    if found is None or (named and found.end(1) != end):
        return []
    tokens = [Token(Kind.COLON, found[2], end), Token(Kind.QUOTED, found[3], end + 1)] if named else []
    first = end + 1 + len(found[3]) if named else end
    # of the last text, the quote that opens it; before it, the quote that closes the one before
    listed = query.rfind('"', first, query.rfind('"', first, found.end() - 1)) + 1
    if listed <= first:
        return []
    begin = query.index('"', first)
    tokens.append(Token(Kind.OR, "OR", first))
    if named:
        name = begin - 1 - len(found[1])
        tokens += [Token(Kind.TERM, found[1], name), Token(Kind.COLON, found[2], begin - 1)]
    return [*tokens, Token(Kind.LIST, query[begin:listed], begin)]


def quoted_in(token: Token) -> Iterator[tuple[str, int]]:
    """Yield the texts in a LIST and where they begin, with their quotes, in the query."""
    for found in _PLAIN_TEXT.finditer(token.text):
        yield found[1], token.offset + found.start()


def texts_in(token: Token) -> list[str]:
    """Return the texts in a LIST."""
    return _PLAIN_TEXT.findall(token.text)


def _irregular(query: str, offset: int) -> Token:
    """Return the token that one expression cannot describe, or refuse the query."""
    character = query[offset]
    if character in "[{":
        return _range(query, offset)
    end = query.rfind("/", offset + 1)
    if character == "/" and end > 0:
        # Every later slash is escaped: the last one ends the expression all the same.
        return Token(Kind.REGEX, query[offset : end + 1], offset)
    raise QueryRefused(query, _DEAD_ENDS[character], offset)


_DEAD_ENDS = {
    '"': 'This quote is never closed: add a closing ", or write \\" for a quote that belongs to the text.',
    "\\": "Nothing follows this backslash: write \\\\ for a backslash that belongs to the text.",
    "/": 'This slash begins a regular expression that never ends: put quotes around a text with a slash, as in "a/b".',
    "^": 'A number must follow ^: put quotes around a text with a circumflex, as in "a^b".',
    "]": 'This ] closes no range: put quotes around a text with a bracket, as in "a]".',
    "}": 'This } closes no range: put quotes around a text with a brace, as in "a}".',
}


def _range(query: str, start: int) -> Token:
    low, offset = _bound(query, start, start + 1)
    word, offset = _bound(query, start, offset)
    if query[word.offset : offset] != "TO":
        problem = f'"TO" is expected between the two bounds of the range, found "{shown(word.text)}".'
        raise QueryRefused(query, problem, word.offset)
    high, offset = _bound(query, start, offset)
    offset = _skip_blanks(query, start, offset)
    if query[offset] not in "]}":
        problem = '"]" or "}" is expected after the two bounds of the range: put quotes around a bound with a space.'
        raise QueryRefused(query, problem, offset)
    return Token(Kind.RANGE, query[start : offset + 1], start, (low, high))


def _bound(query: str, start: int, offset: int) -> tuple[Bound, int]:
    """Return the bound, or the TO, that follows *offset* in the range begun at *start*, and where it ends."""
    offset = _skip_blanks(query, start, offset)
    plain = _BOUND.match(query, offset)
    if plain is None:
        problem = f'The range ends too early at "{query[offset]}": write it as [low TO high], with * for an open end.'
        raise QueryRefused(query, problem, offset)
    quoted = _QUOTED_BOUND.match(query, offset)
    if quoted is not None and quoted.end() >= plain.end():
        return Bound(quoted[1], offset + 1), quoted.end()
    return Bound(plain[0], offset), plain.end()


def _skip_blanks(query: str, start: int, offset: int) -> int:
    """Return where the next bound or bracket begins; a tab or line end that touches a bound belongs to it."""
    while offset < len(query):
        found = _BOUND.match(query, offset)
        if query[offset] != " " and not (found is not None and found[0] in _BLANKS):
            return offset
        offset += 1
    problem = "This range never ends: write it as [low TO high], with * for an open end."
    raise QueryRefused(query, problem, start)
