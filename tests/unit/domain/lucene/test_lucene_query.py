"""What a query means on fields of each type, and which questions are refused."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from regards_order.domain.attributes import INTEGER_MAX, INTEGER_MIN, AttributeType, Field
from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import (
    EVERYTHING,
    NOTHING,
    And,
    Anywhere,
    Between,
    Contains,
    Exists,
    HasWords,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Query,
    Wildcard,
    grammar,
    parse_query,
    tokens,
)
from regards_order.domain.lucene import query as query_module

TYPES = {
    "title": AttributeType.STRING,
    "author": AttributeType.STRING,
    "altitude": AttributeType.LONG,
    "bpm": AttributeType.DOUBLE,
    "date": AttributeType.DATE,
    "isTrue": AttributeType.BOOLEAN,
    "sensing.mode": AttributeType.STRING,
    "orbit.mode": AttributeType.STRING,
    "label.x": AttributeType.STRING,
    "years": AttributeType.LONG_ARRAY,
    "words": AttributeType.STRING_ARRAY,
    "title@x": AttributeType.STRING,
}
TITLE, AUTHOR, ALTITUDE, BPM, DATE, IS_TRUE = (Field(name, TYPES[name]) for name in list(TYPES)[:6])
ANY, ONE = Wildcard.ANY, Wildcard.ONE
SECOND = 1_000_000


def read(query: str) -> Query:
    """Return the validated tree of *query*."""
    return parse_query(query, TYPES)


def equal(field: Field, *values: str | float) -> OneOf:
    """Return the leaf that asks for one of these values."""
    return OneOf(field, values)


def longs(low: int | None, high: int | None) -> Between:
    """Return a range on the altitude."""
    return Between(ALTITUDE, low, high)


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("title:harry", Contains(TITLE, ("harry",))),
        ('title:"harry"', OneOf(TITLE, ("harry",))),
        ('title:""', OneOf(TITLE, ("",))),
        ("title:a*b?", Like(TITLE, ("a", ANY, "b", ONE))),
        ('title:"a*"', OneOf(TITLE, ("a*",))),
        ("title:*", Exists(TITLE)),
        ("altitude:*", Exists(ALTITUDE)),
        ("date:*", Exists(DATE)),
        ("isTrue:*", Exists(IS_TRUE)),
        ("bpm:**", Exists(BPM)),
        ("productId:x", Contains(Field("providerId", AttributeType.STRING, True), ("x",))),
        ("version:2", equal(Field("version", AttributeType.LONG, True), 2)),
        ("feature.properties.sensing.mode:x", Contains(Field("sensing.mode", AttributeType.STRING), ("x",))),
    ],
)
def test_a_leaf_asks_what_its_field_can_answer(query: str, tree: Query) -> None:
    """Quoted means equal, unquoted contains, wildcards the whole value, a star alone any value."""
    assert read(query) == tree


WORDS = Field("words", AttributeType.STRING, several=True)
EVERYWHERE = Anywhere(
    (
        *(
            Field(name, AttributeType.STRING, True, several=name in ("tags", "rawdata", "datasetModelNames"))
            for name in (
                "id",
                "virtualId",
                "providerId",
                "label",
                "model",
                "tags",
                "rawdata",
                "datasetModelNames",
            )
        ),
        AUTHOR,
        *(Field(name, AttributeType.STRING) for name in ("label.x", "orbit.mode", "sensing.mode", "title", "title@x")),
        WORDS,
    )
)

Z = Contains(EVERYWHERE, ("z",))


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("title:/a.*/", Matches(TITLE, "a.*")),
        ("title:/.*/", Exists(TITLE)),
        ("title:/(.*)/", Exists(TITLE)),
        ("words:/a\\/b/", Matches(WORDS, "a/b")),
        ("title://", Matches(TITLE, "")),
        ("altitude:/.*/", Exists(ALTITUDE)),
        ("date:/(.)*/", Exists(DATE)),
        ("isTrue:/.*/", Exists(IS_TRUE)),
        ("title@keyword:x", Contains(TITLE, ("x",))),
        ('title@KeyWord:"x"', equal(TITLE, "x")),
        ("title@other:x*", Like(TITLE, ("x", ANY))),
        ("title@x:y", Contains(TITLE, ("y",))),
        ("title@x@text:y", HasWords(Field("title@x", AttributeType.STRING), (((ANY, "y", ANY),),))),
        ("altitude@text:8848", equal(ALTITUDE, 8848)),
        ("title@text:WArs", HasWords(TITLE, (((ANY, "wars", ANY),),))),
        ("title@TEXT:ÉTÉ", HasWords(TITLE, (((ANY, "été", ANY),),))),
        ("properties.title@text:x", HasWords(TITLE, (((ANY, "x", ANY),),))),
        ('title@text:"Star-Wars, ii"', HasWords(TITLE, ((("star",), ("wars",), ("ii",)),))),
        ('title@text:"…"', NOTHING),
        ("title@text:a_b", NOTHING),
        ("title@text:a\\ b", NOTHING),
        ("title@text:*", HasWords(TITLE, (((ANY,),),))),
        ("title@text:WA*?s", HasWords(TITLE, ((("wa", ANY, ONE, "s"),),))),
        ("title@text:/W[A-C]+/", Matches(TITLE, "w[A-Ca-c]+", each_word=True)),
        ("title@text:/.*/", Matches(TITLE, ".*", each_word=True)),
        ('title@text:(a OR "b c" OR d*)', HasWords(TITLE, (((ANY, "a", ANY),), (("b",), ("c",)), (("d", ANY),)))),
        ("harry", Contains(EVERYWHERE, ("harry",))),
        ('"harry potter"', Contains(EVERYWHERE, ("harry potter",))),
        ("@multisearch:harry", Contains(EVERYWHERE, ("harry",))),
        ("@multisearch=(harry OR potter) OR x", Contains(EVERYWHERE, ("harry", "potter", "x"))),
        ("harry*", Contains(EVERYWHERE, ("harry",))),
        ("*harry", Contains(EVERYWHERE, ("harry",))),
        ("*harry*", Contains(EVERYWHERE, ("harry",))),
        ("h?r*y", Like(EVERYWHERE, (ANY, "h", ONE, "r", ANY, "y", ANY), ignore_case=True)),
        ("?", Like(EVERYWHERE, (ANY, ONE, ANY), ignore_case=True)),
        ("*", EVERYTHING),
        ("title:x AND *", Contains(TITLE, ("x",))),
        ("title:x AND NOT *", And((Contains(TITLE, ("x",)), Not(EVERYTHING)))),
        ("/.*/", EVERYTHING),
        ("/h.*/", Matches(EVERYWHERE, "h.*")),
        ('"h*y"', Contains(EVERYWHERE, ("h*y",))),
        ("(title:x OR y) AND z", And((Or((Contains(TITLE, ("x",)), Contains(EVERYWHERE, ("y",)))), Z))),
    ],
)
def test_a_leaf_looks_at_words_and_everywhere(query: str, tree: Query) -> None:
    """Suffixes choose words, no field means every text field; wildcards there only have to be contained."""
    assert read(query) == tree


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("altitude:8848", equal(ALTITUDE, 8848)),
        ('altitude:"+8848"', equal(ALTITUDE, 8848)),
        ("altitude:007", equal(ALTITUDE, 7)),
        ("altitude:2000.9", equal(ALTITUDE, 2000)),
        ('altitude:"-2000.9"', equal(ALTITUDE, -2000)),
        ('altitude:"-0.5"', equal(ALTITUDE, 0)),
        ("altitude:0.000", equal(ALTITUDE, 0)),
        ("altitude:1e3", equal(ALTITUDE, 1000)),
        ("altitude:1.5E+1", equal(ALTITUDE, 15)),
        ("altitude:1234\\e\\-2", equal(ALTITUDE, 12)),
        ('altitude:"0e99999999999999999999"', equal(ALTITUDE, 0)),
        ("altitude:9223372036854775807", equal(ALTITUDE, INTEGER_MAX)),
        ("altitude:9223372036854775808", NOTHING),
        ('altitude:"-9223372036854775808"', equal(ALTITUDE, INTEGER_MIN)),
        ('altitude:"-9223372036854775809"', NOTHING),
        ("altitude:1e999999999", NOTHING),
        ("altitude:1e" + "9" * 100_000, NOTHING),
        ("altitude:" + "9" * 100_000, NOTHING),
        ('altitude:"1e-999999999"', equal(ALTITUDE, 0)),
        ("altitude:[0 TO 2000]", longs(0, 2000)),
        ("altitude:{0 TO 2000}", longs(1, 1999)),
        ("altitude:[0.5 TO 2]", longs(1, 2)),
        ("altitude:{0.5 TO 2.5}", longs(1, 2)),
        ("altitude:[-1.5 TO -0.5]", longs(-1, -1)),
        ("altitude:[1000 TO *]", longs(1000, None)),
        ("altitude:{* TO 0}", longs(None, -1)),
        ("altitude:[2 TO 1]", NOTHING),
        ("altitude:{1 TO 2}", NOTHING),
        ("altitude:[1e30 TO *]", NOTHING),
        ("altitude:[* TO -1e30]", NOTHING),
        ("altitude:[-1e30 TO 1e30]", longs(INTEGER_MIN, INTEGER_MAX)),
        ("altitude:{9223372036854775807 TO *]", NOTHING),
        ("altitude:[1e-999999999 TO 2]", longs(1, 2)),
        ("altitude>119", longs(120, None)),
        ("altitude>=119", longs(119, None)),
        ("altitude<0", longs(None, -1)),
        ("altitude<=0", longs(None, 0)),
        ("altitude>119.5", longs(120, None)),
        ('altitude>"-5"', longs(-4, None)),
    ],
)
def test_whole_numbers_become_included_bounds_of_64_bits(query: str, tree: Query) -> None:
    """Equality cuts a fraction toward zero, ranges keep it; what no such number can be selects nothing."""
    assert read(query) == tree


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("bpm:{128.0 TO 146]", Between(BPM, 128.0, 146.0, low_included=False)),
        ("bpm:[* TO 1e999]", Between(BPM, None, math.inf)),
        ("bpm<=1.5", Between(BPM, None, 1.5)),
        ("bpm>1", Between(BPM, 1.0, None, low_included=False)),
        ("bpm:[1 TO 1]", Between(BPM, 1.0, 1.0)),
        ("bpm:[1 TO 1}", NOTHING),
        ("bpm:{1 TO 1]", NOTHING),
        ("bpm:[2 TO 1]", NOTHING),
        ("bpm:1e999", NOTHING),
        ("bpm:0", equal(BPM, -5e-324, 0.0, 5e-324)),
        ("bpm:1", equal(BPM, 0.9999999999999999, 1.0)),
        ('bpm:"-1"', equal(BPM, -1.0000000000000002, -1.0, -0.9999999999999999, -0.9999999999999998)),
        ("bpm:1.7976931348623157e308", equal(BPM, 1.7976931348623155e308, 1.7976931348623157e308)),
        ('bpm:"-1.7976931348623157e308"', equal(BPM, -1.7976931348623157e308)),
    ],
)
def test_numbers_keep_their_bounds(query: str, tree: Query) -> None:
    """A range of numbers is compared as written; nothing equals what is too large for a number."""
    assert read(query) == tree


@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda value: abs(value) < 1e308))
def test_equal_numbers_are_within_one_unit_in_the_last_place(value: float) -> None:
    """The distance from a number to the next smaller one is the tolerance on both sides."""
    leaf = read(f'bpm:"{value!r}"')
    assert isinstance(leaf, OneOf)
    unit = value - math.nextafter(value, -math.inf)
    around = [value]
    for _ in range(3):
        around = [math.nextafter(around[0], -math.inf), *around, math.nextafter(around[-1], math.inf)]
    assert list(leaf.values) == [each for each in around if abs(Fraction(each) - Fraction(value)) <= Fraction(unit)]


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ('date:"1970-01-01T00:00:01Z"', equal(DATE, SECOND)),
        ("date:1970\\-01\\-01T00\\:00\\:01Z", equal(DATE, SECOND)),
        ("date:[1970-01-01T00:00 TO 1970-01-01T01:00:01+01:00]", Between(DATE, 0, SECOND)),
        ("date:{1970-01-01T00:00Z TO 1970-01-01t00:00:01z}", Between(DATE, 1, SECOND - 1)),
        ("date:{1970-01-01T00:00Z TO *]", Between(DATE, 1, None)),
        ('date<"1970-01-01T00:00:01Z"', Between(DATE, None, SECOND - 1)),
        ("date:[1970-01-02T00:00Z TO 1970-01-01T00:00Z]", NOTHING),
        ("isTrue:true", equal(IS_TRUE, 1)),
        ("isTrue:FALSE", equal(IS_TRUE, 0)),
        ('isTrue:"True"', equal(IS_TRUE, 1)),
    ],
)
def test_dates_and_truth_values_are_whole_numbers(query: str, tree: Query) -> None:
    """Dates count microseconds since 1970, so an excluded bound is one more or less; true is 1."""
    assert read(query) == tree


A, B, C = (Contains(TITLE, (letter,)) for letter in "abc")
ABC = Contains(TITLE, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("title:a AND (title:b AND title:c)", And((A, B, C))),
        ("title:a OR (title:b AND title:c)", Or((A, And((B, C))))),
        ("title:a OR (author:x OR (title:b OR title:c))", Or((ABC, Contains(AUTHOR, ("x",))))),
        ("NOT (NOT title:a)", A),
        ("NOT (NOT (NOT title:a))", Not(A)),
        ('title:("x" OR "y" OR "x")', OneOf(TITLE, ("x", "y"))),
        ('title:"x" OR properties.title:"y"', OneOf(TITLE, ("x", "y"))),
        ('title:("x" OR a OR "y")', Or((OneOf(TITLE, ("x", "y")), A))),
        ('title:a OR author:"x" OR title:"x" OR author:"y"', Or((A, OneOf(AUTHOR, ("x", "y")), OneOf(TITLE, ("x",))))),
        ('title:("x" AND "y")', And((OneOf(TITLE, ("x",)), OneOf(TITLE, ("y",))))),
        ("title:a OR altitude:1e30", A),
        ("altitude:(0 OR 2 OR 1e30)", equal(ALTITUDE, 0, 2)),
        ("bpm:(1 OR 2) OR bpm:1", equal(BPM, 0.9999999999999999, 1.0, 1.9999999999999998, 2.0)),
        ('title:(x OR "x" OR y)', Or((Contains(TITLE, ("x", "y")), equal(TITLE, "x")))),
        ("isTrue:(true OR false OR true)", equal(IS_TRUE, 1, 0)),
        ("altitude:[1 TO 2] OR altitude:[1 TO 2]", Or((longs(1, 2), longs(1, 2)))),
        ("altitude:1e30 OR altitude:1e30", NOTHING),
    ],
)
def test_the_tree_is_normal(query: str, tree: Query) -> None:
    """Same operators are one, double negations none, and quoted texts on one field of an OR one list."""
    assert read(query) == tree


REFUSED = [
    # names
    ("unknown:x", 0, "Unknown parameter unknown"),
    ("title:x OR ipId:x", 11, "Unknown parameter ipId"),
    ("mode:IW", 0, "Unknown parameter mode"),
    ("label.x:y", 0, "Unknown parameter label.x"),
    ("Title:x", 0, "Unknown parameter Title"),
    ("unknown@text:x", 0, "Unknown parameter unknown"),
    ("@text:x", 0, "Unknown parameter @text"),
    ("*:x", 0, "Unknown parameter *"),
    ("unknown>5", 0, "Unknown parameter unknown"),
    ("a\\\u0001:x", 0, "Unknown parameter a\ufffd"),
    ("title@text@x@text:x", 0, "Unknown parameter title@text@x@text"),
    ("@multisearch@text:x", 0, "Unknown parameter @multisearch@text"),
    ("@Multisearch:x", 0, "Unknown parameter @Multisearch"),
    ("title@:x", 0, "Nothing follows the @: write title:value, or title@text:value"),
    ("title@keyword:[1 TO 2]", 0, "Unknown parameter title@keyword: a range takes no suffix"),
    ("altitude:5 AND altitude@text>5", 15, "Unknown parameter altitude@text: a range takes no suffix"),
    ("altitude@text:5 AND altitude@text>5", 20, "Unknown parameter altitude@text: a range takes no suffix"),
    ("[1 TO 2]", 0, "range needs a field"),
    ("@multisearch:[1 TO 2]", 0, "range needs a field"),
    ("@multisearch>2", 0, "range needs a field"),
    # ranges
    ("title:[a TO b]", 6, 'Range query not supported for attribute type STRING: field "title"'),
    ("title>a", 5, "{a TO *]"),
    ("isTrue:[false TO true]", 7, "Range query not supported for attribute type BOOLEAN"),
    ("title:[* TO *]", 6, "not supported for attribute type STRING"),
    ("altitude:[* TO *]", 9, "at least one bound"),
    ("bpm:{* TO *}", 4, "at least one bound"),
    ("altitude>*", 8, "at least one bound"),
    ("altitude:[a TO 2]", 10, 'Field "altitude" is of type LONG: "a" is not a number'),
    ("altitude:[1 TO b]", 15, '"b" is not a number'),
    ("bpm:[1 TO nan]", 10, '"nan" is not a number'),
    ("bpm:[inf TO 1]", 5, '"inf" is not a number'),
    ("date:[2020-01-01 TO *]", 6, '"2020-01-01" is not a date-time'),
    ('date<"x"', 6, '"x" is not a date-time'),
    # values
    ("altitude:abc", 9, 'Field "altitude" is of type LONG: "abc" is not a number'),
    ("altitude:1_000", 9, "is not a number"),
    ("altitude:٣", 9, "is not a number"),
    ('altitude:""', 9, "is not a number"),
    ("altitude:.5", 9, "is not a number"),
    ("bpm:abc", 4, 'Field "bpm" is of type DOUBLE: "abc" is not a number'),
    ("bpm:(1 OR 1_0)", 10, "is not a number"),
    ('date:"2020-01-01"', 5, "is not a date-time"),
    ("isTrue:yes", 7, 'Field "isTrue" is of type BOOLEAN: "yes" is not true or false'),
    # wildcards
    ("altitude:8*", 9, "LONG, which has no wildcards"),
    ("altitude:?", 9, "LONG, which has no wildcards"),
    ("date:2020*", 5, "DATE_ISO8601, which has no wildcards"),
    ("isTrue:t*", 7, "BOOLEAN, which has no wildcards"),
    ("years:2*", 6, "LONG_ARRAY, which has no wildcards"),
    ("years:[1 TO 2]", 6, "Range query not supported for attribute type LONG_ARRAY"),
    ("altitude:/8.*/", 9, "LONG, which has no regular expressions: write a number, or /.*/ alone"),
    # regular expressions
    ("title:/a(b/", 8, "never closed"),
    ("altitude:/a(b/", 11, "never closed"),
    ("/a**/", 3, "two repetitions"),
    ("title@text:/(?i)a/", 12, '"(?"'),
]


@pytest.mark.parametrize(("query", "offset", "part"), REFUSED)
def test_what_a_field_cannot_answer_is_refused_where_it_stands(query: str, offset: int, part: str) -> None:
    """A refusal names the field, the value and what is expected, and points at the text that it is about."""
    with pytest.raises(QueryRefused) as refused:
        read(query)
    assert part in refused.value.problem
    assert refused.value.offset == offset


def test_long_texts_stay_out_of_messages() -> None:
    """A message stays short and printable, whatever stands in the query."""
    with pytest.raises(QueryRefused) as refused:
        read("altitude:\ud800" + "x" * 100_000)
    assert len(refused.value.problem) < 200
    assert refused.value.message.encode()


@pytest.mark.parametrize(
    "query", ["id:({ids})", "id:({ids}) AND last:true", "NOT id:({ids})", "version:({ids})", "bpm:({ids})"]
)
def test_a_long_list_of_ids_is_one_leaf(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """100,000 values on one field count as one criterion; one more is refused."""
    assert (query_module.MAX_VALUES, grammar.MAX_LEAVES) == (100_000, 20_000)
    monkeypatch.setattr(query_module, "MAX_VALUES", 50)
    monkeypatch.setattr(grammar, "MAX_LEAVES", 2)
    ids = [f'"{number}"' for number in range(50)]
    read(query.format(ids=" OR ".join(ids)))
    ids.append('"99"')
    with pytest.raises(QueryRefused, match="More than 50 values") as refused:
        read(query.format(ids=" OR ".join(ids)))
    assert refused.value.query.startswith('"99"', refused.value.offset)


@pytest.mark.parametrize("spelling", ["group", "flat"])
def test_ten_thousand_ids_fold_in_both_spellings(spelling: str) -> None:
    """``f:(a OR b)`` and ``f:a OR f:b`` give the same list."""
    ids = [f"S2A_{number}" for number in range(10_000)]
    quoted = [f'"{text}"' for text in ids]
    query = f"id:({' OR '.join(quoted)})" if spelling == "group" else " OR ".join(f"id:{text}" for text in quoted)
    leaf = read(query)
    assert isinstance(leaf, OneOf)
    assert leaf.values == tuple(ids)


@pytest.mark.parametrize(("field", "value"), [("title", "a*"), ("altitude", "[1 TO 2]")])
def test_other_lists_count_every_part(field: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot become one list of values counts one by one, although luqum sees one word."""
    monkeypatch.setattr(grammar, "MAX_LEAVES", 20)
    read(f"{field}:({' OR '.join([value] * 20)})")
    with pytest.raises(QueryRefused, match="more than 20 criteria") as refused:
        read(f"{field}:({' OR '.join([value] * 21)})")
    assert refused.value.offset == len(f"{field}:(") + 20 * len(f"{value} OR ")


