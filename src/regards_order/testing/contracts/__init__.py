"""Contract suites: one subclass with its fixtures proves an adapter (needs pytest).

Each port has a class; `StoreContract` is the sum of all that a unit of work reaches.  A suite is run by a subclass
whose name begins with ``Test`` and that overrides the fixtures its base class names:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self):
            return MyStore()
"""

from __future__ import annotations

import pytest

_SUITES = (
    "archive",
    "baskets",
    "catalog",
    "clock",
    "external",
    "files",
    "ids",
    "orders",
    "outbox",
    "patterns",
    "quotas",
    "slots",
    "tenant_settings",
)
pytest.register_assert_rewrite(
    *(f"{__name__}.{suite}" for suite in (*_SUITES, "storage", "store", "suborders", "unit_of_work", "users"))
)

from regards_order.testing.contracts.answers import AnswersContract  # noqa: E402
from regards_order.testing.contracts.archive import ArchivesContract  # noqa: E402 -- after its asserts were announced
from regards_order.testing.contracts.baskets import BasketsContract  # noqa: E402
from regards_order.testing.contracts.catalog import CatalogContract  # noqa: E402
from regards_order.testing.contracts.claims import ClaimsContract  # noqa: E402
from regards_order.testing.contracts.clock import ClockContract, UniqueIdsContract  # noqa: E402
from regards_order.testing.contracts.external import ExternalContract, ExternalSetup  # noqa: E402
from regards_order.testing.contracts.files import FilesContract  # noqa: E402
from regards_order.testing.contracts.ids import IdBlocksContract  # noqa: E402
from regards_order.testing.contracts.listings import ListingsContract  # noqa: E402
from regards_order.testing.contracts.orders import OrdersContract  # noqa: E402
from regards_order.testing.contracts.outbox import OutboxContract  # noqa: E402
from regards_order.testing.contracts.patterns import PatternsContract  # noqa: E402
from regards_order.testing.contracts.quotas import QuotasContract  # noqa: E402
from regards_order.testing.contracts.slots import SlotsContract  # noqa: E402
from regards_order.testing.contracts.storage import StorageContract, StorageSetup  # noqa: E402
from regards_order.testing.contracts.store import StoreContract  # noqa: E402
from regards_order.testing.contracts.suborders import SubordersContract  # noqa: E402
from regards_order.testing.contracts.tenant_settings import TenantSettingsContract  # noqa: E402
from regards_order.testing.contracts.unit_of_work import UnitOfWorkContract  # noqa: E402
from regards_order.testing.contracts.users import UsersContract  # noqa: E402

__all__ = [
    "AnswersContract",
    "ArchivesContract",
    "BasketsContract",
    "CatalogContract",
    "ClaimsContract",
    "ClockContract",
    "ExternalContract",
    "ExternalSetup",
    "FilesContract",
    "IdBlocksContract",
    "ListingsContract",
    "OrdersContract",
    "OutboxContract",
    "PatternsContract",
    "QuotasContract",
    "SlotsContract",
    "StorageContract",
    "StorageSetup",
    "StoreContract",
    "SubordersContract",
    "TenantSettingsContract",
    "UniqueIdsContract",
    "UnitOfWorkContract",
    "UsersContract",
]
