"""Business time."""

from __future__ import annotations

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Tell the time."""

    def now(self) -> dt.datetime:
        """Return the present instant, aware, in UTC, with microseconds."""
        ...
