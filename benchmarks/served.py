"""Downloads over HTTP: ZIPs against single files, a single file against FileResponse and hashlib, and memory."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import attrs
from common import compare, judge, timed

from regards_order import OrderStatus, SelectionRequest, User
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from regards_order_adapters.system import SystemClock
from regards_order_adapters.tokens import Tokens

USER = User("bench@obs.example")
SECRET = "benchmark-secret-0123456789abcdefghijklmnopqrstuv"
SLOW = 20


@attrs.define
class Bench:
    """A running server, and the service that shares its database."""

    service: Service
    process: subprocess.Popen[str]
    port: int
    token: str
    orders: int = 0

    def order(self) -> int:
        """Order everything and wait until it is available."""
        ordering = self.service.ordering("default")
        ordering.add_selection(USER, SelectionRequest())
        self.orders += 1
        order = ordering.place_order(USER, label=f"Bench {self.orders}")
        while ordering.get_order(USER, order.id).status in (OrderStatus.PENDING, OrderStatus.RUNNING):
            time.sleep(0.05)
        return order.id

    def files(self, order_id: int) -> list[str]:
        """Return the paths of the files of an order."""
        files = self.service.ordering("default").list_files(USER, order_id, limit=100)
        return [f"/api/v1/rs-order/orders/files/{file.id}" for file in files]

    def get(self, *paths: str, rate: str = "0") -> list[str]:
        """Return a curl command that downloads and throws away."""
        urls = [f"http://127.0.0.1:{self.port}{path}" for path in paths]
        outputs = ["-o", "/dev/null"] * len(urls)
        return ["curl", "-sSf", "--limit-rate", rate, "-H", f"Authorization: Bearer {self.token}", *outputs, *urls]

    def fetch(self, *paths: str) -> None:
        """Download and throw away."""
        subprocess.run(self.get(*paths), check=True)

    def memory(self) -> float:
        """Return the memory of the server in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024


@contextlib.contextmanager
def bench(sizes: list[int]) -> Iterator[Bench]:
    """Serve files of some sizes."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with TemporaryDirectory(dir=memory) as name:
        folder = Path(name)
        root = folder / "files"
        root.mkdir()
        for n, size in enumerate(sizes):
            with (root / f"f{n:05d}.dat").open("wb") as file:
                if size > 2**30:
                    file.truncate(size)  # a hole: memory is dear
                else:
                    file.write(os.urandom(size))
        url = f"sqlite:///{folder / 'bench.db'}"
        config = Config(database_url=url, storage_root=str(root), max_suborders_per_user=10_000)
        clock = SystemClock()
        token = Tokens(SECRET, clock).mint_bearer("default", USER, clock.now() + dt.timedelta(days=1))
        with open_service(config) as service:
            scan(service.store("default"), "default", root, clock.now())
            script = str(Path(__file__).with_name("server.py"))
            command = [sys.executable, script, url, str(root), SECRET]
            with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
                assert process.stdout is not None
                port = int(process.stdout.readline())
                try:
                    yield Bench(service, process, port, token)
                finally:
                    process.terminate()


def zipped(running: Bench) -> float:
    order_id = running.order()
    return timed(lambda: running.fetch(f"/api/v1/rs-order/user/orders/{order_id}/download"))


def large() -> bool:
    with bench([256 * 1024 * 1024] * 4) as running:
        files = running.files(running.order())
        variants = {"single files": lambda: timed(lambda: running.fetch(*files)), "ZIP": lambda: zipped(running)}
        medians = compare(variants, 5)
    return judge("ZIP of 4 files of 256 MB to single files", medians["ZIP"] / medians["single files"], 1.5)


def small() -> bool:
    with bench([10_000] * 10_000) as running:
        plain = f"/plain/{running.order()}"
        variants = {"without ZIP": lambda: timed(lambda: running.fetch(plain)), "ZIP": lambda: zipped(running)}
        medians = compare(variants, 5)
    return judge("ZIP of 10,000 files of 10 kB to streaming them", medians["ZIP"] / medians["without ZIP"], 2.5)


def hashed(path: Path) -> None:
    with path.open("rb") as file:
        hashlib.file_digest(file, "md5")


def single() -> bool:
    with bench([1024 * 1024 * 1024]) as running:
        [file] = running.files(running.order())
        [path] = Path(running.service.config.storage_root).iterdir()
        variants = {
            "hashlib": lambda: timed(lambda: hashed(path)),
            "FileResponse": lambda: timed(lambda: running.fetch(f"/file{path}")),
            "one file": lambda: timed(lambda: running.fetch(file)),
        }
        medians = compare(variants, 7)
    limit = max(medians["hashlib"], medians["FileResponse"])
    return judge("one file to the slower of FileResponse and hashlib", medians["one file"] / limit, 1 / 0.7)


def peak(running: Bench, commands: list[list[str]], seconds: float) -> float:
    """Return the highest memory of the server, in MiB, while some clients are at it."""
    over, seen = threading.Event(), [running.memory()]

    def watch() -> None:
        while not over.wait(0.02):
            seen.append(running.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    clients = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for command in commands]
    until = time.monotonic() + seconds
    for client in clients:
        with contextlib.suppress(subprocess.TimeoutExpired):
            client.wait(max(0.0, until - time.monotonic()))
        client.kill()
        client.wait()
    over.set()
    watcher.join()
    return max(seen)


def memory() -> bool:
    with bench([4 * 2**30]) as running:
        order_id = running.order()
        [file] = running.files(order_id)
        running.fetch("/health/live")
        idle = running.memory()
        one = peak(running, [running.get(file)], 120) - idle
        slow = peak(running, [running.get(file, rate="4M")] * SLOW, 20) - idle
    good = judge("memory above idle while 4 GB go to one client", one, 64, " MiB")
    return judge(f"memory above idle while 4 GB go to {SLOW} slow clients", slow, 64, " MiB") and good


def run() -> bool:
    return all([large(), small(), single(), memory()])
