"""Settings that administrators change for their tenant while the service runs (docs/configuration.md)."""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from regards_order.domain.errors import Fault, InvalidInput, UnknownSetting
from regards_order.domain.quota import UNLIMITED
from regards_order.domain.settings import Settings

#: a value as JSON has it
Value = Any
_HOURS = 2**31 - 1
#: hours that are counted from now: a hundred years, as dates end in the year 9999
_CENTURY = 100 * 365 * 24


@attrs.frozen
class _Setting:
    """Say how one setting is read from the limits and written to them."""

    show: Callable[[Settings], Value]
    change: Callable[[Settings, Value], Settings]


def _whole(path: str, value: Value, expected: str, least: int = 1, most: int = _HOURS) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise InvalidInput((Fault(path, f"{reprlib.repr(value)} is not {expected}, at most {most}"),))
    return value


def _change_user(settings: Settings, value: Value) -> Settings:
    names = {"subOrderDuration", "delayBeforeEmailNotification"}
    if not isinstance(value, Mapping) or set(value) != names:
        raise InvalidInput((Fault("$.value", f"needs exactly the members {' and '.join(sorted(names))}"),))
    hours = _whole("$.value.subOrderDuration", value["subOrderDuration"], "a whole number of hours above 0")
    delay = value["delayBeforeEmailNotification"]
    path = "$.value.delayBeforeEmailNotification"
    delay = _whole(path, delay, "a valid positive number of hours", most=_CENTURY)
    if delay > hours:
        raise InvalidInput((Fault(path, f"{delay} is more than subOrderDuration ({hours})"),))
    return attrs.evolve(settings, user_hours=hours, reminder_hours=delay)


def _change_app(settings: Settings, value: Value) -> Settings:
    expected = "a valid positive number of hours, or 0"
    return attrs.evolve(settings, app_hours=_whole("$.value", value, expected, least=0))


def _change_max(settings: Settings, value: Value) -> Settings:
    hours = _whole("$.value", value, "a valid positive number of hours", most=_CENTURY)
    return attrs.evolve(settings, max_hours=hours)


def _limit(value: Value, word: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not UNLIMITED <= value < 2**63:
        raise InvalidInput((Fault("$.value", f"parameter [{word}] must be a valid number >= -1, not {value!r}"),))
    return value


def _change_quota(settings: Settings, value: Value) -> Settings:
    return attrs.evolve(settings, max_quota=_limit(value, "quota"))


def _change_rate(settings: Settings, value: Value) -> Settings:
    return attrs.evolve(settings, rate_limit=_limit(value, "rate"))


_SETTINGS: Mapping[str, _Setting] = {
    "user_order_parameters": _Setting(
        lambda settings: {
            "subOrderDuration": settings.user_hours,
            "delayBeforeEmailNotification": settings.reminder_hours,
        },
        _change_user,
    ),
    "app_sub_order_duration": _Setting(lambda settings: settings.app_hours, _change_app),
    "expiration_max_duration_in_hours": _Setting(lambda settings: settings.max_hours, _change_max),
    "maxQuota": _Setting(lambda settings: settings.max_quota, _change_quota),
    "rateLimit": _Setting(lambda settings: settings.rate_limit, _change_rate),
}


def setting_names() -> tuple[str, ...]:
    """Return the names of all settings of a tenant."""
    return tuple(_SETTINGS)


def show_setting(settings: Settings, name: str) -> Value:
    """Return the value of a setting, as JSON has it.

    Raises:
        UnknownSetting: there is none of that name.
    """
    return _find(name).show(settings)


def change_setting(settings: Settings, name: str, value: Value) -> Settings:
    """Return *settings* with another value of one setting.

    Raises:
        UnknownSetting: there is none of that name.
        InvalidInput: the value is not one that it may have.

    >>> change_setting(Settings(), "expiration_max_duration_in_hours", 24).max_hours
    24
    """
    return _find(name).change(settings, value)


def _find(name: str) -> _Setting:
    if name not in _SETTINGS:
        raise UnknownSetting(name, ", ".join(_SETTINGS))
    return _SETTINGS[name]
