"""All checks; ``nox`` runs them all, ``nox -s unit`` is the fast lane."""

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "imports", "types", "tests", "docs", "wheel"]

_MANY = {"REGARDS_ORDER_EXAMPLES": "20000"}
PYPROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str, extra: str = "all") -> None:
    """Install the project as a developer does, with the dependency groups of some checks."""
    session.install("-q", "-e", f".[{extra}]", *nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session
def lint(session: nox.Session) -> None:
    """Style and formatting."""
    session.install("-q", *nox.project.dependency_groups(PYPROJECT, "lint"))
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")


@nox.session
def imports(session: nox.Session) -> None:
    """Architecture: which module may import which."""
    install(session, "imports")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types of both packages, the examples and this file."""
    install(session, "types")
    session.install("-q", "nox")
    session.run("mypy")


@nox.session
def unit(session: nox.Session) -> None:
    """The fast lane: unit tests alone, without network or servers."""
    install(session, "test", "imports")
    session.run("pytest", "tests/unit", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """All tests but those of the documentation; the core must be covered whole."""
    install(session, "test", "imports")
    session.run("coverage", "erase")
    # two processes, whatever the machine has: each starts its own servers
    session.run("pytest", "tests", "--ignore=tests/docs", "-n", "2", "--cov", "--cov-report=", *session.posargs)
    session.run("coverage", "report", "--fail-under=100")


@nox.session
def docs(session: nox.Session) -> None:
    """Examples in documentation and docstrings run; generated pages are current."""
    install(session, "test")
    session.run("pytest", "tests/docs", *session.posargs)


@nox.session
def wheel(session: nox.Session) -> None:
    """The built wheel works without any extra, and says what is missing."""
    session.install("-q", "build")
    target = Path(session.create_tmp()) / "dist"
    for old in target.glob("*"):
        old.unlink()
    session.run("python", "-m", "build", "-q", "--outdir", str(target), silent=True)
    (built,) = target.glob("*.whl")
    session.run("python", "-m", "venv", "--clear", str(target / "empty"))
    python = str(target / "empty" / "bin" / "python")
    session.run(python, "-m", "pip", "install", "-q", str(built), external=True)
    session.run(python, "-W", "error", "examples/embed.py", external=True)
    session.run(python, "-W", "error", "tests/wheel/check_bare.py", external=True)


@nox.session
def nightly(session: nox.Session) -> None:
    """What takes too long for every run: 20,000 examples of queries, and a catalogue of 1,000,000 products."""
    install(session, "test")
    session.run("pytest", "tests/properties/test_queries.py", "tests/properties/test_paging.py", env=_MANY)
    session.run("python", "benchmarks/run.py", "catalogue", *session.posargs)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """Ratios of speed and memory against limits measured in the same run; not part of CI."""
    install(session)
    session.run("python", "benchmarks/run.py", *session.posargs)
