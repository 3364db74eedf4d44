"""Any history of downloads, by several processes, some of which are lost, agrees with a naive model.

``REGARDS_ORDER_EXAMPLES`` sets how many histories there are, here a tenth of what it says.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, ClassVar

import attrs
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from regards_order.domain.errors import QuotaExceeded, RateExceeded
from regards_order.domain.quota import Consumption, QuotaLimits
from regards_order.ports.quotas import Quotas
from regards_order.testing import MemoryQuotas
from regards_order.testing.contracts.quotas import begin_at_once
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.quotas import TTL, SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore, writing

EXAMPLES = max(1, int(os.environ.get("REGARDS_ORDER_EXAMPLES", "500")) // 10)
TENANTS, USERS, PROCESSES = ("lab", "geode"), ("jane@obs.example", "joe@obs.example"), (0, 1)
LIMITS = st.builds(QuotaLimits, *[st.sampled_from((-1, 0, 1, 2, 5, 20, 2**31 - 1))] * 2)
Where = tuple[str, str]


# --- what is tested --------------------------------------------------------------------------------------------------


@attrs.define
class Twin:
    """Quotas in memory: all processes are one."""

    clock: list[float] = attrs.field(factory=lambda: [0.0])
    kept: dict[str, MemoryQuotas] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.kept = {tenant: MemoryQuotas(lambda: self.clock[-1]) for tenant in TENANTS}

    def of(self, tenant: str, process: int) -> Quotas:
        """Return the quotas of a tenant, as a process has them."""
        return self.kept[tenant]

    def lose(self, process: int) -> None:
        """Let a process die."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.append(self.clock[-1] + seconds)

    def renew(self, process: int, held: dict[Where, set[str]]) -> None:
        """Renew what a process holds."""
        for (tenant, email), names in held.items():
            accounts = self.kept[tenant].accounts
            for name in names:
                accounts[email] = accounts[email].renew(name, now=self.clock[-1], ttl=TTL)

    def close(self) -> None:
        """Let go."""


_numbers = count(1)


@attrs.define
class Database:
    """Quotas in a database, as several processes have them; nobody renews unless told."""

    engine: sa.Engine
    stores: dict[str, SqlStore] = attrs.field(init=False)
    processes: dict[tuple[str, int], SqlQuotas] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        number = next(_numbers)
        self.stores = {tenant: SqlStore(self.engine, f"{tenant}-{number}") for tenant in TENANTS}
        for process in PROCESSES:
            self.lose(process)

    def of(self, tenant: str, process: int) -> Quotas:
        """Return the quotas of a tenant, as a process has them."""
        return self.processes[tenant, process]

    def lose(self, process: int) -> None:
        """Let a process die and another one take its place."""
        for tenant, store in self.stores.items():
            if lost := self.processes.get((tenant, process)):
                lost.close()
            self.processes[tenant, process] = SqlQuotas(store)

    def advance(self, seconds: float) -> None:
        """Let time pass: all leases run out so much earlier."""
        with writing(self.engine) as connection:
            until = schema.quota_leases.c.leased_until
            connection.execute(sa.update(schema.quota_leases).values(leased_until=until - int(seconds * 1_000_000)))

    def renew(self, process: int, held: dict[Where, set[str]]) -> None:
        """Renew what a process holds."""
        for tenant in TENANTS:
            self.processes[tenant, process].renew()

    def close(self) -> None:
        """Let go."""
        for process in self.processes.values():
            process.close()


# --- the naive model -------------------------------------------------------------------------------------------------


@attrs.define
class Download:
    """One download that was granted."""

    name: str
    expires: float
    resets: int
    units: int = 1


@attrs.define
class Account:
    """Count by lists."""

    limits: QuotaLimits
    taken: int = 0
    resets: int = 0
    downloads: list[Download] = attrs.field(factory=list)

    def live(self, now: float) -> list[Download]:
        """Return the downloads that go on."""
        return [each for each in self.downloads if each.expires > now]


