"""The command line, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regards_order import Ordering, QuotaLimits, Role, User
from regards_order_adapters.bootstrap import open_service
from regards_order_adapters.config import Config
from regards_order_adapters.sql.migrate import CURRENT

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_the_demo_tells_the_whole_story(command: Command, tmp_path: Path) -> None:
    """The demo ends with every checksum verified, exit code 0, and leaves what --keep asks for."""
    done = command("demo", "--keep", "kept")
    assert done.returncode == 0, done.stderr
    assert "76 of 76 verified" in done.stdout
    (archive,) = (tmp_path / "kept").glob("order_1_*.zip")
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert len(opened.namelist()) == 76
    again = command("demo", "--keep", "kept")
    assert again.returncode == 2
    assert "is no empty folder" in again.stderr


def test_scan_prints_what_came_in(command: Command, tmp_path: Path) -> None:
    """A scan counts what was added, and the next one what was replaced."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files/a.tif").write_bytes(b"data")
    (tmp_path / "files/a_quicklook.png").write_bytes(b"picture")
    first = command("catalog", "scan", "files")
    assert (first.returncode, first.stdout) == (0, "2 added, 0 replaced, 0 refused\n")
    second = command("catalog", "scan", "files")
    assert (second.returncode, second.stdout) == (0, "0 added, 2 replaced, 0 refused\n")
    with sqlite3.connect(tmp_path / "regards-order.db") as database:
        types = database.execute("SELECT filename, data_type FROM product_files ORDER BY filename").fetchall()
    database.close()
    assert types == [("a.tif", "RAWDATA"), ("a_quicklook.png", "QUICKLOOK_SD")]


def test_scan_refuses_what_cannot_be_kept_and_takes_the_rest(command: Command, tmp_path: Path) -> None:
    """A path that is too long for the name of a product is listed with its cause; exit code 1."""
    deep = tmp_path / "files" / ("a" * 150) / ("b" * 150)
    deep.mkdir(parents=True)
    (deep / "c.txt").write_text("deep")
    (tmp_path / "files/d.txt").write_text("flat")
    done = command("catalog", "scan", "files")
    assert done.returncode == 1
    assert "c.txt: refused: $.providerId: " in done.stdout
    assert "has 307 characters; at most 255 are allowed" in done.stdout
    assert "2 added, 0 replaced, 1 refused" in done.stdout


def test_import_refuses_bad_lines_and_takes_the_rest(command: Command, tmp_path: Path) -> None:
    """Each refused line is named with its number and cause; the others come in; exit code 1."""
    good = {"type": "product", "providerId": "P1", "files": []}
    bad = {"type": "product", "providerId": "P2", "files": [{"dataType": "RAW", "filename": "x/y", "uri": "u"}]}
    lines = [json.dumps(good), "{", json.dumps(bad), "", json.dumps({"type": "dataset", "providerId": "D"}), "[]"]
    (tmp_path / "c.ndjson").write_text("\n".join(lines))
    done = command("catalog", "import", "c.ndjson")
    assert done.returncode == 1
    assert "2 added, 0 replaced, 3 refused" in done.stdout
    assert "line 2 refused" in done.stdout
    assert 'line 3 refused: $.files[0].dataType: "RAW" is none of RAWDATA' in done.stdout
    assert "line 6 refused" in done.stdout


@pytest.fixture
def one_film(command: Command, tmp_path: Path) -> None:
    """A catalogue of one product, with attributes of several types."""
    film = {
        "type": "product",
        "providerId": "P1",
        "properties": {"title": "Harry", "altitude": 8848, "sensing": {"start": "2020-01-01T10:00:00Z"}},
        "files": [],
    }
    (tmp_path / "c.ndjson").write_text(json.dumps(film))
    assert command("catalog", "import", "c.ndjson").returncode == 0


@pytest.mark.usefixtures("one_film")
def test_explain_tells_what_a_query_means(command: Command) -> None:
    """Tree, fields and the types that the catalogue gives them; a query may begin with a dash after two of them."""
    query = "title:harry AND (altitude>=100 OR start:[2026-01-01T00:00:00Z TO *])"
    done = command("explain", query)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "all of",
        '  title (STRING) contains "harry", ASCII letters in any case',
        "  one or more of",
        "    altitude (LONG) is at least 100",
        "    sensing.start (DATE_ISO8601) is at least 2026-01-01T00:00:00Z",
    ]
    assert command("explain", "--", "-last:true").stdout.splitlines() == ["not", "  last (BOOLEAN) equals true"]


@pytest.mark.usefixtures("one_film")
def test_explain_shows_where_a_query_is_refused(command: Command) -> None:
    """The refusal, the line of the query and a caret on standard error; exit code 1."""
    done = command("explain", "title:harry potter")
    assert (done.returncode, done.stdout) == (1, "")
    first, *rest = done.stderr.splitlines()
    assert first.startswith("regards-order: line 1, column 13: ")
    assert rest == ["  title:harry potter", "              ^"]


