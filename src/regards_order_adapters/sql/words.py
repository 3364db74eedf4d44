"""Words in the regular expressions of PostgreSQL: the same as `words` of the core cuts and folds them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby

import attrs

from regards_order.domain.lucene import Wildcard
from regards_order.domain.lucene.words import fold

_CODES = 0x110000
_CASED = 0x20000  # no letter beyond it has a case

Shape = Sequence[str | Wildcard]


@attrs.frozen
class Alphabet:
    """Know all letters.

    Attributes:
        word: what stands between the brackets of a class of all that words are made of.
        forms: each letter as folded → all letters that are folded to it, if they are several or others.
        letters: the letters that change when they are folded.
        folded: what becomes of each of them.
    """

    word: str
    forms: Mapping[str, str]
    letters: str
    folded: str


@lru_cache(1)
def alphabet() -> Alphabet:
    """Return what Python knows of Unicode."""
    changed = {code: fold(chr(code)) for code in range(_CASED) if fold_changes(chr(code))}
    changed = {code: form for code, form in changed.items() if form != chr(code)}
    forms: defaultdict[str, list[str]] = defaultdict(list)
    for code, form in changed.items():
        forms[form].append(chr(code))
    for form in forms:
        if ord(form) not in changed:
            forms[form].append(form)
    codes = (code for code in range(1, _CODES) if changed.get(code, chr(code)).isalnum())
    return Alphabet(
        "".join(_ranges(codes)),
        {form: "".join(each) for form, each in forms.items()},
        "".join(map(chr, changed)),
        "".join(changed.values()),
    )


def fold_changes(letter: str) -> bool:
    """Return whether *letter* may be folded to another one; much faster than to fold it."""
    return letter.casefold() != letter or letter.lower() != letter


def has_words(phrases: Iterable[Sequence[Shape]]) -> str | None:
    """Return an expression for texts in which the words of a phrase follow each other, or None when no text is one."""
    found = [written for written in map(_phrase, phrases) if written is not None]
    return "|".join(found) if found else None


def word() -> str:
    """Return an expression for one word."""
    return f"[{alphabet().word}]+"


def _phrase(shapes: Sequence[Shape]) -> str | None:
    gap = f"[^{alphabet().word}]"
    written = [_shape(shape) for shape in shapes]
    if not all(written):
        return None
    # what a word begins or ends with is of no account after or before a star
    before = "" if shapes[0][0] is Wildcard.ANY else f"(?:^|{gap})"
    after = "" if shapes[-1][-1] is Wildcard.ANY else f"(?:$|{gap})"
    return before + f"{gap}+".join(filter(None, written)) + after


def _shape(shape: Shape) -> str | None:
    if tuple(shape) == (Wildcard.ANY,):
        return word()
    written = []
    for piece in shape:
        if isinstance(piece, Wildcard):
            written.append(f"[{alphabet().word}]" + ("*" if piece is Wildcard.ANY else ""))
        elif any(fold(letter) != letter or not letter.isalnum() for letter in piece):
            return None
        else:
            written += [f"[{''.join(map(escaped, alphabet().forms.get(letter, letter)))}]" for letter in piece]
    return "".join(written)


def _ranges(codes: Iterable[int]) -> Iterator[str]:
    for _, group in groupby(enumerate(codes), lambda pair: pair[1] - pair[0]):
        run = [code for _, code in group]
        yield escaped(chr(run[0])) + (f"-{escaped(chr(run[-1]))}" if len(run) > 1 else "")


def escaped(letter: str) -> str:
    """Return a letter as PostgreSQL reads it within brackets."""
    return letter if letter.isascii() and letter.isalnum() else f"\\U{ord(letter):08x}"
