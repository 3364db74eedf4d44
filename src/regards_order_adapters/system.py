"""The machine's own clock and randomness."""

from __future__ import annotations

import datetime as dt
import uuid


class SystemClock:
    """Tell the time of this machine: a `Clock`."""

    def now(self) -> dt.datetime:
        """Return the present instant in UTC."""
        return dt.datetime.now(dt.timezone.utc)


class RandomIds:
    """Give random UUIDs: a `UniqueIds`."""

    def unique(self) -> str:
        """Return a new one."""
        return str(uuid.uuid4())
