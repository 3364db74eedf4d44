"""The names by which queries call the fields of products."""

from __future__ import annotations

import functools
from collections.abc import Mapping

from regards_order.domain.attributes import AttributeType, Field

_RESERVED_FRAGMENTS = frozenset({"id", "providerId", "label", "model", "files", "tags", "geometry", "properties"})
#: the fields of every product, with their types
BUILT_IN: Mapping[str, AttributeType] = {
    "id": AttributeType.STRING,
    "virtualId": AttributeType.STRING,
    "providerId": AttributeType.STRING,
    "label": AttributeType.STRING,
    "model": AttributeType.STRING,
    "tags": AttributeType.STRING_ARRAY,
    "version": AttributeType.LONG,
    "last": AttributeType.BOOLEAN,
    "rawdata": AttributeType.STRING_ARRAY,
    "datasetModelNames": AttributeType.STRING_ARRAY,
    "_creationDate": AttributeType.DATE,
    "_lastUpdate": AttributeType.DATE,
}


class FieldNames:
    """Know the names by which queries call the fields: those of docs/queries.md.

    Args:
        attributes: dotted name and type of each attribute that some product of the tenant has.
    """

    def __init__(self, attributes: Mapping[str, AttributeType]) -> None:
        self._attributes = attributes

    def find(self, name: str) -> Field | None:
        """Return the field that a query calls *name* (its escapes undone), or None when there is none.

        The names are: a built-in field; an attribute by its dotted name, with ``properties.`` or
        ``feature.properties.`` before it or without; an attribute by its short name when only one has it;
        ``productId`` for ``providerId`` when no attribute has that name.

        >>> FieldNames({"sensing.mode": AttributeType.STRING}).find("mode").name
        'sensing.mode'
        """
        if name in BUILT_IN:
            return Field.of(name, BUILT_IN[name], built_in=True)
        for prefix in ("feature.properties.", "properties."):
            if name.startswith(prefix) and (full := name[len(prefix) :]) in self._attributes:
                return self._attribute(full)
        if "." in name and name in self._attributes and name.split(".", 1)[0] not in _RESERVED_FRAGMENTS:
            return self._attribute(name)
        short = self._by_short_name.get(name, [])
        if len(short) == 1:
            return self._attribute(short[0])
        if name == "productId" and not short:
            return Field("providerId", AttributeType.STRING, True)
        return None

    def texts(self) -> tuple[Field, ...]:
        """Return all fields of type STRING: the built-in ones, then the attributes."""
        built_in = (Field.of(name, kind, built_in=True) for name, kind in BUILT_IN.items())
        fields = (*built_in, *map(self._attribute, sorted(self._attributes)))
        return tuple(field for field in fields if field.type is AttributeType.STRING)

    def _attribute(self, name: str) -> Field:
        return Field.of(name, self._attributes[name])

    @functools.cached_property
    def _by_short_name(self) -> Mapping[str, list[str]]:
        names: dict[str, list[str]] = {}
        for name in self._attributes:
            names.setdefault(name.rsplit(".", 1)[-1], []).append(name)
        return names
