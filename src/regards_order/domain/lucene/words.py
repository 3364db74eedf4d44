"""The words of a text, as ``@text`` compares them: runs of letters and digits, every letter's case ignored.

No language is known: nothing is stemmed, no accent is folded, no Unicode form is normalised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_RUN = re.compile(r"[^\W_]+")


def words(text: str) -> tuple[str, ...]:
    """Return the words of *text*, their letters folded by `fold`.

    >>> words("Été_7: (Star Wars)")
    ('été', '7', 'star', 'wars')
    """
    return tuple(_RUN.findall(fold(text)))


def fold(text: str) -> str:
    """Return *text* with one form for every letter that differs in its case only; its length does not change.

    >>> fold("ΟΔΟΣ") == fold("οδος")
    True
    """
    return text.lower() if text.isascii() else text.translate(_FOLDED)


def folded_letters(low: int, high: int) -> Iterator[int]:
    """Yield the code points that `fold` makes of those from *low* to *high*, where they differ."""
    for code in range(low, min(high, _LAST_LETTER) + 1):
        if _FOLDED[code] != code:
            yield _FOLDED[code]


class _Folded(dict[int, int]):
    """Give each code point the one that stands for it, found when it is first asked for."""

    def __missing__(self, code: int) -> int:
        letter = chr(code)
        # of one letter too, so that a wildcard stands for one letter of the original
        form = next(form for form in (letter.casefold(), letter.lower(), letter) if len(form) == 1)
        self[code] = ord(form)
        return self[code]


_FOLDED = _Folded()
_LAST_LETTER = 0x1FFFF  # no letter beyond it has a case
