"""Quotas: starts of downloads against a bare UPDATE … RETURNING, and 10,000 starts against a limit of 5,000."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier, Lock, Thread

import psycopg
import sqlalchemy as sa
from common import compare, judge, timed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from regards_order import QuotaLimits, QuotaRefused
from regards_order_adapters.bootstrap import open_service
from regards_order_adapters.config import Config
from regards_order_adapters.sql.quotas import SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore
from servers.postgres import run_cluster

CONNECTIONS = 8
STARTS = 800
BARE = "UPDATE bare SET consumed = consumed + 1 WHERE email = %s AND consumed < allowed RETURNING consumed"
_numbers = count()


def unlimited() -> QuotaLimits:
    return QuotaLimits()


def share(threads: int, work: Callable[[int], object]) -> None:
    """Let threads do their parts at the same time; a failure of one is a failure of all."""
    barrier, failures = Barrier(threads), list[BaseException]()

    def part(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as failure:
            failures.append(failure)

    all_threads = [Thread(target=part, args=(number,)) for number in range(threads)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    for failure in failures:
        raise failure


def starts(url: str, engine: sa.Engine) -> bool:
    """Begin downloads of one user, and of 1,000, with as many connections as the bare loop has."""
    quotas = SqlQuotas(SqlStore(engine, "default"))
    connections = [psycopg.connect(url.replace("+psycopg", ""), autocommit=True) for _ in range(CONNECTIONS)]
    connections[0].execute("CREATE TABLE bare (email text PRIMARY KEY, consumed bigint, allowed bigint)")
    good = True
    for users in (1, 1000):
        emails = [f"{users}-{number}@obs.example" for number in range(users)]
        for email in emails:
            quotas.set_limits(email, QuotaLimits(10**9, -1))
            connections[0].execute("INSERT INTO bare VALUES (%s, 0, 1000000000)", (email,))

        def ours(number: int, emails: list[str] = emails) -> None:
            for step in range(STARTS // CONNECTIONS):
                email = emails[(step * CONNECTIONS + number) % len(emails)]
                quotas.start(email, f"download {next(_numbers)}", unlimited)

        def bare(number: int, emails: list[str] = emails) -> None:
            for step in range(STARTS // CONNECTIONS):
                email = emails[(step * CONNECTIONS + number) % len(emails)]
                connections[number].execute(BARE, (email,)).fetchone()

        medians = compare(
            {
                "bare UPDATE … RETURNING": lambda bare=bare: timed(lambda: share(CONNECTIONS, bare)),
                "start": lambda ours=ours: timed(lambda: share(CONNECTIONS, ours)),
            },
            5,
        )
        print(f"    {users} users: {STARTS / medians['start']:.0f} starts a second")
        what = f"PostgreSQL: starts of downloads of {users:,} users, to a bare loop"
        good &= judge(what, medians["start"] / medians["bare UPDATE … RETURNING"], 2)
    quotas.close()
    return good


def exact(name: str, engine: sa.Engine) -> bool:
    """Begin 10,000 downloads in 32 threads against a limit of 5,000."""
    quotas = SqlQuotas(SqlStore(engine, "default"))
    quotas.set_limits("exact@obs.example", QuotaLimits(5000, -1))
    granted, lock = [0], Lock()

    def work(number: int) -> None:
        mine = 0
        for step in range(10_000 // 32 + (number < 10_000 % 32)):
            try:
                quotas.start("exact@obs.example", f"{number}-{step}", unlimited)
            except QuotaRefused:
                continue
            mine += 1
        with lock:
            granted[0] += mine

    seconds = timed(lambda: share(32, work))
    quotas.close()
    good = granted[0] == 5000
    verdict = "ok" if good else "WRONG"
    print(f"{verdict:9} {name}: {granted[0]:,} of 10,000 starts granted, 5,000 allowed ({seconds:.1f} s)")
    return good


def run() -> bool:
    good = True
    with run_cluster(durable=True) as cluster:
        url = cluster.create()
        with open_service(Config(database_url=url)) as service:
            good &= starts(url, service.engine)
            good &= exact("PostgreSQL", service.engine)
    folder = TemporaryDirectory()
    with folder as name, open_service(Config(database_url=f"sqlite:///{name}/quotas.db")) as service:
        return exact("SQLite", service.engine) and good


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
