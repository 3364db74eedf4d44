"""How many files a user may download (docs/quota.md): a value without any machine."""

from __future__ import annotations

import attrs

from regards_order.domain.errors import Fault, InvalidInput

UNLIMITED = -1


def check_limit(name: str, value: int) -> None:
    """Refuse a limit below -1, or one that does not fit in 64 bits.

    Raises:
        InvalidInput: naming the limit.
    """
    if not UNLIMITED <= value < 2**63:
        word = "below -1" if value < UNLIMITED else "too large"
        detail = f"{value} is {word}; expected -1 (unlimited), 0 or a positive number"
        raise InvalidInput((Fault(f"$.{name}", detail),))


@attrs.frozen
class Quota:
    """Hold a limit of downloads and how much of it is used.

    Attributes:
        limit: files in all; -1 = unlimited.
        used: files downloaded or being downloaded.

    >>> Quota(limit=3, used=2).remaining
    1
    """

    limit: int = UNLIMITED
    used: int = 0

    def __attrs_post_init__(self) -> None:
        check_limit("limit", self.limit)

    @property
    def unlimited(self) -> bool:
        """Return whether there is no limit."""
        return self.limit == UNLIMITED

    @property
    def remaining(self) -> int:
        """Return how many files are left, -1 for any number; a limit lowered below what is used leaves 0."""
        return UNLIMITED if self.unlimited else max(0, self.limit - self.used)

    def allows(self, files: int) -> bool:
        """Return whether *files* more may be downloaded."""
        return self.unlimited or self.used + files <= self.limit

    def take(self, files: int) -> Quota:
        """Return the quota after *files* more downloads; whoever takes asks `allows` first."""
        return attrs.evolve(self, used=self.used + files)
