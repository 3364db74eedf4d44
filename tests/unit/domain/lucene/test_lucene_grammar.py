"""How tokens become a tree, and which neighbours are refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.atoms import Atom, Pattern, Range, Text, Texts, Wildcard
from regards_order.domain.lucene.clauses import MAX_DEPTH
from regards_order.domain.lucene.grammar import MAX_CHARACTERS, MAX_LEAVES, And, Node, Not, Or, parse

ANY, ONE = Wildcard.ANY, Wildcard.ONE


def spell(node: Node) -> str:
    """Return *node* with all parentheses and all fields written out."""
    if isinstance(node, Not):
        return f"-{spell(node.part)}"
    if isinstance(node, And | Or):
        return "(" + (" & " if isinstance(node, And) else " | ").join(map(spell, node.parts)) + ")"
    operand = node.operand
    name = "" if node.field is None else f"{node.field.text}:"
    if isinstance(operand, Text):
        return name + (f'"{operand.value}"' if operand.quoted else operand.value)
    return name + type(operand).__name__


def atom(query: str) -> Atom:
    """Return the only atom of *query*."""
    node = parse(query)
    assert isinstance(node, Atom)
    return node


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("f:a", "f:a"),
        ("f = a", "f:a"),
        ('f:"a b"', 'f:"a b"'),
        ("TO:x", "TO:x"),
        ("f:a OR f:b AND f:c", "(f:a | (f:b & f:c))"),
        ("f:a AND f:b OR f:c", "((f:a & f:b) | f:c)"),
        ("f:a AND f:b OR f:c OR f:d", "((f:a & f:b) | (f:c | f:d))"),
        ("f:a OR f:b OR f:c AND f:d", "((f:a | f:b) | (f:c & f:d))"),
        ("f:a && f:b || f:c", "((f:a & f:b) | f:c)"),
        ("f:(a OR b)", "(f:a | f:b)"),
        ("f:a OR f:b", "(f:a | f:b)"),
        ("f:(a) OR (f:b) OR ((f:(c)))", "(f:a | f:b | f:c)"),
        ("f:a OR g:b OR g:c", "(f:a | (g:b | g:c))"),
        ("f:(a OR g:b OR c)", "(f:a | g:b | f:c)"),
        ("f:(a AND b)", "(f:a & f:b)"),
        ("f:(a AND (b OR c))", "(f:a & (f:b | f:c))"),
        ("f:(g:(h:x))", "h:x"),
        ("f:(g:x OR g:y)", "(g:x | g:y)"),
        ("f:(a OR NOT b)", "(f:a | -f:b)"),
        ("NOT f:a OR f:b", "(-f:a | f:b)"),
        ("NOT (f:a OR f:b)", "-(f:a | f:b)"),
        ("NOT (NOT f:x)", "--f:x"),
        ("!f:a", "-f:a"),
        ("! f:a", "-f:a"),
        ("-f:a", "-f:a"),
        ("+f:a", "f:a"),
        ("+f:a OR +f:b", "(f:a | f:b)"),
        ("f:(!(a))", "-f:a"),
        ('NOT"x"', '-"x"'),
        ("a OR b", "(a | b)"),
        ("a OR f:b", "(a | f:b)"),
        ("(a OR b) AND f:(x)", "((a | b) & f:x)"),
        ("f>1 AND g:x", "(f:Range & g:x)"),
        ("g:(f>1 OR x)", "(f:Range | g:x)"),
        ("f:[1 TO 2] OR f:*", "(f:Range | f:Pattern)"),
        ("f:and", "f:and"),
        ("f:TO", "f:TO"),
    ],
)
def test_operators_parentheses_and_fields_make_a_tree(query: str, tree: str) -> None:
    """AND binds tighter than OR, modifiers tightest; a field holds for its group unless a clause names its own."""
    assert spell(parse(query)) == tree


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("f:a\\+b\\:c", "a+b:c"),
        ("f:\\-5", "-5"),
        ("f:\\u0041\\u00e9x", "Aéx"),
        ("f:\\*\\?", "*?"),
        ("f:\\u002a", "*"),
        ("f:\\ud83d\\ude00", "\U0001f600"),
        ("f:\\ud83d", "\ud83d"),
        ('f:"\\"\\\\*?"', '"\\*?'),
        ('f:"a\\\nb"', "a\nb"),
        ('f:"\\ud83d\\ude00"', "\U0001f600"),
        ("f:a\x00b", "a\x00b"),
    ],
)
def test_escapes_give_the_character_itself(query: str, text: str) -> None:
    """A backslash takes the meaning from the character after it; four hexadecimal digits after u name one."""
    operand = atom(query).operand
    assert isinstance(operand, Text)
    assert operand.value == text


def test_escapes_work_in_the_names_of_fields() -> None:
    """A field is named with escapes too, and wildcards mean nothing there."""
    assert spell(parse("a\\:b\\*c*:x")) == "a:b*c*:x"


@pytest.mark.parametrize(
    ("query", "pieces"),
    [
        ("f:*", (ANY,)),
        ("f:***", (ANY,)),
        ("f:a*b?", ("a", ANY, "b", ONE)),
        ("f:*?*?", (ANY, ONE, ANY, ONE)),
        ("f:a\\*b*", ("a*b", ANY)),
        ("f:*\\\\", (ANY, "\\")),
    ],
)
def test_unescaped_stars_and_question_marks_are_wildcards(query: str, pieces: tuple[str | Wildcard, ...]) -> None:
    """Escaped ones are letters, also beside real wildcards; several stars are as good as one."""
    assert atom(query).operand == Pattern(pieces)


@pytest.mark.parametrize(
    ("query", "low", "high"),
    [
        ("f:[1 TO 2}", ("1", True), ("2", False)),
        ("f:{1 TO 2]", ("1", False), ("2", True)),
        ('f:["*" TO "\\*"]', (None, True), ("*", True)),
        ("f:{\\* TO *}", ("*", False), (None, False)),
        ("f>5", ("5", False), (None, True)),
        ("f>=5", ("5", True), (None, True)),
        ('f < "-5"', (None, True), ("-5", False)),
        ("f<=\\-5", (None, True), ("-5", True)),
        ("f>*", (None, False), (None, True)),
    ],
)
def test_ranges_and_comparisons_have_two_limits(
    query: str, low: tuple[str | None, bool], high: tuple[str | None, bool]
) -> None:
    """Brackets include a bound and braces do not; a star alone is no bound; a comparison has one bound."""
    operand = atom(query).operand
    assert isinstance(operand, Range)
    assert (operand.low.value, operand.low.included) == low
    assert (operand.high.value, operand.high.included) == high


REFUSED = [
    ("", 0, "empty"),
    ("   ", 0, "empty"),
    # side by side
    ("a b", 2, "Indeterminate relationship between criteria"),
    ("f:a f:b", 4, "Indeterminate relationship between criteria"),
    ("f:(x y)", 5, "Indeterminate relationship between criteria"),
    ("+f:a +f:b", 5, "Indeterminate relationship between criteria"),
    ("f:a NOT f:b", 4, "Indeterminate relationship between criteria"),
    ("f:1(g:2)", 3, "Indeterminate relationship between criteria"),
    ("(f:1)(g:2)", 5, "Indeterminate relationship between criteria"),
    ("f:x and g:y", 4, 'capitals, "AND"'),
    ("f:x or g:y", 4, 'capitals, "OR"'),
    ("f:x/y/", 3, "Indeterminate relationship between criteria"),
    # modifiers
    ("NOT NOT f:x", 4, "another modifier"),
    ("!!f:x", 1, "another modifier"),
    ("--f:x", 1, "another modifier"),
    ("+-f:x", 1, "another modifier"),
    ("f:-5", 2, "quote it"),
    ("f:+5", 2, "quote it"),
    ("f:!x", 2, "quote it"),
    ("f:NOT x", 2, "quote it"),
    ("f!=5", 1, "no operator !="),
    ("NOT", 0, "must follow"),
    # fields
    ("f:g:x", 3, "value ends before"),
    ("f:g>x", 3, "cannot follow a value"),
    ("date:2020-01-01T00:00:00Z", 18, "put quotes"),
    ("(f):x", 3, "plain name of a field"),
    ('"f":x', 3, "plain name of a field"),
    ("f::x", 2, "value is expected"),
    ("f==x", 2, "value is expected"),
    (":x", 0, "criterion"),
    ("f:", 1, "value must follow"),
    ("f:)", 2, "value is expected"),
    ("*:*", 0, "send no query"),
    # comparisons
    (">5", 0, "criterion"),
    ("f:>5", 2, "value is expected"),
    ("f<>5", 1, "value must follow"),
    ("f>-5", 1, "quote one"),
    ("f>", 1, "value must follow"),
    ("f>(1)", 1, "value must follow"),
    ('"f">5', 3, "plain name of a field"),
    ("f>5>6", 3, "plain name of a field"),
    # operators and parentheses
    ("AND", 0, "criterion"),
    ("f:a OR", 4, "must follow"),
    ("f:a AND OR f:b", 8, "criterion"),
    ("OR f:a", 0, "criterion"),
    ("()", 1, "criterion"),
    ("f:()", 3, "criterion"),
    ("(f:a", 0, "no closing one"),
    ("f:(a", 2, "no closing one"),
    ("((f:a)", 0, "no closing one"),
    ("f:a)", 3, "no opening one"),
    ("(", 0, "must follow"),
    # what is not supported
    ("f>/a.*/", 1, "A value must follow"),
    ("/a.*/:x", 5, "must follow the plain name of a field"),
    ("f:/a/~2", 5, "Similar texts"),
    ("f:/a/^2", 5, "Weights"),
    ("f:/a/ /b/", 6, "Indeterminate relationship"),
    ("f:a~", 3, "not supported: write"),
    ("f:a~2", 3, "not supported: write"),
    ('f:"a b"~2', 7, "not supported: write"),
    ("f:a^2", 3, "not supported"),
    ("(f:a)^2", 5, "not supported"),
    ("f:[1 TO 2]^3", 10, "not supported"),
    ("~", 0, "criterion"),
    ("f:^2", 2, "value is expected"),
    # escapes
    ("f:\\u12", 2, "hexadecimal"),
    ("f:ab\\uzzzz", 4, "hexadecimal"),
    ('f:"\\u12"', 3, "hexadecimal"),
    ("f:[1 TO \\u]", 8, "hexadecimal"),
    ("f:[1\\ TO 2]", 4, "Nothing follows"),
    ("\\ug:x", 0, "hexadecimal"),
    ('f>"\\u"', 3, "hexadecimal"),
]


@pytest.mark.parametrize(("query", "offset", "part"), REFUSED)
def test_what_is_no_query_is_refused_where_it_goes_wrong(query: str, offset: int, part: str) -> None:
    """A refusal says what was found, what to write instead, and points at the text that it is about."""
    with pytest.raises(QueryRefused) as refused:
        parse(query)
    assert part in refused.value.problem
    assert refused.value.offset == offset


@pytest.mark.parametrize("separator", [" OR ", "OR\n", " || "])
@pytest.mark.parametrize("spelling", ["group", "flat", "parenthesised"])
def test_an_or_on_one_field_folds_in_every_spelling(spelling: str, separator: str) -> None:
    """10,000 quoted ids are one flat Or, however they are written."""
    ids = [f'"URN:{number}"' for number in range(10_000)]
    query = {
        "group": f"id:({separator.join(ids)})",
        "flat": separator.join(f"id:{text}" for text in ids),
        "parenthesised": separator.join(f"(id:({text}))" for text in ids),
    }[spelling]
    tree = parse(query)
    assert isinstance(tree, Or)
    operands = [part.operand for part in tree.parts if isinstance(part, Atom)]
    found = [[each for each, _ in one.alone()] if isinstance(one, Texts) else [one] for one in operands]
    assert [text for texts in found for text in texts] == [Text(text[1:-1], quoted=True) for text in ids]


def test_the_length_of_a_query_is_limited() -> None:
    """A query has at most a million characters."""
    assert spell(parse("f:" + "a" * (MAX_CHARACTERS - 2))) == "f:" + "a" * (MAX_CHARACTERS - 2)
    with pytest.raises(QueryRefused, match="1000001 characters") as refused:
        parse("f:" + "a" * (MAX_CHARACTERS - 1))
    assert refused.value.offset == MAX_CHARACTERS


def test_the_number_of_criteria_is_limited() -> None:
    """Criteria that cannot be folded count one each."""
    with pytest.raises(QueryRefused, match="more than 20000 criteria") as refused:
        parse(" AND ".join(["f:a"] * (MAX_LEAVES + 1)))
    assert refused.value.offset == MAX_LEAVES * len("f:a AND ") + len("f:")


def test_the_depth_of_parentheses_is_limited() -> None:
    """A hundred parentheses may be open at once, not one more; closed ones do not count."""
    assert spell(parse("(" * MAX_DEPTH + "f:a" + ")" * MAX_DEPTH)) == "f:a"
    parse(" AND ".join(["(f:a)"] * (MAX_DEPTH + 1)))
    with pytest.raises(QueryRefused, match="nested more than 100 deep") as refused:
        parse("(" * (MAX_DEPTH + 1) + "f:a" + ")" * (MAX_DEPTH + 1))
    assert refused.value.offset == MAX_DEPTH


@pytest.mark.parametrize(
    "text", ["(", '"', "\\", "[", "-", "a ", "a:", "/", "*", "^", "~", "\x00", "\ud800", "[\t", "! "]
)
def test_a_megabyte_of_anything_ends(text: str) -> None:
    """However long and odd a text, it ends in a tree or in one refusal."""
    with suppress(QueryRefused):
        parse(text * (MAX_CHARACTERS // len(text)))


def test_threads_do_not_disturb_each_other() -> None:
    """Queries may be read in several threads at once."""
    queries = [f"f:a{number} AND (g:b{number} OR NOT h:c{number})" for number in range(200)]
    expected = [f"(f:a{number} & (g:b{number} | -h:c{number}))" for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: spell(parse(query)), queries)) == expected
