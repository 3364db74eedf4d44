"""What an atom means: on one field, on the words of one, or on all text fields."""

from __future__ import annotations

from regards_order.domain.attributes import AttributeType, Field
from regards_order.domain.lucene.atoms import Atom, Name, Pattern, Piece, Range, Regex, Text, Texts, Wildcard
from regards_order.domain.lucene.leaves import FieldLeaf
from regards_order.domain.lucene.nodes import (
    EVERYTHING,
    NOTHING,
    Anywhere,
    Contains,
    HasWords,
    Like,
    Matches,
    OneOf,
    Query,
    disjunction,
)
from regards_order.domain.lucene.places import Place, Words
from regards_order.domain.lucene.regex import ANYTHING, normalize
from regards_order.domain.lucene.words import fold, words

_ANY = Wildcard.ANY


def meaning(query: str, place: Place, atom: Atom) -> Query:
    """Return the leaf of the validated query that *atom* stands for, or a constant.

    Args:
        query: the whole text, for the message of a refusal.
        place: where the atom looks.
        atom: what is asked.

    Raises:
        QueryRefused: the place knows no such question, or no such value.
    """
    if isinstance(atom.operand, Texts):
        return _listed(query, place, atom.field, atom.operand)
    if isinstance(place, Field):
        return FieldLeaf(query, place, atom).meaning()
    operand = atom.operand
    assert not isinstance(operand, Range | Texts), "a range has a field, without suffix"
    if isinstance(operand, Regex):
        return _regex(query, place, operand, atom.offset + 1)
    return _full_text(place, operand) if isinstance(place, Anywhere) else _words(place, operand)


def _listed(query: str, place: Place, name: Name | None, operand: Texts) -> Query:
    if isinstance(place, Field) and place.type is AttributeType.STRING:
        return OneOf(place, operand.values)
    return disjunction([meaning(query, place, Atom(name, text, offset)) for text, offset in operand.alone()])


def _regex(query: str, place: Words | Anywhere, operand: Regex, offset: int) -> Query:
    if isinstance(place, Words):
        return Matches(place.field, normalize(query, operand.text, offset, folded=True), each_word=True)
    pattern = normalize(query, operand.text, offset)
    return EVERYTHING if pattern == ANYTHING else Matches(place, pattern)


def _full_text(place: Anywhere, operand: Text | Pattern) -> Query:
    """Return the leaf for a text in any field: with wildcards or without, it only has to be contained."""
    if isinstance(operand, Text):
        return Contains(place, (operand.value,))
    start = (_ANY,) if operand.pieces[0] is not _ANY else ()
    end = (_ANY,) if operand.pieces[-1] is not _ANY else ()
    match (*start, *operand.pieces, *end):
        case (Wildcard.ANY,):
            return EVERYTHING
        case (Wildcard.ANY, str(text), Wildcard.ANY):
            return Contains(place, (text,))
        case pieces:
            return Like(place, pieces, ignore_case=True)


def _words(place: Words, operand: Text | Pattern) -> Query:
    if isinstance(operand, Pattern):
        return HasWords(place.field, ((tuple(map(_folded, operand.pieces)),),))
    found = words(operand.value)
    if operand.quoted:
        return HasWords(place.field, (tuple((word,) for word in found),)) if found else NOTHING
    # a value without quotes is a part of one word, and no word holds anything but letters and digits
    part = fold(operand.value)
    return HasWords(place.field, (((_ANY, part, _ANY),),)) if found == (part,) else NOTHING


def _folded(piece: Piece) -> Piece:
    return fold(piece) if isinstance(piece, str) else piece
