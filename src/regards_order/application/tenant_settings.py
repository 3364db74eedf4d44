"""Read and change the settings of a tenant; each takes effect with the next use (docs/configuration.md)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from regards_order.domain.errors import OrderingError
from regards_order.domain.principal import Role, User
from regards_order.domain.settings import Settings
from regards_order.domain.tenant_settings import change_setting as changed
from regards_order.domain.tenant_settings import setting_names, show_setting
from regards_order.ports.bundle import Ports
from regards_order.ports.unit_of_work import Transaction


@attrs.frozen
class TenantSetting:
    """Hold one setting.

    Attributes:
        name: names it.
        value: what holds now, as JSON has it.
        default: what holds unless it is changed.
    """

    name: str
    value: Any
    default: Any


def current_settings(ports: Ports, tx: Transaction) -> Settings:
    """Return the limits that hold for the tenant now."""
    settings = ports.settings
    for name, value in sorted(tx.settings.changed().items()):
        try:
            settings = changed(settings, name, value)
        except OrderingError:  # another version of the program knows it, or takes it
            continue
    return settings


def list_settings(ports: Ports, user: User) -> Sequence[TenantSetting]:
    """Return all settings of the tenant.

    Raises:
        NotAllowed: the user is not ADMIN or above.
    """
    user.require(Role.ADMIN, "read settings")
    with ports.store.read() as tx:
        return _all(ports, current_settings(ports, tx))


def change_setting(ports: Ports, user: User, name: str, value: Any) -> TenantSetting:
    """Change a setting of the tenant; orders that exist are left as they are.

    Args:
        ports: what to work with.
        user: who asks.
        name: which setting.
        value: its value, as JSON has it.

    Raises:
        NotAllowed: the user is not ADMIN or above.
        UnknownSetting: there is none of that name.
        InvalidInput: the value is not one that it may have.
    """
    user.require(Role.ADMIN, "change settings")
    with ports.store.write() as tx:
        settings = changed(current_settings(ports, tx), name, value)
        setting = _one(ports, settings, name)
        tx.settings.put(name, setting.value)
    return setting


def reset_setting(ports: Ports, user: User, name: str) -> TenantSetting:
    """Let a setting of the tenant have its default again.

    Raises:
        NotAllowed: the user is not ADMIN or above.
        UnknownSetting: there is none of that name.
    """
    user.require(Role.ADMIN, "change settings")
    setting = _one(ports, ports.settings, name)
    with ports.store.write() as tx:
        tx.settings.remove(name)
    return setting


def _all(ports: Ports, settings: Settings) -> Sequence[TenantSetting]:
    return tuple(_one(ports, settings, name) for name in setting_names())


def _one(ports: Ports, settings: Settings, name: str) -> TenantSetting:
    return TenantSetting(name, show_setting(settings, name), show_setting(ports.settings, name))
