"""Creating an order of 100,000 catalogue files on SQLite, against executemany of the same rows."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from common import compare, judge, timed

from regards_order import DataFile, DataType, OrderStatus, SelectionRequest, User
from regards_order.testing import make_dataset, make_product
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.write import put
from regards_order_adapters.config import Config

USER = User("bench@obs.example")
ROUNDS = 5
T = TypeVar("T")


def config(folder: Path) -> Config:
    return Config(database_url=f"sqlite:///{folder / 'bench.db'}", storage_root=str(folder / "storage"))


def fill(folder: Path, files: int, per_product: int) -> None:
    folder.mkdir()
    with open_service(config(folder)) as service:
        fill_service(service, files, per_product)


def fill_service(service: Service, files: int, per_product: int) -> None:
    dataset = make_dataset("BENCH")
    store = service.store("default")
    put(store, [dataset], [])
    products = []
    for n in range(files // per_product):
        own = [
            DataFile(
                DataType.RAWDATA,
                f"f{n}_{k}.dat",
                f"bench/f{n}_{k}.dat",
                size=1000,
                checksum=f"{n:016x}{k:016x}",
                digest_algorithm="MD5",
            )
            for k in range(per_product)
        ]
        products.append(make_product(f"P{n:06d}", *own, datasets=(dataset,), properties={"cloud_cover": n % 100}))
        if len(products) == 2000:
            put(store, [], products)
            products = []
    put(store, [], products)


def create(folder: Path) -> float:
    return create_in(config(folder))


def create_in(where: Config) -> float:
    with open_service(where) as service:
        ordering = service.ordering("default")
        ordering.add_selection(USER, SelectionRequest.of("cloud_cover:[0 TO 100]"))
        start = time.perf_counter()
        order = ordering.complete_order(ordering.place_order(USER).id)
        took = time.perf_counter() - start
        assert order.status is OrderStatus.RUNNING, order.message
        return took


def in_copy(template: Path, parent: Path, work: Callable[[Path], T]) -> T:
    copy = parent / "copy"
    shutil.copytree(template, copy)
    try:
        return work(copy)
    finally:
        shutil.rmtree(copy)


def rows_of(template: Path, parent: Path) -> list[Any]:
    def read(copy: Path) -> list[Any]:
        create(copy)
        with sqlite3.connect(copy / "bench.db") as connection:
            return connection.execute("SELECT * FROM order_files").fetchall()

    return in_copy(template, parent, read)


def executemany(copy: Path, rows: list[Any]) -> float:
    connection = sqlite3.connect(copy / "bench.db", isolation_level=None)
    connection.execute("PRAGMA synchronous = NORMAL")
    marks = ", ".join("?" * len(rows[0]))

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO order_files VALUES ({marks})", rows)
        connection.execute("COMMIT")

    took = timed(insert)
    connection.close()
    return took


def peak(folder: Path) -> int:
    """Return the peak memory in KiB of a process that creates the order of a folder."""
    done = subprocess.run([sys.executable, __file__, str(folder)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def run() -> bool:
    good = True
    with TemporaryDirectory() as name:
        parent = Path(name)
        for per_product in (1, 10):
            template = parent / f"of{per_product}"
            fill(template, 100_000, per_product)
            rows = rows_of(template, parent)
            assert len(rows) == 100_000
            medians = compare(
                {
                    "executemany": lambda t=template, r=rows: in_copy(t, parent, lambda copy: executemany(copy, r)),
                    "order": lambda t=template: in_copy(t, parent, create),
                },
                ROUNDS,
            )
            what = f"order of 100,000 files, {per_product} a product, to executemany"
            good &= judge(what, medians["order"] / medians["executemany"], 4)
        fill(parent / "small", 1000, 1)
        peaks = {n: in_copy(parent / n, parent, peak) for n in ("small", "of1", "of10")}
        for n in ("of1", "of10"):
            more = (peaks[n] - peaks["small"]) / 1024
            good &= judge(f"peak memory of 100,000 files ({n}) above 1,000", more, 64, " MiB")
    return good


if __name__ == "__main__":
    create(Path(sys.argv[1]))
    # getrusage would tell the peak of the parent, of which this process was a copy before it began
    print(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
