"""Who asks: users, the ladder of roles, and what a user may see of the catalogue."""

from __future__ import annotations

import enum

import attrs

from regards_order.domain.errors import InvalidInput, NotAllowed, NotManager
from regards_order.domain.product import PUBLIC
from regards_order.domain.text import text_faults


class Role(enum.Enum):
    """Say what a user may do; each role may do all that the roles before it may."""

    PUBLIC = "PUBLIC"  #: anybody
    REGISTERED_USER = "REGISTERED_USER"  #: orders and downloads
    EXPLOIT = "EXPLOIT"  #: looks after the service: sees all orders
    ADMIN = "ADMIN"  #: manages orders and settings
    PROJECT_ADMIN = "PROJECT_ADMIN"  #: also reads and downloads what others ordered
    INSTANCE_ADMIN = "INSTANCE_ADMIN"  #: also removes orders for good

    @property
    def rank(self) -> int:
        """Return the place on the ladder, counted from 0."""
        return list(Role).index(self)


@attrs.frozen
class Access:
    """Say which products somebody may order: those with one of *groups*, or with *everything* all of them."""

    groups: frozenset[str] = PUBLIC
    everything: bool = False

    def covers(self, groups: frozenset[str]) -> bool:
        """Return whether something open to *groups* is open to this user."""
        return self.everything or not self.groups.isdisjoint(groups)


@attrs.frozen
class User:
    """Name somebody who uses the service.

    Attributes:
        email: login, at most 128 characters.
        role: place on the ladder.
        groups: access groups; everybody is also in ``public``.
        service: True for another service of the platform: it may call everything and is nobody's owner.
    """

    email: str
    role: Role = Role.REGISTERED_USER
    groups: frozenset[str] = PUBLIC
    service: bool = False

    def __attrs_post_init__(self) -> None:
        faults = [*text_faults("$.email", self.email, limit=128)]
        for group in sorted(self.groups):
            faults += text_faults("$.groups", group, limit=128)
        if faults:
            raise InvalidInput(tuple(faults))

    @property
    def access(self) -> Access:
        """Return what this user may see of the catalogue: administrators everything (docs/catalogue.md)."""
        return Access(self.groups | PUBLIC, self.role.rank >= Role.ADMIN.rank)

    def require(self, role: Role, action: str) -> None:
        """Refuse an *action* that needs *role*.

        Raises:
            NotAllowed: this user's role stands below it.
        """
        if self.role.rank < role.rank and not self.service:
            raise NotAllowed(self.email, self.role.name, action, f"it needs {role.name} or a role above")

    def require_owning(self, action: str) -> None:
        """Refuse an *action* that makes somebody the owner of a basket or an order.

        Raises:
            NotAllowed: this user is another service, or the public one.
        """
        if self.service:
            raise NotAllowed(self.email, self.role.name, action, "another service owns nothing")
        self.require(Role.REGISTERED_USER, action)

    def require_managing(self, owner: str, action: str) -> None:
        """Refuse an *action* that changes what *owner* ordered.

        Raises:
            NotManager: this user is neither the owner nor ADMIN or above.
        """
        owned = self.email == owner and not self.service
        if not owned and self.role.rank < Role.ADMIN.rank:
            raise NotManager(self.email, self.role.name, action)

    def require_reading(self, owner: str, action: str) -> None:
        """Refuse an *action* on what *owner* ordered.

        Raises:
            NotAllowed: this user is neither the owner nor PROJECT_ADMIN or INSTANCE_ADMIN.
        """
        owned = self.email == owner and not self.service
        if not owned and self.role.rank < Role.PROJECT_ADMIN.rank:
            raise NotAllowed(self.email, self.role.name, action, "only its owner, PROJECT_ADMIN and INSTANCE_ADMIN may")


@attrs.frozen
class Account:
    """Hold an entry of the user directory.

    Attributes:
        user: who it is.
        active: False for somebody who may not order any more.
    """

    user: User
    active: bool = True
