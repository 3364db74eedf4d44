"""From the text of a query to the validated tree.

The names of fields are looked up, the values read as the fields' types want them, groups dropped, operators of one kind
merged, and the quoted texts of an OR on one field put into one `OneOf`.
"""

from __future__ import annotations

from collections.abc import Mapping

from regards_order.domain.attributes import AttributeType, Field, resolve
from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene import grammar
from regards_order.domain.lucene.atoms import Atom, Name, Range, Text
from regards_order.domain.lucene.leaves import Leaf
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
from regards_order.domain.lucene.tokens import shown

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
        self._attributes = attributes
        self._fields: dict[str, Field] = {}
        self._leaves = 0

    def validate(self, node: grammar.Node, listed: _Listed) -> Query:
        """Return the validated *node*; it calls itself at most three times a pair of parentheses.

        Args:
            node: a part of the tree.
            listed: how many values of each kind on each field the OR around the node has so far.
        """
        if isinstance(node, Atom):
            leaf = Leaf(self._text, self._field(node), node).meaning()
            self._count(leaf, node.offset, listed)
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

    def _count(self, leaf: Query, offset: int, listed: _Listed) -> None:
        """Count a leaf; the values of an OR on one field count as one."""
        if isinstance(leaf, OneOf | Contains | HasWords):
            key = type(leaf), leaf.field
            listed[key] = listed.get(key, 0) + 1
            if listed[key] > MAX_VALUES:
                problem = f"More than {MAX_VALUES} values are listed for one field in one OR: split the query."
                raise QueryRefused(self._text, problem, offset)
            if listed[key] > 1:
                return
        self._leaves += 1
        if self._leaves > grammar.MAX_LEAVES:
            raise grammar.too_many_leaves(self._text, offset)

    def _field(self, atom: Atom) -> Field:
        name = atom.field
        if name is None:
            raise QueryRefused(self._text, _no_field(atom), atom.offset)
        field = self._fields.get(name.text) or resolve(name.text, self._attributes)
        if field is None:
            raise QueryRefused(self._text, self._unknown(name), name.offset)
        self._fields[name.text] = field
        return field

    def _unknown(self, name: Name) -> str:
        """Return the message for a name that no field has."""
        known, at, suffix = name.text.partition("@")
        if known == "" and suffix == "multisearch":
            return _FULL_TEXT.format(found="@multisearch")
        if at and resolve(known, self._attributes) is not None:
            return (
                f'The suffix "@{shown(suffix)}" is not supported yet: write {shown(known)}:"…" for an equal text,'
                f" {shown(known)}:… for one that contains it, or wildcards as in {shown(known)}:har*."
            )
        return (
            f"Unknown parameter {shown(known or name.text)}: no product has such an attribute, or several have one of"
            " this short name; write its full name, as in sensing.mode."
        )


_FULL_TEXT = "Search in all fields ({found}) is not supported yet: name a field, as in title:harry."


def _no_field(atom: Atom) -> str:
    """Return the message for an atom that names no field."""
    if isinstance(atom.operand, Range):
        return "A range needs a field, as in altitude:[0 TO 100]."
    if isinstance(atom.operand, Text):
        return _FULL_TEXT.format(found=f'"{shown(atom.operand.value)}"')
    return _FULL_TEXT.format(found="a text with wildcards")
