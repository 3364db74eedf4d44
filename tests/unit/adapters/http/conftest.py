"""What the tests of the REST interface share: a data centre in memory behind an application."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from starlette.testclient import TestClient

from regards_order import Role, User
from regards_order_adapters.http.app import create_app
from regards_order_adapters.tokens import Tokens

SECRET = "spec-secret-0123456789abcdefghijklmnopqrstuvwxyz-0123456789-ABCDEF"
PREFIX = "/api/v1/rs-order"
PUBLIC_URL = "https://data.example.org"


@attrs.frozen
class Desk:
    """A data centre in memory, its application, and a client of it.

    Attributes:
        centre: the data centre.
        tokens: mints what its callers need.
        app: the application.
        changes: what the application told about work to do.
        user: whom `ask` asks for unless told.
    """

    centre: Any
    tokens: Tokens
    app: Any
    changes: list[None]
    user: User

    @property
    def client(self) -> TestClient:
        """Return a client whose requests fail with what fails in the application."""
        return TestClient(self.app, base_url="http://testserver")

    def token(self, user: User | None = None) -> str:
        """Return a token."""
        expires = self.centre.ordering.clock.now() + dt.timedelta(hours=1)
        return self.tokens.mint_bearer("default", user or self.user, expires)

    def ask(self, verb: str, path: str, user: User | None = None, **kwargs: Any) -> Any:
        """Return the answer to a request of a user."""
        headers = {"authorization": f"Bearer {self.token(user)}", **kwargs.pop("headers", {})}
        return self.client.request(verb, PREFIX + path, headers=headers, **kwargs)

    def get(self, path: str, user: User | None = None, **kwargs: Any) -> Any:
        """Return the answer to a GET."""
        return self.ask("GET", path, user, **kwargs)

    def post(self, path: str, user: User | None = None, **kwargs: Any) -> Any:
        """Return the answer to a POST."""
        return self.ask("POST", path, user, **kwargs)


@pytest.fixture
def ana() -> User:
    """Return the user of the examples."""
    return User("ana@example.org")


@pytest.fixture
def stranger() -> User:
    """Return somebody else."""
    return User("bo@example.org")


@pytest.fixture
def chief() -> User:
    """Return an administrator of the project."""
    return User("chief@example.org", Role.PROJECT_ADMIN)


@pytest.fixture
def make_desk(make_centre: Callable[..., Any], ana: User) -> Callable[..., Desk]:
    """Return a function that puts a data centre, an empty one unless given, behind an application."""

    def make(centre: Any = None, **kwargs: Any) -> Desk:
        centre = centre or make_centre()
        tokens = Tokens(SECRET, centre.ordering.clock)
        changes: list[None] = []
        options = {
            "ordering": lambda tenant: centre.ordering,
            "tenants": ("default", "alps"),
            "tokens": tokens,
            "public_url": PUBLIC_URL,
            "prefix": PREFIX,
            "changed": lambda: changes.append(None),
        }
        return Desk(centre, tokens, create_app(**{**options, **kwargs}), changes, ana)

    return make


@pytest.fixture
def desk(make_desk: Callable[..., Desk]) -> Desk:
    """Return an empty data centre behind an application."""
    return make_desk()
