"""The user directory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from regards_order.domain.principal import Account


class Users(Protocol):
    """Keep the accounts of the tenant."""

    def put(self, account: Account) -> None:
        """Store an account, in place of the one with the same e-mail if there is one."""
        ...

    def get(self, email: str) -> Account | None:
        """Return the account with this e-mail, if there is one."""
        ...

    def all(self) -> Sequence[Account]:
        """Return all accounts, by e-mail."""
        ...
