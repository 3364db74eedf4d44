"""A data centre made of the installed command: its configuration, its servers and workers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import httpx2

SECRET = "end-to-end-secret-0123456789abcdefghijklmnopqrstuv"
COMMAND = str(Path(sys.executable).with_name("regards-order"))
LISE = "lise@obs.example"


def clean_environment(**variables: str) -> dict[str, str]:
    """Return the environment without our own variables, and with some of them."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("REGARDS_ORDER_")}
    return {**rest, "PYTHONWARNINGS": "error", **variables}


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until *condition* gives something true, return it, and fail when it never does."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)
    return found


@attrs.define
class Process:
    """A command that runs until it is told to stop."""

    popen: subprocess.Popen[str]
    log_path: Path

    def log(self) -> str:
        """Return what it wrote on standard error."""
        return self.log_path.read_text()

    def records(self, action: str) -> list[dict[str, Any]]:
        """Return the log records of one action."""
        lines = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("action") == action]

    def says(self, text: str) -> str:
        """Wait for a line of its log that holds *text*, and return it."""

        def line() -> str | None:
            found = next((line for line in self.log().splitlines() if text in line), None)
            assert found or self.popen.poll() is None, self.log()
            return found

        return str(until(line))

    def end(self, number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """Send a signal and return the exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(seconds)


@attrs.define
class Centre:
    """A data centre: its configuration, its commands, its server."""

    folder: Path
    environment: dict[str, str]
    processes: list[Process] = attrs.field(factory=list)
    url: str = ""

    def run(self, *arguments: str, code: int = 0, **environment: str) -> str:
        """Run a command to its end and return what it printed."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env={**self.environment, **environment},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stderr

    def start(self, *arguments: str, **environment: str) -> Process:
        """Start a command that runs on."""
        log = self.folder / f"log-{len(self.processes)}"
        with log.open("w") as stream:
            popen = subprocess.Popen(
                [COMMAND, *arguments],
                env={**self.environment, **environment},
                cwd=self.folder,
                stdout=subprocess.PIPE,
                stderr=stream,
                stdin=subprocess.DEVNULL,
                text=True,
            )
        self.processes.append(Process(popen, log))
        return self.processes[-1]

    def serve(self, *arguments: str, **environment: str) -> Process:
        """Start a server on a free port and wait until it answers."""
        process = self.start("serve", "--port", "0", *arguments, **environment)
        self.url = process.says("regards-order serves").split()[-1]
        return process

    def scan(self, contents: dict[str, bytes], dataset: str = "Scenes") -> None:
        """Put files into the catalogue, one product each."""
        folder = self.folder / dataset
        for name, data in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        self.run("catalog", "scan", str(folder))

    def token(self, email: str = LISE, *arguments: str) -> str:
        """Return a bearer token."""
        return self.run("token", email, *arguments).strip()

    def client(self, email: str = LISE, *arguments: str) -> httpx2.Client:
        """Return a client of the REST interface."""
        headers = {"Authorization": f"Bearer {self.token(email, *arguments)}"}
        return httpx2.Client(base_url=f"{self.url}/api/v1/rs-order", headers=headers, timeout=30)

    def order(self, client: httpx2.Client, query: str = "", **body: Any) -> int:
        """Order what a query finds and return the id of the order."""
        selection = {"engineType": "legacy", "searchParameters": {"q": [query]}}
        assert client.post("/order/basket/selection", json=selection).status_code == 200
        placed = client.post("/user/orders", json=body)
        assert placed.status_code == 201, placed.text
        return int(placed.json()["content"]["id"])

    def status(self, client: httpx2.Client, order_id: int) -> str:
        """Return the status of an order."""
        return str(client.get(f"/user/orders/{order_id}").json()["content"]["status"])

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.popen.poll() is None:
                process.popen.send_signal(signal.SIGCONT)
                process.popen.kill()
            process.popen.communicate()
