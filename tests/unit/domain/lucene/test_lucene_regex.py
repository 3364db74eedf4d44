"""Regular expressions: what is allowed, how it is written for the engines, and what is refused where."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import charsets
from regards_order.domain.lucene.regex import normalize
from regards_order.domain.lucene.words import fold

re2: Any = pytest.importorskip("re2")


def read(pattern: str, *, folded: bool = False) -> str:
    """Return the written form of *pattern*."""
    return normalize(f"f:/{pattern}/", pattern, 3, folded=folded)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("", ""),
        ("a.c", "a.c"),
        (r"a\.c", r"a\.c"),
        (r"\/\-\_\ ", "/-_ "),
        ("^a$", r"\^a\$"),
        ('"#@&~<>', '"#@&~<>'),
        ("]}", r"\]\}"),
        (r"\(\)\[\]\{\}\|\*\+\?\\", r"\(\)\[\]\{\}\|\*\+\?\\"),
        (r"\d\s", "[0-9][\t-\r ]"),
        (r"\w+", "[0-9A-Z_a-z]+"),
        ("[abc]", "[a-c]"),
        ("[a]", "a"),
        ("[.]", r"\."),
        ("[^a]", "[^a]"),
        ("[]a]", r"[\]a]"),
        ("[^]a]", r"[^\]a]"),
        ("[a-]", r"[\-a]"),
        ("[-a]", r"[\-a]"),
        ("[a^]", r"[\^a]"),
        ("[[]", r"\["),
        (r"[\]\d-]", r"[\-0-9\]]"),
        ("[a-cb-d]", "[a-d]"),
        ("[ab]", "[ab]"),
        ("(a)", "a"),
        ("((ab))", "ab"),
        ("()", ""),
        ("()*a", "a"),
        ("a|b", "a|b"),
        ("(a|b)", "(?:a|b)"),
        ("(a|b)c", "(?:a|b)c"),
        ("x(ab)*", "x(?:ab)*"),
        ("(a|)?", "(?:a|)?"),
        ("a?b*c+", "a?b*c+"),
        ("a{0,1}b{0,}c{1,}", "a?b*c+"),
        ("a{2}b{2,}c{2,5}", "a{2}b{2,}c{2,5}"),
        ("a{1}", "a{1}"),
        ("a{0}b", "b"),
        ("(a{2}){3}", "(?:a{2}){3}"),
        ("(a*)*", "(?:a*)*"),
        ("é{255}", "é{255}"),
        ("a\nb", "a\nb"),
    ],
)
def test_an_expression_is_written_alike_for_all_engines(pattern: str, written: str) -> None:
    """Special characters have a backslash, sets list their characters, groups are those that are needed."""
    assert read(pattern) == written


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("ÉtÉ", "été"),
        ("[A-C]", "[A-Ca-c]"),
        ("[^A]", "[^Aa]"),
        ("[é]", "é"),
        ("[À-Ý]", "[À-Ýà-öø-ý]"),
        (r"\w", "[0-9A-Z_a-z]"),
    ],
)
def test_a_folded_expression_matches_folded_texts(pattern: str, written: str) -> None:
    """Letters are folded, and sets hold the folded forms of their letters as well."""
    assert read(pattern, folded=True) == written


REFUSED = [
    ("a\0b", 1, "no NUL"),
    ("a\ud800", 1, "half characters"),
    ("a" * 1001, 1000, "at most 1000 characters"),
    (")", 0, "closes nothing"),
    ("a(b))", 4, "closes nothing"),
    ("a(b", 1, "never closed"),
    ("a[b", 1, "never closed"),
    ("[", 0, "never closed"),
    ("[]", 0, "never closed"),
    ("[^]", 0, "never closed"),
    ("[a-", 0, "never closed"),
    ("x[a\\", 3, "Nothing follows this backslash"),
    ("*a", 0, "Nothing stands before"),
    ("a|+", 2, "Nothing stands before"),
    ("({2})", 1, "Nothing stands before"),
    ("a{", 1, "number of repetitions is expected"),
    ("a{x}", 1, "number of repetitions is expected"),
    ("a{,3}", 1, "number of repetitions is expected"),
    ("a{256}", 1, "up to 255"),
    ("a{1,256}", 1, "up to 255"),
    ("a{3,2}", 1, "from the lower one"),
    ("(a{255}){4}", 0, "more than 1000 characters"),
    ("x((((a{255}){255}){255}){255})", 4, "more than 1000 characters"),
    ("a{255}b{255}c{255}d{255}", 0, "more than 1000 characters"),
    ("a??", 2, 'a lazy repetition ("??")'),
    ("a*?", 2, 'a lazy repetition ("*?")'),
    ("a{2}?", 4, 'a lazy repetition ("}?")'),
    ("a++", 2, 'a possessive repetition ("++")'),
    ("a**", 2, "two repetitions in a row"),
    ("a{2}{3}", 4, "two repetitions in a row"),
    ("(?:a)", 0, "plain parentheses"),
    ("(?=a)", 0, "look-ahead"),
    ("(?!a)", 0, "look-ahead"),
    ("(?<=a)", 0, "look-behind"),
    ("(?<!a)", 0, "look-behind"),
    ("(?>a)", 0, "atomic groups"),
    ("(?P<n>a)", 0, "named groups"),
    ("(?<n>a)", 0, "named groups"),
    ("(?i)a", 0, '"(?"'),
    ("(a)\\1", 3, "back-reference"),
    ("a\\b", 1, "the escape \\b"),
    ("[\\D]", 1, "the escape \\D"),
    ("[[:alpha:]]", 1, '"[:"'),
    ("[z-a]", 1, '"z-a" is no range'),
    ("[\\d-z]", 1, "is no range"),
    ("[a-\\s]", 1, "is no range"),
    ("(" * 51 + "a" + ")" * 51, 50, "more than 50 deep"),
    ("a\\", 1, "Nothing follows this backslash"),
]


@pytest.mark.parametrize(("pattern", "offset", "part"), REFUSED)
def test_what_is_not_supported_is_refused_by_name(pattern: str, offset: int, part: str) -> None:
    """The refusal names the construct and points at it."""
    with pytest.raises(QueryRefused) as refused:
        read(pattern)
    assert part in refused.value.problem
    assert refused.value.offset == 3 + offset


def test_the_deepest_and_largest_expressions_work() -> None:
    """Fifty nested groups and a thousand characters are within the limits of Python and RE2."""
    deep = "(a|" * 50 + "b" + ")" * 50
    large = "([^a]{1,100}b?){9}"
    for pattern in (deep, large, "a" * 1000, "(a?){255}" * 3):
        written = read(pattern)
        assert re.compile(written).fullmatch("") is not None or pattern != "(a?){255}" * 3
        re2.compile(written)


CHARACTERS = st.sampled_from("ab.|()*+?[]^-\\{}2,1é\n &~")
PIECES = st.sampled_from(
    ["(", ")", "a", "[ab]", "[^b]", "{2}", "{1,2}", "\\d", "\\.", "(a|b)", "(a|)*", "|", "*", "[a-é]"]
)
VALUES = st.text("abéAÉ1.\n-^]", max_size=6)


def accepted(pattern: str, *, folded: bool = False) -> str | None:
    """Return the written form of *pattern*, or None when it is refused."""
    try:
        return read(pattern, folded=folded)
    except QueryRefused:
        return None


@given(st.lists(CHARACTERS | PIECES, max_size=10).map("".join), st.lists(VALUES, min_size=5, max_size=5))
def test_engines_agree(pattern: str, values: list[str]) -> None:
    """Python and RE2 take whatever is written, say the same, and so does Python of the user's own text."""
    written = accepted(pattern)
    if written is None:
        return
    options = re2.Options()
    options.dot_nl = True
    ours, linear = re.compile(written, re.DOTALL), re2.compile(written, options)
    for value in values:
        assert (ours.fullmatch(value) is None) == (linear.fullmatch(value) is None)


