"""What `Users` promises."""

from __future__ import annotations

import pytest

from regards_order.domain.principal import Account, Role, User
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import HUGO, LISE, StoreSuite


def _put(store: UnitOfWork, *accounts: Account) -> None:
    with store.write() as tx:
        for account in accounts:
            tx.users.put(account)


class UsersContract(StoreSuite):
    """Prove the `Users` of a store; override the fixture `store`."""

    @pytest.mark.parametrize("role", Role)
    def test_an_account_comes_back_as_it_was(self, store: UnitOfWork, role: Role) -> None:
        """Every field survives."""
        account = Account(User("josé@données.example", role, frozenset({"été", "x"})), active=False)
        _put(store, account)
        with store.read() as tx:
            assert tx.users.get(account.user.email) == account

    def test_an_unknown_e_mail_has_no_account(self, store: UnitOfWork) -> None:
        """Another spelling is unknown too."""
        _put(store, Account(User(LISE)))
        with store.read() as tx:
            assert (tx.users.get(HUGO), tx.users.get(LISE.upper())) == (None, None)

    def test_an_account_replaces_the_one_with_its_e_mail(self, store: UnitOfWork) -> None:
        """The last one stays, alone."""
        _put(store, Account(User(LISE, Role.ADMIN)), Account(User(LISE), active=False))
        with store.read() as tx:
            assert list(tx.users.all()) == [Account(User(LISE), active=False)]

    def test_accounts_come_by_e_mail(self, store: UnitOfWork) -> None:
        """Code point by code point, as Python sorts."""
        emails = ["é@x", "z@x", "Z@x", "a@x", "\U0001f6f0@x", "\uff5e@x"]
        _put(store, *(Account(User(email)) for email in emails))
        with store.read() as tx:
            assert [account.user.email for account in tx.users.all()] == sorted(emails)
