"""What `TenantSettings` promises."""

from __future__ import annotations

from typing import Any

import pytest

from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import StoreSuite, failed_write


def _changed(store: UnitOfWork) -> dict[str, Any]:
    with store.read() as tx:
        return dict(tx.settings.changed())


class TenantSettingsContract(StoreSuite):
    """Prove the `TenantSettings` of a store; override the fixture `store`."""

    def test_nothing_is_changed_in_an_empty_store(self, store: UnitOfWork) -> None:
        """Every setting has its default."""
        assert _changed(store) == {}

    @pytest.mark.parametrize("value", [0, 2**31, -1, 1.5, True, None, "été", [1, "a"], {"b": {"a": 1}, "a": None}])
    def test_a_setting_comes_back_as_it_was(self, store: UnitOfWork, value: Any) -> None:
        """Whatever JSON can hold survives, with its type."""
        with store.write() as tx:
            tx.settings.put("mine", value)
        found = _changed(store)
        assert found == {"mine": value}
        assert type(found["mine"]) is type(value)

    def test_a_setting_replaces_the_one_before(self, store: UnitOfWork) -> None:
        """The last value stays, and those of other names."""
        for name, value in (("a", 1), ("b", {"c": 2}), ("a", {"d": 3})):
            with store.write() as tx:
                tx.settings.put(name, value)
        assert _changed(store) == {"a": {"d": 3}, "b": {"c": 2}}

    def test_a_removed_setting_is_gone(self, store: UnitOfWork) -> None:
        """Others stay; removing one twice, or an unknown one, is harmless."""
        with store.write() as tx:
            for name in ("a", "b"):
                tx.settings.put(name, 1)
            for name in ("a", "a", "unknown"):
                tx.settings.remove(name)
            assert tx.settings.changed() == {"b": 1}

    def test_a_failed_transaction_changes_no_setting(self, store: UnitOfWork) -> None:
        """Neither a change nor a removal stays."""
        with store.write() as tx:
            tx.settings.put("a", 1)
        with failed_write(store) as tx:
            tx.settings.remove("a")
            tx.settings.put("b", 2)
        assert _changed(store) == {"a": 1}

    def test_what_was_read_is_no_door_to_the_store(self, store: UnitOfWork) -> None:
        """A value that somebody changes after it was read, or after it was stored, does not change what is stored."""
        value = {"a": [1]}
        with store.write() as tx:
            tx.settings.put("mine", value)
        value["a"].append(2)
        _changed(store)["mine"]["a"].append(3)
        assert _changed(store) == {"mine": {"a": [1]}}

    def test_settings_of_tenants_are_apart(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Each tenant changes and removes its own."""
        for each, value in ((store, 1), (neighbour, 2)):
            with each.write() as tx:
                tx.settings.put("mine", value)
        with neighbour.write() as tx:
            tx.settings.remove("mine")
        assert (_changed(store), _changed(neighbour)) == ({"mine": 1}, {})
