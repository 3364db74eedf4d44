"""Settings that administrators change for their tenant."""

from __future__ import annotations

from typing import Any

import pytest

from regards_order.domain.errors import InvalidInput, UnknownSetting
from regards_order.domain.settings import Settings
from regards_order.domain.tenant_settings import change_setting, setting_names, show_setting

USER, APP, LONGEST = "user_order_parameters", "app_sub_order_duration", "expiration_max_duration_in_hours"
DURATION, DELAY = "subOrderDuration", "delayBeforeEmailNotification"


def test_names_and_defaults() -> None:
    """The settings and their defaults are those of page 20, 13.1."""
    shown = {name: show_setting(Settings(), name) for name in setting_names()}
    assert shown == {USER: {DURATION: 240, DELAY: 72}, APP: 2, LONGEST: 168, "maxQuota": -1, "rateLimit": -1}


@pytest.mark.parametrize(
    ("name", "value", "changes"),
    [
        (USER, {DURATION: 72, DELAY: 72}, {"user_hours": 72, "reminder_hours": 72}),
        (USER, {DURATION: 2**31 - 1, DELAY: 1}, {"user_hours": 2**31 - 1, "reminder_hours": 1}),
        (APP, 0, {"app_hours": 0}),
        (APP, 2**31 - 1, {"app_hours": 2**31 - 1}),
        (LONGEST, 1, {"max_hours": 1}),
        ("maxQuota", 0, {"max_quota": 0}),
        ("rateLimit", 2**63 - 1, {"rate_limit": 2**63 - 1}),
    ],
)
def test_good_values(name: str, value: Any, changes: dict[str, int]) -> None:
    """A value that may be is shown as it was given, and changes no other setting (case 42)."""
    changed = change_setting(Settings(), name, value)
    assert changed == Settings(**changes)
    assert show_setting(changed, name) == value


NOT_NUMBERS = (None, True, False, "72", "", 1.0, 72.5, [72], {"value": 72})
NOT_QUOTAS = (*NOT_NUMBERS, -2, 2**63)
MEMBERS = f"needs exactly the members {DELAY} and {DURATION}"


@pytest.mark.parametrize(
    ("name", "value", "path", "detail"),
    [
        *((APP, value, "$.value", "is not a valid positive number of hours, or 0") for value in (*NOT_NUMBERS, -1)),
        *((LONGEST, value, "$.value", "is not a valid positive number of hours") for value in (*NOT_NUMBERS, -1, 0)),
        (APP, 2**31, "$.value", f"{2**31} is not"),
        *(("maxQuota", value, "$.value", "parameter [quota] must be a valid number >= -1") for value in NOT_QUOTAS),
        *(("rateLimit", value, "$.value", "parameter [rate] must be a valid number >= -1") for value in NOT_QUOTAS),
        (LONGEST, 2**31, "$.value", f"{2**31} is not"),
        *((USER, value, "$.value", MEMBERS) for value in (None, True, 72, "72", [72, 72], {}, {DURATION: 72})),
        (USER, {DELAY: 72}, "$.value", MEMBERS),
        (USER, {DURATION: 72, DELAY: 72, "more": 1}, "$.value", MEMBERS),
        *(
            (USER, {DURATION: value, DELAY: 1}, f"$.value.{DURATION}", "is not a whole number of hours above 0")
            for value in (*NOT_NUMBERS, -1, 0, 2**31)
        ),
        *(
            (USER, {DURATION: 72, DELAY: value}, f"$.value.{DELAY}", "is not a valid positive number of hours")
            for value in (*NOT_NUMBERS, -1, 0, 2**31)
        ),
        (USER, {DURATION: 72, DELAY: 73}, f"$.value.{DELAY}", "73 is more than subOrderDuration (72)"),
    ],
)
def test_bad_values(name: str, value: Any, path: str, detail: str) -> None:
    """Whatever is no value of the setting is refused where it stands, with what is expected (case 42)."""
    with pytest.raises(InvalidInput) as caught:
        change_setting(Settings(), name, value)
    [fault] = caught.value.faults
    assert fault.path == path
    assert detail in fault.detail


def test_unknown_settings() -> None:
    """There is no setting of another name; the refusal names those that there are."""
    for deed in (
        lambda: show_setting(Settings(), "max_hours"),
        lambda: change_setting(Settings(), "max_hours", 1),
        lambda: change_setting(Settings(), APP.upper(), 1),
    ):
        with pytest.raises(UnknownSetting, match=LONGEST):
            deed()
