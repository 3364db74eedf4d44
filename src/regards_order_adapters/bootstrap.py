"""Put everything together: the only place that knows core and adapters alike."""

from __future__ import annotations

from collections.abc import Callable
from threading import RLock
from types import TracebackType
from typing import Any

import attrs
import sqlalchemy as sa

from regards_order.application.ordering import Ordering
from regards_order.domain.errors import Fault, InvalidInput, OrderingError
from regards_order.ports.clock import Clock
from regards_order.ports.sources import External
from regards_order_adapters.catalog.read_ahead import ReadAhead
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.config import PREFIX, Config, WrongConfiguration
from regards_order_adapters.delivery.zip import ZipArchives
from regards_order_adapters.mail.build import make_notifier
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.engine import make_engine
from regards_order_adapters.sql.migrate import check, migrate
from regards_order_adapters.sql.quotas import SqlQuotas
from regards_order_adapters.sql.unit_of_work import SqlStore
from regards_order_adapters.storage.external import HttpExternal
from regards_order_adapters.storage.files import FileStorage, ensure_folder
from regards_order_adapters.storage.network import parse_hosts, parse_proxy
from regards_order_adapters.system import RandomIds, SystemClock
from regards_order_adapters.worker.leases import RenewedLeases
from regards_order_adapters.worker.loop import Worker


@attrs.define
class Service:
    """Hold an open database and what works on it.

    Attributes:
        config: how it was opened.
        engine: the database.
        clock: business time.
        external: files that the data centre only references.
    """

    config: Config
    engine: sa.Engine
    clock: Clock
    external: External
    _stores: dict[str, SqlStore] = attrs.field(factory=dict, init=False)
    _orderings: dict[str, Ordering] = attrs.field(factory=dict, init=False)
    _storages: dict[str, FileStorage] = attrs.field(factory=dict, init=False)
    _leases: list[RenewedLeases | SqlQuotas] = attrs.field(factory=list, init=False)
    _lock: RLock = attrs.field(factory=RLock, init=False)

    def store(self, tenant: str) -> SqlStore:
        """Return the store of a configured tenant.

        Raises:
            WrongConfiguration: the tenant is not configured.
        """
        if tenant not in self.config.tenants:
            known = ", ".join(self.config.tenants)
            raise WrongConfiguration((Fault(PREFIX + "TENANTS", f'"{known}" does not name the tenant "{tenant}"'),))
        with self._lock:
            if tenant not in self._stores:
                self._stores[tenant] = SqlStore(self.engine, tenant)
            return self._stores[tenant]

    def ordering(self, tenant: str) -> Ordering:
        """Return all use cases of a configured tenant.

        Raises:
            WrongConfiguration: the tenant is not configured.
        """
        with self._lock:
            if tenant not in self._orderings:
                store = self.store(tenant)
                self._storages[tenant] = self._storage(store)
                self._orderings[tenant] = self._make_ordering(tenant, store, self._storages[tenant])
            return self._orderings[tenant]

    def worker(self) -> Worker:
        """Return a worker for all tenants, not started yet."""
        return Worker([self.ordering(tenant) for tenant in self.config.tenants])

    def ready(self) -> list[str]:
        """Return why the service could not work now: its database, the schema, a storage; nothing when it could."""
        try:
            check(self.engine)
        except OrderingError as error:
            return [error.message]
        reasons = []
        for tenant in self.config.tenants:
            try:
                self.ordering(tenant)
                self._storages[tenant].check()
            except OrderingError as error:
                reasons.append(f"{tenant}: {error.message}")
        return reasons

    def _make_ordering(self, tenant: str, store: SqlStore, storage: FileStorage) -> Ordering:
        config = self.config
        leases = RenewedLeases(store, config.settings.lease_seconds)
        quotas = SqlQuotas(store)
        self._leases += [leases, quotas]
        return Ordering(
            store=store,
            leases=leases,
            catalog=ReadAhead(SqlCatalog(store, Re2Patterns())),
            storage=storage,
            external=self.external,
            patterns=Re2Patterns(),
            archives=ZipArchives(),
            clock=self.clock,
            unique_ids=RandomIds(),
            quotas=quotas,
            notifier=make_notifier(config, tenant, self.clock, RandomIds()),
            settings=config.settings,
        )

    def _storage(self, store: SqlStore) -> FileStorage:
        root, delay = self.config.storage_root, self.config.storage_nearline_seconds
        try:
            ensure_folder(root)
            return FileStorage(store, self.clock, root, nearline_seconds=delay)
        except (ValueError, ImportError, OSError) as error:
            raise WrongConfiguration((Fault(PREFIX + "STORAGE_ROOT", f'"{root}" cannot be used: {error}'),)) from error

    def close(self) -> None:
        """Give back what is still claimed, and let go of the database."""
        for leases in self._leases:
            leases.close()
        self.engine.dispose()

    def __enter__(self) -> Service:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_service(config: Config, clock: Clock | None = None) -> Service:
    """Open the database of a configuration; SQLite is migrated first, PostgreSQL has to be.

    Raises:
        SchemaTooOld: a database other than SQLite has to be migrated first.
        SchemaTooNew: the database was migrated by a newer program.
        DatabaseUnusable: it cannot be opened.
        WrongConfiguration, InvalidInput: the configuration cannot be used.
    """
    external = _external(config)
    engine = open_database(config)
    try:
        (migrate if engine.dialect.name == "sqlite" else check)(engine)
    except BaseException:
        engine.dispose()
        raise
    return Service(config, engine, clock or SystemClock(), external)


def open_database(config: Config) -> sa.Engine:
    """Return the engine of the configured database, as it is.

    Raises:
        WrongConfiguration: the URL cannot be used.
    """
    try:
        return make_engine(config.database_url)
    except InvalidInput as error:
        raise WrongConfiguration(tuple(Fault(PREFIX + "DATABASE_URL", each.detail) for each in error.faults)) from None


def _external(config: Config) -> HttpExternal:
    """Return the fetcher of references; what it cannot read is a fault of one variable."""
    parts: tuple[tuple[str, Any, Callable[[Any], object]], ...] = (
        ("EXTERNAL_ALLOW", config.external_allow, parse_hosts),
        ("HTTP_PROXY", config.http_proxy, parse_proxy),
        ("HTTP_NO_PROXY", config.http_no_proxy, parse_hosts),
    )
    for name, value, parse in parts:
        try:
            parse(value)
        except ValueError as error:
            raise WrongConfiguration((Fault(PREFIX + name, str(error)),)) from None
    return HttpExternal(config.external_allow, config.http_proxy, config.http_no_proxy)
