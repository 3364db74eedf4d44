"""A service on a database and folders of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regards_order import Ordering, User
from regards_order.testing import ManualClock
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.config import Config

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def clock() -> ManualClock:
    """Business time that stands still until it is moved."""
    return ManualClock()


@pytest.fixture
def service(tmp_path: Path, clock: ManualClock) -> Iterator[Service]:
    """A service of two tenants, with many slots."""
    config = Config(
        database_url=f"sqlite:///{tmp_path / 'orders.db'}",
        storage_root=str(tmp_path / "storage"),
        storage_nearline_seconds=60,
        tenants=("default", "other"),
        max_suborders_per_user=100,
    )
    with open_service(config, clock) as opened:
        yield opened


@pytest.fixture
def ordering(service: Service) -> Ordering:
    """All use cases of the first tenant."""
    return service.ordering("default")


@pytest.fixture
def user() -> User:
    """Somebody who orders."""
    return User("lise@obs.example")


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Run the command line as a user does, in a folder of its own, and return what it printed and its exit code."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("REGARDS_ORDER_")}
        return subprocess.run(
            [sys.executable, "-m", "regards_order_adapters", *arguments],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**clean, "PYTHONWARNINGS": "error", **(env or {})},
            timeout=120,
            check=False,
        )

    return run
