"""What queries find among the ten products of LAB, and how single tests of values work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import (
    NOTHING,
    And,
    Between,
    Contains,
    Exists,
    HasWords,
    Like,
    Not,
    OneOf,
    Or,
    Query,
    Wildcard,
    compile_predicate,
    parse_query,
)
from regards_order.domain.product import Product
from regards_order.testing import RePatterns
from regards_order.testing.lab import DATASET_B, lab_attributes, lab_products
from regards_order.testing.lab_cases import LabCase, lab_cases

PRODUCTS = lab_products()
ALL = "1 2 3 4 5 6 7 8 9 10"
ANY, ONE = Wildcard.ANY, Wildcard.ONE


def find(query: Query) -> str:
    """Return the numbers of the products that *query* selects."""
    matches = compile_predicate(query, RePatterns().compile)
    return " ".join(str(number) for number, product in enumerate(PRODUCTS, 1) if matches(product))


def search(query: str) -> str:
    """Return the numbers of the products that the text of a query selects."""
    return find(parse_query(query, lab_attributes()))


@pytest.mark.parametrize("case", [case for case in lab_cases() if case.request.query], ids=str)
def test_lab_queries_find_their_products(case: LabCase) -> None:
    """Each query on LAB finds exactly the products that the rules of the language give, or is refused."""
    query = str(case.request.query)
    if case.found is None:
        with pytest.raises(QueryRefused):
            search(query)
    else:
        assert search(query) == case.found


REFUSED = [
    (10, "title:Star Wars", 11),
    (18, "altitude:-5", 9),
    (19, "altitude:abc", 9),
    (26, "altitude:[* TO *]", 9),
    (30, "years:[2001 TO 2002]", 6),
    (32, "date:2020-01-01T00:00:00Z", 18),
    (41, "providerId:a+b:c", 14),
    (51, f"tags:{DATASET_B}", 8),
    (55, "mode:IW", 0),
    (57, "unknown:x", 0),
    (57, "ipId:x", 0),
    (57, "creationDate:[2024-01-01T00:00:00Z TO *]", 0),
    (65, "title:harry title:star", 12),
    (65, "title:(harry star)", 13),
    (65, "title:wars -title:II", 11),
    (65, "+title:harry +author:rowling", 13),
    (66, "title:harry~", 11),
    (66, "title:harry^2", 11),
    (66, '"Harry Potter"~2', 14),
    (66, "(title:harry)^2", 13),
    (67, 'title:"unterminated', 6),
    (67, "title:", 5),
    (67, "()", 1),
    (67, "   ", 0),
    (67, "AND", 0),
    (67, "title:(harry", 6),
    (67, "title:harry)", 11),
    (68, "title:{harrypotter TO starwars}", 6),
    (73, "title:harry and author:rowling", 12),
    (74, "title::harry", 6),
    (74, ":x", 0),
    (74, "a:b:c", 3),
]


@pytest.mark.parametrize(("case", "query", "offset"), REFUSED)
def test_lab_queries_are_refused_for_good(case: int, query: str, offset: int) -> None:
    """Each wrong query is refused, and the refusal points at what is wrong."""
    with pytest.raises(QueryRefused) as refused:
        search(query)
    assert refused.value.offset == offset, f"case {case}"


# --- values ----------------------------------------------------------------------------------------------------------


def with_properties(properties: Mapping[str, Any]) -> Product:
    """Return a product with these attributes."""
    return attrs.evolve(PRODUCTS[9], properties=properties)


def satisfies(query: Query, **properties: Any) -> bool:
    """Return whether a product with these attributes satisfies *query*."""
    return compile_predicate(query, RePatterns().compile)(with_properties(properties))


SCALARS = [kind for kind in AttributeType if kind is kind.element]


@pytest.mark.parametrize("kind", SCALARS)
@pytest.mark.parametrize("properties", [{}, {"x": None}, {"x": []}, {"x": [None]}, {"x": {"y": 1}}])
def test_a_field_without_value_satisfies_no_leaf(kind: AttributeType, properties: Mapping[str, Any]) -> None:
    """What is absent, null, empty or a fragment has no value."""
    assert not satisfies(Exists(Field("x", kind)), **properties)
    assert satisfies(Not(Exists(Field("x", kind))), **properties)


@pytest.mark.parametrize(
    ("kind", "value", "exists"),
    [
        (AttributeType.STRING, 5, True),
        (AttributeType.STRING, True, True),
        (AttributeType.LONG, "text", False),
        (AttributeType.LONG, 1.5, False),
        (AttributeType.DOUBLE, 1, True),
        (AttributeType.DOUBLE, "1", False),
        (AttributeType.DATE, "2020", False),
        (AttributeType.DATE, "2020-01-01T00:00Z", True),
        (AttributeType.BOOLEAN, False, True),
        (AttributeType.BOOLEAN, "false", False),
        (AttributeType.LONG, ["text", 1], True),
    ],
)
def test_a_value_that_is_not_of_the_fields_type_does_not_match(kind: AttributeType, value: Any, exists: bool) -> None:
    """Only a STRING field has values of every kind: their texts."""
    assert satisfies(Exists(Field("x", kind)), x=value) is exists


@pytest.mark.parametrize(
    "properties",
    [{"a": {"b": {"c": 1}}}, {"a.b": {"c": 1}}, {"a": {"b.c": 1}}, {"a.b.c": 1}, {"a": {"b": 2}, "a.b": {"c": [0, 1]}}],
)
def test_a_dotted_name_leads_through_fragments(properties: Mapping[str, Any]) -> None:
    """The names of fragments and attributes may hold dots themselves, as in `Product.attributes`."""
    assert satisfies(Between(Field("a.b.c", AttributeType.LONG), 1, 1), **properties)
    assert not satisfies(Between(Field("a.b.d", AttributeType.LONG), 1, 1), **properties)
    assert not satisfies(Exists(Field("a.b.d", AttributeType.LONG)), **{"a.b": {"d": {"x": 1}}, **properties})


@pytest.mark.parametrize(
    ("properties", "found"),
    [
        ({"a": {"b": 1}}, True),
        ({"a": {"b": 2}}, False),
        ({"a": {"b": [0, 1]}}, True),
        ({"a": {"b": {"c": 1}}}, False),
        ({"a.b": 1}, True),
        ({"a": {"b": 2}, "a.b": 1}, True),
        ({"a": {"b": 1}, "a.b": {"c": 2}}, True),
        ({"a": 1}, False),
        ({"b": 1}, False),
    ],
)
def test_an_attribute_of_a_fragment(properties: Mapping[str, Any], found: bool) -> None:
    """It is found in the fragment, and beside it under the whole name."""
    assert satisfies(OneOf(Field("a.b", AttributeType.LONG), (1,)), **properties) is found


@pytest.mark.parametrize(
    ("included", "found"), [((True, True), "123"), ((False, True), "23"), ((True, False), "12"), ((False, False), "2")]
)
def test_bounds_are_included_or_not(included: tuple[bool, bool], found: str) -> None:
    """Each end of a range decides for itself."""
    field = Field("x", AttributeType.DOUBLE)
    query = Between(field, 1.0, 3.0, low_included=included[0], high_included=included[1])
    assert "".join(str(value) for value in range(5) if satisfies(query, x=value)) == found


@pytest.mark.parametrize(
    ("text", "value", "contained"),
    [
        ("ABC", "xabcx", True),
        ("É", "é", False),
        ("éA", "xéa", True),
        ("k", "\u212a", False),  # KELVIN SIGN is no ASCII letter
        ("a%b_", "xA%B_x", True),
        ("a.c", "abc", False),
    ],
)
def test_contains_ignores_the_case_of_ascii_letters_only(text: str, value: str, contained: bool) -> None:
    """The 26 ASCII letters have a case; everything else is compared code point by code point."""
    assert satisfies(Contains(Field("x", AttributeType.STRING), (text,)), x=value) is contained


@pytest.mark.parametrize("count", [1, 2, 4, 5, 40])
@pytest.mark.parametrize(("value", "contained"), [("xABCx", True), ("aBC", True), ("ab", False), ("É-7-", True)])
def test_one_of_many_texts_is_contained(count: int, value: str, contained: bool) -> None:
    """However many texts are listed, one that is contained is enough."""
    texts = ("abC", *(f"no {n}" for n in range(count - 2)), "É-7")[:count]
    query = Contains(Field("x", AttributeType.STRING), texts)
    assert satisfies(query, x=value) is (contained and any(each.lower() in value.lower() for each in texts))


@given(st.lists(st.text("abé", max_size=3), min_size=1, max_size=8), st.text("abéA", max_size=8))
def test_many_texts_are_tested_like_each(texts: list[str], value: str) -> None:
    """A list of texts means any of them, an empty one included, which every value contains."""
    expected = any(text in value.replace("A", "a") for text in texts)
    assert satisfies(Contains(Field("x", AttributeType.STRING), tuple(texts)), x=value) is expected


def test_equality_is_exact() -> None:
    """Equal texts are equal in every code point, case included."""
    query = OneOf(Field("x", AttributeType.STRING), ("a", "B"))
    assert [value for value in ("a", "A", "b", "B", "") if satisfies(query, x=value)] == ["a", "B"]


@pytest.mark.parametrize(
    ("pieces", "value", "follows"),
    [
        ((), "", True),
        ((), "a", False),
        ((ANY,), "", True),
        ((ONE,), "", False),
        ((ONE,), "\n", True),
        (("a", ANY), "a", True),
        (("a", ANY, "b"), "axxbxb", True),
        (("a", ANY, "b"), "axxbx", False),
        ((ANY, "ab"), "aab", True),
        ((ANY, "a", ONE, ANY, "b"), "xaab", True),
        ((ANY, "a", ANY, "a", ANY), "a", False),
        (("a.c",), "abc", False),
        (("A",), "a", False),
        (("a*",), "ab", False),
    ],
)
def test_a_pattern_describes_the_whole_value(pieces: tuple[str | Wildcard, ...], value: str, follows: bool) -> None:
    """A star stands for any run, a question mark for one character, and all letters for themselves."""
    assert satisfies(Like(Field("x", AttributeType.STRING), pieces), x=value) is follows


@given(st.lists(st.sampled_from(["a", "b", "ab", ANY, ONE])), st.text("ab", max_size=12))
def test_patterns_agree_with_regular_expressions(pieces: list[str | Wildcard], value: str) -> None:
    """The pattern says what the same regular expression says."""
    expressions: dict[str | Wildcard, str] = {ANY: ".*", ONE: "."}
    expression = "".join(expressions.get(piece, str(piece)) for piece in pieces)
    expected = re.fullmatch(expression, value) is not None
    assert satisfies(Like(Field("x", AttributeType.STRING), tuple(pieces)), x=value) is expected


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("x@text:été", ["Été à Évian", "L'ÉTÉ"]),
        ("x@text:ET", ["Set 7"]),
        ("x@text:?et", ["Set 7"]),
        ("x@text:e?", []),
        ('x@text:"été à évian"', ["Été à Évian"]),
        ('x@text:"à été"', []),
        ('x@text:("set 7" OR l)', ["L'ÉTÉ", "Set 7"]),
        ("x@text:/[É-Ü].É/", ["Été à Évian", "L'ÉTÉ"]),
        ("x@text:/[^É].*/", ["Été à Évian", "L'ÉTÉ", "Set 7"]),
        ("NOT x@text:*", ["…"]),
        ("ÉT", ["Été à Évian", "L'ÉTÉ"]),
        ("éT", []),
        ("s?T*7", ["Set 7"]),
        ("/S.*/", ["Set 7"]),
        ("/s.*/", ["Été à Évian", "L'ÉTÉ", "Set 7", "…"]),  # the model "sample"
        ("x:/.t.*/", ["Été à Évian"]),
    ],
)
def test_words_and_full_text(query: str, found: list[str]) -> None:
    """Words ignore the case of every letter, full text that of ASCII letters, regular expressions none."""
    values = ["Été à Évian", "L'ÉTÉ", "Set 7", "…"]
    matches = compile_predicate(parse_query(query, {"x": AttributeType.STRING}), RePatterns().compile)
    product = attrs.evolve(PRODUCTS[9], label="-", model="sample")
    assert [each for each in values if matches(attrs.evolve(product, properties={"x": each}))] == found


@given(
    st.lists(
        st.lists(st.sampled_from(["a", "b", "ab", "a?", "*", "*b*"]), min_size=1, max_size=3), min_size=1, max_size=6
    ),
    st.text("aB -", max_size=8),
)
def test_phrases_are_words_in_a_row(phrases: list[list[str]], value: str) -> None:
    """Whatever their shapes, one phrase is enough, and its words follow each other."""
    units = {"*": ANY, "?": ONE}
    shapes = tuple(
        tuple(tuple(units.get(each, each) for each in re.findall(r"[*?]|\w+", word)) for word in phrase)
        for phrase in phrases
    )
    found = re.findall("[ab]+", value.lower())
    expected = any(
        all(
            re.fullmatch(word.replace("?", ".").replace("*", ".*"), each)
            for word, each in zip(phrase, found[start:], strict=False)
        )
        for phrase in phrases
        for start in range(len(found) - len(phrase) + 1)
    )
    assert satisfies(HasWords(Field("x", AttributeType.STRING), shapes), x=value) is expected


def test_hostile_patterns_end() -> None:
    """A pattern that makes a backtracking engine explode takes no more steps than text times pattern."""
    assert not satisfies(Like(Field("x", AttributeType.STRING), (ANY, "a") * 100 + ("b",)), x="a" * 500)


# --- operators -------------------------------------------------------------------------------------------------------


def test_an_empty_or_selects_nothing_and_an_empty_and_everything() -> None:
    """No alternative is none, no condition is all."""
    assert find(NOTHING) == ""
    assert find(And(())) == ALL
    assert search("altitude:1e30") == ""
    assert search("NOT altitude:1e30") == ALL


LEAVES = {
    text: frozenset(search(text).split())
    for text in (
        "title:harry",
        'author:"George Lucas"',
        'author:"rowling"',
        "altitude>100",
        "altitude:(0 OR 90)",
        "bpm:*",
        "isTrue:false",
        "tags:B*",
        'date<"2020-01-03T00:00:00Z"',
        "last:true",
        "speed:1",
    )
}
EVERYTHING = frozenset(ALL.split())


def _combine(parts: st.SearchStrategy[tuple[str, frozenset[str]]]) -> st.SearchStrategy[tuple[str, frozenset[str]]]:
    several = st.lists(parts, min_size=2, max_size=4)
    return (
        parts.map(lambda part: (f"(NOT {part[0]})", EVERYTHING - part[1]))
        | several.map(
            lambda many: (f"({' AND '.join(t for t, _ in many)})", frozenset.intersection(*(f for _, f in many)))
        )
        | several.map(lambda many: (f"({' OR '.join(t for t, _ in many)})", frozenset.union(*(f for _, f in many))))
    )


@given(st.recursive(st.sampled_from(sorted(LEAVES.items(), key=lambda item: item[0])), _combine, max_leaves=20))
def test_operators_work_on_sets_of_products(case: tuple[str, frozenset[str]]) -> None:
    """AND, OR and NOT of queries select the intersection, the union and the complement of what their parts select."""
    query, expected = case
    assert frozenset(search(query).split()) == expected


@given(st.data())
def test_precedence_needs_no_parentheses(data: st.DataObject) -> None:
    """Without parentheses NOT binds tightest and AND tighter than OR."""
    leaf = st.tuples(st.booleans(), st.sampled_from(sorted(LEAVES)))
    lists = data.draw(st.lists(st.lists(leaf, min_size=1, max_size=4), min_size=1, max_size=4))
    query = " OR ".join(" AND ".join(("NOT " if negated else "") + text for negated, text in ands) for ands in lists)
    expected = frozenset[str]()
    for ands in lists:
        sets = (EVERYTHING - LEAVES[text] if negated else LEAVES[text] for negated, text in ands)
        expected |= EVERYTHING.intersection(*sets)
    assert frozenset(search(query).split()) == expected


def test_the_deepest_query_is_evaluated() -> None:
    """A hundred nested parentheses, each with an OR, an AND and a NOT, stay below the limit of the interpreter."""
    query = "(title:none OR last:* AND NOT " * 100 + "title:harry" + ")" * 100
    assert search(query) == "1 2"


def test_lab_has_attributes_of_every_type() -> None:
    """LAB shows all types, and an OR of different leaves on them."""
    assert {kind.element for kind in lab_attributes().values()} == set(SCALARS)
    assert (
        find(Or((Exists(Field("speed", AttributeType.LONG)), Exists(Field("orbit.mode", AttributeType.STRING))))) == "1"
    )
