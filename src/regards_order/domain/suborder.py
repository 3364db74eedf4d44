"""Suborders: buckets of files that are made available together (docs/states.md, docs/orders.md)."""

from __future__ import annotations

import datetime as dt
import enum

import attrs

from regards_order.domain.files import FileCounts
from regards_order.domain.principal import Role
from regards_order.domain.states import Machine


class SuborderState(enum.Enum):
    """Say how far a suborder has come."""

    PENDING = "PENDING"  #: waits for one of its owner's slots
    QUEUED = "QUEUED"  #: has a slot; the storage is to be asked
    ASKED = "ASKED"  #: the storage was asked and has not answered for every file
    WAITING = "WAITING"  #: every file is answered; its user has to download
    ENDED = "ENDED"  #: every file is downloaded or in error; external ones are so from the start
    ABORTED = "ABORTED"  #: its order is paused

    __hash__ = object.__hash__


class SuborderEvent(enum.Enum):
    """Say what can happen to a suborder."""

    QUEUE = "QUEUE"  #: a slot of its owner is free
    ASK = "ASK"  #: the storage was asked for its files
    ANSWERED = "ANSWERED"  #: no file is PENDING any more and some can be downloaded
    EXHAUSTED = "EXHAUSTED"  #: no file is left that its user has to download
    ABORT = "ABORT"  #: its order is paused
    RESUME = "RESUME"  #: its order goes on

    __hash__ = object.__hash__


SUBORDERS: Machine[SuborderState, SuborderEvent] = Machine(
    "Suborder",
    SuborderState.PENDING,
    {
        SuborderState.PENDING: {
            SuborderEvent.QUEUE: SuborderState.QUEUED,
            SuborderEvent.ABORT: SuborderState.ABORTED,
        },
        SuborderState.QUEUED: {
            SuborderEvent.ASK: SuborderState.ASKED,
            SuborderEvent.ABORT: SuborderState.ABORTED,
        },
        SuborderState.ASKED: {
            SuborderEvent.ANSWERED: SuborderState.WAITING,
            SuborderEvent.EXHAUSTED: SuborderState.ENDED,
            SuborderEvent.ABORT: SuborderState.ABORTED,
        },
        SuborderState.WAITING: {SuborderEvent.EXHAUSTED: SuborderState.ENDED},
        SuborderState.ENDED: {},
        SuborderState.ABORTED: {SuborderEvent.RESUME: SuborderState.PENDING},
    },
)

#: states in which a suborder occupies one of its owner's slots
HOLDING = frozenset({SuborderState.QUEUED, SuborderState.ASKED, SuborderState.WAITING})


@attrs.frozen(kw_only=True)
class Suborder:
    """Hold one bucket of files; the files themselves are rows of the store.

    Attributes:
        id: names it in messages and requests.
        order_id: its order.
        owner: e-mail of the order's owner, whose slots it takes.
        dataset_urn: where its files come from.
        external: True when all its files are only referenced: it takes no slot and is ENDED from the start.
        state: how far it has come.
        priority: 0 to 100; higher goes first.
        hours: how long its files are to stay available.
        first_file: smallest id of the files that it was cut with.
        last_file: largest of these ids.
        counts: its files by state.
        next_poll: when to ask for answers again (UTC), while ASKED.
        deadline: when files without answer are given up (UTC), while ASKED.
        version: grows with every transition.
        attempt: grows whenever a worker claims it (docs/orders.md).
    """

    id: int
    order_id: int
    owner: str
    dataset_urn: str
    external: bool
    state: SuborderState
    priority: int
    hours: int
    first_file: int
    last_file: int
    counts: FileCounts
    next_poll: dt.datetime | None = None
    deadline: dt.datetime | None = None
    version: int = 1
    attempt: int = 0

    @property
    def waiting(self) -> bool:
        """Return whether its user has to download before the next one may start."""
        return self.state is SuborderState.WAITING

    def queued(self) -> Suborder:
        """Return it with a slot.

        Raises:
            IllegalTransition: it is not PENDING.
        """
        return self._after(SuborderEvent.QUEUE)

    def asked(self, now: dt.datetime, silence: dt.timedelta) -> Suborder:
        """Return it after the storage was asked *now*; answers may come at once, and are given up after *silence*.

        Raises:
            IllegalTransition: it is not QUEUED.
        """
        return attrs.evolve(self._after(SuborderEvent.ASK), next_poll=now, deadline=now + silence)

    def postponed(self, until: dt.datetime) -> Suborder:
        """Return it with the next look for answers at *until*."""
        return attrs.evolve(self, next_poll=until)

    def settled(self) -> Suborder:
        """Return it in the state that its counts call for; the same object when nothing changes."""
        if self.state is SuborderState.ASKED and self.counts.pending == 0:
            return self._after(SuborderEvent.ANSWERED if self.counts.available else SuborderEvent.EXHAUSTED)
        if self.state is SuborderState.WAITING and self.counts.available == 0:
            return self._after(SuborderEvent.EXHAUSTED)
        return self

    @property
    def delivered_something(self) -> bool:
        """Return whether at least one file is or was available."""
        return self.counts.total > self.counts.in_error + self.counts.pending

    def _after(self, event: SuborderEvent) -> Suborder:
        return attrs.evolve(self, state=SUBORDERS.next(self.id, self.state, event))


def priority(total: int, mine: int, role: Role) -> int:
    """Return the priority of an order's suborders: users with much in flight step back behind others.

    Args:
        total: stored suborders of the tenant that have not ended and whose order is not PAUSED.
        mine: those of the order's owner.
        role: of the owner.

    >>> priority(12, 3, Role.REGISTERED_USER), priority(12, 3, Role.EXPLOIT)
    (60, 85)
    """
    rate = mine / total if total else 1.0
    return int(80 * (1 - rate)) if role is Role.REGISTERED_USER else int(100 - 20 * (1 - rate))
