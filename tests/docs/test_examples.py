"""Whatever looks like a program in the documentation is one."""

from __future__ import annotations

import ast
import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import regards_order
import regards_order_adapters

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")])
PROGRAMS = sorted(path.name for path in ROOT.glob("examples/*.py"))


def modules() -> Iterator[str]:
    """Yield every module of both packages that may be imported without doing anything."""
    for package in (regards_order, regards_order_adapters):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith(".__main__") and ".migrations" not in found.name:
                yield found.name


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an example as a user would, warnings being errors."""
    environment = {**os.environ, "PYTHONPATH": str(Path(regards_order.__file__).parents[1])}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_pages(page: Path) -> None:
    """Every Python example on a page runs and prints what the page says."""
    document = Sybil(parsers=[PythonCodeBlockParser()], path=str(page.parent), pattern=page.name).parse(page)
    for example in document.examples():
        example.evaluate()


@pytest.mark.parametrize("name", sorted(modules()))
def test_docstrings(name: str) -> None:
    """Every example in a docstring prints what the docstring says."""
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_some_docstrings_have_examples() -> None:
    """The search for docstrings finds examples at all."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in modules() for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 10


def test_embed_is_short_and_prints_its_result(tmp_path: Path) -> None:
    """The library orders and delivers in less than 20 lines of code."""
    source = (ROOT / "examples/embed.py").read_text(encoding="utf-8")
    body = ast.parse(source).body[1:]
    assert sum(node.end_lineno - node.lineno + 1 for node in body if node.end_lineno) < 20
    done = run(str(ROOT / "examples/embed.py"), folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        "Clear scenes: DONE, 1 downloaded: ['scene-7.tif']\n",
        "",
    )


def test_readme_shows_embed() -> None:
    """The program in the README is examples/embed.py, word for word."""
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    source = (ROOT / "examples/embed.py").read_text(encoding="utf-8")
    assert source.split('"""', 2)[2].lstrip() in shown


def test_own_catalog(tmp_path: Path) -> None:
    """A catalogue of one's own works with the twins of all the rest."""
    done = run(str(ROOT / "examples/own_catalog.py"), folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "Weather stations: 2 files, 30 bytes"
    assert done.stdout.splitlines()[1].startswith("Cold months: DONE, 2 files")


def test_every_example_is_named_in_the_index() -> None:
    """No example is hidden."""
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert [name for name in PROGRAMS if name not in index] == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with three files in it, two of them text."""
    path = tmp_path / "given"
    (path / "deep").mkdir(parents=True)
    (path / "a.txt").write_text("first")
    (path / "deep" / "b.txt").write_text("second")
    (path / "c.bin").write_bytes(bytes(1000))
    return path


def test_folder_to_zip(folder: Path, tmp_path: Path) -> None:
    """A folder becomes a ZIP, and what happened is said."""
    done = run(str(ROOT / "examples/folder_to_zip.py"), str(folder), "--to", "out", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("DONE, 3 of 3 files\n")
    assert len(list((tmp_path / "out").glob("order_1_*Z.zip"))) == 1


def test_folder_to_zip_with_query(folder: Path, tmp_path: Path) -> None:
    """Only what the query finds is ordered; the database may be kept and used again."""
    for number in (1, 2):
        arguments = (str(folder), "--query", 'extension:"txt"', "--to", "out", "--work", "kept")
        done = run(str(ROOT / "examples/folder_to_zip.py"), *arguments, folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.endswith("DONE, 2 of 2 files\n")
        assert len(list((tmp_path / "out").glob(f"order_{number}_*Z.zip"))) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "nowhere is no folder"),
        (["given", "--query", "path:a b"], 2, "line 1, column 8"),
        (["given", "--query", "path:zzz"], 1, "contains no file"),
        (["given", "--to", "given/a.txt"], 1, "a.txt"),
    ],
)
def test_folder_to_zip_explains_mistakes(
    folder: Path, tmp_path: Path, arguments: list[str], code: int, said: str
) -> None:
    """A user's mistake ends in a sentence, not in a traceback."""
    done = run(str(ROOT / "examples/folder_to_zip.py"), *arguments, folder=tmp_path)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
