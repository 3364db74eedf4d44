"""Where an atom of a query looks: the field that it names, its words, or all text fields."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import attrs

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.errors import QueryRefused
from regards_order.domain.fields import FieldNames
from regards_order.domain.lucene.atoms import Atom, Name, Range
from regards_order.domain.lucene.nodes import Anywhere
from regards_order.domain.lucene.tokens import shown

FULL_TEXT = "@multisearch"
WORDS = "text"


@attrs.frozen
class Words:
    """Stand for the words of a text field, as ``field@text`` does."""

    field: Field


Place = Field | Words | Anywhere


class Places:
    """Find the places that one query names.

    Args:
        query: the whole text, for the message of a refusal.
        attributes: dotted name and type of each attribute that some product of the tenant has.
    """

    def __init__(self, query: str, attributes: Mapping[str, AttributeType]) -> None:
        self._query = query
        self._names = FieldNames(attributes)
        self._known: dict[str, Place] = {}

    def of(self, atom: Atom) -> Place:
        """Return where *atom* looks.

        Raises:
            QueryRefused: no field has the name, its suffix is empty or has no meaning here, or a range has no field.
        """
        name = atom.field
        ranged = isinstance(atom.operand, Range)
        if name is None or name.text == FULL_TEXT:
            if ranged:
                problem = "A range needs a field, as in altitude:[0 TO 100]."
                raise QueryRefused(self._query, problem, atom.offset if name is None else name.offset)
            return self._anywhere
        place = self._known.get(name.text)
        # the fields of ranges are not kept: they have no suffix, which is found out when they are looked up
        if place is None or ranged:
            place = self._find(name, ranged=ranged)
            self._known[name.text] = place
        return place

    @functools.cached_property
    def _anywhere(self) -> Anywhere:
        return Anywhere(self._names.texts())

    def _find(self, name: Name, *, ranged: bool) -> Place:
        base, at, suffix = name.text.rpartition("@")
        field = self._names.find(base) if at else None
        if field is None:
            field = self._names.find(name.text)
            if field is None:
                raise QueryRefused(self._query, _unknown(name.text), name.offset)
            return field
        if not suffix:
            problem = f"Nothing follows the @: write {shown(base)}:value, or {shown(base)}@text:value for its words."
            raise QueryRefused(self._query, problem, name.offset)
        if ranged:
            problem = f"Unknown parameter {shown(name.text)}: a range takes no suffix; write {shown(base)}:[1 TO 5]."
            raise QueryRefused(self._query, problem, name.offset)
        return Words(field) if suffix.lower() == WORDS and field.type is AttributeType.STRING else field


def _unknown(name: str) -> str:
    """Return the message for a name that no field has."""
    return (
        f"Unknown parameter {shown(name)}: no product has such an attribute, or several have one of this short name;"
        " write its full name, as in sensing.mode."
    )
