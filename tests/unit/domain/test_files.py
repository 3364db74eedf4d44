"""Files of an order: rows, and counts that change by differences."""

from __future__ import annotations

import attrs
import pytest

from regards_order.domain.files import FileCounts, FileState, Moved, OrderFile
from regards_order.domain.product import CatalogFile

S = FileState


def test_row_ends_with_the_fields_of_the_catalogue() -> None:
    """The last nine fields of a file's row are those of the catalogue's row, in its order."""
    assert OrderFile._fields[-9:] == CatalogFile._fields


@pytest.mark.parametrize("state", FileState)
def test_counts_of_one_state(state: FileState) -> None:
    """Files are counted under their state; only PENDING ones have bytes to come."""
    counts = FileCounts.of(state, 3, 30)
    assert attrs.asdict(counts) == {
        **dict.fromkeys(("pending", "available", "downloaded", "download_error", "processing_error", "error"), 0),
        state.name.lower(): 3,
        "bytes_known": 30,
        "bytes_pending": 30 if state is S.PENDING else 0,
    }
    assert counts.total == 3
    assert counts.in_error == (3 if state in (S.ERROR, S.PROCESSING_ERROR) else 0)


def test_counts_add_up_field_by_field() -> None:
    """Counts are added field by field, negative ones too."""
    assert FileCounts(*range(8)) + FileCounts(*range(10, 90, 10)) == FileCounts(10, 21, 32, 43, 54, 65, 76, 87)
    assert FileCounts(1) + FileCounts(-1) == FileCounts()


def test_change_of_moved_files() -> None:
    """Moves take away from one state and add to another; the known bytes stay the same."""
    moved = [
        Moved(1, S.PENDING, S.AVAILABLE, 3, 30),
        Moved(1, S.PENDING, S.ERROR, 1, 5),
        Moved(2, S.AVAILABLE, S.DOWNLOADED, 2, 20),
        Moved(2, S.DOWNLOADED, S.DOWNLOADED, 7, 70),
    ]
    assert FileCounts.change(moved) == FileCounts(pending=-4, available=1, downloaded=2, error=1, bytes_pending=-35)
    assert FileCounts.change([]) == FileCounts()


@pytest.mark.parametrize(
    ("counts", "percent"),
    [
        (FileCounts(), 100),
        (FileCounts(pending=1, bytes_known=10, bytes_pending=10), 0),
        (FileCounts(pending=1, error=1, bytes_known=100_000, bytes_pending=1), 99),
        (FileCounts(pending=1, available=1, bytes_known=3, bytes_pending=2), 33),
        (FileCounts(pending=1, bytes_known=0, bytes_pending=0), 0),
        (FileCounts(pending=1, available=1, bytes_known=10, bytes_pending=0), 99),
        (FileCounts(available=1, bytes_known=10), 100),
        (FileCounts(error=4, bytes_known=10), 100),
        (FileCounts(processing_error=1, download_error=1, downloaded=1, bytes_known=10), 100),
        (FileCounts(available=3), 100),
        (FileCounts(pending=1, error=1, bytes_known=3_000_171, bytes_pending=500_045), 83),
    ],
)
def test_percent_is_a_share_of_bytes(counts: FileCounts, percent: int) -> None:
    """The percentage is cut, counts bytes and not files, and is 100 only when no file is PENDING (page 20, 8.2)."""
    assert counts.percent == percent
