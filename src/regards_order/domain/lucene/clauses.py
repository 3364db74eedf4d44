"""The neighbours: which token may follow which, judged before luqum sees anything.

luqum takes much that Lucene refuses: side by side clauses, nested fields, signs after a colon.  What passes here is a
sequence of clauses, operators and balanced parentheses, which luqum reads as Lucene does.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator
from itertools import chain, repeat

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.atoms import Atom, Name, read_comparison, read_name, read_operand
from regards_order.domain.lucene.tokens import Kind, Token, shown

MAX_DEPTH = 100


class Sign(enum.Enum):
    """Join, negate or group clauses; the value is luqum's spelling."""

    AND = "AND"
    OR = "OR"
    NOT = "NOT"
    OPEN = "("
    CLOSE = ")"

    __hash__ = object.__hash__


Element = Sign | Name | Atom


class _State(enum.Enum):
    """Say what may come next."""

    CLAUSE = enum.auto()  #: a clause, perhaps with a modifier
    MODIFIED = enum.auto()  #: a clause without modifier
    VALUE = enum.auto()  #: what a field is asked for
    DONE = enum.auto()  #: an operator, a closing parenthesis or the end

    __hash__ = object.__hash__


_SIGNS = {Kind.AND: Sign.AND, Kind.OR: Sign.OR, Kind.NOT: Sign.NOT, Kind.MINUS: Sign.NOT}
_MODIFIERS = frozenset({Kind.NOT, Kind.MINUS, Kind.PLUS})
_ATOMS = frozenset({Kind.TERM, Kind.QUOTED, Kind.LIST, Kind.REGEX, Kind.RANGE})