LIST_SIGNS = """ OR | OR | OR | AND | NOT |title:|title:|title=|NOT:|altitude:|(|)|title:(|title@text:|~2|unknown:"""
LIST_TEXTS = r""""a"|"b c"|"a"|"1"|"x\"y"|"|OR|AND|x"""
LIST_PIECES = st.sampled_from((*LIST_SIGNS.split("|"), *LIST_TEXTS.split("|"), " || ", "\n"))


@given(st.lists(LIST_PIECES, max_size=14).map("".join))
@example('title:"a" OR title:"b" OR title:"c" AND NOT title:"d" OR title:"e" OR title:"f"')
@example('altitude:("1" OR "2" OR "x" OR "4")')
@example('"a" OR "b" OR "c" OR title:"d"')
@example('NOT:"a" OR NOT:"b" OR NOT:"c"')
def test_a_list_read_at_once_means_what_its_texts_mean_one_by_one(query: str) -> None:
    """Reading long lists at once changes nothing, refusals and their positions included."""
    at_once = outcome(query)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tokens, "_list", lambda *_, **__: [])
        assert outcome(query) == at_once


def outcome(query: str) -> Query | tuple[str, int]:
    """Return the tree of *query*, or why and where it is refused."""
    try:
        return read(query)
    except QueryRefused as refused:
        return refused.problem, refused.offset


