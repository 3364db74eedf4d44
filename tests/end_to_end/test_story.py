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


def test_an_order_from_pause_to_removal(centre: Centre, curl: Curl) -> None:
    """Paused, resumed, downloaded, restarted, deleted, removed by an administrator, with one mail in the log."""
    centre.scan(CONTENTS)
    server = centre.serve("--no-worker")
    base = f"{centre.url}/api/v1/rs-order"
    asking = ("-H", f"Authorization: Bearer {centre.token()}")
    sending = (*asking, "-H", "Content-Type: application/json")
    ruling = ("-H", f"Authorization: Bearer {centre.token('chief@obs.example', '--role', 'PROJECT_ADMIN')}")

    def shown() -> tuple[str, str]:
        item = json.loads(curl(f"{base}/user/orders/1", *asking)[1])
        return item["content"]["status"], " ".join(link["rel"] for link in item["links"][2:])

    def refused(path: str, *arguments: str) -> Any:
        status, body = curl(base + path, *arguments)
        return status, json.loads(body)["messages"]

    curl(f"{base}/order/basket/selection", *sending, "-d", '{"engineType": "legacy"}')
    dataset = json.loads(curl(f"{base}/order/basket", *asking)[1])["content"]["datasetSelections"][0]
    wanted = '{"fileNamePattern": "scene-[0-4].tif"}'
    filters = f"{base}/order/basket/dataset/{dataset['id']}/updateFileFilters"
    assert curl(filters, *sending, "-X", "PUT", "-d", wanted)[0] == 200
    assert curl(f"{base}/user/orders", *sending, "-d", '{"label": "one", "onSuccessUrl": "/history"}')[0] == 201

    assert shown() == ("PENDING", "pause")
    assert curl(f"{base}/user/orders/pause/1", *asking, "-X", "PUT") == (200, "")
    assert refused("/user/orders/pause/1", *asking, "-X", "PUT") == (401, ["ORDER_MUST_BE_PENDING_OR_RUNNING"])
    assert shown() == ("PAUSED", "resume delete")
    worker = centre.start("worker", REGARDS_ORDER_PUBLIC_URL="https://data.example")
    worker.says("regards-order works for default")
    assert curl(f"{base}/user/orders/resume/1", *sending, "-X", "PUT", "-d", "{}") == (200, "")
    until(lambda: shown() == ("DONE", "download delete restart"))
    [mail] = until(lambda: worker.records("mail"))
    assert mail["receiver"] == LISE
    assert "https://data.example" in mail["text"]

    assert curl(f"{base}/user/orders/1/download", *asking, "-o", "zip") == (200, "")
    with zipfile.ZipFile(centre.folder / "zip") as opened:
        entries = {name: opened.read(name) for name in opened.namelist()}
    assert entries == {name: CONTENTS[name] for name in sorted(CONTENTS)[:5]}
    assert curl(f"{base}/user/orders/1/restart", *sending, "-d", '{"label": "two"}')[0] == 201
    until(lambda: json.loads(curl(f"{base}/user/orders/2", *asking)[1])["content"]["status"] == "DONE")

    removal = ("/user/orders/remove/1", *ruling, "-X", "DELETE")
    assert refused(*removal) == (401, ["ORDER_MUST_BE_DELETED"])
    assert curl(f"{base}/user/orders/1", *asking, "-X", "DELETE") == (200, "")
    assert shown() == ("DELETED", "")
    assert refused("/user/orders/remove/1", *asking, "-X", "DELETE")[0] == 403
    assert curl(base + removal[0], *removal[1:]) == (200, "")
    assert refused("/user/orders/1", *asking)[0] == 404
    listed = json.loads(curl(f"{base}/user/orders", *asking)[1])["content"]
    assert [item["content"]["label"] for item in listed] == ["two"]
    assert len(worker.records("mail")) == 1
    assert [worker.end(), server.end()] == [0, 0]


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
