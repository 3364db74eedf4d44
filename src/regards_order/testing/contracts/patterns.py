"""What `Patterns` promises."""

from __future__ import annotations

from contextlib import suppress

import pytest

from regards_order.domain.errors import InvalidPattern
from regards_order.ports.patterns import Patterns


class PatternsContract:
    """Prove `Patterns`; override the fixture `patterns`."""

    @pytest.fixture
    def patterns(self) -> Patterns:
        """Return what is proved: override me."""
        raise NotImplementedError("override the fixture `patterns`")

    @pytest.mark.parametrize(
        ("pattern", "matching", "others"),
        [
            (r".*\.dat", ["a.dat", ".dat", "été.dat"], ["a.dat ", "a_dat", "a.DAT", ""]),
            ("abc", ["abc"], ["xabc", "abcx", "ABC", "ab"]),
            ("a|ab", ["a", "ab"], ["b", "aab", "abc"]),
            ("été|名.", ["été", "名前"], ["Été", "名", "名前前"]),
            (".", ["é", "名", "🛰"], ["", "ab"]),
            ("", [""], ["a"]),
            ("(?i)abc", ["ABC"], ["abcd"]),
            ("^a.c$", ["abc"], ["abcd"]),
            (r"[0-9]{2,3}_\d+", ["12_3", "123_45"], ["1_2", "12_"]),
            (r"(?:a|b)+(c)?", ["ab", "abac"], ["c", "abcc"]),
            (".", ["\n", "\ud800"], ["\n\n"]),
            ("a.*b", ["a\r\nb", "a\udfffb"], ["\na\nb", "a\nb\n"]),
            ("[^a]", ["\n", "b", "🛰"], ["a", ""]),
            ("(?:a|)?b|", ["ab", "b", ""], ["a", "abb"]),
            (r"[\-\[\]\^\\a-c&|~]+", ["-[]^\\abc&|~"], ["d", "/"]),
            (r"\(\)\[\]\{\}\|\*\+\?\.\^\$\\", ["()[]{}|*+?.^$\\"], ["()"]),
            ("(?:a{2}){2,3}b{0,1}c{1,}", ["aaaac", "aaaaaabcc"], ["aaac", "aaaabb"]),
            ("é{255}", ["é" * 255], ["é" * 254, "é" * 256]),
            ("[\t-\r é-ü]*", ["\t\n ê", ""], ["e"]),
        ],
    )
    def test_a_pattern_matches_whole_texts(
        self, patterns: Patterns, pattern: str, matching: list[str], others: list[str]
    ) -> None:
        """From the first character to the last, case-sensitive; a character is a character in any script."""
        matches = patterns.compile(pattern)
        assert [text for text in (*matching, *others) if matches(text)] == matching

    def test_a_compiled_pattern_can_be_used_again(self, patterns: Patterns) -> None:
        """One text does not disturb the next."""
        matches = patterns.compile("a+")
        assert [matches(text) for text in ("a", "b", "aa", "a") for _ in range(2)] == [True] * 2 + [False] * 2 + [
            True
        ] * 4

    @pytest.mark.parametrize("pattern", ["(", "*", "a{2,1}", "[z-a]", "[", "(?P<n", "\\"])
    def test_what_is_no_pattern_is_refused(self, patterns: Patterns, pattern: str) -> None:
        """The error holds the pattern and says why."""
        with pytest.raises(InvalidPattern) as caught:
            patterns.compile(pattern)
        assert caught.value.pattern == pattern
        assert caught.value.cause

    @pytest.mark.parametrize("pattern", [r"(a)\1", "(?=a)a", "(?<!b)a", "(?>a)", "\ud800", "\0"])
    def test_a_construct_is_supported_or_refused(self, patterns: Patterns, pattern: str) -> None:
        """Nothing but `InvalidPattern` is raised, whatever strangers write."""
        with suppress(InvalidPattern):
            assert patterns.compile(pattern)("b") is False
