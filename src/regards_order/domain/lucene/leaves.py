"""The leaves on one field: what an atom means on a field of each type."""

from __future__ import annotations

import attrs

from regards_order.domain.attributes import INTEGER_MAX, INTEGER_MIN, AttributeType, Field
from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.atoms import Atom, Limit, Pattern, Range, Regex, Text, Wildcard
from regards_order.domain.lucene.literals import EXPECTED, near, read_float, read_integers
from regards_order.domain.lucene.nodes import NOTHING, Between, Contains, Exists, Like, Matches, OneOf, Query
from regards_order.domain.lucene.regex import ANYTHING, normalize
from regards_order.domain.lucene.tokens import shown


@attrs.frozen
class FieldLeaf:
    """Give an atom on one field its meaning.

    Attributes:
        query: the whole text, for the message of a refusal.
        field: what the atom's name stands for.
        atom: what is asked.
    """

    query: str
    field: Field
    atom: Atom

    def meaning(self) -> Query:
        """Return the leaf of the validated query.

        Raises:
            QueryRefused: the field's type knows no such question, or no such value.
        """
        operand = self.atom.operand
        if isinstance(operand, Text):
            return self._equality(operand)
        if isinstance(operand, Pattern):
            return self._pattern(operand)
        if isinstance(operand, Regex):
            return self._regex(operand)
        assert isinstance(operand, Range), "lists of texts come one by one"
        return self._range(operand)

    def _equality(self, operand: Text) -> Query:
        text = operand.value
        match self.field.type:
            case AttributeType.STRING:
                return OneOf(self.field, (text,)) if operand.quoted else Contains(self.field, (text,))
            case AttributeType.DOUBLE:
                numbers = near(self._float(text, self.atom.offset))
                return OneOf(self.field, numbers) if numbers else NOTHING
            case _:
                floor, ceiling = self._integers(text, self.atom.offset)
                whole = floor if floor >= 0 else ceiling  # a fraction is cut toward zero
                return OneOf(self.field, (whole,)) if INTEGER_MIN <= whole <= INTEGER_MAX else NOTHING

    def _pattern(self, operand: Pattern) -> Query:
        if operand.pieces == (Wildcard.ANY,):
            return Exists(self.field)
        if self.field.type is AttributeType.STRING:
            return Like(self.field, operand.pieces)
        raise self._only_texts("wildcards", "*")

    def _regex(self, operand: Regex) -> Query:
        pattern = normalize(self.query, operand.text, self.atom.offset + 1)
        if pattern == ANYTHING:
            return Exists(self.field)
        if self.field.type is AttributeType.STRING:
            return Matches(self.field, pattern)
        raise self._only_texts("regular expressions", "/.*/")

    def _range(self, operand: Range) -> Query:
        kind = self.field.type
        if kind is AttributeType.STRING or kind is AttributeType.BOOLEAN or self.field.several:
            raise self._refusal(
                f'Range query not supported for attribute type {self._type}: field "{shown(self.field.name)}" can be'
                f" compared with {EXPECTED[kind]} only, not with {_range_text(operand)}.",
                self.atom.offset,
            )
        if operand.low.value is None and operand.high.value is None:
            raise self._refusal(
                f'Field "{shown(self.field.name)}" needs at least one bound in its range: write field:* for any value.',
                self.atom.offset,
            )
        if kind is AttributeType.DOUBLE:
            return self._float_range(operand)
        return self._integers_between(self._lowest(operand.low), self._highest(operand.high))

    # --- integers ----------------------------------------------------------------------------------------------------

    def _lowest(self, limit: Limit) -> int | None:
        if limit.value is None:
            return None
        floor, ceiling = self._integers(limit.value, limit.offset)
        return ceiling if limit.included else floor + 1

    def _highest(self, limit: Limit) -> int | None:
        if limit.value is None:
            return None
        floor, ceiling = self._integers(limit.value, limit.offset)
        return floor if limit.included else ceiling - 1

    def _integers(self, text: str, offset: int) -> tuple[int, int]:
        integers = read_integers(text, self.field.type)
        if integers is None:
            raise self._no_value(text, offset)
        return integers

    def _integers_between(self, low: int | None, high: int | None) -> Query:
        """Return a Between of 64 bits, or nothing when no such integer is in it."""
        lowest = INTEGER_MIN if low is None else max(low, INTEGER_MIN)
        highest = INTEGER_MAX if high is None else min(high, INTEGER_MAX)
        if lowest > highest:
            return NOTHING
        return Between(self.field, None if low is None else lowest, None if high is None else highest)

    # --- floats ------------------------------------------------------------------------------------------------------

    def _float_range(self, operand: Range) -> Query:
        low, high = operand.low, operand.high
        lowest = None if low.value is None else self._float(low.value, low.offset)
        highest = None if high.value is None else self._float(high.value, high.offset)
        both = low.included and high.included
        if lowest is not None and highest is not None and (lowest > highest or (lowest == highest and not both)):
            return NOTHING
        return Between(self.field, lowest, highest, low_included=low.included, high_included=high.included)

    def _float(self, text: str, offset: int) -> float:
        value = read_float(text)
        if value is None:
            raise self._no_value(text, offset)
        return value

    # --- refusals ----------------------------------------------------------------------------------------------------

    @property
    def _type(self) -> str:
        return f"{self.field.type.value}{'_ARRAY' if self.field.several else ''}"

    def _no_value(self, text: str, offset: int) -> QueryRefused:
        expected = EXPECTED[self.field.type]
        problem = f'Field "{shown(self.field.name)}" is of type {self._type}: "{shown(text)}" is not {expected}.'
        return self._refusal(problem, offset)

    def _only_texts(self, form: str, any_value: str) -> QueryRefused:
        problem = (
            f'Field "{shown(self.field.name)}" is of type {self._type}, which has no {form}: write'
            f" {EXPECTED[self.field.type]}, or {any_value} alone for any value."
        )
        return self._refusal(problem, self.atom.offset)

    def _refusal(self, problem: str, offset: int) -> QueryRefused:
        return QueryRefused(self.query, problem, offset)


def _range_text(operand: Range) -> str:
    """Return a range as a message may show it."""
    low, high = ("*" if limit.value is None else shown(limit.value) for limit in (operand.low, operand.high))
    return f"{'[' if operand.low.included else '{'}{low} TO {high}{']' if operand.high.included else '}'}"
