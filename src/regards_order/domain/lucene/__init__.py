"""The query language: the text of a query, its validated tree, and the test of one product.

>>> types = {"title": AttributeType.STRING, "altitude": AttributeType.LONG}
>>> query = parse_query("title:harry AND NOT altitude>100", types)
>>> [type(part).__name__ for part in query.parts]
['Contains', 'Not']
"""

from __future__ import annotations

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.lucene.atoms import Wildcard
from regards_order.domain.lucene.explain import explain
from regards_order.domain.lucene.nodes import (
    EVERYTHING,
    NOTHING,
    And,
    Anywhere,
    Between,
    Contains,
    Exists,
    HasWords,
    Leaf,
    Like,
    Matches,
    Not,
    OneOf,
    Or,
    Query,
)
from regards_order.domain.lucene.predicate import CompilePattern, Predicate, compile_predicate
from regards_order.domain.lucene.query import parse_query
from regards_order.domain.lucene.words import words

__all__ = [
    "EVERYTHING",
    "NOTHING",
    "And",
    "Anywhere",
    "AttributeType",
    "Between",
    "CompilePattern",
    "Contains",
    "Exists",
    "Field",
    "HasWords",
    "Leaf",
    "Like",
    "Matches",
    "Not",
    "OneOf",
    "Or",
    "Predicate",
    "Query",
    "Wildcard",
    "compile_predicate",
    "explain",
    "parse_query",
    "words",
]
