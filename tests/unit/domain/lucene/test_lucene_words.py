"""The words of texts, and letters without their case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.lucene.words import fold, folded_letters, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ()),
        ("-_. …", ()),
        ("S2A_001.zip", ("s2a", "001", "zip")),
        ("Été à Évian", ("été", "à", "évian")),
        ("名前7 x", ("名前7", "x")),
        ("O'Neill", ("o", "neill")),
        ("٣²", ("٣²",)),
    ],
)
def test_words_are_runs_of_letters_and_digits(text: str, found: tuple[str, ...]) -> None:
    """Everything else parts them, of any script; their letters are folded."""
    assert words(text) == found


@pytest.mark.parametrize(("one", "other"), [("ÉTÉ", "été"), ("ΟΔΟΣ", "οδος"), ("ẞ", "ß"), ("Я", "я"), ("K", "\u212a")])
def test_case_does_not_matter(one: str, other: str) -> None:
    """Every letter's case is ignored, whatever stands beside it."""
    assert fold(one) == fold(other)


@given(st.text())
def test_folding_is_done_once_and_keeps_the_length(text: str) -> None:
    """So a wildcard stands for one character of the text itself."""
    assert len(fold(text)) == len(text)
    assert fold(fold(text)) == fold(text)


@given(st.characters(), st.characters())
def test_letters_of_a_range_are_folded(one: str, other: str) -> None:
    """What `folded_letters` yields is what `fold` makes of the letters that it changes."""
    low, high = sorted((ord(one), ord(other)))
    high = min(high, low + 2000)
    changed = {fold(chr(code)) for code in range(low, high + 1) if fold(chr(code)) != chr(code)}
    assert set(map(chr, folded_letters(low, high))) == changed
