"""What the catalogue counts for a selection (docs/basket.md)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from regards_order.domain.product import DataType


@attrs.frozen
class TypeCount:
    """Count the files of one data type, stored and only referenced; sizes in bytes."""

    stored_files: int = 0
    stored_bytes: int = 0
    referenced_files: int = 0
    referenced_bytes: int = 0

    @property
    def files(self) -> int:
        """Return the number of files, stored or referenced."""
        return self.stored_files + self.referenced_files

    @property
    def bytes(self) -> int:
        """Return the known bytes, stored or referenced."""
        return self.stored_bytes + self.referenced_bytes


@attrs.frozen
class Counters:
    """Count the products of a selection and their orderable files.

    Attributes:
        objects_count: products, also those without an orderable file.
        types: counts by data type; a type that is absent counts 0.
    """

    objects_count: int = 0
    types: Mapping[DataType, TypeCount] = attrs.field(factory=dict)

    @property
    def files_count(self) -> int:
        """Return the number of files."""
        return sum(count.files for count in self.types.values())

    @property
    def files_size(self) -> int:
        """Return their known bytes."""
        return sum(count.bytes for count in self.types.values())

    @property
    def quota(self) -> int:
        """Return how many of the files count on the download quota: stored raw data."""
        return self.types.get(DataType.RAWDATA, TypeCount()).stored_files


@attrs.frozen
class Summary:
    """Answer a question to the catalogue: counts in all, and for each dataset that the user may order from."""

    total: Counters = Counters()
    datasets: Mapping[str, Counters] = attrs.field(factory=dict)
