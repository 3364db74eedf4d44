"""The grammar: the text of a query, read into a tree of And, Or, Not and atoms.

luqum reads the operators and parentheses, and nothing else: each atom reaches it as a word ``p0``, ``p1``…, each field
as ``p0:``.  Its own idea of escapes, quotes, dates and signs, which is not Lucene's, so never matters.  Before that the
neighbours are checked (`clauses`) and atoms joined by OR on one field are folded into one word, because luqum's time
grows with the square of the length of an OR, and orders name their products by thousands.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import attrs
from luqum import thread, tree

from regards_order.domain.errors import QueryRefused
from regards_order.domain.lucene.atoms import Atom, Name
from regards_order.domain.lucene.clauses import Checker, Element, Sign
from regards_order.domain.lucene.tokens import scan

MAX_CHARACTERS = 1_000_000
MAX_LEAVES = 20_000


@attrs.frozen
class And:
    """Ask for all parts."""

    parts: tuple[Node, ...]


@attrs.frozen
class Or:
    """Ask for one part or more."""

    parts: tuple[Node, ...]


@attrs.frozen
class Not:
    """Ask for the contrary."""

    part: Node


Node = And | Or | Not | Atom


def parse(query: str) -> Node:
    """Return the tree of *query*.

    Raises:
        QueryRefused: the text is no query, says something that is not supported, or is too long or too deep.
    """
    if len(query) > MAX_CHARACTERS:
        problem = f"The query has {len(query)} characters: at most {MAX_CHARACTERS} are allowed."
        raise QueryRefused(query, problem, MAX_CHARACTERS)
    placeholders = _Placeholders(_fold(Checker(query, scan(query)).elements()))
    if len(placeholders.runs) > MAX_LEAVES:
        raise too_many_leaves(query, list(placeholders.runs.values())[MAX_LEAVES].atoms[0].offset)
    return placeholders.read(thread.parse(placeholders.text), None)


def too_many_leaves(query: str, offset: int) -> QueryRefused:
    """Return the refusal of a query of more than `MAX_LEAVES` criteria, the first too many at *offset*."""
    problem = (
        f"The query has more than {MAX_LEAVES} criteria: split it, or write a long list as one OR of quoted texts on"
        ' one field, field:("a" OR "b"), which counts as one.'
    )
    return QueryRefused(query, problem, offset)


# --- before luqum -----------------------------------------------------------------------------------------------------


@attrs.define(eq=False)
class _Run:
    """Hold atoms on one field, joined by OR: one word for luqum."""

    field: Name | None
    atoms: list[Atom]

    def joins(self, other: _Run) -> bool:
        """Return whether both ask the same field."""
        if self.field is None or other.field is None:
            return self.field is other.field
        return self.field.text == other.field.text


_Folded = list[Sign | Name | _Run]


def _fold(elements: Iterable[Element]) -> _Folded:
    """Return the elements with atoms put into runs: ``f:(a OR b)`` and ``f:a OR f:b`` alike become one run on f."""
    folded: _Folded = []
    for element in elements:
        if isinstance(element, Atom):
            folded.append(_Run(element.field, [element]))
            _take_field(folded)
            continue
        if element is Sign.OR or element is Sign.CLOSE:
            _join(folded)
        if element is Sign.CLOSE and folded[-2] is Sign.OPEN:
            # Parentheses around a single run: whatever stands alone between parentheses is one.
            del folded[-2]
            _take_field(folded)
        else:
            folded.append(element)
    _join(folded)
    return folded


def _take_field(folded: _Folded) -> None:
    """Let the run at the end take the field before it, unless it names its own."""
    name, run = folded[-2] if len(folded) > 1 else None, folded[-1]
    if isinstance(name, Name) and isinstance(run, _Run):
        run.field = run.field or name
        del folded[-2]


def _join(folded: _Folded) -> None:
    """Join the two runs at the end that an OR connects.

    Only an OR or an opening parenthesis may come before: AND and NOT bind tighter.  The caller sees to what follows.
    """
    if len(folded) < 3 or folded[-2] is not Sign.OR or (len(folded) > 3 and folded[-4] not in (Sign.OPEN, Sign.OR)):
        return
    left, right = folded[-3], folded[-1]
    if isinstance(left, _Run) and isinstance(right, _Run) and left.joins(right):
        left.atoms.extend(right.atoms)
        del folded[-2:]


# --- luqum ------------------------------------------------------------------------------------------------------------


class _Placeholders:
    """Name fields and runs for luqum, and find them again in its tree."""

    def __init__(self, folded: _Folded) -> None:
        self.names: dict[str, Name] = {}
        self.runs: dict[str, _Run] = {}
        self.text = " ".join(map(self._word, folded))

    def _word(self, element: Sign | Name | _Run) -> str:
        if isinstance(element, Sign):
            return element.value
        word = f"p{len(self.names) + len(self.runs)}"
        if isinstance(element, Name):
            self.names[word] = element
            return f"{word}:"
        self.runs[word] = element
        return word

    def read(self, node: Any, field: Name | None) -> Node:
        """Return our tree of luqum's *node*, whose atoms ask *field* where they name none.

        It calls itself at most three times for each pair of parentheses, and their depth is limited.
        """
        while isinstance(node, (tree.SearchField, tree.BaseGroup)):
            if isinstance(node, tree.SearchField):
                field = self.names[node.name]
            node = node.expr
        if isinstance(node, tree.Word):
            return self._atoms(self.runs[node.value], field)
        if isinstance(node, tree.Not):
            return Not(self.read(node.a, field))
        parts = []
        for part in node.operands:
            parts.append(self.read(part, field))
        return And(tuple(parts)) if isinstance(node, tree.AndOperation) else Or(tuple(parts))

    def _atoms(self, run: _Run, field: Name | None) -> Node:
        field = run.field or field
        atoms = tuple(Atom(field, atom.operand, atom.offset) for atom in run.atoms)
        return atoms[0] if len(atoms) == 1 else Or(atoms)
