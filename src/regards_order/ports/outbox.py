"""What happened and is still to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from regards_order.domain.events import Event


class Letter(NamedTuple):
    """Hold one event of the outbox: numbers grow in the order in which the events of one order happened."""

    number: int
    event: Event


class Outbox(Protocol):
    """Keep events until somebody has told them."""

    def add(self, event: Event) -> None:
        """Store an event in the transaction that made it happen."""
        ...

    def page(self, after: int = 0, limit: int = 100, *, kinds: Sequence[type[Event]] = ()) -> Sequence[Letter]:
        """Return at most *limit* letters with a number above *after*, by number; of these *kinds* if any are named."""
        ...

    def remove(self, numbers: Sequence[int]) -> None:
        """Erase letters that were told."""
        ...
