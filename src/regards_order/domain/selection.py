"""What a user picks: search requests and file filters (docs/basket.md)."""

from __future__ import annotations

import datetime as dt
import enum
import reprlib
from collections.abc import Callable, Iterable, Mapping

import attrs

from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.product import ORDERABLE, QUICKLOOKS, DataType
from regards_order.domain.text import is_unicode

ID_LIMIT = 1000

NameMatcher = Callable[[str], bool]


@attrs.frozen
class SelectionRequest:
    """Ask for products; all parts are joined by AND.

    Attributes:
        search_parameters: name → values of the search engine's parameters; ``q`` is a Lucene query.
        dataset_urn: only products of this dataset.
        include: only these products (URNs); None = any.
        exclude: not these products (URNs).
        engine_type: the search engine that understands the parameters.
        selection_date: only products that entered the catalogue strictly before (UTC); set when added to a basket.

    >>> SelectionRequest.of("cloud_cover:[0 TO 20]").query
    'cloud_cover:[0 TO 20]'
    """

    search_parameters: Mapping[str, tuple[str | None, ...]] | None = None
    dataset_urn: str | None = None
    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    engine_type: str = "legacy"
    selection_date: dt.datetime | None = None

    @classmethod
    def of(cls, query: str | None = None, *, dataset: str | None = None) -> SelectionRequest:
        """Return the request for a Lucene *query*, in one *dataset* if given; without either, for everything."""
        return cls({"q": (query,)} if query is not None else None, dataset)

    @property
    def query(self) -> str | None:
        """Return the Lucene query, or None when there is none."""
        return self.parameter("q")

    def parameter(self, name: str) -> str | None:
        """Return the value of one search parameter; null and empty values mean "not given".

        Raises:
            InvalidInput: several values are given.
        """
        values = [value for value in (self.search_parameters or {}).get(name, ()) if value]
        if len(values) > 1:
            path = f"$.searchParameters.{name}"
            raise InvalidInput((Fault(path, f"{len(values)} values are given; one is expected"),))
        return values[0] if values else None

    def check(self) -> None:
        """Refuse a request that no catalogue can answer.

        Raises:
            InvalidInput: naming every fault: no engine, or more than 1,000 ids to include or to exclude.
        """
        faults = []
        if not self.engine_type.strip():
            faults.append(Fault("$.engineType", "Engine type may not be empty"))
        for word, ids in (("include", self.include), ("exclude", self.exclude)):
            if ids is not None and len(ids) > ID_LIMIT:
                detail = (
                    f"Number of entity ids to {word} in one request must be between 0 and {ID_LIMIT}, not {len(ids)}"
                )
                faults.append(Fault(f"$.entityIdsTo{word.capitalize()}", detail))
        faults += self._half_characters()
        if faults:
            raise InvalidInput(tuple(faults))

    def _half_characters(self) -> list[Fault]:
        texts = [(f"$.searchParameters.{name}", values) for name, values in (self.search_parameters or {}).items()]
        texts += [
            ("$.datasetUrn", (self.dataset_urn,)),
            ("$.entityIds", (*(self.include or ()), *(self.exclude or ()))),
        ]
        wrong = [path for path, values in texts if not all(is_unicode(value) for value in values if value)]
        faults = [Fault(path, "holds half a character (a lone surrogate)") for path in wrong]
        ids = (*(self.include or ()), *(self.exclude or ()))
        if any("\0" in each for each in ids):
            faults.append(Fault("$.entityIds", "holds a NUL character; URNs are expected"))
        return faults


class FileTypes(enum.Enum):
    """Name the groups of data types that a file filter knows."""

    RAWDATA = "RAWDATA"  #: the data themselves
    QUICKLOOK = "QUICKLOOK"  #: quicklooks of all three sizes

    @property
    def data_types(self) -> frozenset[DataType]:
        """Return the data types of the group."""
        return QUICKLOOKS if self is FileTypes.QUICKLOOK else frozenset({DataType.RAWDATA})


@attrs.frozen
class FileFilter:
    """Keep only some files of the products of a dataset, when the order is made.

    Attributes:
        file_types: groups to keep; empty = all.
        name_pattern: regular expression that must match the whole file name, case-sensitive; blank = any name.
    """

    file_types: frozenset[FileTypes] = frozenset()
    name_pattern: str | None = None

    @classmethod
    def of(cls, file_types: Iterable[str] = (), name_pattern: str | None = None) -> FileFilter:
        """Return the filter of groups that are given by their names.

        Raises:
            InvalidInput: naming every group that there is not.
        """
        names, known = list(file_types), {group.value for group in FileTypes}
        faults = [
            Fault(
                f"$.fileTypes[{index}]",
                f"{reprlib.repr(name)} is no type of files; expected {' or '.join(sorted(known))}",
            )
            for index, name in enumerate(names)
            if name not in known
        ]
        if faults:
            raise InvalidInput(tuple(faults[:ID_LIMIT]))
        return cls(frozenset(map(FileTypes, names)), name_pattern)

    @property
    def data_types(self) -> frozenset[DataType]:
        """Return the orderable data types that pass."""
        kept = [types.data_types for types in self.file_types]
        return frozenset().union(*kept) if kept else ORDERABLE

    @property
    def pattern(self) -> str | None:
        """Return the pattern that file names must match, or None for any name."""
        return self.name_pattern if self.name_pattern and self.name_pattern.strip() else None
