"""What `IdBlocks` promises."""

from __future__ import annotations

from threading import Thread

import pytest

from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import StoreSuite


class IdBlocksContract(StoreSuite):
    """Prove the `IdBlocks` of a store; override the fixture `store`."""

    def test_numbers_are_consecutive_and_from_1_up(self, store: UnitOfWork) -> None:
        """A block has as many numbers as were asked for, without a gap, the first of all at 1 or above."""
        with store.write() as tx:
            block = tx.ids.block("order_file", 5)
        assert list(block) == list(range(block[0], block[0] + 5))
        assert block[0] >= 1

    def test_blocks_do_not_overlap(self, store: UnitOfWork) -> None:
        """A number is given once, within a transaction and after it."""
        given: list[int] = []
        for size in (1, 1000, 1, 3):
            with store.write() as tx:
                given += [*tx.ids.block("order", size), *tx.ids.block("order", size)]
        assert len(set(given)) == len(given) == 2010

    def test_numbers_grow(self, store: UnitOfWork) -> None:
        """A later block lies above an earlier one."""
        with store.write() as tx:
            first, second = tx.ids.block("order", 3), tx.ids.block("order", 2)
        assert first[-1] < second[0]

    def test_kinds_count_for_themselves(self, store: UnitOfWork) -> None:
        """Each kind of entity has numbers of its own, from its first one on."""
        with store.write() as tx:
            tx.ids.block("order_file", 1000)
            assert tx.ids.block("suborder", 1)[0] <= 1000

    def test_a_failed_transaction_gives_no_number_twice_to_those_that_succeed(self, store: UnitOfWork) -> None:
        """After a rollback numbers may be missing, never double."""
        given: list[int] = []
        for attempt in range(4):
            try:
                with store.write() as tx:
                    block = tx.ids.block("order", 2)
                    if attempt % 2:
                        raise KeyError
            except KeyError:
                continue
            given += block
        assert len(set(given)) == len(given) == 4

    def test_threads_get_different_numbers(self, store: UnitOfWork) -> None:
        """Whoever asks at the same time gets other numbers."""
        given: list[int] = []

        def take() -> None:
            for _ in range(5):
                with store.write() as tx:
                    given.extend(tx.ids.block("order", 3))

        threads = [Thread(target=take) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(given)) == len(given) == 60

    @pytest.mark.parametrize("kind", ["order", "suborder", "order_file", "basket", "dataset_selection", "dataset_task"])
    def test_every_kind_that_the_use_cases_need_is_known(self, store: UnitOfWork, kind: str) -> None:
        """No kind has to be announced."""
        with store.write() as tx:
            assert len(tx.ids.block(kind, 2)) == 2
