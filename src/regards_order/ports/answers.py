"""What the storage answered and was not applied to the files yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from regards_order.ports.storage import Answer


class Answers(Protocol):
    """Keep answers until a worker applies them: they survive the process that received them."""

    def put(self, suborder_id: int, answers: Sequence[Answer]) -> None:
        """Keep answers for a suborder; a checksum has one, and a refusal wins over the opposite.

        Raises:
            NotFound: the tenant has no such suborder.
        """
        ...

    def of(self, suborder_id: int) -> Sequence[Answer]:
        """Return the answers kept for a suborder, by checksum."""
        ...

    def erase(self, suborder_id: int) -> None:
        """Erase the answers kept for a suborder."""
        ...
