"""What all tests share: programs of the machine, and no silent skip in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

CI = os.environ.get("CI") == "true"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In CI a skipped test is a failed run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if CI and reporter is not None and reporter.stats.get("skipped") and session.exitstatus == pytest.ExitCode.OK:
        reporter.write_line("a skipped test is a failure in CI", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def program() -> Callable[[str, str], str]:
    """Return a function that finds a program, and as root installs the Debian package that holds it."""
    updated = False

    def find(name: str, package: str) -> str:
        nonlocal updated
        if shutil.which(name) is None and os.geteuid() == 0 and shutil.which("apt-get"):
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            if not updated:
                subprocess.run(["apt-get", "-q", "update"], env=environment, capture_output=True, check=False)
                updated = True
            command = ["apt-get", "-qy", "install", "--no-install-recommends", package]
            subprocess.run(command, env=environment, capture_output=True, check=False)
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is missing and the Debian package {package} cannot be installed without root")
        return found

    return find
