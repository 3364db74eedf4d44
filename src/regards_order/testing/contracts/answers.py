"""What `Answers` promises."""

from __future__ import annotations

import pytest

from regards_order.domain.errors import NotFound
from regards_order.ports.storage import Answer
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import StoreSuite, a_suborder, an_order, put_order

_YES, _NO = Answer("b", True), Answer("b", False, "gone")


def _put(store: UnitOfWork, *answers: Answer) -> None:
    with store.write() as tx:
        put_order(tx, an_order(), a_suborder(1), a_suborder(2))
        for answer in answers:
            tx.answers.put(1, [answer])


class AnswersContract(StoreSuite):
    """Prove the `Answers` of a store; override the fixture `store`."""

    def test_answers_are_kept_by_checksum(self, store: UnitOfWork) -> None:
        """Each suborder has its own, sorted by checksum."""
        _put(store)
        with store.write() as tx:
            tx.answers.put(1, [_NO, Answer("a", True), Answer("A", True)])
            tx.answers.put(2, [_YES])
            tx.answers.put(2, [])
        with store.read() as tx:
            assert list(tx.answers.of(1)) == [Answer("A", True), Answer("a", True), _NO]
            assert list(tx.answers.of(2)) == [_YES]
            assert list(tx.answers.of(404)) == []

    @pytest.mark.parametrize(
        ("answers", "kept"), [((_YES, _YES), _YES), ((_YES, _NO), _NO), ((_NO, _YES), _NO), ((_NO, _NO), _NO)]
    )
    def test_a_refusal_wins(self, store: UnitOfWork, answers: tuple[Answer, ...], kept: Answer) -> None:
        """Whatever comes first, and however often, one answer stays: the refusal if there was one."""
        _put(store, *answers)
        with store.write() as tx:
            tx.answers.put(2, answers)
        with store.read() as tx:
            assert list(tx.answers.of(1)) == [kept] == list(tx.answers.of(2))

    def test_answers_are_erased(self, store: UnitOfWork) -> None:
        """By suborder, or with the suborders of an order."""
        _put(store, _YES)
        with store.write() as tx:
            tx.answers.put(2, [_NO])
            tx.answers.erase(1)
            assert [len(tx.answers.of(number)) for number in (1, 2)] == [0, 1]
            tx.suborders.erase(1)
            assert list(tx.answers.of(2)) == []

    def test_a_suborder_that_is_gone_takes_no_answer(self, store: UnitOfWork) -> None:
        """The error names what is missing, and nothing is kept."""
        with pytest.raises(NotFound) as caught, store.write() as tx:
            tx.answers.put(404, [_YES])
        assert (caught.value.entity, caught.value.id) == ("Suborder", 404)
        with store.read() as tx:
            assert list(tx.answers.of(404)) == []

    def test_thousands_of_answers(self, store: UnitOfWork) -> None:
        """A suborder may have thousands."""
        _put(store)
        answers = [Answer(f"{number:04}", number % 2 == 0) for number in range(3000)]
        with store.write() as tx:
            tx.answers.put(1, answers)
        with store.read() as tx:
            assert list(tx.answers.of(1)) == answers

    def test_tenants_keep_their_own(self, store: UnitOfWork, neighbour: UnitOfWork) -> None:
        """Nobody sees, adds or erases answers of another tenant."""
        _put(store, _YES)
        with pytest.raises(NotFound), neighbour.write() as tx:
            tx.answers.put(1, [_NO])
        with neighbour.write() as tx:
            assert list(tx.answers.of(1)) == []
            tx.answers.erase(1)
        with store.read() as tx:
            assert list(tx.answers.of(1)) == [_YES]
