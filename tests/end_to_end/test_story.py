"""The whole story, with nothing but the installed command and curl."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from servers.centre import LISE, SECRET, Centre, clean_environment, until

CONTENTS = {f"scene-{n}.tif": bytes([n]) * (1000 + n) for n in range(7)}
Curl = Callable[..., tuple[int, str]]


@pytest.fixture
def curl(program: Callable[[str, str], str], tmp_path: Path) -> Curl:
    """Return a function that runs curl and returns status and body, or what it saved."""
    command = program("curl", "curl")

    def run(url: str, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [command, "-sS", "-w", "\n%{http_code}", *arguments, url],
            capture_output=True, text=True, cwd=tmp_path, timeout=60, check=True,
        )  # fmt: skip
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body

    return run


def test_from_a_folder_to_its_files(centre: Centre, curl: Curl, program: Callable[[str, str], str]) -> None:
    """Scan, token, serve; basket, order, poll, ZIP, single file: as the README tells it."""
    centre.scan(CONTENTS)
    server = centre.serve()
    base = f"{centre.url}/api/v1/rs-order"
    asking = ("-H", f"Authorization: Bearer {centre.token()}")
    sending = (*asking, "-H", "Content-Type: application/json")

    assert curl(f"{base}/order/basket", *asking) == (204, "")
    query = {"engineType": "legacy", "searchParameters": {"q": ['extension:"tif"']}}
    status, body = curl(f"{base}/order/basket/selection", *sending, "-d", json.dumps(query))
    basket: Any = json.loads(body)["content"]
    assert (status, basket["quota"], basket["datasetSelections"][0]["filesCount"]) == (200, 7, 7)
    status, body = curl(f"{base}/user/orders", *sending, "-d", '{"label": "Clear scenes"}')
    order: Any = json.loads(body)["content"]
    assert (status, order["status"], order["label"]) == (201, "PENDING", "Clear scenes")
    assert curl(f"{base}/order/basket", *asking) == (204, "")

    files = f"{base}/orders/{order['id']}/files/available"
    seen = set()

    def over() -> bool:
        seen.add(curl(files, *asking)[0])
        return 200 in seen

    until(over)
    assert seen <= {204, 206, 200}
    listed: Any = json.loads(curl(files, *asking)[1])
    assert listed["metadata"]["totalElements"] == 7

    one = listed["content"][0]
    assert curl(one["uri"], *asking, "-o", "one") == (200, "")
    assert (centre.folder / "one").read_bytes() == CONTENTS[one["filename"]]
    until(lambda: json.loads(curl(files, *asking)[1])["metadata"]["totalElements"] == 6)

    assert curl(f"{base}/user/orders/{order['id']}/download", *asking, "-OJ") == (200, "")
    [archive] = centre.folder.glob(f"order_{order['id']}_*.zip")
    assert re.fullmatch(r"order_\d+_\d{4}-\d\d-\d\dT\d\d_\d\d_\d\d\.\d{6}Z\.zip", archive.name)
    subprocess.run([program("unzip", "unzip"), "-tq", archive], check=True, capture_output=True)
    with zipfile.ZipFile(archive) as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    assert entries == {name: data for name, data in CONTENTS.items() if name != one["filename"]}
    done: Any = json.loads(curl(f"{base}/user/orders/{order['id']}", *asking)[1])["content"]
    assert (done["status"], done["availableFilesCount"], done["waitingForUser"]) == ("DONE", 0, False)
    assert curl(f"{base}/user/orders/{order['id']}/download", *asking) == (204, "")
    assert server.end() == 0


def test_the_log_tells_what_happened_and_hides_secrets(centre: Centre) -> None:
    """One line a request, with the correlation id that the answer bears, and with masked tokens."""
    server = centre.serve()
    token = centre.token()
    with centre.client() as client:
        answer = client.get("/user/orders", params={"token": token, "page": 1}, headers={"correlation-id": "trace-7"})
    assert (answer.status_code, answer.headers["correlation-id"]) == (200, "trace-7")
    until(lambda: server.records("http_request"))
    [record] = server.records("http_request")
    assert (record["method"], record["status"], record["correlation_id"]) == ("GET", 200, "trace-7")
    assert record["path"] == "/api/v1/rs-order/user/orders?token=***&page=1"
    assert record["duration_ms"] > 0
    assert server.end() == 0
    assert token not in server.log()
    assert SECRET not in server.log()


def test_health(centre: Centre, curl: Curl) -> None:
    """Both probes answer without token; a storage that is gone makes the service unready, and says so."""
    centre.serve()
    assert curl(f"{centre.url}/health/live")[0] == 200
    assert curl(f"{centre.url}/health/ready")[0] == 200
    (centre.folder / "storage").rmdir()
    status, body = curl(f"{centre.url}/health/ready")
    assert status == 503
    assert "storage" in body
    assert curl(f"{centre.url}/health/live")[0] == 200


def test_demo_prints_lines_that_work(curl: Curl, program: Callable[[str, str], str], tmp_path: Path) -> None:
    """What `serve --demo` prints can be pasted into a shell, line by line."""
    program("unzip", "unzip")
    centre = Centre(tmp_path, clean_environment())
    try:
        process = centre.serve("--demo")
        assert process.popen.stdout is not None
        printed = "".join(iter(process.popen.stdout.readline, "Everything is thrown away when this ends (Ctrl-C).\n"))
        [export] = re.findall(r"export TOKEN=(\S+)", printed)
        lines = re.findall(r"^  (curl (?:.|\\\n)*?)$(?!\n    )", printed, re.MULTILINE)
        assert len(lines) == 5
        ready = lines[2].replace("curl -i", "curl -s -o /dev/null -w '%{http_code}'")
        for number, line in enumerate(lines):
            if number == 3:  # tapes take some seconds
                until(lambda: _shell(ready, export, tmp_path).stdout == "200")
            done = _shell(line.replace("curl", "curl -sS --fail", 1), export, tmp_path)
            assert done.returncode == 0, done.stderr
        [archive] = tmp_path.glob("order_1_*.zip")
        assert subprocess.run(["unzip", "-tq", archive], capture_output=True, check=False).returncode == 0
        assert len(list(tmp_path.glob("*.dat"))) == 1
        assert process.end() == 0
    finally:
        centre.close()


def _shell(line: str, token: str, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = clean_environment(TOKEN=token)
    return subprocess.run(
        line, shell=True, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


def test_refusals_to_start(centre: Centre, kind: str, request: pytest.FixtureRequest) -> None:
    """Without secret, on a schema that does not fit, on an address in use: one line says why, and what mends it."""
    line = centre.run("serve", code=2, REGARDS_ORDER_JWT_SECRET="")
    assert line == "regards-order: REGARDS_ORDER_JWT_SECRET: is not set; it needs at least 32 bytes\n"
    assert "at least 32 bytes" in centre.run("serve", code=2, REGARDS_ORDER_JWT_SECRET="short")
    assert "JWT_SECRET" in centre.run("token", LISE, code=2, REGARDS_ORDER_JWT_SECRET="")
    assert "is none of" in centre.run("token", LISE, "--role", "KING", code=2)
    assert "is none of" in centre.run("token", LISE, "--tenant", "other", code=2)
    if kind == "postgres":
        url = request.getfixturevalue("postgres")(migrated=False)
        for command in ("serve", "worker"):
            line = centre.run(command, code=2, REGARDS_ORDER_DATABASE_URL=url)
            assert 'run "regards-order migrate"' in line
            assert line.count("\n") == 1
    centre.serve()
    port = centre.url.rpartition(":")[2]
    assert f"cannot listen on 127.0.0.1 port {port}" in centre.run("serve", "--port", port, code=1)