@pytest.mark.usefixtures("one_film")
def test_explain_knows_the_fields_of_one_tenant(command: Command) -> None:
    """Attributes of another tenant's products are unknown, built-in fields are not."""
    tenants = {"REGARDS_ORDER_TENANTS": "default,lab"}
    done = command("explain", "title:harry", "--tenant", "lab", env=tenants)
    assert done.returncode == 1
    assert "Unknown parameter title" in done.stderr
    assert command("explain", "label:harry", "--tenant", "lab", env=tenants).returncode == 0


def test_users_are_added_changed_and_listed(command: Command) -> None:
    """The directory shows what was added; in a pipe with tabs."""
    assert command("users", "add", "lise@obs.example").stdout == "lise@obs.example added\n"
    options = ("--role", "EXPLOIT", "--max-quota", "10", "--rate-limit", "2", "--group", "lab", "--inactive")
    assert command("users", "add", "lise@obs.example", *options).stdout == "lise@obs.example changed\n"
    listed = command("users", "list")
    assert listed.stdout.splitlines() == [
        "EMAIL\tROLE\tGROUPS\tACTIVE\tMAX_QUOTA\tRATE_LIMIT\tCONSUMED\tDOWNLOADING",
        "lise@obs.example\tEXPLOIT\tlab\tno\t10\t2\t0\t0",
    ]


QUOTA_HEADS = "EMAIL\tMAX_QUOTA\tRATE_LIMIT\tCONSUMED\tDOWNLOADING"


@pytest.fixture
def stored(command: Command, tmp_path: Path) -> Iterator[Ordering]:
    """What the command line works with, in this process."""
    assert command("migrate").returncode == 0
    with open_service(Config(database_url=f"sqlite:///{tmp_path / 'regards-order.db'}")) as service:
        yield service.ordering("default")


