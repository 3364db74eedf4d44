"""The installed command as a user starts it, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from servers.centre import SECRET, Centre, clean_environment


@pytest.fixture(params=["sqlite", "postgres"])
def kind(request: pytest.FixtureRequest) -> str:
    """The databases."""
    return str(request.param)


@pytest.fixture
def centre(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Centre]:
    """A data centre on an empty database that was migrated as its kind wants."""
    url = f"sqlite:///{tmp_path / 'orders.db'}"
    if kind == "postgres":
        url = request.getfixturevalue("postgres")(migrated=False)
    environment = clean_environment(REGARDS_ORDER_DATABASE_URL=url, REGARDS_ORDER_JWT_SECRET=SECRET)
    centre = Centre(tmp_path, environment)
    if kind == "postgres":
        centre.run("migrate")
    yield centre
    centre.close()
