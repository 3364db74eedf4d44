"""The evaluator in memory: a validated query as a function of one product.

Everything that does not depend on the product is done once, when the function is built.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from regards_order.domain.attributes import AttributeType
from regards_order.domain.lucene.matching import (
    TextTest,
    between_test,
    contains_test,
    like_test,
    words_test,
)
from regards_order.domain.lucene.nodes import (
    And,
    Anywhere,
    Between,
    Contains,
    HasWords,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Query,
)
from regards_order.domain.lucene.values import Predicate, some_number, some_text
from regards_order.domain.lucene.words import words
from regards_order.domain.product import Product

__all__ = ["CompilePattern", "Predicate", "compile_predicate", "like_test"]

CompilePattern = Callable[[str], TextTest]


def compile_predicate(query: Query, compile_pattern: CompilePattern) -> Predicate:
    """Return the function that says whether a product satisfies *query*.

    It may be called from several threads at once.

    Args:
        query: the validated query.
        compile_pattern: what makes of a regular expression a test of whole texts, as `Patterns.compile` does.
    """
    if isinstance(query, Not):
        return _not(compile_predicate(query.part, compile_pattern))
    if not isinstance(query, And | Or):
        return _leaf(query, compile_pattern)
    parts = []
    for part in query.parts:
        parts.append(compile_predicate(part, compile_pattern))
    return _all(parts) if isinstance(query, And) else _some(parts)


def _not(part: Predicate) -> Predicate:
    return lambda product: not part(product)


def _all(parts: Sequence[Predicate]) -> Predicate:
    def evaluate(product: Product) -> bool:
        for part in parts:  # noqa: SIM110 -- twice as fast as all()
            if not part(product):
                return False
        return True

    return evaluate


def _some(parts: Sequence[Predicate]) -> Predicate:
    def evaluate(product: Product) -> bool:
        for part in parts:  # noqa: SIM110 -- twice as fast as any()
            if part(product):
                return True
        return False

    return evaluate


def _leaf(query: Leaf, compile_pattern: CompilePattern) -> Predicate:
    field = query.field
    test = _test(query, compile_pattern)
    if isinstance(field, Anywhere):
        return _some([some_text(each, test) for each in field.fields])
    return some_text(field, test) if field.type is AttributeType.STRING else some_number(field, test)


def _test(query: Leaf, compile_pattern: CompilePattern) -> Callable[[Any], bool]:
    match query:
        case OneOf(_, values):
            return frozenset(values).__contains__
        case Contains(_, texts):
            return contains_test(texts)
        case Like(_, pieces, ignore_case=ignore_case):
            return like_test(pieces, ignore_case=ignore_case)
        case Matches(_, pattern, each_word=each_word):
            return _matches(compile_pattern(pattern), each_word=each_word)
        case HasWords(_, phrases):
            return words_test(phrases)
        case Between():
            return between_test(query)
        case _:
            return lambda _: True


def _matches(test: TextTest, *, each_word: bool) -> TextTest:
    return (lambda text: any(map(test, words(text)))) if each_word else test
