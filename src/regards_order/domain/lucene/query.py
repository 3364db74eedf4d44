"""From the text of a query to the validated tree.

The names of fields are looked up, the values read as the fields' types want them, groups dropped, operators of one kind
merged, and the quoted texts of an OR on one field put into one `OneOf`.
"""

from __future__ import annotations

from collections.abc import Mapping

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import grammar
from regards_order.domain.lucene.atoms import Atom, Texts
from regards_order.domain.lucene.meaning import meaning
from regards_order.domain.lucene.nodes import (
    Anywhere,
    Contains,
    HasWords,
    Listing,
    OneOf,
    Query,
    conjunction,
    disjunction,
    negation,
)
from regards_order.domain.lucene.places import Places

MAX_VALUES = 100_000

_Listed = dict[tuple[type[Listing], Field | Anywhere], int]


def parse_query(text: str, attributes: Mapping[str, AttributeType]) -> Query:
    """Return the validated tree of a query in the Lucene language of docs/queries.md.

    Args:
        text: what the user wrote.
        attributes: dotted name and type of each attribute that some product of the tenant has.

    Raises:
        QueryRefused: the text is no query, is too long or too deep, names an unknown field, asks a field for what its
            type cannot answer, or says something that is not supported.

    >>> parse_query('label:"Alpha One" OR label:"Beta"', {}).values
    ('Alpha One', 'Beta')
    """
    return _Validation(text, attributes).validate(grammar.parse(text), {})


class _Validation:
    """Validate the tree of one query."""

    def __init__(self, text: str, attributes: Mapping[str, AttributeType]) -> None:
        self._text = text
        self._places = Places(text, attributes)
        self._leaves = 0

    def validate(self, node: grammar.Node, listed: _Listed) -> Query:
        """Return the validated *node*; it calls itself at most three times a pair of parentheses.

        Args:
            node: a part of the tree.
            listed: how many values of each kind on each field the OR around the node has so far.
        """
        if isinstance(node, Atom):
            leaf = meaning(self._text, self._places.of(node), node)
            self._count(leaf, node, listed)
            return leaf
        if isinstance(node, grammar.Not):
            return negation(self.validate(node.part, {}))
        parts: list[Query] = []
        if isinstance(node, grammar.And):
            for part in node.parts:
                parts.append(self.validate(part, {}))
            return conjunction(parts)
        listed = {}
        for part in node.parts:
            parts.append(self.validate(part, listed))
        return disjunction(parts)

    def _count(self, leaf: Query, atom: Atom, listed: _Listed) -> None:
        """Count a leaf; the values of an OR on one field count as one."""
        if isinstance(leaf, OneOf | Contains | HasWords):
            key = type(leaf), leaf.field
            known = listed.get(key, 0)
            listed[key] = known + (len(atom.operand) if isinstance(atom.operand, Texts) else 1)
            if listed[key] > MAX_VALUES:
                problem = f"More than {MAX_VALUES} values are listed for one field in one OR: split the query."
                raise QueryRefused(self._text, problem, _offset(atom, MAX_VALUES - known))
            if known:
                return
        self._leaves += 1
        if self._leaves > grammar.MAX_LEAVES:
            raise grammar.too_many_leaves(self._text, atom.offset)


def _offset(atom: Atom, number: int) -> int:
    """Return where the text of this number, counted from 0, stands in a list; of any other atom, where it begins."""
    return [*atom.operand.alone()][number][1] if isinstance(atom.operand, Texts) else atom.offset
