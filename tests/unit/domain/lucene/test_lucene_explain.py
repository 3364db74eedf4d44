"""What a query means, in lines for people."""

from __future__ import annotations

import pytest
from hypothesis import given

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import explain
from regards_order.testing.lab import lab_attributes
from regards_order.testing.strategies import VOCABULARY, queries

CASE, ASCII = "case included", "ASCII letters in any case"
ULP = "within one unit in the last place"


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("*", "everything"),
        ("altitude:1e30", "nothing"),
        ("title:harry", f'title (STRING) contains "harry", {ASCII}'),
        ('productId:"a b"', f'providerId (STRING) equals "a b", {CASE}'),
        ('cast:("a" OR "b")', f'cast (STRING_ARRAY) equals one of "a", "b", {CASE}'),
        ("title:(a OR b OR c OR d OR e)", f'title (STRING) contains one of "a", "b", "c", "d", "e", {ASCII}'),
        (
            "title:(a OR b OR c OR d OR e OR f)",
            f'title (STRING) contains one of "a", "b", "c", "d", "e", 1 more, {ASCII}',
        ),
        ("mode:x OR sensing.mode:*", None),
        ("sensing.mode:*", "sensing.mode (STRING) has a value"),
        ("title:a\\*?*\\\\", f"title (STRING) is like a\\*?*\\\\, {CASE}"),
        ("title:/S2[AB].*/", f"title (STRING) matches /S2[AB].*/, {CASE}"),
        ("altitude:8848", "altitude (LONG) equals 8848"),
        ("altitude:[0 TO 10}", "altitude (LONG) is at least 0 and at most 9"),
        ("years:(1 OR 2)", "years (LONG_ARRAY) equals one of 1, 2"),
        ("bpm:128", f"bpm (DOUBLE) equals 128.0, {ULP}"),
        (
            "bpm:(0 OR 1 OR 0.9999999999999999 OR 145.6)",
            f"bpm (DOUBLE) equals one of 0.0, 0.9999999999999999, 145.6, {ULP}",
        ),
        ('bpm:"-1.7976931348623157e308"', f"bpm (DOUBLE) equals -1.7976931348623157e+308, {ULP}"),
        ("bpm:{1 TO 2]", "bpm (DOUBLE) is above 1.0 and at most 2.0"),
        ("bpm<1.5", "bpm (DOUBLE) is below 1.5"),
        ('date:"2020-01-01T01:00:00+01:00"', "date (DATE_ISO8601) equals 2020-01-01T00:00:00Z"),
        ("date:[2020-01-01T00:00 TO *]", "date (DATE_ISO8601) is at least 2020-01-01T00:00:00Z"),
        (
            'date>"9999-12-31T23:59:59.999999Z"',
            "date (DATE_ISO8601) is at least 253402300800000000 microseconds after 1970",
        ),
        ("isTrue:(true OR false)", "isTrue (BOOLEAN) equals one of true, false"),
        ("harry*", f'any of 13 text fields contains "harry", {ASCII}'),
        ("h?r", f"any of 13 text fields is like *h?r*, {ASCII}"),
        ("/h.*/", f"any of 13 text fields matches /h.*/, {CASE}"),
        ("title@text:Star", "title (STRING) has a word like *star*, letters in any case"),
        ('title@text:"Star Wars"', "title (STRING) has the words star wars in a row, letters in any case"),
        ("title@text:/S.*/", "title (STRING) has a word that matches /s.*/"),
    ],
)
def test_leaves(query: str, line: str | None) -> None:
    """A leaf tells field, type and question, the values as they are compared."""
    if line is None:
        with pytest.raises(QueryRefused):
            explain(query, lab_attributes())
    else:
        assert explain(query, lab_attributes()) == line


def test_operators_are_a_tree() -> None:
    """What is joined stands below its operator, two blanks to the right."""
    assert explain("(title:a AND (NOT date:* OR last:true)) OR NOT (years:* AND version>1)", lab_attributes()) == (
        "one or more of\n"
        "  all of\n"
        f'    title (STRING) contains "a", {ASCII}\n'
        "    one or more of\n"
        "      not\n"
        "        date (DATE_ISO8601) has a value\n"
        "      last (BOOLEAN) equals true\n"
        "  not\n"
        "    all of\n"
        "      years (LONG_ARRAY) has a value\n"
        "      version (LONG) is at least 2"
    )


def test_values_are_short_and_printable() -> None:
    """Whatever stands in the query."""
    line = explain('title:"' + "x" * 10_000 + '" OR title:"\u0001"', lab_attributes())
    assert len(line) < 200
    assert line.isprintable()


@given(queries())
def test_every_query_can_be_explained(query: str) -> None:
    """The lines hold no line end of their own, and are the same every time."""
    assert explain(query, VOCABULARY) == explain(query, VOCABULARY)
    assert all(line.strip() for line in explain(query, VOCABULARY).split("\n"))


def test_the_deepest_query_can_be_explained() -> None:
    """A hundred parentheses are a hundred steps to the right."""
    query = "(title:a OR NOT last:true AND " * 100 + "title:b" + ")" * 100
    assert explain(query, lab_attributes()).count("one or more of") == 100
