"""A validated query as SQL conditions: the same meaning as the predicate of the core."""

from __future__ import annotations

import sqlalchemy as sa

from regards_order.domain.lucene import And, Contains, HasWords, Not, Or, Query
from regards_order.domain.lucene.nodes import leaves, listed_in
from regards_order_adapters.catalog.leaves import leaf_condition
from regards_order_adapters.sql.conditions import Condition, apart
from regards_order_adapters.sql.tenancy import Scope

_FEW = 5
#: the parser of SQLite can remember some 25 open parentheses, and a leaf has some of its own
MAX_DEPTH = 8
#: SQLite allows a depth of 1,000, and a row of ANDs is as deep as it is long
MAX_LEAVES = 300
_MAX_PHRASES = 50  # each is an expression of its own, which takes PostgreSQL a while to read
_MAX_PARTS = 1000


def condition(query: Query, scope: Scope, *, each: bool = False) -> Condition:
    """Return the condition on `schema.products` that *query* means, true or false and never null.

    Args:
        query: what to find, not too complex.
        scope: whose products.
        each: ask the question of one product after the other, as suits a short page in a given order; else the answer
            may be found for all of them at once, by an index of the values.
    """
    if isinstance(query, Not):
        return sa.not_(condition(query.part, scope, each=each))
    if not isinstance(query, And | Or):
        return leaf_condition(query, scope, each=each)
    parts = [condition(part, scope, each=each) for part in query.parts]
    if isinstance(query, Or):
        return sa.or_(sa.false(), *parts)
    return sa.and_(sa.true(), *(map(apart, parts) if len(parts) > _FEW else parts))


def size(query: Query) -> int:
    """Return the number of leaves, and of what else may take long to read."""
    count = 0
    for leaf in leaves(query):
        if isinstance(leaf, HasWords):
            count += len(leaf.phrases) * MAX_LEAVES // _MAX_PHRASES
        elif isinstance(leaf, Contains):
            count += len(listed_in(leaf)) * MAX_LEAVES // _MAX_PARTS
        count += 1
    return count


def is_simple(query: Query) -> bool:
    """Return whether both databases can be asked *query* as it is; else the predicate has to answer."""
    return _depth_within(query, MAX_DEPTH) and size(query) <= MAX_LEAVES


def _depth_within(query: Query, depth: int) -> bool:
    if isinstance(query, Not):
        return depth > 0 and _depth_within(query.part, depth - 1)
    if isinstance(query, And | Or):
        return depth > 0 and all(_depth_within(part, depth - 1) for part in query.parts)
    return True
