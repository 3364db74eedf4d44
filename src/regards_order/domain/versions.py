"""The two names of the last version of a dataset: its URN, and the same with LAST for the version."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from regards_order.domain.errors import InvalidUrn
from regards_order.domain.urn import Urn


@attrs.frozen
class LastVersions:
    """Know which version of each dataset is the last.

    Attributes:
        urns: URN with LAST → URN of the last version.
    """

    urns: Mapping[str, str] = attrs.Factory(dict)

    @classmethod
    def of(cls, urns: Iterable[str]) -> LastVersions:
        """Return what the URNs of all datasets of a catalogue tell; among equal ones the highest version is the last.

        >>> dataset = "URN:AIP:DATASET:lab:0000000b-0000-0000-0000-00000000000b"
        >>> LastVersions.of([f"{dataset}:V1", f"{dataset}:V2"]).names(f"{dataset}:LAST")[1][-3:]
        ':V2'
        """
        highest: dict[str, Urn] = {}
        for urn in map(_read, urns):
            if urn is not None and urn.version is not None:
                known = highest.setdefault(str(urn.last), urn)
                if (known.version or 0) < urn.version:
                    highest[str(urn.last)] = urn
        return cls({last: str(urn) for last, urn in highest.items()})

    def names(self, tag: str) -> tuple[str, ...]:
        """Return *tag*, followed by its other name if it names the last version of a known dataset."""
        urn = _read(tag)
        if urn is None:
            return (tag,)
        if urn.version is None:
            other = self.urns.get(tag)
            return (tag,) if other is None else (tag, other)
        last = str(urn.last)
        return (tag, last) if self.urns.get(last) == tag else (tag,)

    def named(self, tags: Iterable[str]) -> frozenset[str]:
        """Return *tags*, and the last version of each known dataset that one of them names with LAST."""
        tags = frozenset(tags)
        return tags.union(self.urns[tag] for tag in tags if tag in self.urns)


def _read(tag: str) -> Urn | None:
    """Return the URN of a dataset, or None for any other tag."""
    if not tag.startswith("URN:"):
        return None
    try:
        urn = Urn.parse(tag)
    except InvalidUrn:
        return None
    return urn if urn.entity_type == "DATASET" else None
