"""The slots of each user: how many suborders may be in flight or waiting for download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from regards_order.domain.suborder import Suborder


class Load(NamedTuple):
    """Count the stored suborders that have not ended and whose order is not PAUSED: of all users, and of one."""

    total: int
    mine: int


class Slots(Protocol):
    """Say who holds slots and who may have the next one."""

    def used(self, owner: str) -> int:
        """Lock *owner*'s slots until the transaction ends and return how many stored suborders hold one."""
        ...

    def candidates(self, owner: str, limit: int) -> Sequence[Suborder]:
        """Return at most *limit* PENDING suborders of *owner*'s RUNNING orders: highest priority, then oldest first."""
        ...

    def load(self, owner: str) -> Load:
        """Return how much is in flight."""
        ...

    def note_freed(self, owner: str) -> None:
        """Remember that *owner* may have a free slot, or a new suborder that wants one; noting twice is noting once."""
        ...

    def freed(self, limit: int) -> Sequence[str]:
        """Return at most *limit* owners that were noted, the longest waiting first."""
        ...

    def forget_freed(self, owner: str) -> None:
        """Strike *owner* off: its slots were given out."""
        ...
