"""Users, the ladder of roles and what a user may see."""

from __future__ import annotations

import pytest

from regards_order.domain.errors import InvalidInput, NotAllowed
from regards_order.domain.principal import Access, Account, Role, User

LADDER = ["PUBLIC", "REGISTERED_USER", "EXPLOIT", "ADMIN", "PROJECT_ADMIN", "INSTANCE_ADMIN"]
OWNER = "lise@obs.example"


def test_ladder_of_roles() -> None:
    """Roles stand on a ladder, weakest first."""
    assert [role.name for role in Role] == LADDER
    assert [role.rank for role in Role] == list(range(6))


@pytest.mark.parametrize("needed", Role)
@pytest.mark.parametrize("role", Role)
def test_role_includes_those_below(role: Role, needed: Role) -> None:
    """A user passes when the role stands at or above the needed one, and the refusal says what is needed."""
    user = User("max@obs.example", role)
    if LADDER.index(role.name) >= LADDER.index(needed.name):
        user.require(needed, "order")
        return
    with pytest.raises(NotAllowed) as caught:
        user.require(needed, "order")
    assert str(caught.value) == (
        f"max@obs.example with role {role.name} may not order: it needs {needed.name} or a role above."
    )


@pytest.mark.parametrize("role", Role)
def test_who_reads_what_others_ordered(role: Role) -> None:
    """Only PROJECT_ADMIN and INSTANCE_ADMIN read what somebody else ordered; an owner always reads his own."""
    User(OWNER, role).require_reading(OWNER, "read order 1")
    stranger = User("max@obs.example", role)
    if role in (Role.PROJECT_ADMIN, Role.INSTANCE_ADMIN):
        stranger.require_reading(OWNER, "read order 1")
        return
    with pytest.raises(NotAllowed, match=f"max@obs.example with role {role.name} may not read order 1: only its owner"):
        stranger.require_reading(OWNER, "read order 1")


@pytest.mark.parametrize("role", Role)
def test_who_sees_everything(role: Role) -> None:
    """ADMIN and above see the whole catalogue, others what their groups and everybody may see."""
    access = User(OWNER, role, frozenset({"team"})).access
    assert access.everything is (role in (Role.ADMIN, Role.PROJECT_ADMIN, Role.INSTANCE_ADMIN))
    assert access.groups == {"team", "public"}


@pytest.mark.parametrize(
    ("access", "groups", "covered"),
    [
        (Access(), {"public"}, True),
        (Access(), {"team"}, False),
        (Access(frozenset({"team", "public"})), {"team", "other"}, True),
        (Access(frozenset({"team"})), {"public"}, False),
        (Access(frozenset(), everything=True), {"team"}, True),
        (Access(frozenset(), everything=True), set(), True),
        (Access(), set(), False),
    ],
)
def test_access_needs_a_common_group(access: Access, groups: set[str], covered: bool) -> None:
    """Something is open to whoever shares a group with it, or may see everything."""
    assert access.covers(frozenset(groups)) is covered


@pytest.mark.parametrize("email", ["", "   ", "x" * 129])
def test_email_is_bounded(email: str) -> None:
    """A user has a name of 1 to 128 characters."""
    with pytest.raises(InvalidInput) as caught:
        User(email)
    assert caught.value.faults[0].path == "$.email"
    assert "1 to 128 characters" in caught.value.message


def test_email_of_128_characters() -> None:
    """128 characters are accepted."""
    assert len(User("x" * 128).email) == 128


def test_account_defaults() -> None:
    """A new account is active."""
    assert Account(User(OWNER)).active
