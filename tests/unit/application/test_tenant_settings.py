"""Reading and changing the settings of a tenant."""

from __future__ import annotations

import datetime as dt

import pytest

from regards_order import InvalidInput, NotAllowed, Role, User
from regards_order.application.tenant_settings import TenantSetting, current_settings
from regards_order.domain.errors import UnknownSetting

LISE, ADMIN = User("lise@obs.example"), User("adm@obs.example", Role.ADMIN)
USER, APP, LONGEST = "user_order_parameters", "app_sub_order_duration", "expiration_max_duration_in_hours"
QUOTAS = (TenantSetting("maxQuota", -1, -1), TenantSetting("rateLimit", -1, -1))
HOUR = dt.timedelta(hours=1)


def values(centre) -> dict[str, object]:
    """Return what holds now, by name."""
    return {setting.name: setting.value for setting in centre.ordering.list_settings(ADMIN)}


def stored(centre) -> dict[str, object]:
    """Return what somebody changed."""
    with centre.ordering.store.read() as tx:
        return dict(tx.settings.changed())


def test_defaults_are_those_of_the_program(make_centre) -> None:
    """Whoever configures the program sets the defaults of all tenants."""
    centre = make_centre(user_hours=5, reminder_hours=4, max_hours=3)
    user = {"subOrderDuration": 5, "delayBeforeEmailNotification": 4}
    assert centre.ordering.list_settings(ADMIN) == (
        TenantSetting(USER, user, user),
        TenantSetting(APP, 2, 2),
        TenantSetting(LONGEST, 3, 3),
        *QUOTAS,
    )


def test_change_and_reset(centre) -> None:
    """A change holds until the setting is reset; each is answered with what holds then."""
    assert centre.ordering.change_setting(ADMIN, LONGEST, 24) == TenantSetting(LONGEST, 24, 168)
    user = {"subOrderDuration": 72, "delayBeforeEmailNotification": 72}
    centre.ordering.change_setting(ADMIN, USER, user)
    centre.ordering.change_setting(ADMIN, LONGEST, 25)
    assert values(centre) == {USER: user, APP: 2, LONGEST: 25, "maxQuota": -1, "rateLimit": -1}
    assert stored(centre) == {USER: user, LONGEST: 25}
    for _ in range(2):
        assert centre.ordering.reset_setting(ADMIN, LONGEST) == TenantSetting(LONGEST, 168, 168)
    assert values(centre) == {USER: user, APP: 2, LONGEST: 168, "maxQuota": -1, "rateLimit": -1}


@pytest.mark.parametrize("user", [LISE, User("ex@obs.example", Role.EXPLOIT)])
def test_settings_need_an_administrator(centre, user: User) -> None:
    """ADMIN or above, before name and value are looked at."""
    for deed in (
        lambda: centre.ordering.list_settings(user),
        lambda: centre.ordering.change_setting(user, "unknown", None),
        lambda: centre.ordering.reset_setting(user, "unknown"),
    ):
        with pytest.raises(NotAllowed, match="it needs ADMIN"):
            deed()


def test_unknown_settings(centre) -> None:
    """A name that no setting has is refused, whatever the value."""
    with pytest.raises(UnknownSetting):
        centre.ordering.change_setting(ADMIN, "unknown", None)
    with pytest.raises(UnknownSetting):
        centre.ordering.reset_setting(ADMIN, "unknown")
    assert stored(centre) == {}


@pytest.mark.parametrize(("name", "value"), [(LONGEST, 0), (APP, -1), (USER, {"subOrderDuration": 72})])
def test_bad_values_are_not_stored(centre, name: str, value: object) -> None:
    """What was set before stays (case 42)."""
    with pytest.raises(InvalidInput):
        centre.ordering.change_setting(ADMIN, name, value)
    assert stored(centre) == {}


def test_what_this_program_does_not_understand_is_passed_over(centre) -> None:
    """Another version may know other settings, or take other values; the rest holds."""
    with centre.ordering.store.write() as tx:
        for name, value in (("another", 1), (LONGEST, 0), (APP, 7)):
            tx.settings.put(name, value)
    assert (values(centre)[LONGEST], values(centre)[APP]) == (168, 7)
    with centre.ordering.store.read() as tx:
        assert current_settings(centre.ordering, tx).app_hours == 7
    assert centre.ordering.change_setting(ADMIN, LONGEST, 1).value == 1


def test_changes_take_effect_with_the_next_use(twelve) -> None:
    """Orders that are placed and listed from now on follow them; those that exist are left as they are."""
    now = twelve.ordering.clock.now()
    listed, placed = twelve.work(twelve.place()), twelve.place()
    user = {"subOrderDuration": 5, "delayBeforeEmailNotification": 5}
    twelve.ordering.change_setting(ADMIN, USER, user)
    twelve.ordering.change_setting(ADMIN, APP, 3)
    twelve.ordering.change_setting(ADMIN, LONGEST, 100)
    new, application = twelve.place(), twelve.place(ADMIN, application=True)
    assert (listed.hours, placed.hours, new.hours, application.hours) == (240, 240, 5, 3)
    assert [each.expires for each in (placed, new)] == [now + 168 * HOUR, now + 100 * HOUR]
    twelve.ordering.work()
    assert [twelve.read(each).expires for each in (listed, placed, new, application)] == [
        now + hours * HOUR for hours in (168, 100, 20, 12)
    ]
