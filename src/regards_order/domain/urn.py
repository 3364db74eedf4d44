"""The names of products and datasets."""

from __future__ import annotations

import re
import uuid

import attrs

from regards_order.domain.errors import InvalidUrn

PATTERN = r"URN:[^:]+:[^:]+:[^:]+:[^:]+:(V\d{1,3}|LAST)(,\d+)?(:REV.+)?"
_URN = re.compile(
    r"URN:([^:]+):([^:]+):([^:]+):([^:]+):(?:V(\d{1,3})|LAST)(?:,(\d+))?(?::REV(.+))?", re.DOTALL | re.ASCII
)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_ENTITY_TYPES = ("DATA", "DATASET", "COLLECTION")
_MADE_HERE = uuid.UUID("5d1d4bf2-6a2f-5b0c-9d7e-2f3c1f1a6a10")


@attrs.frozen
class Urn:
    """Name one version of an entity of the catalogue.

    Attributes:
        identifier: what kind of package the entity is: ``AIP``, ``FEATURE``…
        entity_type: ``DATA`` (a product), ``DATASET`` or ``COLLECTION``.
        tenant: the project that the entity belongs to.
        id: a UUID, shared by all versions of the entity.
        version: 1 to 999; None stands for the last version, whichever it is.
        order: position among entities of one origin, if any.
        revision: free text, if any.

    The form is ``URN:<identifier>:<entityType>:<tenant>:<uuid>:<version>[,<order>][:REV<revision>]``
    (docs/catalogue.md).

    >>> Urn.parse("URN:AIP:DATA:default:35a8b1aa-7d90-3f34-bc94-646424f8cee3:V007").version
    7
    """

    identifier: str
    entity_type: str
    tenant: str
    id: uuid.UUID
    version: int | None
    order: int | None = None
    revision: str | None = None

    @classmethod
    def parse(cls, text: str) -> Urn:
        """Read a URN.

        Raises:
            InvalidUrn: *text* has another form, an unknown entity type, or no UUID in its place.
        """
        found = _URN.fullmatch(text)
        if found is None or found[2] not in _ENTITY_TYPES or len(text) > 255:
            raise InvalidUrn(text, PATTERN)
        identifier, entity_type, tenant, name, version, order, revision = found.groups()
        if _UUID.fullmatch(name) is None or (version is not None and int(version) == 0):
            raise InvalidUrn(text, PATTERN)
        return cls(
            identifier,
            entity_type,
            tenant,
            uuid.UUID(name),
            None if version is None else int(version),
            None if order is None else int(order),
            revision,
        )

    @classmethod
    def make(cls, entity_type: str, tenant: str, provider_id: str, version: int = 1) -> Urn:
        """Return the URN of an entity that came without one: the same every time for the same tenant, type and name."""
        identity = uuid.uuid5(_MADE_HERE, f"{tenant}\n{entity_type}\n{provider_id}")
        return cls("AIP", entity_type, tenant, identity, version)

    @property
    def last(self) -> Urn:
        """Return the name of the last version of the same entity."""
        return attrs.evolve(self, version=None)

    def __str__(self) -> str:
        version = "LAST" if self.version is None else f"V{self.version}"
        order = "" if self.order is None else f",{self.order}"
        revision = "" if self.revision is None else f":REV{self.revision}"
        return f"URN:{self.identifier}:{self.entity_type}:{self.tenant}:{self.id}:{version}{order}{revision}"
