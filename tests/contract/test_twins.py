"""The twins in memory keep the contracts of their ports."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import pytest

from regards_order.domain.errors import SourceUnreachable
from regards_order.ports.archive import Archives
from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds
from regards_order.ports.patterns import Patterns
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing import (
    CountedIds,
    ManualClock,
    MemoryCatalog,
    MemoryExternal,
    MemoryQuotas,
    MemoryStorage,
    MemoryStore,
    RePatterns,
    ZipfileArchives,
)
from regards_order.testing.contracts import (
    ArchivesContract,
    CatalogContract,
    ClockContract,
    ExternalContract,
    ExternalSetup,
    PatternsContract,
    QuotasContract,
    StorageContract,
    StorageSetup,
    StoreContract,
    UniqueIdsContract,
)


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self) -> UnitOfWork:
        return MemoryStore()

    @pytest.fixture
    def neighbour(self) -> UnitOfWork:
        return MemoryStore()


class TestMemoryCatalog(CatalogContract):
    @pytest.fixture
    def make_catalog(self) -> type[MemoryCatalog]:
        return MemoryCatalog


class TestMemoryStorage(StorageContract):
    @pytest.fixture
    def set_up(self) -> Callable[[Mapping[str, bytes], Collection[str]], StorageSetup]:
        def set_up(contents: Mapping[str, bytes], nearline: Collection[str]) -> StorageSetup:
            storage = MemoryStorage(dict(contents))
            storage.held.update(nearline)
            return StorageSetup(storage, storage.held.clear, lambda: setattr(storage, "down", True))

        return set_up


class TestMemoryExternal(ExternalContract):
    @pytest.fixture
    def set_up(self) -> Callable[[Mapping[str, bytes]], ExternalSetup]:
        def set_up(contents: Mapping[str, bytes]) -> ExternalSetup:
            base, dead = "https://ref.example/", "https://dead.example/"
            published: dict[str, bytes | Exception] = {base + path: data for path, data in contents.items()}
            return ExternalSetup(MemoryExternal({**published, dead: SourceUnreachable("no answer")}), base, dead)

        return set_up


class TestMemoryQuotas(QuotasContract):
    @pytest.fixture
    def seconds(self) -> list[float]:
        return [1000.0]

    @pytest.fixture
    def quotas(self, seconds: list[float]) -> MemoryQuotas:
        return MemoryQuotas(lambda: seconds[-1])

    @pytest.fixture
    def neighbour(self) -> MemoryQuotas:
        return MemoryQuotas()

    @pytest.fixture
    def later(self, seconds: list[float]) -> Callable[[], object]:
        return lambda: seconds.append(seconds[-1] + 60)


class TestRePatterns(PatternsContract):
    @pytest.fixture
    def patterns(self) -> Patterns:
        return RePatterns()


class TestZipfileArchives(ArchivesContract):
    @pytest.fixture
    def archives(self) -> Archives:
        return ZipfileArchives()


class TestManualClock(ClockContract):
    @pytest.fixture
    def clock(self) -> Clock:
        return ManualClock()


class TestCountedIds(UniqueIdsContract):
    @pytest.fixture
    def unique_ids(self) -> UniqueIds:
        return CountedIds()
