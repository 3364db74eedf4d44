"""Regular expressions as a query may hold them: read, judged, and written so that every engine reads them alike.

The engines are Python's `re` (with DOTALL), RE2 (with dot_nl) and PostgreSQL's advanced regular expressions.  What is
written for them holds literal characters, ``.``, classes of explicit characters, groups, alternatives and counts of
at most 255; every special character has a backslash, and nothing else has.
"""

from __future__ import annotations

import re

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import charsets
from regards_order.domain.lucene.parts import REPETITIONS, Part, grouped, repetition, steps_of
from regards_order.domain.lucene.tokens import shown
from regards_order.domain.lucene.words import fold

MAX_CHARACTERS = 1000
MAX_COUNT = 255  # PostgreSQL's limit
MAX_STEPS = 1000  # RE2's limit of repetitions in repetitions; PostgreSQL takes seconds from here on
MAX_DEPTH = 50

ANYTHING = ".*"

_COUNT = re.compile(r"\{(\d+)(?:(,)(\d*))?\}", re.ASCII)
_GROUPS = {
    "(?:": "groups that are not counted: write plain parentheses",
    "(?=": "look-ahead",
    "(?!": "look-ahead",
    "(?<=": "look-behind",
    "(?<!": "look-behind",
    "(?>": "atomic groups",
    "(?P<": "named groups: write plain parentheses",
    "(?<": "named groups: write plain parentheses",
    "(?#": "comments",
}


def normalize(query: str, text: str, offset: int, *, folded: bool = False) -> str:
    """Return a regular expression as every engine reads it.

    Args:
        query: the whole query, for the message of a refusal.
        text: the expression, without its slashes.
        offset: where it begins in the query.
        folded: match texts that `fold` made, so that the case of letters does not matter.

    Raises:
        QueryRefused: it is no regular expression, uses a construct that is not supported, or is too long or too large.
    """
    return _Reader(query, text, offset, folded=folded).read().text


