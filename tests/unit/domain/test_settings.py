"""Limits and the life of an order."""

from __future__ import annotations

import attrs
import pytest

from regards_order.domain.errors import InvalidInput
from regards_order.domain.settings import Settings


def test_defaults() -> None:
    """The defaults are those of page 20, chapter 13."""
    settings = Settings()
    assert settings.suborder_max_bytes == 104_857_600
    assert (settings.suborder_max_files, settings.external_max_files, settings.suborders_per_user) == (5000, 1000, 2)
    assert (settings.user_hours, settings.max_hours) == (240, 168)
    assert (settings.storage_batch, settings.storage_silence_hours) == (1000, 2)
    assert (settings.app_hours, settings.reminder_hours, settings.expiry_seconds) == (2, 72, 3600)


@pytest.mark.parametrize(
    "name",
    [field.name for field in attrs.fields(Settings) if field.name not in ("app_hours", "max_quota", "rate_limit")],
)
@pytest.mark.parametrize("value", [0, -1])
def test_limits_are_above_zero(name: str, value: int) -> None:
    """A limit that is not above 0 is refused by name."""
    with pytest.raises(InvalidInput) as caught:
        Settings(**{name: value})
    assert [fault.path for fault in caught.value.faults] == [f"$.{name}"]
    assert getattr(Settings(**{name: 1}), name) == 1


@pytest.mark.parametrize("name", ["max_quota", "rate_limit"])
def test_quotas_may_be_unlimited(name: str) -> None:
    """They are -1, 0 or more."""
    assert getattr(Settings(), name) == -1
    assert getattr(Settings(**{name: 0}), name) == 0
    with pytest.raises(InvalidInput, match=rf"\$\.{name}: -2 is below -1"):
        Settings(**{name: -2})


def test_orders_for_programs_may_end_at_once() -> None:
    """Their suborders may stay available for 0 hours, no fewer."""
    assert Settings(app_hours=0).app_hours == 0
    with pytest.raises(InvalidInput) as caught:
        Settings(app_hours=-1)
    assert [(fault.path, fault.detail) for fault in caught.value.faults] == [("$.app_hours", "-1 is below 0")]


@pytest.mark.parametrize(
    ("suborders", "hours", "longest", "expected"),
    [(5, 5, 1, 1), (500, 500, 100, 100), (0, 10, 100, 10), (5, 10, 168, 70), (0, 240, 168, 168), (1, 10, 100, 30)],
)
def test_life_of_an_order(suborders: int, hours: int, longest: int, expected: int) -> None:
    """An order lives D hours without stored files, else (n + 2) × D, never beyond the maximum (page 20, 6.5)."""
    assert Settings(max_hours=longest).order_hours(hours, suborders) == expected