SIGNS = """
title altitude bpm date isTrue id a 5 " \\ * ? : = ( ) [ ] { } < > <= >= AND OR NOT && || ! - + ~ ^ ^2 / TO TO* @text
\\u0041 é title: altitude:[1 TO 2] last:true
"""
REGEXES = [
    "/a.*/",
    "/(a|b)+/",
    "/a{2}/",
    "/(/",
    "/a**/",
    "/[z-a]/",
    "/\\d\\/",
    "@multisearch:",
    "title@text:",
    "title@:",
]
PIECES = st.sampled_from(
    [*SIGNS.split(), " ", "\t", "\n", "\u3000", "\x00", "\ud800", '"x y"', "altitude:[1 TO 2]", *REGEXES]
)


def refusal(query: str) -> QueryRefused | None:
    """Return why *query* is refused, if it is."""
    try:
        read(query)
    except QueryRefused as refused:
        return refused
    return None


@given(st.lists(PIECES, max_size=25).map("".join) | st.lists(PIECES, max_size=15).map(" ".join) | st.text())
def test_any_text_ends_in_a_tree_or_in_one_refusal(query: str) -> None:
    """No text makes the parser raise anything but its refusal, which points into the text."""
    refused = refusal(query)
    if refused is not None:
        assert refused.query == query
        assert refused.offset == 0 or 0 < refused.offset < len(query)
        assert refused.message.encode()
        assert refused.explain()
