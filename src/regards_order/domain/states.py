"""State machines as data: one table of transitions guards, draws and documents (docs/states.md)."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

import attrs

from regards_order.domain.errors import IllegalTransition

S = TypeVar("S", bound=enum.Enum)
E = TypeVar("E", bound=enum.Enum)


@attrs.frozen
class Machine(Generic[S, E]):
    """Hold the transitions of one kind of entity.

    Attributes:
        entity: what moves: ``Order``.
        initial: the state of a new entity.
        table: state → event → next state; None as next state means that the entity is erased.
        codes: the refusal code of an event; other events are refused with ``<ENTITY>_CANNOT_<EVENT>``.
    """

    entity: str
    initial: S
    table: Mapping[S, Mapping[E, S | None]]
    codes: Mapping[E, str] = attrs.field(factory=dict)

    def allows(self, state: S, event: E) -> bool:
        """Return whether *event* may happen in *state*."""
        return event in self.table[state]

    def events(self, state: S) -> frozenset[E]:
        """Return what may happen in *state*."""
        return frozenset(self.table[state])

    def check(self, id: int, state: S, event: E) -> None:
        """Refuse an *event* that may not happen in *state*.

        Raises:
            IllegalTransition: with the event's code, naming entity, state and the states that would do.
        """
        if not self.allows(state, event):
            states = [candidate.name for candidate in self.table if self.allows(candidate, event)]
            code = self.codes.get(event, f"{self.entity.upper()}_CANNOT_{event.name}")
            word = event.name.lower().replace("_", " ")
            raise IllegalTransition(self.entity, id, state.name, word, " or ".join(states), code)

    def next(self, id: int, state: S, event: E) -> S:
        """Return the state after *event*.

        Raises:
            IllegalTransition: the event is not possible in this state, or leaves no entity behind.
        """
        self.check(id, state, event)
        return self.table[state][event] or state

    def moves(self, event: E) -> dict[S, S]:
        """Return which state becomes which by *event*: what a bulk update needs."""
        return {state: to for state, events in self.table.items() if (to := events.get(event)) is not None}

    def transitions(self) -> Iterator[tuple[S, E, S | None]]:
        """Yield every transition as (state, event, next state)."""
        for state, events in self.table.items():
            for event, to in events.items():
                yield state, event, to

    def mermaid(self) -> str:
        """Return the diagram of the table in Mermaid's language."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial.name}"]
        for state, event, to in self.transitions():
            target = "[*]" if to is None else to.name
            lines.append(f"    {state.name} --> {target}: {event.name.lower().replace('_', ' ')}")
        return "\n".join(lines) + "\n"
