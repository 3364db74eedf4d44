"""Order the files of a folder and write them as ZIPs: the whole domain on SQLite, embedded in a program of one's own.

    python examples/folder_to_zip.py ~/Pictures
    python examples/folder_to_zip.py ~/Pictures --query 'extension:"jpg" AND modified:[2026-01-01T00:00:00Z TO *]'

Needs the extra ``cli``: pip install 'regards-order[cli]'.
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from regards_order import Ordering, OrderingError, OrderStatus, QueryRefused, SelectionRequest, Urn, User
from regards_order_adapters.bootstrap import open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from regards_order_adapters.delivery.zip import coalesced

TENANT = "default"
USER = User("me@localhost")


def order_folder(folder: Path, query: str | None, target: Path, work: Path) -> bool:
    """Scan *folder*, order what *query* finds, write ZIPs to *target*, and return whether every file came."""
    config = Config(database_url=f"sqlite:///{work / 'orders.db'}", storage_root=str(work / "storage"))
    with open_service(config) as service:
        name = folder.resolve().name or "root"
        loaded = scan(service.store(TENANT), TENANT, folder, service.clock.now(), dataset=name)
        for refusal in loaded.refusals:
            print(f"not entered: {refusal.source}: {refusal.cause}")
        ordering = service.ordering(TENANT)
        dataset = str(Urn.make("DATASET", TENANT, name))
        ordering.add_selection(USER, SelectionRequest.of(query, dataset=dataset))
        order_id = ordering.place_order(USER, correlation_id="folder-to-zip").id
        while download_what_is_ready(ordering, order_id, target):
            pass
        order = ordering.get_order(USER, order_id)
        counts = order.counts
        print(f"{order.label}: {order.status.name}, {counts.downloaded} of {counts.total} files")
        if order.message:
            print(order.message)
        return order.status is OrderStatus.DONE and counts.downloaded == counts.total and not loaded.refusals


def download_what_is_ready(ordering: Ordering, order_id: int, target: Path) -> bool:
    """Let the order go on, write a ZIP of what is available, and return whether more is to come.

    Two suborders are made available at a time; downloading them starts the next ones, so a large order comes in
    several ZIPs.
    """
    ordering.work()
    order = ordering.get_order(USER, order_id)
    if order.counts.available:
        delivery = ordering.open_zip(USER, order_id)
        path = target / delivery.name
        with path.open("xb") as file:
            for block in coalesced(delivery):
                file.write(block)
        order = delivery.confirm()
        print(f"{path}: {delivery.files} files, {delivery.size} bytes")
        for failure in delivery.failures:
            print(f"failed: {failure.filename}: {failure.reason}")
    elif order.counts.pending:
        time.sleep(0.2)
    return order.status in (OrderStatus.PENDING, OrderStatus.RUNNING) or order.counts.available > 0


@contextmanager
def work_folder(given: Path | None) -> Iterator[Path]:
    """Give a folder for the database: *given*, which stays, or a temporary one, which goes."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with TemporaryDirectory(prefix="folder-to-zip-") as name:
        yield Path(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, do the work, and return the exit code: 0 all came, 1 not all, 2 wrong use."""
    parser = argparse.ArgumentParser(description="Order the files of a folder and write them as ZIPs.")
    parser.add_argument("folder", type=Path, help="its files stay where they are")
    parser.add_argument("--query", metavar="Q", help="Lucene query on path, extension, modified…; everything if absent")
    parser.add_argument("--to", type=Path, default=Path(), metavar="DIR", help="where the ZIPs go (default: here)")
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the database stays (default: temporary)")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    try:
        options.to.mkdir(parents=True, exist_ok=True)
        with work_folder(options.work) as work:
            return 0 if order_folder(options.folder, options.query, options.to, work) else 1
    except QueryRefused as refusal:
        print(refusal.explain(), file=sys.stderr)
        return 2
    except (OrderingError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
