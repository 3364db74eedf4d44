"""Work that one worker does at a time: claims under a lease (docs/orders.md)."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

from regards_order.domain.order import Order
from regards_order.domain.suborder import Suborder


class Claimed(enum.Enum):
    """Say what is claimed."""

    ORDER = "ORDER"  #: an order whose files are to be listed
    SUBORDER = "SUBORDER"  #: a suborder whose files are to be asked for, or answered
    CHORE = "CHORE"  #: regular work for the whole tenant


class Claim(NamedTuple):
    """Name one claim: somebody else's next claim of the same thing has the next attempt number."""

    kind: Claimed
    id: int
    attempt: int

    @classmethod
    def of(cls, entity: Order | Suborder) -> Claim:
        """Return the claim under which *entity* was handed out."""
        kind = Claimed.ORDER if isinstance(entity, Order) else Claimed.SUBORDER
        return cls(kind, entity.id, entity.attempt)


class Claims(Protocol):
    """Hand out work, each piece to one worker, for a while.

    A claim bears the next attempt number of its order or suborder.  Whoever saves one of an older attempt gets a
    `Conflict`: a worker that lost its lease writes nothing any more.  Saving gives the lease back.  Leases are timed by
    the store's own clock, which all workers share.
    """

    def orders(self, limit: int, seconds: float, *, only: int | None = None) -> Sequence[Order]:
        """Claim at most *limit* orders whose files are to be listed, the oldest first, for *seconds* seconds.

        Those are PENDING or RUNNING and not listed, and nobody holds them, nor another unlisted order of their owner:
        the orders of one owner are listed one after the other.

        Args:
            limit: at most so many.
            seconds: how long the lease lasts.
            only: no other order than this one.
        """
        ...

    def suborders(self, now: dt.datetime, limit: int, seconds: float) -> Sequence[Suborder]:
        """Claim suborders that have to be worked on and that nobody holds: highest priority first, then by id.

        Those are the QUEUED ones, and the ASKED ones whose next poll has come.

        Args:
            now: business time (UTC).
            limit: at most so many.
            seconds: how long the lease lasts.
        """
        ...

    def busy(self, order_ids: Sequence[int]) -> frozenset[int]:
        """Return those orders that somebody holds, or one of whose suborders."""
        ...

    def due_chores(self, names: Sequence[str], now: dt.datetime) -> Sequence[str]:
        """Return which chores of these *names* are due and held by nobody; one that was never done is due."""
        ...

    def chore(self, name: str, now: dt.datetime, seconds: float) -> Claim | None:
        """Claim a chore that is due and held by nobody, for *seconds* seconds; None if there is nothing to claim."""
        ...

    def chore_done(self, claim: Claim, due: dt.datetime) -> None:
        """Give a chore back until it is *due* again (UTC); nothing happens when somebody else took it over."""
        ...

    def wake_chores(self, names: Sequence[str]) -> None:
        """Let chores be due at once."""
        ...

    def renew(self, claims: Sequence[Claim], seconds: float) -> None:
        """Let claims that were neither given back nor taken over last for *seconds* seconds from now."""
        ...

    def undo(self, claims: Sequence[Claim]) -> None:
        """Give claims back as if nobody had made them: attempts that were broken off on purpose do not count.

        Only for whoever writes nothing under them any more: the next claim bears the same number.
        """
        ...

    def release(self, claims: Sequence[Claim]) -> None:
        """Give claims back; those that somebody else took over meanwhile stay theirs."""
        ...


class Leases(Protocol):
    """Keep claims alive while somebody works on them."""

    def hold(self, claims: Sequence[Claim]) -> AbstractContextManager[None]:
        """Renew the leases of *claims* in the background until the block ends."""
        ...


class Unrenewed:
    """Let leases run out: `Leases` for work that is always shorter than its lease."""

    def hold(self, claims: Sequence[Claim]) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()
