"""What all tests share: programs of the machine, databases, and no silent skip in CI."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import hypothesis
import pytest
import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).parent))  # for `servers`, which benchmarks use as well

from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import migrate
from servers import postgres as servers_postgres

CI = os.environ.get("CI") == "true"

# how long an example takes says something of the machine, nothing of the program
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("untimed")

#: create a database of its own, migrated unless ``migrated=False``, and return its URL
NewDatabase = Callable[..., str]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("a skipped test is a failure in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Half characters in what was logged would end the process that reports it to another one."""
    report = yield
    report.sections = [(name, text.encode(errors="replace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def install() -> Callable[[str], None]:
    """Return a function that installs a Debian package, if we are root; else nothing happens."""
    updated = False

    def install(package: str) -> None:
        nonlocal updated
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            return
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        # the processes that share the tests install one after the other
        with (Path(tempfile.gettempdir()) / "regards-order-install.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not updated:
                subprocess.run(["apt-get", "-q", "update"], env=environment, capture_output=True, check=False)
                updated = True
            command = ["apt-get", "-qy", "install", "--no-install-recommends", package]
            subprocess.run(command, env=environment, capture_output=True, check=False)

    return install


@pytest.fixture(scope="session")
def program(install: Callable[[str], None]) -> Callable[[str, str], str]:
    """Return a function that finds a program, and as root installs the Debian package that holds it."""

    def find(name: str, package: str) -> str:
        if shutil.which(name) is None:
            install(package)
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is missing and the Debian package {package} cannot be installed without root")
        return found

    return find


# --- databases -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def cluster(install: Callable[[str], None]) -> Iterator[servers_postgres.Cluster]:
    """A PostgreSQL server of this run's own."""
    try:
        servers_postgres.find_binaries()
    except servers_postgres.Missing:
        install(servers_postgres.PACKAGE)
    try:
        running = servers_postgres.run_cluster()
        with running as cluster:
            yield cluster
    except servers_postgres.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def postgres(cluster: servers_postgres.Cluster) -> NewDatabase:
    """Return what creates a PostgreSQL database."""
    return cluster.create


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database without rows, to be copied."""
    template = tmp_path_factory.mktemp("template") / "template.db"
    engine = make_engine(f"sqlite:///{template}")
    migrate(engine)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return template


@pytest.fixture(scope="session")
def sqlite(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> NewDatabase:
    """Return what creates a SQLite database."""

    def create(*, migrated: bool = True) -> str:
        path = tmp_path_factory.mktemp("database") / "store.db"
        if migrated:
            shutil.copyfile(sqlite_template, path)
        return f"sqlite:///{path}"

    return create


@pytest.fixture(params=["sqlite", "postgres"])
def new_database(request: pytest.FixtureRequest) -> NewDatabase:
    """Return what creates a database of the kind that is tested; each test that uses it runs on both kinds."""
    create: NewDatabase = request.getfixturevalue(request.param)
    return create


@pytest.fixture
def database_url(new_database: NewDatabase) -> str:
    """A migrated database of this test's own."""
    return new_database()


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database without rows; one of PostgreSQL serves one test after the other, as making one takes time."""
    if request.param == "postgres":
        return str(request.getfixturevalue("cluster").reuse())
    return str(request.getfixturevalue("sqlite")())


@pytest.fixture
def engine(empty_database_url: str) -> Iterator[sa.Engine]:
    """A migrated database without rows, open."""
    engine = make_engine(empty_database_url)
    yield engine
    engine.dispose()
