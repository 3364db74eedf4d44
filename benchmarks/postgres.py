"""PostgreSQL: an order of 100,000 files against COPY, and 16 processes on one order against 16 orders."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from common import compare, judge, timed

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from orders import USER, create_in, fill_service

from regards_order import SelectionRequest
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from servers import finisher
from servers.postgres import Cluster, run_cluster

FILES = 100_000
PROCESSES = 16
EACH = 100


def conninfo(url: str) -> str:
    return url.replace("+psycopg", "")


def copied(cluster: Cluster, template: str) -> str:
    """Return the URL of a copy of a database."""
    name = f"copy_{time.monotonic_ns()}"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {template.rpartition('/')[2]} STRATEGY file_copy")
    return cluster.url(name)


def drop(cluster: Cluster, url: str) -> None:
    cluster.execute(f"DROP DATABASE {url.rpartition('/')[2]}")


def copy_rows(url: str, rows: list[Any]) -> float:
    """Take a block of ids and write the same rows with COPY, in one transaction."""
    with psycopg.connect(conninfo(url)) as connection:

        def write() -> None:
            with connection.transaction(), connection.cursor() as cursor:
                cursor.execute("SELECT setval('block', nextval('block') + %s)", (len(rows),))
                with cursor.copy("COPY order_files FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)

        connection.execute("CREATE SEQUENCE block")
        connection.commit()
        return timed(write)


def orders(cluster: Cluster) -> bool:
    good = True
    for per_product in (1, 10):
        template = cluster.create()
        with open_service(Config(database_url=template)) as service:
            fill_service(service, FILES, per_product)
        cluster.execute("VACUUM ANALYZE", template.rpartition("/")[2])
        first = copied(cluster, template)
        create_in(Config(database_url=first))
        with psycopg.connect(conninfo(first)) as connection:
            rows = connection.execute("SELECT * FROM order_files").fetchall()
        drop(cluster, first)
        assert len(rows) == FILES

        def on_copy(work: Any, template: str = template) -> float:
            url = copied(cluster, template)
            try:
                return float(work(url))
            finally:
                drop(cluster, url)

        medians = compare(
            {
                "block and COPY": lambda rows=rows: on_copy(lambda url: copy_rows(url, rows)),
                "order": lambda: on_copy(lambda url: create_in(Config(database_url=url))),
            },
            5,
        )
        what = f"PostgreSQL: order of {FILES:,} files, {per_product} a product, to a block of ids and COPY"
        good &= judge(what, medians["order"] / medians["block and COPY"], 3)
    return good


def finish(config: Config, shares: list[tuple[int, int]]) -> float:
    """Return how long as many processes take to finish their shares, from the moment when all are ready."""
    processes = [
        subprocess.Popen(
            [sys.executable, finisher.__file__, config.database_url, config.storage_root, USER.email, *map(str, share)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    begun = time.perf_counter()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        assert process.communicate()[0] == f"{EACH}\n"
    return time.perf_counter() - begun


def place(service: Service, label: str) -> int:
    """Order everything, make it available, and return the id of its first file."""
    ordering = service.ordering("default")
    ordering.add_selection(USER, SelectionRequest())
    order = ordering.place_order(USER, label=label)
    ordering.work()
    return ordering.list_files(USER, order.id, limit=1)[0].id


def finishing(cluster: Cluster) -> bool:
    with TemporaryDirectory() as name:
        root = Path(name)
        for n in range(PROCESSES * EACH):
            (root / f"f{n:05d}").write_bytes(b"%d" % n)
        config = Config(database_url=cluster.create(), storage_root=str(root), max_suborders_per_user=10_000)
        with open_service(config) as service:
            scan(service.store("default"), "default", root, service.clock.now())
            labels = (f"Bench {n}" for n in range(10**6))

            def one() -> float:
                first = place(service, next(labels))
                starts = range(first, first + PROCESSES * EACH, EACH)
                return finish(config, [(start, start + EACH - 1) for start in starts])

            def many() -> float:
                starts = [place(service, next(labels)) for _ in range(PROCESSES)]
                return finish(config, [(start, start + EACH - 1) for start in starts])

            medians = compare({"16 orders": many, "one order": one}, 5)
        rate = PROCESSES * EACH / medians["one order"]
        print(f"    one order: {rate:.0f} files a second")
        what = "PostgreSQL: 16 processes finish files of one order, to 16 orders"
        return judge(what, medians["one order"] / medians["16 orders"], 2)


def run() -> bool:
    with run_cluster(durable=True) as cluster:
        return all([orders(cluster), finishing(cluster)])
