"""What the catalogue counts."""

from __future__ import annotations

from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.product import DataType


def test_shown_numbers_of_case_8() -> None:
    """Files and bytes count references too; the quota counts stored raw data only (page 10, case 8)."""
    counters = Counters(5, {DataType.RAWDATA: TypeCount(8, 124_450, 2, 2)})
    assert (counters.objects_count, counters.files_count, counters.files_size, counters.quota) == (5, 10, 124_452, 8)


def test_quicklooks_cost_no_quota() -> None:
    """Quicklooks are counted but take nothing of the quota."""
    counters = Counters(1, {DataType.QUICKLOOK_HD: TypeCount(3, 30), DataType.QUICKLOOK_SD: TypeCount(1, 5)})
    assert (counters.files_count, counters.files_size, counters.quota) == (4, 35, 0)


def test_nothing_counts_zero() -> None:
    """A type that the catalogue does not send counts 0."""
    counters = Summary().total
    assert (counters.objects_count, counters.files_count, counters.files_size, counters.quota) == (0, 0, 0, 0)
    assert Summary().datasets == {}