class Checker:
    """Check the tokens of one query from the first to the last.

    Args:
        query: the whole text, for the message of a refusal.
        tokens: what the scanner makes of it, taken one ahead.
    """

    def __init__(self, query: str, tokens: Iterable[Token]) -> None:
        self._query = query
        self._last = Token(Kind.END, "", 0)
        self._tokens = chain(tokens, repeat(self._last))
        self._ahead = next(self._tokens)
        self._state = _State.CLAUSE
        self._opened: list[Token] = []

    def elements(self) -> Iterator[Element]:
        """Yield fields, atoms and signs in the order of the text, without the signs that mean nothing.

        Raises:
            QueryRefused: a token cannot stand where it stands, or an escape in it is wrong.
        """
        while self._ahead.kind is not Kind.END:
            token = self._take()
            if self._state is _State.DONE:
                yield self._after_clause(token)
            elif token.kind in _MODIFIERS:
                yield from self._modifier(token)
            else:
                yield self._clause(token)
        self._end()

    def _take(self) -> Token:
        self._last, self._ahead = self._ahead, next(self._tokens)
        return self._last

    def _refusal(self, problem: str, token: Token) -> QueryRefused:
        return QueryRefused(self._query, problem, token.offset)

    # --- where a clause is expected ----------------------------------------------------------------------------------

    def _modifier(self, token: Token) -> Iterator[Element]:
        if self._state is _State.VALUE:
            raise self._refusal(
                f'A value cannot begin with "{token.text}": quote it, as in "-5", or escape it, as in \\-5;'
                " to negate, write NOT before the field.",
                token,
            )
        if self._state is _State.MODIFIED:
            problem = f'"{token.text}" follows another modifier: write one at most, or parentheses as in NOT (NOT f:x).'
            raise self._refusal(problem, token)
        self._state = _State.MODIFIED
        if token.kind is not Kind.PLUS:
            yield Sign.NOT

    def _clause(self, token: Token) -> Element:
        if token.kind is Kind.OPEN:
            return self._open(token)
        if token.kind is Kind.TERM and self._ahead.kind is Kind.COLON:
            return self._field(token)
        if token.kind is Kind.TERM and self._ahead.kind is Kind.COMPARISON:
            return self._comparison(token)
        if token.kind in _ATOMS:
            self._state = _State.DONE
            return Atom(None, read_operand(self._query, token), token.offset)
        raise self._refusal(_misplaced(token, value=self._state is _State.VALUE), token)

    def _open(self, token: Token) -> Sign:
        self._opened.append(token)
        if len(self._opened) > MAX_DEPTH:
            raise self._refusal(
                f"Parentheses are nested more than {MAX_DEPTH} deep: write the query with fewer.", token
            )
        self._state = _State.CLAUSE
        return Sign.OPEN

    def _field(self, token: Token) -> Name:
        colon = self._take()
        if self._state is _State.VALUE:
            raise self._refusal(
                f'A value ends before "{colon.text}": put quotes around a value that holds one, as in'
                ' date:"2026-01-03T10:15:30Z".',
                colon,
            )
        if token.text == self._ahead.text == "*":
            raise self._refusal("*:* is not supported: to select everything, send no query.", token)
        self._state = _State.VALUE
        return read_name(self._query, token)

    def _comparison(self, token: Token) -> Atom:
        sign = self._take()
        if self._state is _State.VALUE:
            raise self._refusal(f'"{sign.text}" cannot follow a value: write field{sign.text}value.', sign)
        if self._ahead.kind not in (Kind.TERM, Kind.QUOTED):
            problem = f'A value must follow "{sign.text}": quote one that begins with a sign, as in f{sign.text}"-5".'
            raise self._refusal(problem, sign)
        self._state = _State.DONE
        return Atom(read_name(self._query, token), read_comparison(self._query, sign, self._take()), sign.offset)

    # --- after a clause ----------------------------------------------------------------------------------------------

    def _after_clause(self, token: Token) -> Sign:
        if token.kind in (Kind.AND, Kind.OR):
            self._state = _State.CLAUSE
            return _SIGNS[token.kind]
        if token.kind is Kind.CLOSE:
            if not self._opened:
                raise self._refusal("This closing parenthesis has no opening one.", token)
            self._opened.pop()
            return Sign.CLOSE
        raise self._refusal(
            _AFTER.get(token.kind, "").format(text=shown(token.text)) or self._side_by_side(token), token
        )

    def _side_by_side(self, token: Token) -> str:
        if token.text == "!" and self._ahead.kind is Kind.COLON:
            return "There is no operator !=: write NOT field:value."
        if token.kind is Kind.TERM and token.text.upper() in ("AND", "OR", "NOT"):
            return f'{_INDETERMINATE}: operators are written in capitals, "{token.text.upper()}" for "{token.text}".'
        return (
            f'{_INDETERMINATE} before "{shown(token.text)}": write AND or OR between two criteria, or put quotes around'
            " a value that holds a space or a special character."
        )

    # --- the end -----------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        last = self._last
        if last.kind is Kind.END:
            raise self._refusal("The query is empty: to select everything, send no query.", last)
        if self._state is _State.VALUE:
            raise self._refusal(f'A value must follow "{last.text}".', last)
        if self._state is not _State.DONE:
            raise self._refusal(f'A criterion, as in field:value, must follow "{last.text}".', last)
        if self._opened:
            raise self._refusal("This opening parenthesis has no closing one.", self._opened[-1])


_INDETERMINATE = "Indeterminate relationship between criteria"
_AFTER = {
    Kind.FUZZY: 'Similar texts and words near each other ("{text}") are not supported: write wildcards, as in f:har*,'
    " or put quotes around a text with a tilde.",
    Kind.BOOST: 'Weights ("{text}") are not supported, as products are selected, not ranked: leave it out,'
    " or put quotes around a text with a circumflex.",
    Kind.COLON: '"{text}" must follow the plain name of a field, without quotes or parentheses: write field:value, and'
    " put quotes around a value that holds one.",
    Kind.COMPARISON: '"{text}" must follow the plain name of a field: write field{text}value, and put quotes around a'
    " value that holds one.",
}


def _misplaced(token: Token, *, value: bool) -> str:
    """Return the message for a token that begins no clause and no value."""
    found = shown(token.text)
    if value:
        return f'A value is expected after the field, found "{found}": put quotes around special characters.'
    return f'A criterion, as in field:value, is expected before "{found}".'