class _Reader:
    """Read an expression from its first to its last character, calling itself once a pair of parentheses."""

    def __init__(self, query: str, text: str, offset: int, *, folded: bool) -> None:
        self._query = query
        self._text = text
        self._offset = offset
        self._folded = folded
        self._at = 0

    def read(self) -> Part:
        if len(self._text) > MAX_CHARACTERS:
            raise self._refusal(f"A regular expression has at most {MAX_CHARACTERS} characters.", MAX_CHARACTERS)
        for at, character in enumerate(self._text):
            if character == "\0" or "\ud800" <= character <= "\udfff":
                raise self._refusal("A regular expression holds no NUL and no half characters.", at)
        part = self._choice(0)
        if self._at < len(self._text):
            raise self._refusal('This ")" closes nothing: write \\) for the character.', self._at)
        self._check_size(part, 0)
        return part

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1]

    def _refusal(self, problem: str, at: int) -> QueryRefused:
        return QueryRefused(self._query, problem, self._offset + at)

    def _unsupported(self, construct: str, at: int) -> QueryRefused:
        return self._refusal(f"This regular expression uses {construct}: that is not supported.", at)

    # --- sequences ---------------------------------------------------------------------------------------------------

    def _choice(self, depth: int) -> Part:
        parts = [self._sequence(depth)]
        while self._peek() == "|":
            self._take()
            parts.append(self._sequence(depth))
        if len(parts) == 1:
            return parts[0]
        return Part("|".join(part.text for part in parts), steps_of(parts), bound=False, choice=True)

    def _sequence(self, depth: int) -> Part:
        parts: list[Part] = []
        while self._peek() not in ("", "|", ")"):
            at = self._at
            part = self._repeated(self._single(depth), at)
            parts.append(grouped(part) if part.choice else part)
        if len(parts) == 1:
            return parts[0]
        return Part("".join(part.text for part in parts), steps_of(parts), bound=False)

    def _repeated(self, part: Part, at: int) -> Part:
        counts = self._counts()
        if counts is None:
            return part
        follower = self._peek()
        if follower in REPETITIONS or follower == "{":
            kind = {"?": "a lazy repetition", "+": "a possessive repetition"}.get(follower, "two repetitions in a row")
            raise self._unsupported(f'{kind} ("{self._text[self._at - 1]}{follower}")', self._at)
        low, high = counts
        repeated = Part(repetition(part, low, high), part.steps * max(low, high or 1), bound=False)
        self._check_size(repeated, at)
        return repeated

    def _check_size(self, part: Part, at: int) -> None:
        if part.steps > MAX_STEPS:
            problem = f"From here the regular expression describes more than {MAX_STEPS} characters: repeat less of it."
            raise self._refusal(problem, at)

    def _counts(self) -> tuple[int, int | None] | None:
        """Return how often at least and at most the part before is repeated, or None if nothing says so."""
        sign = self._peek()
        if sign in REPETITIONS:
            return REPETITIONS[self._take()]
        if sign != "{":
            return None
        found = _COUNT.match(self._text, self._at)
        if found is None:
            problem = 'A number of repetitions is expected after "{", as in {2} or {2,5}: write \\{ for the character.'
            raise self._refusal(problem, self._at)
        low = int(found[1])
        high = low if found[2] is None else int(found[3]) if found[3] else None
        if max(low, high or 0) > MAX_COUNT or (high is not None and low > high):
            problem = f"Counts of repetitions go up to {MAX_COUNT}, from the lower one to the higher one."
            raise self._refusal(problem, self._at)
        self._at = found.end()
        return low, high

    # --- single characters and groups --------------------------------------------------------------------------------

    def _single(self, depth: int) -> Part:
        at = self._at
        character = self._take()
        if character == "(":
            return self._group(at, depth + 1)
        if character == "[":
            return self._class(at)
        if character == ".":
            return Part(".")
        if character in REPETITIONS or character == "{":
            raise self._refusal(f'Nothing stands before this "{character}" to be repeated: write \\{character}.', at)
        ranges = self._escape(at) if character == "\\" else self._literal(character)
        return Part(charsets.written(ranges))

    def _group(self, at: int, depth: int) -> Part:
        if depth > MAX_DEPTH:
            problem = f"Parentheses of a regular expression are nested more than {MAX_DEPTH} deep: write it with fewer."
            raise self._refusal(problem, at)
        if self._peek() == "?":
            starts = (self._text[at : at + length] for length in (4, 3))
            kind = next((_GROUPS[start] for start in starts if start in _GROUPS), 'groups that begin with "(?"')
            raise self._unsupported(kind, at)
        part = self._choice(depth)
        if self._peek() != ")":
            raise self._refusal('This "(" is never closed: write \\( for the character.', at)
        self._take()
        return part

    def _literal(self, character: str) -> charsets.Ranges:
        code = ord(fold(character) if self._folded else character)
        return [(code, code)]

    def _escape(self, at: int) -> charsets.Ranges:
        """Return what the character after a backslash means."""
        character = self._peek()
        if character == "":
            raise self._refusal("Nothing follows this backslash: write \\\\ for a backslash.", at)
        self._take()
        if character in charsets.NAMED:
            return charsets.NAMED[character]
        if character.isascii() and character.isalnum():
            kind = "a back-reference" if character.isdigit() else f"the escape \\{character}"
            raise self._unsupported(kind, at)
        return self._literal(character)

    def _class(self, at: int) -> Part:
        """Return the class that ``[`` opens; a ``]`` in first place and a ``-`` in first or last one are plain."""
        negated = self._peek() == "^"
        self._at += negated
        ranges: charsets.Ranges = []
        first = self._at
        while self._peek() != "]" or self._at == first:
            ranges.extend(self._range(at))
        self._take()
        if self._folded:
            ranges = charsets.folded(ranges)
        return Part(charsets.written(ranges, negated=negated))

    def _range(self, opened: int) -> charsets.Ranges:
        at = self._at
        low = self._member(opened)
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return low
        self._take()
        high = self._member(opened)
        single = all(len(ranges) == 1 and ranges[0][0] == ranges[0][1] for ranges in (low, high))
        if not single or low > high:
            raise self._refusal(f'"{shown(self._text[at : self._at])}" is no range: write \\- for a hyphen.', at)
        return [(low[0][0], high[0][1])]

    def _member(self, opened: int) -> charsets.Ranges:
        if self._at >= len(self._text):
            raise self._refusal('This "[" is never closed: write \\[ for the character.', opened)
        at = self._at
        character = self._take()
        if character == "[" and self._peek() in (":", ".", "="):
            raise self._unsupported(f'"[{self._peek()}"', at)
        return self._escape(at) if character == "\\" else [(ord(character), ord(character))]
