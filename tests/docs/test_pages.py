"""The pages are current: what they point to exists, and what they list is all there is."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import attrs
import click
import pytest

from regards_order import LabelTaken, LabelTooLong, Settings
from regards_order.domain.errors import NoSnapshot, NotManager
from regards_order.domain.order import ORDERS
from regards_order_adapters.cli.main import cli
from regards_order_adapters.config import PREFIX, Config
from regards_order_adapters.http.app import ENDPOINTS

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_REFERENCE = re.compile(r"docs/[\w-]+\.md")
_ACTIONS = frozenset({"pause", "resume", "delete", "remove", "restart", "retry"})
_FENCE = re.compile(r"```.*?```", re.DOTALL)


def prose(page: Path) -> str:
    """Return the text of a page without its code blocks."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    """Return the names under which the headings of a page can be linked."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links(page: Path) -> None:
    """Every relative link leads to a file, and to a heading of it."""
    broken = []
    for link in _LINK.findall(prose(page)):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.is_relative_to(ROOT) or not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def references() -> Iterator[tuple[Path, str]]:
    """Yield every page that a source file names."""
    for path in sorted(ROOT.glob("src/**/*.py")):
        for name in _REFERENCE.findall(path.read_text(encoding="utf-8")):
            yield path, name


def test_sources_name_pages_that_exist() -> None:
    """A docstring sends nobody to a page that is not there."""
    found = list(references())
    assert found
    assert [(path.name, name) for path, name in found if not (ROOT / name).is_file()] == []


def test_every_page_is_in_the_index() -> None:
    """The index leads to all pages."""
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    assert [page.name for page in ROOT.glob("docs/*.md") if page.name != "index.md" and page.name not in index] == []


def test_states_page_is_current() -> None:
    """docs/states.md is what docs/generate.py makes of the tables today."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    page = (ROOT / "docs/states.md").read_text(encoding="utf-8")
    assert page == generate.page(), "run: python docs/generate.py"


def test_configuration_lists_all_variables() -> None:
    """docs/configuration.md lists exactly the variables that are read."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(REGARDS_ORDER_\w+)`", page, re.MULTILINE)
    assert sorted(listed) == sorted(PREFIX + name.upper() for name in ["config", *attrs.fields_dict(Config)])


def test_configuration_tells_the_defaults() -> None:
    """The defaults on the page are those of the code."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| `REGARDS_ORDER_(\w+)` \| `?([^|`]+?)`? \|", page, re.MULTILINE))
    for field in attrs.fields(Config):
        if field.name == "log_format":
            continue  # depends on the terminal: told in words
        if field.default in (None, ()):
            expected = "none"
        elif isinstance(field.default, tuple):
            expected = ",".join(field.default)
        else:
            expected = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        assert told[field.name.upper()] == expected


def test_configuration_lists_all_settings() -> None:
    """Every limit of the domain is on the page."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert [field.name for field in attrs.fields(Settings) if f"`{field.name}`" not in page] == []


def commands(group: click.Group, prefix: str = "") -> Iterator[str]:
    """Yield the full name of every command."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name


def test_configuration_lists_all_commands() -> None:
    """Every command is on the page, and no other."""
    page = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `regards-order ([a-z]+(?: [a-z]+)*)", page, re.MULTILINE)
    assert sorted(listed) == sorted(commands(cli))


def endpoints_on_the_page() -> Iterator[tuple[str, str, str]]:
    """Yield verb, path and lowest role of every row of the table of endpoints; GET speaks for HEAD."""
    page = (ROOT / "docs/rest.md").read_text(encoding="utf-8")
    for cell, role in re.findall(r"^\| (`[A-Z].*?`) \| ([A-Z_]+) \|", page, re.MULTILINE):
        [path] = re.findall(r"/[^`]*", cell)
        yield from ((verb, path, role) for verb in re.findall(r"\b[A-Z]{3,}\b", cell.split("/")[0]) if verb != "HEAD")


def test_rest_lists_all_endpoints() -> None:
    """Every verb, path and role is on the page, and no other; what stands below `/user` too is told in one row."""
    told = set(endpoints_on_the_page())
    told |= {(verb, f"/user{path}", role) for verb, path, role in told if path.endswith("/files/available")}
    made = {(verb, path, one.role.name) for path, verbs in ENDPOINTS.items() for verb, one in verbs.items()}
    assert told == made


def test_rest_tells_all_code_words() -> None:
    """Every word that refuses an action stands on the page of the interface that says it."""
    page = (ROOT / "docs/rest.md").read_text(encoding="utf-8")
    words = {code for event, code in ORDERS.codes.items() if event.name.lower() in _ACTIONS}
    assert len(words) == len(_ACTIONS)
    words |= {error.code for error in (LabelTaken, LabelTooLong, NoSnapshot, NotManager)}
    assert {word for word in words if f"`{word}`" not in page} == set()


def test_license_is_the_declared_one() -> None:
    """The license is Apache-2.0, whole."""
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
