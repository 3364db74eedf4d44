"""The parts of a regular expression, as every engine reads them."""

from __future__ import annotations

from typing import NamedTuple

#: how often at least and at most each sign repeats what stands before it
REPETITIONS = {"?": (0, 1), "*": (0, None), "+": (1, None)}
_WRITTEN = {counts: sign for sign, counts in REPETITIONS.items()}


class Part(NamedTuple):
    """Hold a part of an expression as it is written, and what it costs.

    Attributes:
        text: as the engines read it.
        steps: single characters that it matches one after the other, each repetition written out.
        bound: whether it may be repeated, and stand beside others, without parentheses.
        choice: whether it is a choice between alternatives.
    """

    text: str
    steps: int = 1
    bound: bool = True
    choice: bool = False


def steps_of(parts: list[Part]) -> int:
    """Return the steps of parts that stand beside each other, or of alternatives."""
    return sum(part.steps for part in parts)


def grouped(part: Part) -> Part:
    """Return *part* between parentheses."""
    return part._replace(text=f"(?:{part.text})", bound=True, choice=False)


def repetition(part: Part, low: int, high: int | None) -> str:
    """Return the text of *part*, repeated; what can only be empty stays so."""
    if not part.text or high == 0:
        return ""
    counts = f"{low}" if low == high else f"{low},{'' if high is None else high}"
    return (part if part.bound else grouped(part)).text + _WRITTEN.get((low, high), f"{{{counts}}}")