@given(st.lists(PIECES, max_size=8).map("".join), VALUES)
def test_python_reads_the_original_alike(pattern: str, value: str) -> None:
    """What needs no translation means what Python makes of it."""
    written = accepted(pattern)
    if written is not None:
        original = re.compile(pattern, re.DOTALL | re.ASCII)
        assert (re.compile(written, re.DOTALL).fullmatch(value) is None) == (original.fullmatch(value) is None)


@given(st.lists(st.sampled_from(["A", "é", "[A-B]", "[É-é]", ".", "(A|b)*"]), max_size=5).map("".join), VALUES)
def test_a_folded_expression_ignores_case(pattern: str, value: str) -> None:
    """It matches the folded text where Python, ignoring case, matches the text."""
    written = accepted(pattern, folded=True)
    assert written is not None
    expected = re.compile(pattern, re.DOTALL | re.IGNORECASE).fullmatch(value) is not None
    assert (re.compile(written, re.DOTALL).fullmatch(fold(value)) is not None) is expected


@given(st.lists(st.tuples(st.characters(exclude_categories=("Cs",)), st.integers(0, 5)), min_size=1), st.characters())
def test_sets_hold_their_characters(written: list[tuple[str, int]], character: str) -> None:
    """A written set matches exactly the characters of its ranges, its complement all others."""
    ranges = [(ord(low), ord(low) + more) for low, more in written if not 0xD000 <= ord(low) <= 0xE000]
    ranges = [(low, high) for low, high in ranges if high <= 0x10FFFF] or [(97, 98)]
    inside = any(low <= ord(character) <= high for low, high in ranges)
    assert (re.fullmatch(charsets.written(ranges), character) is not None) is inside
    assert (re.fullmatch(charsets.written(ranges, negated=True), character) is not None) is not inside
