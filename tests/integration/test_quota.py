"""Quotas in a database that several processes share, some of which die."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import sqlalchemy as sa

from regards_order import QuotaExceeded, QuotaLimits, RateExceeded, StoreUnavailable
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.quotas import SqlQuotas, _renew
from regards_order_adapters.sql.unit_of_work import SqlStore
from servers import starter
from servers.centre import until

LISE = "lise@obs.example"


@pytest.fixture
def quotas(database_url: str) -> Iterator[SqlQuotas]:
    """Quotas of this process on a database of this test's own."""
    engine = make_engine(database_url)
    quotas = SqlQuotas(SqlStore(engine, "default"))
    yield quotas
    quotas.close()
    engine.dispose()


def begin(stack: ExitStack, url: str, starts: int, ttl: float = 60) -> subprocess.Popen[str]:
    """Return a process that is ready to begin downloads; it is killed in the end."""
    command = [sys.executable, starter.__file__, url, LISE, str(starts), str(ttl)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    stack.enter_context(process)
    stack.callback(process.kill)
    assert said(process) == "ready"
    return process


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of a process."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def go(process: subprocess.Popen[str]) -> None:
    """Let a process begin."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize(("limits", "granted"), [((100, -1), 100), ((-1, 30), 30), ((-1, -1), 240)])
def test_processes_grant_exactly_what_is_left(
    database_url: str, quotas: SqlQuotas, limits: tuple[int, int], granted: int
) -> None:
    """Four processes that begin 60 downloads each are granted as many as one would be."""
    quotas.set_limits(LISE, QuotaLimits(*limits))
    with ExitStack() as stack:
        processes = [begin(stack, database_url, 60) for _ in range(4)]
        for process in processes:
            go(process)
        assert sum(int(said(process)) for process in processes) == granted
        known = quotas.consumption(LISE)
    assert known is not None
    assert (known.consumed, known.active) == (granted, granted)


def test_places_of_a_killed_process_come_back(database_url: str, quotas: SqlQuotas) -> None:
    """While it lives they are renewed, however long; what it took stays taken."""
    quotas.set_limits(LISE, QuotaLimits(3, 1))

    def leased_until() -> int:
        with quotas._store.read() as tx:
            return int(tx.scope.execute(sa.select(schema.quota_leases.c.leased_until)).scalar_one())

    with ExitStack() as stack:
        process = begin(stack, database_url, 1, ttl=2)
        go(process)
        assert said(process) == "1"
        first = leased_until()
        until(lambda: leased_until() > first + 2_000_000)
        with pytest.raises(RateExceeded) as caught:
            quotas.start(LISE, "mine", QuotaLimits)
        assert caught.value.retry_after is not None
        assert caught.value.retry_after <= 2

    def begun() -> bool:
        try:
            quotas.start(LISE, "mine", QuotaLimits)
        except RateExceeded:
            return False
        return True

    until(begun)
    known = quotas.consumption(LISE)
    assert known is not None
    assert (known.consumed, known.active) == (2, 1)


def test_grants_and_refusals_are_short(quotas: SqlQuotas) -> None:
    """A grant is one statement on PostgreSQL, and no refusal counts what goes on."""
    quotas.set_limits(LISE, QuotaLimits(1000, -1))
    for number in range(500):
        quotas.start(LISE, f"{number}", QuotaLimits)
    statements: list[str] = []

    def note(connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    sa.event.listen(quotas._store._engine, "before_cursor_execute", note)
    quotas.start(LISE, "one more", QuotaLimits)
    postgres = quotas._store._engine.dialect.name == "postgresql"
    assert len([each for each in statements if "quota" in each]) == (0 if postgres else 2)  # there by the driver alone
    assert not any("count(" in each for each in statements)
    quotas.set_limits(LISE, QuotaLimits(1, -1))
    statements.clear()
    with pytest.raises(QuotaExceeded):
        quotas.start(LISE, "too much", QuotaLimits)
    assert not any("count(" in each for each in statements)
    assert 0 < len(statements) <= 6


def test_a_renewal_that_fails_is_made_again_in_time(
    quotas: SqlQuotas, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that is away for a moment, or an error that nobody foresaw, costs no download its place."""
    quotas._ttl = 3.0
    failures: list[Exception] = [StoreUnavailable("it restarts"), RuntimeError("nobody knows")]
    renewed: list[None] = []

    def renew(*arguments: Any) -> None:
        if failures:
            raise failures.pop()
        _renew(*arguments)
        renewed.append(None)

    monkeypatch.setattr("regards_order_adapters.sql.quotas._renew", renew)
    quotas.start(LISE, "long", QuotaLimits)
    until(lambda: len(renewed) == 2)
    known = quotas.consumption(LISE)
    assert known is not None
    assert (known.consumed, known.active) == (1, 1)
    assert [record.action for record in caplog.records] == ["quota_not_renewed"] * 2  # type: ignore[attr-defined]