class QuotaMachine(RuleBasedStateMachine):
    """Do anything with the quotas of two users in two tenants, by two processes."""

    make: ClassVar[Callable[[], Any]]

    @initialize()
    def begin(self) -> None:
        """Begin with nobody."""
        self.system = type(self).make()
        self.now = 0.0
        self.accounts: dict[Where, Account] = {}
        self.held: dict[int, dict[Where, set[str]]] = {process: {} for process in PROCESSES}

    def teardown(self) -> None:
        """Let go."""
        if hasattr(self, "system"):
            self.system.close()

    where = st.tuples(st.sampled_from(TENANTS), st.sampled_from(USERS))
    names, processes = st.sampled_from("abcde"), st.sampled_from(PROCESSES)

    @rule(where=where, process=processes, name=names, first=LIMITS)
    def start(self, where: Where, process: int, name: str, first: QuotaLimits) -> None:
        """Begin a download."""
        account = self.accounts.setdefault(where, Account(first))
        live, limits = account.live(self.now), account.limits
        expected: type[Exception] | None = None
        if any(each.name == name for each in live):
            pass
        elif 0 <= limits.max_quota <= account.taken:
            expected = QuotaExceeded
        elif 0 <= limits.rate_limit <= len(live):
            expected = RateExceeded
        else:
            account.taken += 1
            account.downloads = [*live, Download(name, self.now + TTL, account.resets)]
        quotas = self.system.of(where[0], process)
        if expected is not None:
            with pytest.raises(expected):
                quotas.start(where[1], name, lambda: first)
            return
        quotas.start(where[1], name, lambda: first)
        self.held[process].setdefault(where, set()).add(name)

    @rule(where=where, process=processes, name=names, units=st.integers(1, 9))
    def more(self, where: Where, process: int, name: str, units: int) -> None:
        """Take more units for a download."""
        account, expected = self.accounts.get(where), 0
        if account is not None and any(each.name == name for each in account.live(self.now)):
            left = account.limits.max_quota - account.taken
            expected = units if account.limits.max_quota < 0 else max(0, min(units, left))
            account.taken += expected
            next(each for each in account.live(self.now) if each.name == name).units += expected
        assert self.system.of(where[0], process).more(where[1], name, units) == expected

    @rule(where=where, process=processes, name=names, back=st.booleans())
    def release(self, where: Where, process: int, name: str, back: bool) -> None:
        """End or cancel a download, whoever began it."""
        quotas, known = self.system.of(where[0], process), self.accounts.get(where)
        units = sum(each.units for each in known.live(self.now) if each.name == name) if known else 1
        if back:
            quotas.cancel(where[1], name, units)
        else:
            quotas.end(where[1], name)
        self.held[process].get(where, set()).discard(name)
        account = self.accounts.get(where)
        if account is not None:
            gone = [each for each in account.live(self.now) if each.name == name]
            account.taken -= sum(each.units for each in gone if back and each.resets == account.resets)
            account.downloads = [each for each in account.downloads if each.name != name]

    @rule(process=processes)
    def renew(self, process: int) -> None:
        """Let a process renew what it holds."""
        self.system.renew(process, self.held[process])
        for where, names in self.held[process].items():
            for each in self.accounts[where].live(self.now):
                if each.name in names:
                    each.expires = self.now + TTL

    @rule(seconds=st.sampled_from((25.0, 50.0, 100.0)))
    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.system.advance(seconds)
        self.now += seconds

    @rule(process=processes)
    def lose(self, process: int) -> None:
        """Let a process die: nobody renews what it held."""
        self.system.lose(process)
        self.held[process] = {}

    @rule(where=where, process=processes, limits=LIMITS)
    def limit(self, where: Where, process: int, limits: QuotaLimits) -> None:
        """Set the limits of a user."""
        self.system.of(where[0], process).set_limits(where[1], limits)
        self.accounts.setdefault(where, Account(limits)).limits = limits

    @rule(where=where, process=processes)
    def reset(self, where: Where, process: int) -> None:
        """Let the quota of a user begin again."""
        self.system.of(where[0], process).reset(where[1])
        if where in self.accounts:
            self.accounts[where].taken = 0
            self.accounts[where].resets += 1

    @rule(where=where, process=processes)
    def forget(self, where: Where, process: int) -> None:
        """Erase a user."""
        self.system.of(where[0], process).forget(where[1])
        self.accounts.pop(where, None)
        for held in self.held.values():
            held.pop(where, None)

    @rule(where=where, starts=st.integers(2, 6))
    def start_at_once(self, where: Where, starts: int) -> None:
        """Begin several downloads at once, by both processes."""
        account = self.accounts.get(where)
        if account is None or any(each.name.startswith("download ") for each in account.live(self.now)):
            return
        limits, live = account.limits, account.live(self.now)
        left = [starts]
        left += [max(0, limits.max_quota - account.taken)] if limits.max_quota >= 0 else []
        left += [max(0, limits.rate_limit - len(live))] if limits.rate_limit >= 0 else []
        both: Sequence[Quotas] = [self.system.of(where[0], process) for process in PROCESSES]
        assert begin_at_once(both, starts, where[1]) == min(left)
        for number in range(starts):
            both[number % 2].end(where[1], f"download {number}")
        account.taken += min(left)

    @invariant()
    def agrees(self) -> None:
        """Whoever asks, limits, consumed, active and remaining are those of the model."""
        for tenant in TENANTS if hasattr(self, "system") else ():
            for email in USERS:
                account = self.accounts.get((tenant, email))
                expected = account and Consumption(account.limits, account.taken, len(account.live(self.now)))
                for process in PROCESSES:
                    assert self.system.of(tenant, process).consumption(email) == expected


QUIET = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
FEWER = settings(QUIET, max_examples=max(1, EXAMPLES // 3))


def test_the_twin_agrees_with_the_model() -> None:
    """Quotas in memory."""
    machine = type("TwinMachine", (QuotaMachine,), {"make": Twin})
    run_state_machine_as_test(machine, settings=QUIET)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_databases_agree_with_the_model(kind: str, engines: Sequence[sa.Engine]) -> None:
    """Quotas in a database, with several processes."""
    engine = engines[kind == "postgres"]
    machine = type("DatabaseMachine", (QuotaMachine,), {"make": lambda: Database(engine)})
    run_state_machine_as_test(machine, settings=FEWER)
