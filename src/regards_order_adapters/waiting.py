"""Whether somebody still waits for what a thread does: work that was given up must not be committed."""

from __future__ import annotations

from contextvars import ContextVar
from threading import Event

#: set for work that somebody waits for; the event says that nobody does any more
given_up: ContextVar[Event | None] = ContextVar("given_up", default=None)


def is_given_up() -> bool:
    """Return whether the answer to the work of this thread came too late for whoever asked for it."""
    event = given_up.get()
    return event is not None and event.is_set()
