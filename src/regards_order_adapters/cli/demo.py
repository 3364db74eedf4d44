"""The whole story on the embedded default: SQLite and files in a temporary folder, nothing else."""

from __future__ import annotations

import hashlib
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from regards_order.application.ordering import Ordering
from regards_order.domain.basket import Basket
from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.files import OrderFile
from regards_order.domain.order import Order, OrderStatus
from regards_order.domain.principal import User
from regards_order.domain.selection import SelectionRequest
from regards_order_adapters import sample
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.load import load_files
from regards_order_adapters.cli.output import make_progress, print_table, size
from regards_order_adapters.config import Config
from regards_order_adapters.delivery.zip import coalesced
from regards_order_adapters.sample.external import served

_DATABASE = "regards-order.db"
_QUERY = "sensing.start:[2026-01-05T00:00:00Z TO *] AND NOT cloud_cover:[95 TO *]"
_TENANT = "default"


def run_demo(console: Console, keep: Path | None) -> bool:
    """Tell the story and return whether every file arrived as it should.

    Args:
        console: where to.
        keep: folder that keeps database, files and ZIP; a temporary one that goes unless given.

    Raises:
        InvalidInput: *keep* already holds a database.
    """
    if keep is None:
        with TemporaryDirectory(prefix="regards-order-") as folder:
            return _tell(console, Path(folder))
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise InvalidInput((Fault("--keep", f'"{keep}" is no empty folder; name another one'),))
    keep.mkdir(parents=True, exist_ok=True)
    done = _tell(console, keep)
    console.out(f"Kept in {keep}: {_DATABASE}, storage/ and the ZIP")
    return done


def _tell(console: Console, folder: Path) -> bool:
    config = Config(
        database_url=f"sqlite:///{folder / _DATABASE}",
        storage_root=str(folder / "storage"),
        storage_nearline_seconds=2,
        suborder_max_bytes=8 * 1024 * 1024,
        max_suborders_per_user=50,
        external_allow=("127.0.0.1",),
    )
    user = User("lise.arnaud@obs.example")
    external = sample.write_files(folder / "storage")
    with open_service(config) as service, served(external) as url:
        ordering = service.ordering(_TENANT)
        _load(console, service, sample.write_catalogue(folder / "catalogue.ndjson", url))
        basket = ordering.add_selection(user, SelectionRequest.of(_QUERY))
        _show_basket(console, basket)
        order = _work(console, ordering, user, ordering.place_order(user).id)
        path, order = _download(console, ordering, user, order, folder)
        verified, wrong = _verify(console, path, list(_files(ordering, user, order.id)))
        _show_end(console, ordering, user, order, path, verified)
    for line in wrong:
        console.print(line, style="red", markup=False)
    return order.status is OrderStatus.DONE and not wrong


def _load(console: Console, service: Service, catalogue: Path) -> None:
    console.rule("1. The catalogue")
    with make_progress(console, sizes=True) as progress:
        bar = progress.add_task("loading the sample", total=catalogue.stat().st_size)
        store, now = service.store(_TENANT), service.clock.now()
        loaded = load_files(store, _TENANT, [catalogue], now, lambda step: progress.advance(bar, step))
    console.print(f"{loaded.written.added} entries: two datasets and their products; some on tape, one elsewhere")


def _show_basket(console: Console, basket: Basket) -> None:
    console.rule("2. The basket")
    console.print(f"Lucene query: {_QUERY}", markup=False)
    rows = [
        (each.label, each.counters.objects_count, each.counters.files_count, size(each.counters.files_size))
        for each in basket.selections
    ]
    print_table(console, "Picked", ("DATASET", "PRODUCTS", "FILES", "SIZE"), rows)


def _work(console: Console, ordering: Ordering, user: User, order_id: int) -> Order:
    console.rule("3. The order")
    with make_progress(console) as progress:
        bars: dict[int, Any] = {}
        while True:
            ordering.work()
            for suborder in ordering.list_suborders(user, order_id):
                kind = "elsewhere" if suborder.external else "stored"
                counts = suborder.counts
                if suborder.id not in bars:
                    bars[suborder.id] = progress.add_task(f"suborder {suborder.id}, {kind}", total=counts.total)
                progress.update(bars[suborder.id], completed=counts.total - counts.pending)
            order = ordering.get_order(user, order_id)
            if order.status is not OrderStatus.RUNNING:
                return order
            time.sleep(0.1)


def _download(console: Console, ordering: Ordering, user: User, order: Order, folder: Path) -> tuple[Path, Order]:
    console.rule("4. The ZIP")
    delivery = ordering.open_zip(user, order.id)
    path = folder / delivery.name
    with make_progress(console, sizes=True) as progress, path.open("wb") as target:
        bar = progress.add_task("downloading", total=order.counts.bytes_known)
        for block in coalesced(delivery):
            target.write(block)
            progress.update(bar, completed=delivery.size)
    return path, delivery.confirm()


def _files(ordering: Ordering, user: User, order_id: int) -> Iterator[OrderFile]:
    after = 0
    while page := ordering.list_files(user, order_id, after=after):
        yield from page
        after = page[-1].id


def _verify(console: Console, path: Path, files: list[OrderFile]) -> tuple[int, list[str]]:
    """Compare every file of the order with what is in the ZIP, and say what is wrong."""
    wrong = []
    with zipfile.ZipFile(path) as archive, make_progress(console) as progress:
        names = set(archive.namelist())
        for file in progress.track(files, description="verifying"):
            if file.filename not in names:
                wrong.append(f"{file.filename} is missing")
                continue
            with archive.open(file.filename) as entry:
                found = hashlib.file_digest(entry, "md5").hexdigest()  # type: ignore[arg-type]
            if found != file.checksum:
                wrong.append(f"{file.filename} has checksum {found}, not {file.checksum}")
    return len(files) - len(wrong), wrong


def _show_end(console: Console, ordering: Ordering, user: User, order: Order, path: Path, verified: int) -> None:
    console.rule("5. What happened")
    suborders = ordering.list_suborders(user, order.id)
    rows = [
        ("order", f"{order.id}, {order.label}: {order.status.name}"),
        ("suborders", f"{len(suborders)}, {sum(each.external for each in suborders)} of files held elsewhere"),
        ("files", f"{order.counts.downloaded} of {order.counts.total} downloaded, {size(order.counts.bytes_known)}"),
        ("checksums", f"{verified} of {order.counts.total} verified"),
        ("ZIP", f"{path.name}, {size(path.stat().st_size)}"),
        ("files kept until", f"{order.expires:%Y-%m-%d %H:%M} UTC" if order.expires else "-"),
    ]
    print_table(console, "", ("WHAT", "RESULT"), rows)