def quota(command: Command, *options: str, env: dict[str, str] | None = None) -> list[str]:
    """Return what is said of the quota of a user, without the e-mail."""
    done = command("users", "quota", "lise@obs.example", *options, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    heads, row = done.stdout.splitlines()
    assert heads == QUOTA_HEADS
    email, *values = row.split("\t")
    assert email == "lise@obs.example"
    return values


def test_quota_is_shown_and_set(command: Command, stored: Ordering) -> None:
    """One limit leaves the other as it is; who is only looked at has the limits of the tenant, and is nobody yet."""
    assert quota(command) == ["-1", "-1", "0", "0"]
    stored.change_setting(User("adm@obs.example", Role.ADMIN), "maxQuota", 9)
    assert quota(command) == ["9", "-1", "0", "0"]
    assert stored.quotas.consumption("lise@obs.example") is None
    assert quota(command, "--rate", "4") == ["9", "4", "0", "0"]
    assert quota(command, "--max", "500") == ["500", "4", "0", "0"]
    assert quota(command, "--max", "-1", "--rate", "0") == ["-1", "0", "0", "0"]
    assert quota(command) == ["-1", "0", "0", "0"]
    assert command("users", "list").stdout.count("\n") == 1


def test_quota_begins_again(command: Command, stored: Ordering) -> None:
    """What was downloaded counts no more, limits and downloads that go on stay; limits may be set with it."""
    quota(command, "--max", "5")
    for number in ("1", "2"):
        stored.quotas.start("lise@obs.example", number, QuotaLimits)
    stored.quotas.end("lise@obs.example", "1")
    assert quota(command) == ["5", "-1", "2", "1"]
    assert quota(command, "--reset") == ["5", "-1", "0", "1"]
    stored.quotas.end("lise@obs.example", "2")
    assert quota(command, "--reset", "--rate", "2") == ["5", "2", "0", "0"]


def test_users_keep_their_limits(command: Command) -> None:
    """To add somebody again without limits leaves them; one that is given leaves the other."""
    command("users", "add", "lise@obs.example", "--max-quota", "10", "--rate-limit", "2")
    for options, values in (((), ["10", "2"]), (("--role", "ADMIN"), ["10", "2"]), (("--max-quota", "0"), ["0", "2"])):
        assert command("users", "add", "lise@obs.example", *options).returncode == 0
        assert quota(command)[:2] == values


def test_users_without_limits_follow_the_tenant(command: Command, stored: Ordering) -> None:
    """To add somebody is no first look: limits are those of the tenant until something is downloaded."""
    command("users", "add", "lise@obs.example")
    stored.change_setting(User("adm@obs.example", Role.ADMIN), "maxQuota", 7)
    assert quota(command) == ["7", "-1", "0", "0"]


def test_quotas_of_tenants_are_apart(command: Command) -> None:
    """A limit in one tenant is none in the other."""
    tenants = {"REGARDS_ORDER_TENANTS": "default,lab"}
    assert quota(command, "--max", "5", "--tenant", "lab", env=tenants)[0] == "5"
    assert quota(command, "--tenant", "default", env=tenants)[0] == "-1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("users", "quota", "x", "--max", "-2"), "maxQuota: -2 is below -1"),
        (("users", "quota", "x", "--rate", "-2"), "rateLimit: -2 is below -1"),
        (("users", "quota", "x", "--max", str(2**63)), f"maxQuota: {2**63} is too large"),
        (("users", "quota", "x", "--max", "many"), "'many' is not a valid integer"),
        (("users", "quota", " ", "--max", "1"), "must have 1 to 128 characters"),
        (("users", "quota"), "Missing argument 'EMAIL'"),
        (("users", "add", "x", "--rate-limit", "-2"), "rateLimit: -2 is below -1"),
        (("users", "add", "x", "--role", "KING"), '"KING" is none of PUBLIC'),
        (("users", "add", "x", "--max-quota", "-2"), "maxQuota: -2 is below -1"),
        (("users", "add", " "), "must have 1 to 128 characters"),
        (("users", "list", "--tenant", "other"), 'does not name the tenant "other"'),
        (("explain", "label:x", "--tenant", "other"), 'does not name the tenant "other"'),
        (("explain",), "Missing argument 'QUERY'"),
        (("catalog", "scan", "nowhere"), "does not exist"),
        (("catalog", "scan", ".", "--product", "("), "is no regular expression"),
        (("catalog", "scan", ".", "--product", "abc"), "has no group"),
        (("catalog", "import", "nowhere.ndjson"), "does not exist"),
        (("fly",), "No such command 'fly'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(command: Command, arguments: tuple[str, ...], said: str) -> None:
    """A user's mistake is told without a traceback."""
    done = command(*arguments)
    assert done.returncode == 2, done
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_variable_stops_the_start(command: Command) -> None:
    """A wrong value ends in one line that names the variable, the value and what is expected."""
    done = command("migrate", env={"REGARDS_ORDER_SUBORDER_MAX_FILES": "few"})
    assert done.returncode == 2
    assert done.stderr == 'regards-order: REGARDS_ORDER_SUBORDER_MAX_FILES: "few" is not a whole number above 0\n'


def test_migrate_brings_the_schema_and_says_so(command: Command) -> None:
    """The first run creates the schema, the second finds it current."""
    assert f"is now {CURRENT}, was 0" in command("migrate").stdout
    assert f"is {CURRENT} already" in command("migrate").stdout


def test_a_database_of_a_newer_program_is_refused(command: Command, tmp_path: Path) -> None:
    """A schema that this program does not understand is named, with what mends it; nothing is changed."""
    command("migrate")
    with sqlite3.connect(tmp_path / "regards-order.db") as database:
        database.execute("UPDATE schema_version SET version = 9, oldest_compatible = 9")
    database.close()
    done = command("users", "list")
    assert done.returncode == 2
    assert "has schema 9" in done.stderr
    assert "install a newer regards-order" in done.stderr


def test_a_file_that_is_no_database_is_refused(command: Command, tmp_path: Path) -> None:
    """Something else under the database's name is told, not overwritten."""
    (tmp_path / "regards-order.db").write_text("this is a letter, not a database, and long enough to be read as one")
    done = command("users", "list")
    assert done.returncode == 2
    assert "file is not a database" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_has_examples_and_exit_codes(command: Command) -> None:
    """Help shows how a command is used."""
    top = command("--help").stdout
    assert "Exit codes: 0 done" in top
    for name in ("demo", "migrate", "catalog", "users"):
        assert name in top
    assert "regards-order catalog scan /usr/share/doc" in command("catalog", "scan", "--help").stdout
    assert "regards-order" in command("--version").stdout


def test_no_color_is_honoured(command: Command) -> None:
    """With NO_COLOR nothing is coloured even when colours are forced on."""
    done = command("demo", env={"NO_COLOR": "1", "FORCE_COLOR": "1"})
    assert done.returncode == 0
    assert not any(f"\x1b[{code}m" in done.stdout for code in range(30, 38))


def test_an_interrupt_is_clean(tmp_path: Path) -> None:
    """Ctrl-C ends the demo with exit code 130, one line, and no folder left behind."""
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "regards_order_adapters", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "The order" in line:
            process.send_signal(signal.SIGINT)
            break
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert stderr.strip().splitlines()[-1] == "regards-order: interrupted"
    assert "Traceback" not in stderr
    assert not list(tmp_path.glob("regards-order-*"))
