"""What `Files` promises."""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import pytest

from regards_order.domain.files import DELIVERABLE, FILES, FileEvent, FileState, Moved, OrderFile
from regards_order.ports.files import FileChoice
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import StoreSuite, a_file

_MADE = {FileState.PENDING: FileState.AVAILABLE}


def _add(store: UnitOfWork, *files: OrderFile) -> None:
    with store.write() as tx:
        tx.files.add(files)


def _all(store: UnitOfWork, order_id: int = 1) -> Sequence[OrderFile]:
    with store.read() as tx:
        return tx.files.page(order_id, limit=100_000)


def _states(store: UnitOfWork) -> list[str]:
    return [file.state for file in _all(store)]


def _in_all_states() -> list[OrderFile]:
    return [a_file(number, state=state.value) for number, state in enumerate(FileState, 1)]


class FilesContract(StoreSuite):
    """Prove the `Files` of a store; override the fixture `store`."""

    def test_files_come_back_as_they_were(self, store: UnitOfWork) -> None:
        """Every field survives: unknown sizes and checksums, sizes beyond 32 bits, any script."""
        files = [
            a_file(1, size=2**40, online=True),
            a_file(2, size=None, checksum=None, digest_algorithm=None, reference=True, uri="https://ref.example/é?q=1"),
            a_file(3, size=0, download_error="Prüfsumme", state=FileState.DOWNLOAD_ERROR.value),
        ]
        _add(store, *files)
        assert list(_all(store)) == files
        assert [type(flag) for file in _all(store) for flag in (file.online, file.reference)] == [bool] * 6

    def test_rows_may_come_from_an_iterator(self, store: UnitOfWork) -> None:
        """Any iterable of plain tuples is stored; none at all is allowed."""
        with store.write() as tx:
            tx.files.add(iter([tuple(a_file(1))]))
            tx.files.add([])
        assert list(_all(store)) == [a_file(1)]

    def test_thousands_of_files_are_stored_at_once(self, store: UnitOfWork) -> None:
        """A block may be large."""
        _add(store, *(a_file(number) for number in range(1, 5001)))
        assert [file.id for file in _all(store)] == list(range(1, 5001))

    def test_pages_of_files_are_by_id(self, store: UnitOfWork) -> None:
        """Above *after*, up to and with *upto*, at most *limit*, of one order only."""
        _add(store, *(a_file(number) for number in (5, 1, 4, 2, 3)), a_file(6, order_id=2))
        with store.read() as tx:
            assert [file.id for file in tx.files.page(1, limit=10)] == [1, 2, 3, 4, 5]
            assert [file.id for file in tx.files.page(1, after=1, limit=2)] == [2, 3]
            assert [file.id for file in tx.files.page(1, after=1, upto=3, limit=10)] == [2, 3]
            assert [file.id for file in tx.files.page(1, upto=0, limit=10)] == []
            assert [file.id for file in tx.files.page(404, limit=10)] == []

    def test_pages_are_of_chosen_states(self, store: UnitOfWork) -> None:
        """Without states files of any state come; with none of them no file."""
        _add(store, *_in_all_states())
        with store.read() as tx:
            assert len(tx.files.page(1, limit=10)) == len(FileState)
            found = tx.files.page(1, states=DELIVERABLE, limit=10)
            assert {file.state for file in found} == {state.value for state in DELIVERABLE}
            assert list(tx.files.page(1, states=(), limit=10)) == []

    def test_unanswered_files_are_pending_ones_of_a_suborder(self, store: UnitOfWork) -> None:
        """By id, above *after*, at most *limit*."""
        _add(store, *_in_all_states(), a_file(20), a_file(30), a_file(25, suborder_id=2))
        with store.read() as tx:
            assert [file.id for file in tx.files.unanswered(1, limit=10)] == [1, 20, 30]
            assert [file.id for file in tx.files.unanswered(1, after=1, limit=1)] == [20]
            assert list(tx.files.unanswered(404, limit=1)) == []

    def test_the_last_id_is_the_largest(self, store: UnitOfWork) -> None:
        """Of one order; 0 when it has no files."""
        _add(store, a_file(9), a_file(3), a_file(11, order_id=2))
        with store.read() as tx:
            assert [tx.files.last_id(order_id) for order_id in (1, 2, 404)] == [9, 11, 0]

    def test_files_move_by_the_table(self, store: UnitOfWork) -> None:
        """Each state goes where the moves say; files in other states stay as they are."""
        _add(store, *_in_all_states())
        moves = FILES.moves(FileEvent.DELIVERED)
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1), moves)
        assert {(each.before, each.after) for each in moved} == set(moves.items())
        assert _states(store) == [moves.get(state, state).value for state in FileState]

    def test_a_move_reports_files_and_bytes_by_suborder_and_state(self, store: UnitOfWork) -> None:
        """Unknown sizes count 0 bytes."""
        available = FileState.AVAILABLE.value
        _add(
            store,
            a_file(1, size=2**40),
            a_file(2, size=2),
            a_file(3, size=None),
            a_file(4, suborder_id=2, size=4),
            a_file(5, suborder_id=10, size=5, state=available),
            a_file(6, order_id=2, suborder_id=3),
        )
        error = FileState.ERROR
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1), {FileState.PENDING: error, FileState.AVAILABLE: error})
        assert sorted(moved, key=lambda each: each.suborder_id) == [
            Moved(1, FileState.PENDING, error, 3, 2**40 + 2),
            Moved(2, FileState.PENDING, error, 1, 4),
            Moved(10, FileState.AVAILABLE, error, 1, 5),
        ]
        assert [file.state for file in _all(store, 2)] == ["PENDING"]

    def test_a_move_of_nothing_reports_nothing(self, store: UnitOfWork) -> None:
        """No file in these states, no moves at all, no such order: the answer is empty."""
        _add(store, a_file())
        with store.write() as tx:
            assert list(tx.files.move(FileChoice(order_id=1), {FileState.ERROR: FileState.PENDING})) == []
            assert list(tx.files.move(FileChoice(order_id=1), {})) == []
            assert list(tx.files.move(FileChoice(order_id=404), _MADE)) == []
        assert _states(store) == ["PENDING"]

    def test_a_state_may_move_to_itself(self, store: UnitOfWork) -> None:
        """A file downloaded once more is reported like any other."""
        _add(store, a_file(state=FileState.DOWNLOADED.value))
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1), FILES.moves(FileEvent.DELIVERED))
        assert list(moved) == [Moved(1, FileState.DOWNLOADED, FileState.DOWNLOADED, 1, 10)]

    def test_a_reason_is_kept_until_the_next_move(self, store: UnitOfWork) -> None:
        """The reason of a failed download is stored, replaced, and cleared by a move without one."""
        _add(
            store,
            a_file(1, state=FileState.AVAILABLE.value),
            a_file(2, state=FileState.PENDING.value, download_error="old"),
        )
        failed = FILES.moves(FileEvent.DELIVERY_FAILED)
        for reason in ("Prüfsumme", "x" * 5000):
            with store.write() as tx:
                tx.files.move(FileChoice(order_id=1), failed, reason)
            assert [file.download_error for file in _all(store)] == [reason, "old"]
        with store.write() as tx:
            tx.files.move(FileChoice(order_id=1, ids=(1,)), FILES.moves(FileEvent.DELIVERED))
        assert [file.download_error for file in _all(store)] == [None, "old"]

    def test_a_choice_joins_its_parts_by_and(self, store: UnitOfWork) -> None:
        """Order, suborder, ids and checksums must all agree."""
        _add(store, a_file(1), a_file(2), a_file(3, suborder_id=2), a_file(4, order_id=2))
        checksums = [f"{number:032x}" for number in (2, 3, 4)]
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1, suborder_id=1, ids=(1, 2, 3, 4), checksums=checksums), _MADE)
        assert [(each.suborder_id, each.files) for each in moved] == [(1, 1)]
        assert _states(store) == ["PENDING", "AVAILABLE", "PENDING"]

    def test_files_move_into_another_suborder(self, store: UnitOfWork) -> None:
        """Those that move are taken over, without their old reason; the answer names the suborders they left."""
        error, failed = FileState.ERROR, FileState.DOWNLOAD_ERROR
        _add(
            store,
            a_file(1, state=error.value, download_error="lost"),
            a_file(2, suborder_id=2, state=failed.value, size=2**40, download_error="cut"),
            a_file(3),
            a_file(4, state=error.value),
            a_file(5, order_id=2, suborder_id=3, state=error.value),
        )
        with store.write() as tx:
            choice = FileChoice(order_id=1, ids=(1, 2, 3, 5))
            moved = tx.files.move(choice, FILES.moves(FileEvent.RETRIED), into=7)
            assert [file.id for file in tx.files.unanswered(7, limit=9)] == [1, 2]
        assert sorted(moved, key=lambda each: each.suborder_id) == [
            Moved(1, error, FileState.PENDING, 1, 10),
            Moved(2, failed, FileState.PENDING, 1, 2**40),
        ]
        assert [(file.suborder_id, file.state, file.download_error) for file in _all(store)] == [
            (7, "PENDING", None),
            (7, "PENDING", None),
            (1, "PENDING", None),
            (1, "ERROR", None),
        ]
        assert [file.suborder_id for file in _all(store, 2)] == [3]

    def test_files_of_one_suborder_move_into_another(self, store: UnitOfWork) -> None:
        """A choice by suborder looks at the one that the files were in; a move of none takes none over."""
        _add(store, a_file(1), a_file(2, suborder_id=2), a_file(3))
        with store.write() as tx:
            choice = FileChoice(order_id=1, suborder_id=1)
            assert list(tx.files.move(choice, {FileState.ERROR: FileState.PENDING}, into=9)) == []
            moved = tx.files.move(choice, _MADE, "why", into=2)
        assert list(moved) == [Moved(1, FileState.PENDING, FileState.AVAILABLE, 2, 20)]
        assert [(file.suborder_id, file.download_error) for file in _all(store)] == [(2, "why"), (2, None), (2, "why")]

    @pytest.mark.parametrize("part", ["ids", "checksums"])
    def test_choosing_among_nothing_chooses_nothing(self, store: UnitOfWork, part: str) -> None:
        """An empty list is not the same as None."""
        _add(store, a_file())
        choice = FileChoice(
            order_id=1, ids=() if part == "ids" else None, checksums=() if part == "checksums" else None
        )
        with store.write() as tx:
            assert list(tx.files.move(choice, _MADE)) == []

    def test_thousands_of_files_are_chosen_at_once(self, store: UnitOfWork) -> None:
        """Ids come as any sequence of integers, known or not, twice or once."""
        _add(store, *(a_file(number) for number in range(1, 3001)))
        ids = array("q", [*range(2, 50_000, 2), 2, 4])
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1, ids=ids), _MADE)
        assert [each.files for each in moved] == [1500]
        assert _states(store)[:4] == ["PENDING", "AVAILABLE", "PENDING", "AVAILABLE"]

    def test_thousands_of_checksums_are_chosen_at_once(self, store: UnitOfWork) -> None:
        """Files that share a checksum move together; those without one are never chosen by it."""
        _add(store, a_file(1), a_file(2, checksum=f"{1:032x}"), a_file(3, checksum=None))
        checksums = [f"{number:032x}" for number in range(40_000)]
        with store.write() as tx:
            moved = tx.files.move(FileChoice(order_id=1, checksums=checksums), _MADE)
        assert [each.files for each in moved] == [2]

    def test_erasing_files_spares_other_orders(self, store: UnitOfWork) -> None:
        """Only the files of one order are erased; erasing none is harmless."""
        _add(store, a_file(1), a_file(2, order_id=2), a_file(3))
        with store.write() as tx:
            tx.files.erase(1)
            tx.files.erase(404)
        assert (list(_all(store)), [file.id for file in _all(store, 2)]) == ([], [2])
