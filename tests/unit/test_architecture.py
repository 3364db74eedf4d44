"""The core stands alone: what it imports, and what an import of it brings along."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

import regards_order

CORE = {"attrs", "attr", "luqum"}
TESTS_ONLY = CORE | {"hypothesis", "pytest", "_pytest"}
#: modules for test suites, from the extra "testing"
FOR_TESTS = tuple(f"regards_order.testing.{name}" for name in ("strategies", "machine", "contracts"))
FORBIDDEN = (
    "sqlalchemy",
    "starlette",
    "pika",
    "hypothesis",
    "pytest",
    "lxml",
    "zipstream",
    "cattrs",
    "regards_order_adapters",
)


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Return who imports whom, packages of others included."""
    return grimp.build_graph("regards_order", include_external_packages=True, cache_dir=None)


def foreign(graph: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    """Yield every import of a package that is neither ours nor of the standard library."""
    for importer in graph.modules:
        if importer.split(".")[0] == "regards_order":
            for imported in graph.find_modules_directly_imported_by(importer):
                package = imported.split(".")[0]
                if package != "regards_order" and package not in sys.stdlib_module_names:
                    yield importer, package


def test_core_imports_nothing_but_attrs_and_luqum(graph: grimp.ImportGraph) -> None:
    """The core imports the standard library, attrs and luqum; modules for tests also hypothesis and pytest."""
    found = list(foreign(graph))
    allowed = [TESTS_ONLY if importer.startswith(FOR_TESTS) else CORE for importer, _ in found]
    assert [each for each, packages in zip(found, allowed, strict=True) if each[1] not in packages] == []
    assert {package for _, package in found} >= {"attrs", "luqum"}  # the graph does see imports


def test_every_module_is_in_the_graph(graph: grimp.ImportGraph) -> None:
    """No module of the core escapes the test above."""
    root = Path(regards_order.__file__).parent
    files = {path.relative_to(root.parent).with_suffix("").as_posix() for path in root.rglob("*.py")}
    modules = {name.removesuffix("/__init__").replace("/", ".") for name in files}
    assert {module for module in graph.modules if module.startswith("regards_order")} == modules


@pytest.mark.parametrize("module", ["regards_order.domain", "regards_order.ports", "regards_order.application"])
def test_modules_for_tests_are_imported_by_nobody_else(graph: grimp.ImportGraph, module: str) -> None:
    """The core never imports its own test tools, nor the adapters."""
    for descendant in graph.find_descendants(module):
        imported = graph.find_modules_directly_imported_by(descendant)
        assert not [name for name in imported if name.startswith(("regards_order.testing", "regards_order_adapters"))]


@pytest.mark.parametrize("module", ["regards_order", "regards_order.testing"])
def test_import_brings_nothing_along(module: str) -> None:
    """Importing the core, or its twins, loads no framework and prints nothing."""
    code = f"import json, sys; import {module}; sys.stdout.write(json.dumps(sorted(sys.modules)))"
    # -S: no .pth file of the environment may import anything first
    paths = [str(Path(regards_order.__file__).parents[1]), *(path for path in sys.path if path)]
    prelude = f"import sys; sys.path[:0] = {paths!r}; "
    done = subprocess.run([sys.executable, "-S", "-c", prelude + code], capture_output=True, check=True, text=True)
    assert done.stderr == ""
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert "regards_order" in loaded
    assert loaded.isdisjoint(FORBIDDEN)


def test_public_names_exist() -> None:
    """Every public name exists, and is listed once."""
    assert all(hasattr(regards_order, name) for name in regards_order.__all__)
    assert len(set(regards_order.__all__)) == len(regards_order.__all__)
