"""What `Clock` and `UniqueIds` promise."""

from __future__ import annotations

import datetime as dt
import uuid
from threading import Thread

import pytest

from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds


class ClockContract:
    """Prove a `Clock`; override the fixture `clock`."""

    @pytest.fixture
    def clock(self) -> Clock:
        """Return what is proved: override me."""
        raise NotImplementedError("override the fixture `clock`")

    def test_instants_are_aware_and_in_utc(self, clock: Clock) -> None:
        """An instant says that it is UTC, and can be compared with any other."""
        now = clock.now()
        assert now.utcoffset() == dt.timedelta(0)
        assert now.tzname() == "UTC"
        assert now > dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)

    def test_time_does_not_run_backwards(self, clock: Clock) -> None:
        """One look after the other gives the same instant or a later one."""
        seen = [clock.now() for _ in range(100)]
        assert seen == sorted(seen)


class UniqueIdsContract:
    """Prove `UniqueIds`; override the fixture `unique_ids`."""

    @pytest.fixture
    def unique_ids(self) -> UniqueIds:
        """Return what is proved: override me."""
        raise NotImplementedError("override the fixture `unique_ids`")

    def test_a_name_is_a_uuid(self, unique_ids: UniqueIds) -> None:
        """As text in the usual form: lower case, with hyphens, version 4."""
        name = unique_ids.unique()
        assert str(uuid.UUID(name)) == name
        assert uuid.UUID(name).version == 4

    def test_no_name_comes_twice(self, unique_ids: UniqueIds) -> None:
        """However many are asked for, from however many threads."""
        given: list[str] = []
        threads = [Thread(target=lambda: given.extend(unique_ids.unique() for _ in range(500))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(given)) == len(given) == 2000
