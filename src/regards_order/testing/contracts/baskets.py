"""What `Baskets` promises."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest

from regards_order.domain.basket import Basket, BasketOwner, OwnerKind
from regards_order.domain.errors import Conflict
from regards_order.ports.unit_of_work import UnitOfWork
from regards_order.testing.contracts.values import COUNTERS, HUGO, LISE, NOW, StoreSuite, a_basket, a_selection

_OTHER = "URN:AIP:DATASET:default:00000000-7d90-3f34-bc94-646424f8cee3:V1"
DATASET_A, DATASET_B, DATASET_C = (
    f"URN:AIP:DATASET:default:{n}5a8b1aa-7d90-3f34-bc94-646424f8cee3:V1" for n in (9, 1, 5)
)


def _save(store: UnitOfWork, basket: Basket) -> Basket:
    with store.write() as tx:
        return tx.baskets.save(basket)


def _get(store: UnitOfWork, owner: BasketOwner) -> Basket | None:
    with store.read() as tx:
        return tx.baskets.get(owner)


class BasketsContract(StoreSuite):
    """Prove the `Baskets` of a store; override the fixture `store`."""

    def test_an_unknown_owner_has_no_basket(self, store: UnitOfWork) -> None:
        """Nobody has a basket before it is stored."""
        assert _get(store, BasketOwner.user(LISE)) is None

    def test_a_basket_comes_back_as_it_was(self, store: UnitOfWork) -> None:
        """Every field of every part survives: requests, dates to the microsecond, counters, filters."""
        basket = a_basket(1, LISE, a_selection(2, _OTHER, "zoo", items=1), a_selection(1, label="Été"))
        saved = _save(store, basket)
        assert saved == attrs.evolve(basket, version=1)
        assert _get(store, basket.owner) == saved

    def test_an_empty_basket_is_a_basket(self, store: UnitOfWork) -> None:
        """A basket without selections is stored."""
        saved = _save(store, a_basket())
        assert saved.selections == ()
        assert _get(store, saved.owner) == saved

    def test_selections_come_back_in_their_order(self, store: UnitOfWork) -> None:
        """Dataset selections are sorted by label without case, then by URN, whatever their ids; items by date."""
        selections = (
            a_selection(3, DATASET_A, "alpha"),
            a_selection(1, DATASET_B, "Beta"),
            a_selection(2, DATASET_C, "beta"),
        )
        saved = _save(store, a_basket(1, LISE, *selections))
        found = _get(store, saved.owner)
        assert found is not None
        assert [each.id for each in found.selections] == [3, 1, 2]
        assert [item.date for item in found.selections[0].items] == [NOW, NOW + dt.timedelta(microseconds=1)]

    def test_the_version_grows_with_every_save(self, store: UnitOfWork) -> None:
        """A basket of version 0 is new; each save adds one."""
        basket = a_basket()
        for version in (1, 2, 3):
            basket = _save(store, basket)
            assert basket.version == version

    def test_a_save_replaces_all_that_was(self, store: UnitOfWork) -> None:
        """Selections and items that are gone from the basket are gone from the store."""
        saved = _save(store, a_basket(1, LISE, a_selection(1), a_selection(2, _OTHER, "zoo")))
        fewer = attrs.evolve(saved, selections=(a_selection(2, _OTHER, "zoo", items=1),))
        assert _get(store, _save(store, fewer).owner) == attrs.evolve(fewer, version=2)

    def test_counters_without_types_come_back(self, store: UnitOfWork) -> None:
        """A selection without file filter and with empty counters is no special case."""
        bare = attrs.evolve(a_selection(), file_filter=None, counters=attrs.evolve(COUNTERS, types={}))
        saved = _save(store, a_basket(1, LISE, bare))
        assert _get(store, saved.owner) == saved

    @pytest.mark.parametrize("version", [0, 1, 3])
    def test_another_version_of_a_basket_is_a_conflict(self, store: UnitOfWork, version: int) -> None:
        """Only the very version that is stored can be replaced; the stored basket stays."""
        _save(store, a_basket())
        saved = _save(store, attrs.evolve(a_basket(1, LISE, a_selection()), version=1))
        with pytest.raises(Conflict):
            _save(store, attrs.evolve(saved, version=version, selections=()))
        assert _get(store, saved.owner) == saved

    def test_a_basket_that_is_gone_is_a_conflict(self, store: UnitOfWork) -> None:
        """A basket that somebody removed meanwhile is not brought back."""
        saved = _save(store, a_basket())
        with store.write() as tx:
            tx.baskets.remove(saved.owner)
        with pytest.raises(Conflict):
            _save(store, saved)
        assert _get(store, saved.owner) is None

    def test_an_owner_has_one_basket(self, store: UnitOfWork) -> None:
        """A second new basket of the same owner is a conflict."""
        saved = _save(store, a_basket(1))
        with pytest.raises(Conflict):
            _save(store, a_basket(2))
        assert _get(store, saved.owner) == saved

    def test_a_basket_can_be_given_away(self, store: UnitOfWork) -> None:
        """With another owner it is the other one's basket, and the old owner has none."""
        saved = _save(store, a_basket(1, LISE, a_selection()))
        given = _save(store, saved.given_to(BasketOwner.order(7)))
        assert _get(store, BasketOwner.user(LISE)) is None
        assert _get(store, BasketOwner.order(7)) == given
        assert given.version == 2

    def test_a_basket_cannot_be_given_to_somebody_who_has_one(self, store: UnitOfWork) -> None:
        """Nobody's basket is overwritten by a gift."""
        mine, yours = _save(store, a_basket(1, LISE)), _save(store, a_basket(2, HUGO))
        with pytest.raises(Conflict):
            _save(store, mine.given_to(yours.owner))
        assert (_get(store, mine.owner), _get(store, yours.owner)) == (mine, yours)

    def test_kinds_of_owners_are_apart(self, store: UnitOfWork) -> None:
        """A user, an order and a restart of the same name have baskets of their own."""
        owners = [BasketOwner(kind, "7") for kind in OwnerKind]
        saved = [_save(store, Basket(number, owner)) for number, owner in enumerate(owners, 1)]
        assert [_get(store, owner) for owner in owners] == saved

    def test_names_of_owners_are_told_apart_by_case(self, store: UnitOfWork) -> None:
        """``Lise@…`` is not ``lise@…``."""
        _save(store, a_basket(1, LISE))
        assert _get(store, BasketOwner.user(LISE.capitalize())) is None

    def test_remove_erases_one_basket(self, store: UnitOfWork) -> None:
        """A removed basket is gone with all its parts, other baskets stay, and ids may be used again."""
        mine = _save(store, a_basket(1, LISE, a_selection()))
        yours = _save(store, a_basket(2, HUGO, a_selection(2)))
        with store.write() as tx:
            tx.baskets.remove(mine.owner)
        assert (_get(store, mine.owner), _get(store, yours.owner)) == (None, yours)
        again = _save(store, a_basket(3, LISE, a_selection(1)))
        assert _get(store, mine.owner) == again

    def test_removing_nothing_is_harmless(self, store: UnitOfWork) -> None:
        """Without a basket nothing happens."""
        with store.write() as tx:
            tx.baskets.remove(BasketOwner.user(LISE))

    def test_many_items_come_back(self, store: UnitOfWork) -> None:
        """A dataset selection may have a hundred dated selections."""
        saved = _save(store, a_basket(1, LISE, a_selection(items=100)))
        assert _get(store, saved.owner) == saved
