"""All suites of a store in one."""

from __future__ import annotations

from collections import Counter

from regards_order.testing.contracts.answers import AnswersContract
from regards_order.testing.contracts.baskets import BasketsContract
from regards_order.testing.contracts.claims import ClaimsContract
from regards_order.testing.contracts.files import FilesContract
from regards_order.testing.contracts.ids import IdBlocksContract
from regards_order.testing.contracts.listings import ListingsContract
from regards_order.testing.contracts.orders import OrdersContract
from regards_order.testing.contracts.outbox import OutboxContract
from regards_order.testing.contracts.slots import SlotsContract
from regards_order.testing.contracts.suborders import SubordersContract
from regards_order.testing.contracts.tenant_settings import TenantSettingsContract
from regards_order.testing.contracts.unit_of_work import UnitOfWorkContract
from regards_order.testing.contracts.users import UsersContract


class StoreContract(
    UnitOfWorkContract,
    IdBlocksContract,
    BasketsContract,
    OrdersContract,
    SubordersContract,
    SlotsContract,
    FilesContract,
    AnswersContract,
    ClaimsContract,
    ListingsContract,
    OutboxContract,
    UsersContract,
    TenantSettingsContract,
):
    """Prove a `UnitOfWork` with all its repositories; override the fixtures `store` and, for tenants, `neighbour`."""

    def test_no_suite_hides_a_rule_of_another_one(self) -> None:
        """Every rule of every suite has a name of its own: one of two with the same name would never be run."""
        suites = StoreContract.__bases__
        names = Counter(name for suite in suites for name in vars(suite) if name.startswith("test_"))
        assert [name for name, times in names.items() if times > 1] == []
