"""All ports in one hand: what a use case needs of the world, for one tenant."""

from __future__ import annotations

import attrs

from regards_order.domain.settings import Settings
from regards_order.ports.archive import Archives
from regards_order.ports.catalog import Catalog
from regards_order.ports.claims import Leases, Unrenewed
from regards_order.ports.clock import Clock
from regards_order.ports.ids import UniqueIds
from regards_order.ports.notifier import LogNotifier, Notifier
from regards_order.ports.patterns import Patterns
from regards_order.ports.quotas import Quotas, Uncounted
from regards_order.ports.sources import External
from regards_order.ports.storage import Storage
from regards_order.ports.unit_of_work import UnitOfWork


@attrs.frozen(kw_only=True)
class Ports:
    """Hold the adapters and the settings that the use cases of one tenant work with."""

    store: UnitOfWork
    catalog: Catalog
    storage: Storage
    external: External
    patterns: Patterns
    archives: Archives
    clock: Clock
    unique_ids: UniqueIds
    leases: Leases = attrs.field(factory=Unrenewed)
    quotas: Quotas = attrs.field(factory=Uncounted)
    notifier: Notifier = attrs.field(factory=LogNotifier)
    settings: Settings = Settings()
