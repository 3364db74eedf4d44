"""How the text of a query is cut into tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.tokens import SHOWN_CHARACTERS, Kind, scan, shown


def cut(query: str) -> list[str]:
    """Return kind and text of each token."""
    return [f"{token.kind.name} {token.text}" for token in scan(query)]


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("a AND b && c", ["TERM a", "AND AND", "TERM b", "AND &&", "TERM c"]),
        ("a OR b || c", ["TERM a", "OR OR", "TERM b", "OR ||", "TERM c"]),
        ("NOT a !b -c +d", ["NOT NOT", "TERM a", "NOT !", "TERM b", "MINUS -", "TERM c", "PLUS +", "TERM d"]),
        ("f:(x)", ["TERM f", "COLON :", "OPEN (", "TERM x", "CLOSE )"]),
        ("f=x", ["TERM f", "COLON =", "TERM x"]),
        ("f<1 f<=1 f>1 f>=1", [w for s in ("<", "<=", ">", ">=") for w in ("TERM f", f"COMPARISON {s}", "TERM 1")]),
        ('"a b" "" "\\"" "\n"', ['QUOTED "a b"', 'QUOTED ""', 'QUOTED "\\""', 'QUOTED "\n"']),
        (
            "a^2 b^1.5 c~ d~0.7",
            ["TERM a", "BOOST ^2", "TERM b", "BOOST ^1.5", "TERM c", "FUZZY ~", "TERM d", "FUZZY ~0.7"],
        ),
    ],
)
def test_each_kind_of_token_is_recognised(query: str, tokens: list[str]) -> None:
    """Every token of the language has its kind, and the longest one wins."""
    assert cut(query) == tokens


@pytest.mark.parametrize(
    "term",
    [
        "ANDY",
        "ORACLE",
        "and",
        "not",
        "TO",
        "&&b",
        "x&&y",
        "a+b",
        "a-b",
        "O'Neill",
        "été",
        "\\AND",
        "\\(1\\+1\\)\\:2",
        "*",
        "\\ ",
        "a\x00\ud800",
        "NOT-x",
    ],
)
def test_ordinary_terms_are_one_token(term: str) -> None:
    """Operators are upper case and stand alone; signs inside, escapes and non-ASCII letters are ordinary."""
    assert cut(term) == [f"TERM {term}"]


def test_white_space_separates() -> None:
    """Space, tab, line ends and the ideographic space separate; offsets count them."""
    assert [token.offset for token in scan(" a\t\r\nb\u3000c")] == [1, 5, 7]


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        ("/a/b", ["/a/", "b"]),
        ("//", ["//"]),
        ("/a\\/b/", ["/a\\/b/"]),
        ("/a\\\\/b/", ["/a\\\\/b/"]),
        ("/x\\/", ["/x\\/"]),
        ("/x\\/y\\/ z", ["/x\\/y\\/", "z"]),
    ],
)
def test_an_escaped_slash_ends_a_regex_only_when_no_other_does(query: str, texts: list[str]) -> None:
    """A slash after a backslash goes on to a later slash if there is one."""
    assert [token.text for token in scan(query)] == texts


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("[1 TO 2]", "1", "2"),
        ("{-10 TO -1}", "-10", "-1"),
        ("[ \t 1 \n TO   2 ]", "1", "2"),
        ('["a b" TO "c]d"}', "a b", "c]d"),
        ('["a\\"b" TO "x"y]', 'a\\"b', '"x"y'),
        ("[TO TO x]", "TO", "x"),
        ("[x TO TO]", "x", "TO"),
        ("[2020-01-01T00:00:00+02:00 TO *]", "2020-01-01T00:00:00+02:00", "*"),
        ('["" TO "]', '""', '"'),
    ],
)
def test_a_range_is_one_token_with_two_bounds(query: str, low: str, high: str) -> None:
    """Inside brackets only space, the closing brackets and quotes are special."""
    (token,) = scan(query)
    assert (token.kind, token.text) == (Kind.RANGE, query)
    assert [bound.text for bound in token.bounds] == [low, high]
    assert all(query.startswith(bound.text, bound.offset) for bound in token.bounds)


@pytest.mark.parametrize(
    ("query", "offset", "part"),
    [
        ('a "b', 2, "never closed"),
        ("a /b", 2, "regular expression that never ends"),
        ("a\\", 1, "Nothing follows"),
        ("a ^", 2, "number must follow"),
        ("a^x", 1, "number must follow"),
        ("a ]", 2, "closes no range"),
        ("a }", 2, "closes no range"),
        ("f:[1 TO 2", 2, "never ends"),
        ("f:[", 2, "never ends"),
        ("f:[1 2]", 5, '"TO" is expected'),
        ('f:[1 "TO" 2]', 6, '"TO" is expected'),
        ("f:[]", 3, "ends too early"),
        ("f:[1 TO]", 7, "ends too early"),
        ("f:[1 TO 2 3]", 10, "is expected after the two bounds"),
        ("f:[x\\] TO y]", 5, "ends too early"),
    ],
)
def test_what_does_not_end_or_means_nothing_is_refused_where_it_stands(query: str, offset: int, part: str) -> None:
    """A refusal of the scanner points at the character where the trouble begins."""
    with pytest.raises(QueryRefused, match=part) as refused:
        list(scan(query))
    assert refused.value.offset == offset


PIECES = st.sampled_from([*"ab \t\n+-!():<>=~&|TO1.*?\x00\ud800é", "^2", '"x y"', "\\(", "/r/", "[1 TO 2}"])


@given(st.lists(PIECES).map("".join))
def test_tokens_cover_the_text_in_order(query: str) -> None:
    """Tokens stand in the text where they say, in order, with nothing but white space between them."""
    tokens = list(scan(query))
    end = 0
    for token in tokens:
        assert not query[end : token.offset].strip(" \t\n")
        assert query.startswith(token.text, token.offset)
        end = token.offset + len(token.text)
    assert not query[end:].strip(" \t\n")


def test_a_message_shows_little_and_only_what_can_be_printed() -> None:
    """Long texts are cut, and what has no glyph becomes a replacement character."""
    assert shown("a\x00\ud800\nb") == "a\ufffd\ufffd\ufffdb"
    assert shown("x" * SHOWN_CHARACTERS) == "x" * SHOWN_CHARACTERS
    assert shown("x" * 1000) == "x" * (SHOWN_CHARACTERS - 1) + "…"
