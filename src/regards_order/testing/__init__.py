"""Twins of all ports in memory, for tests and for trying things out; public, and tested like everything else.

Strategies (`regards_order.testing.strategies`), contract suites (`regards_order.testing.contracts`) and the state
machine (`regards_order.testing.machine`) are modules of their own: they need hypothesis and pytest (extra ``testing``).
"""

from __future__ import annotations

from regards_order.application.ordering import Ordering
from regards_order.domain.settings import Settings
from regards_order.ports.catalog import Catalog
from regards_order.testing.memory_catalog import MemoryCatalog
from regards_order.testing.memory_notifier import MemoryNotifier
from regards_order.testing.memory_quotas import MemoryQuotas
from regards_order.testing.memory_storage import (
    BytesSource,
    CountedIds,
    ManualClock,
    MemoryExternal,
    MemoryStorage,
    RePatterns,
    ZipfileArchives,
)
from regards_order.testing.memory_store import MemoryStore
from regards_order.testing.samples import make_dataset, make_file, make_product

__all__ = [
    "BytesSource",
    "CountedIds",
    "ManualClock",
    "MemoryCatalog",
    "MemoryExternal",
    "MemoryNotifier",
    "MemoryQuotas",
    "MemoryStorage",
    "MemoryStore",
    "RePatterns",
    "ZipfileArchives",
    "in_memory",
    "make_dataset",
    "make_file",
    "make_product",
]


def in_memory(
    catalog: Catalog | None = None,
    contents: dict[str, bytes] | None = None,
    *,
    clock: ManualClock | None = None,
    settings: Settings | None = None,
) -> Ordering:
    """Return an ordering domain that lives in memory.

    Args:
        catalog: what can be ordered.
        contents: URI → bytes of stored files.
        clock: business time; stands still unless advanced.
        settings: limits.
    """
    return Ordering(
        store=MemoryStore(),
        catalog=catalog or MemoryCatalog(),
        storage=MemoryStorage(contents),
        external=MemoryExternal(),
        patterns=RePatterns(),
        archives=ZipfileArchives(),
        clock=clock or ManualClock(),
        unique_ids=CountedIds(),
        notifier=MemoryNotifier(),
        quotas=MemoryQuotas(),
        settings=settings or Settings(),
    )
