"""Writing the ZIP of an order to a file, against copying its files while hashing them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from tempfile import TemporaryDirectory

from common import compare, judge, timed

from regards_order import SelectionRequest, User
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from regards_order_adapters.delivery.zip import coalesced

USER = User("bench@obs.example")
BLOCK = 1024 * 1024


def copy(source: Path, target: Path) -> None:
    for path in sorted(source.iterdir()):
        digest = hashlib.md5(usedforsecurity=False)
        with path.open("rb", buffering=0) as reader, (target / path.name).open("wb", buffering=0) as writer:
            while block := reader.read(BLOCK):
                digest.update(block)
                writer.write(block)
        digest.hexdigest()


def zip_order(service: Service, target: Path) -> None:
    ordering = service.ordering("default")
    basket = ordering.add_selection(USER, SelectionRequest())
    order = ordering.place_order(USER, label=f"Bench {basket.id}")
    ordering.work()

    def write() -> None:
        delivery = ordering.open_zip(USER, order.id)
        with (target / "order.zip").open("wb", buffering=0) as writer:
            for block in coalesced(delivery):
                writer.write(block)
        assert not delivery.failures
        delivery.confirm()

    zip_order.seconds = timed(write)  # type: ignore[attr-defined]


def emptied(target: Path) -> Path:
    for old in target.iterdir():
        old.unlink()
    return target


def measure(files: int, size: int, limit: float, rounds: int) -> bool:
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with TemporaryDirectory(dir=memory) as name:
        folder = Path(name)
        source, target = folder / "source", folder / "target"
        source.mkdir()
        target.mkdir()
        for n in range(files):
            (source / f"f{n:05d}.dat").write_bytes(os.urandom(size))
        config = Config(
            database_url=f"sqlite:///{folder / 'bench.db'}",
            storage_root=str(folder / "storage"),
            max_suborders_per_user=10_000,
        )
        with open_service(config) as service:
            scan(service.store("default"), "default", source, service.clock.now())

            def zipped() -> float:
                zip_order(service, emptied(target))
                return zip_order.seconds  # type: ignore[attr-defined,no-any-return]

            variants = {"copy and hash": lambda: timed(lambda: copy(source, emptied(target))), "ZIP": zipped}
            medians = compare(variants, rounds)
        ratio = medians["ZIP"] / medians["copy and hash"]
        return judge(f"ZIP of {files:,} files of {size:,} bytes to copying", ratio, limit)


def run() -> bool:
    big = measure(4, 256 * 1024 * 1024, 1.5, 5)
    return measure(10_000, 10_000, 2.5, 5) and big
