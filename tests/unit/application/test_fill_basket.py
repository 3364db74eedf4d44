"""Filling and changing a basket: the catalogue RC of page 10 and races."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import attrs
import pytest

from regards_order import (
    CatalogUnavailable,
    Conflict,
    DataFile,
    DataType,
    EmptySelection,
    FileFilter,
    FileTypes,
    InvalidInput,
    InvalidPattern,
    NoBasket,
    NotAllowed,
    QueryRefused,
    RequestRefused,
    Role,
    SelectionNotFound,
    SelectionRequest,
    TooManyLines,
    UnknownDataset,
    User,
)
from regards_order.domain.basket import BasketOwner
from regards_order.testing import make_dataset, make_product

LISE, MAX = User("lise@obs.example"), User("max@obs.example")
DS1, DS2, DS3 = (make_dataset(f"DS{n}") for n in (1, 2, 3))
EVERYTHING = SelectionRequest()
KINDS = (DataType.RAWDATA, DataType.QUICKLOOK_HD, DataType.QUICKLOOK_MD, DataType.QUICKLOOK_SD)
FIRST, SECOND = (1_000_000, 500_000, 1_000, 500), (1_000_000, 10_000, 100, 1)


def described(name: str, sizes: tuple[int, ...]) -> list[DataFile]:
    """Return stored files of these sizes, one of each orderable type."""
    return [
        DataFile(kind, f"{name}.{kind.name}", f"{name}.{kind.name}", size=size, checksum=f"{name}{kind.name}")
        for kind, size in zip(KINDS, sizes, strict=True)
    ]


PRODUCTS = {
    name: make_product(name, *described(name, sizes), datasets=(dataset,))
    for name, dataset, sizes in (
        ("1a", DS1, FIRST),
        ("1b", DS1, FIRST),
        ("2a", DS2, SECOND),
        ("2b", DS2, SECOND),
        ("3a", DS3, SECOND),
    )
}


@pytest.fixture
def rc(centre):
    """Return a centre with the reference catalogue RC."""
    for dataset in (DS1, DS2, DS3):
        centre.catalog.put_dataset(dataset)
    for product in PRODUCTS.values():
        centre.catalog.put_product(product)
    return centre


def shown(basket) -> dict[str, tuple[int, int, int, int]]:
    """Return what a basket shows of each dataset: products, files, bytes, quota."""
    return {selection.label: numbers(selection.counters) for selection in basket.selections}


def numbers(counters) -> tuple[int, int, int, int]:
    """Return products, files, bytes and quota."""
    return (counters.objects_count, counters.files_count, counters.files_size, counters.quota)


ALL = {"DS1": (2, 8, 3_003_000, 2), "DS2": (2, 8, 2_020_202, 2), "DS3": (1, 4, 1_010_101, 1)}


# --- adding ----------------------------------------------------------------------------------------------------------


def test_one_dataset(rc) -> None:
    """Case 2: a dataset's selection and its dated selection show the same numbers."""
    basket = rc.ordering.add_selection(LISE, SelectionRequest({"q": ("",)}, DS1.urn))
    assert shown(basket) == {"DS1": ALL["DS1"]}
    [item] = basket.selections[0].items
    assert numbers(item.counters) == ALL["DS1"]
    assert item.date == item.request.selection_date == rc.ordering.clock.now()
    assert item.request.dataset_urn == DS1.urn
    assert rc.ordering.get_basket(LISE) == basket


def test_several_datasets(rc) -> None:
    """Case 3: a query over two datasets adds a selection to each and leaves others alone."""
    before = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    basket = rc.ordering.add_selection(LISE, SelectionRequest.of(f'tags:("{DS2.urn}" OR "{DS3.urn}")'))
    assert shown(basket) == ALL
    assert basket.quota == 5
    assert basket.selections[0] == before.selections[0]
    assert [selection.id for selection in basket.selections] == [1, 2, 3]


def test_products_count_once(rc) -> None:
    """Case 4: what is picked twice counts once in its dataset, and each dated selection shows its own numbers."""
    rc.ordering.add_selection(LISE, EVERYTHING)
    basket = rc.ordering.add_selection(LISE, EVERYTHING)
    assert shown(basket) == ALL
    for selection in basket.selections:
        assert [numbers(item.counters) for item in selection.items] == [ALL[selection.label]] * 2


def test_union_of_different_selections(rc) -> None:
    """Two different picks in a dataset add up to their union."""
    rc.ordering.add_selection(LISE, SelectionRequest(include=(PRODUCTS["1a"].urn,)))
    basket = rc.ordering.add_selection(LISE, SelectionRequest(include=(PRODUCTS["1b"].urn,)))
    assert shown(basket) == {"DS1": ALL["DS1"]}
    assert [numbers(item.counters) for item in basket.selections[0].items] == [(1, 4, 1_501_500, 1)] * 2


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (SelectionRequest(engine_type=""), InvalidInput),
        (SelectionRequest(engine_type="opensearch"), RequestRefused),
        (SelectionRequest.of("MACHIN: BIDULE AND PATATIPATAT: POUET"), QueryRefused),
        (SelectionRequest(include=("u",) * 1001), InvalidInput),
        (SelectionRequest(dataset_urn="DS1"), RequestRefused),
        (SelectionRequest(dataset_urn=make_dataset("DS9").urn), UnknownDataset),
        (SelectionRequest(dataset_urn=DS1.urn, engine_type="opensearch"), RequestRefused),
        (
            SelectionRequest(include=("URN:AIP:DATA:order:77d75611-fac4-3047-8d3b-e0468fe1063e:V1",)),
            EmptySelection,
        ),
        (SelectionRequest.of("no:such"), QueryRefused),
    ],
)
def test_refused_adds_change_nothing(rc, request_: SelectionRequest, error: type[Exception]) -> None:
    """Cases 5 to 7: a refused or empty search leaves no basket behind, nor changes the one there is."""
    with pytest.raises(error):
        rc.ordering.add_selection(LISE, request_)
    with pytest.raises(NoBasket):
        rc.ordering.get_basket(LISE)
    before = rc.ordering.add_selection(LISE, EVERYTHING)
    with pytest.raises(error):
        rc.ordering.add_selection(LISE, request_)
    assert rc.ordering.get_basket(LISE) == before


def test_unknown_dataset_is_named(rc) -> None:
    """A dataset that the user may not see is as unknown as one that does not exist, and is named."""
    hidden = make_dataset("hidden", groups=frozenset({"team"}))
    rc.catalog.put_dataset(hidden)
    with pytest.raises(UnknownDataset) as caught:
        rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=hidden.urn))
    assert caught.value.urn == hidden.urn


@pytest.mark.parametrize("version", ["V2", "LAST"])
def test_the_last_version_of_a_dataset(centre, version: str) -> None:
    """It may be asked for by either name, and what bears either of them as a tag is counted, as it will be ordered."""
    urn = "URN:AIP:DATASET:default:0000000e-0000-0000-0000-00000000000e:"
    for number in ("V1", "V2"):
        centre.catalog.put_dataset(attrs.evolve(DS1, urn=urn + number, label=number))
    for (name, product), tag in zip(PRODUCTS.items(), ("V1", "V2", "LAST", "V3", "x"), strict=True):
        centre.catalog.put_product(attrs.evolve(product, urn=f"{product.urn}:REV{name}", tags=frozenset({urn + tag})))
    basket = centre.ordering.add_selection(LISE, SelectionRequest(dataset_urn=urn + version))
    assert {label: found[0] for label, found in shown(basket).items()} == {"V2": 2}


@pytest.mark.parametrize("query", [None, "tags:*"])
def test_included_ids(rc, query: str | None) -> None:
    """Case 24: included products of two datasets make a selection in each."""
    request = SelectionRequest({"q": (query,)}, include=(PRODUCTS["1a"].urn, PRODUCTS["2a"].urn))
    basket = rc.ordering.add_selection(LISE, request)
    assert shown(basket) == {"DS1": (1, 4, 1_501_500, 1), "DS2": (1, 4, 1_010_101, 1)}


def test_excluded_ids(rc) -> None:
    """Case 25: everything but one product."""
    basket = rc.ordering.add_selection(LISE, SelectionRequest({"q": ("",)}, exclude=(PRODUCTS["1a"].urn,)))
    assert {label: each[0] for label, each in shown(basket).items()} == {"DS1": 1, "DS2": 2, "DS3": 1}


def test_baskets_are_private(rc) -> None:
    """Case 28: nobody sees another user's basket, nor one of the same user in another tenant."""
    rc.ordering.add_selection(LISE, EVERYTHING)
    with pytest.raises(NoBasket):
        rc.ordering.get_basket(MAX)
    other_tenant = attrs.evolve(rc.ordering, store=type(rc.ordering.store)())
    with pytest.raises(NoBasket):
        other_tenant.get_basket(LISE)


def test_public_may_not_add(rc) -> None:
    """Case 31: PUBLIC is refused before anything is judged."""
    with pytest.raises(NotAllowed, match="may not fill a basket"):
        rc.ordering.add_selection(User("x@y", Role.PUBLIC), SelectionRequest(engine_type=""))


def test_dates_are_the_servers_and_unique(rc) -> None:
    """The selection date is the server's; a second add of the same instant gets the next microsecond."""
    now = rc.ordering.clock.now()
    sent = SelectionRequest(selection_date=now - dt.timedelta(days=400))
    rc.ordering.add_selection(LISE, sent)
    basket = rc.ordering.add_selection(LISE, sent)
    for selection in basket.selections:
        assert [item.date for item in selection.items] == [now, now + dt.timedelta(microseconds=1)]
        assert [item.request.selection_date for item in selection.items] == [item.date for item in selection.items]


def test_only_what_was_there_before(rc) -> None:
    """A product that enters the catalogue at the very instant of the add is not in it."""
    now = rc.ordering.clock.now()
    rc.catalog.put_product(make_product("new", *described("new", FIRST), datasets=(DS1,), created=now))
    assert shown(rc.ordering.add_selection(LISE, EVERYTHING)) == ALL


def test_products_in_two_datasets(rc) -> None:
    """A product in two datasets appears in both; asked in one, the other counts only what both have."""
    rc.catalog.put_product(make_product("shared", *described("shared", SECOND), datasets=(DS1, DS2)))
    basket = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    assert shown(basket) == {"DS1": (3, 12, 4_013_101, 3), "DS2": (1, 4, 1_010_101, 1)}
    basket = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    assert shown(basket)["DS2"] == (1, 4, 1_010_101, 1)


def test_dataset_without_files_is_left_out(rc) -> None:
    """A dataset in which no orderable file matches gets no selection; products without files count elsewhere."""
    rc.catalog.put_dataset(bare := make_dataset("bare"))
    rc.catalog.put_product(make_product("bare", datasets=(bare, DS3)))
    assert shown(rc.ordering.add_selection(LISE, EVERYTHING)) == {**ALL, "DS3": (2, 4, 1_010_101, 1)}


def test_matching_outside_of_every_dataset(centre) -> None:
    """Files that are in no dataset cannot be ordered: nothing is added."""
    centre.catalog.put_product(make_product("alone", *described("alone", FIRST)))
    with pytest.raises(EmptySelection):
        centre.ordering.add_selection(LISE, EVERYTHING)


class _Forgetful:
    """A catalogue that counts datasets which it then does not know, or knows without label."""

    def __init__(self, catalog, label: str | None) -> None:
        self.catalog, self.label = catalog, label

    def __getattr__(self, name: str):
        return getattr(self.catalog, name)

    def dataset(self, urn, access):
        return None if self.label is None else attrs.evolve(self.catalog.dataset(urn, access), label=self.label)


@pytest.mark.parametrize("label", [None, ""])
def test_label_of_an_unknown_dataset(rc, label: str | None) -> None:
    """A dataset that the catalogue does not know, or that has no label, is labelled with its URN."""
    ordering = attrs.evolve(rc.ordering, catalog=_Forgetful(rc.catalog, label))
    basket = ordering.add_selection(LISE, EVERYTHING)
    assert {selection.label for selection in basket.selections} == {DS1.urn, DS2.urn, DS3.urn}


def test_101st_selection_is_refused(rc) -> None:
    """The 101st dated selection of a dataset is refused, and nothing of that add stays."""
    for _ in range(100):
        rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS2.urn))
    before = rc.ordering.get_basket(LISE)
    with pytest.raises(InvalidInput, match="between 0 and 100"):
        rc.ordering.add_selection(LISE, EVERYTHING)
    assert rc.ordering.get_basket(LISE) == before


class _Down:
    """A catalogue out of reach, or only some methods of it."""

    def __init__(self, catalog, *methods: str) -> None:
        self.catalog, self.methods = catalog, methods

    def __getattr__(self, name: str):
        if name in self.methods:
            raise CatalogUnavailable("switched off")
        return getattr(self.catalog, name)


@pytest.mark.parametrize("method", ["attributes", "summary", "dataset"])
def test_catalogue_out_of_reach(rc, method: str) -> None:
    """A catalogue that cannot be reached changes nothing."""
    ordering = attrs.evolve(rc.ordering, catalog=_Down(rc.catalog, method))
    with pytest.raises(CatalogUnavailable):
        ordering.add_selection(LISE, EVERYTHING)
    with pytest.raises(NoBasket):
        rc.ordering.get_basket(LISE)


# --- removing --------------------------------------------------------------------------------------------------------


def test_removing_a_dataset(rc) -> None:
    """Case 9: a dataset selection goes; the basket stays, even empty."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    basket = rc.ordering.remove_dataset(LISE, 1)
    assert (basket.selections, basket.quota) == ((), 0)
    assert rc.ordering.get_basket(LISE) == basket


def test_removing_the_only_dated_selection(rc) -> None:
    """Case 10: with its only dated selection a dataset selection goes, without a search."""
    basket = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    blind = attrs.evolve(rc.ordering, catalog=None)
    assert blind.remove_item(LISE, 1, basket.selections[0].items[0].date).selections == ()


def test_removing_one_of_two_dated_selections(rc) -> None:
    """What stays is counted again; the offset in which the instant is written does not matter."""
    rc.ordering.add_selection(LISE, SelectionRequest(include=(PRODUCTS["1a"].urn,)))
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    [_, second] = rc.ordering.get_basket(LISE).selections[0].items
    paris = second.date.astimezone(dt.timezone(dt.timedelta(hours=1)))
    basket = rc.ordering.remove_item(LISE, 1, paris)
    assert shown(basket) == {"DS1": (1, 4, 1_501_500, 1)}
    assert [item.request.include for item in basket.selections[0].items] == [(PRODUCTS["1a"].urn,)]


def test_what_stays_may_be_gone(rc) -> None:
    """A dataset that is gone from the catalogue's answer counts 0."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS3.urn))
    basket = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS3.urn))
    rc.catalog.put_product(attrs.evolve(PRODUCTS["3a"], tags=frozenset()))
    basket = rc.ordering.remove_item(LISE, 1, basket.selections[0].items[0].date)
    assert shown(basket) == {"DS3": (0, 0, 0, 0)}


@pytest.mark.parametrize("id", [1, 99])
def test_removing_what_is_not_there(rc, id: int) -> None:
    """An unknown dataset selection or instant changes nothing, not even the version."""
    before = rc.ordering.add_selection(LISE, EVERYTHING)
    assert rc.ordering.remove_dataset(LISE, 99) == before
    assert rc.ordering.remove_item(LISE, id, before.selections[0].items[0].date + dt.timedelta(days=1)) == before
    assert rc.ordering.remove_item(LISE, 99, before.selections[0].items[0].date) == before
    assert rc.ordering.get_basket(LISE) == before


def test_removing_while_the_catalogue_is_down(rc) -> None:
    """When what stays cannot be counted, nothing changes."""
    rc.ordering.add_selection(LISE, EVERYTHING)
    before = rc.ordering.add_selection(LISE, EVERYTHING)
    ordering = attrs.evolve(rc.ordering, catalog=_Down(rc.catalog, "summary"))
    with pytest.raises(CatalogUnavailable):
        ordering.remove_item(LISE, 1, before.selections[0].items[0].date)
    assert rc.ordering.get_basket(LISE) == before


def test_emptying(rc) -> None:
    """Case 11: emptying erases the basket; a second time nothing happens."""
    rc.ordering.add_selection(LISE, EVERYTHING)
    rc.ordering.add_selection(MAX, EVERYTHING)
    for _ in range(2):
        rc.ordering.empty_basket(LISE)
        with pytest.raises(NoBasket):
            rc.ordering.get_basket(LISE)
    assert rc.ordering.get_basket(MAX).selections


def test_changing_without_a_basket(rc) -> None:
    """Without a basket there is nothing to remove or to filter."""
    for change in (
        lambda: rc.ordering.remove_dataset(LISE, 1),
        lambda: rc.ordering.remove_item(LISE, 1, rc.ordering.clock.now()),
        lambda: rc.ordering.filter_files(LISE, 1, None),
    ):
        with pytest.raises(NoBasket):
            change()


# --- file filter -----------------------------------------------------------------------------------------------------


def test_filter_is_set_and_removed(rc) -> None:
    """Case 16: a filter is shown, replaces the one before, leaves the counters alone, and can be taken off."""
    before = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    for wanted in (
        FileFilter(name_pattern="test"),
        FileFilter(frozenset({FileTypes.RAWDATA})),
        FileFilter(name_pattern=" "),
        FileFilter(),
        None,
    ):
        basket = rc.ordering.filter_files(LISE, 1, wanted)
        assert basket.selections[0].file_filter == wanted
        assert shown(basket) == shown(before)


def test_bad_pattern(rc) -> None:
    """Case 17: a pattern that cannot be compiled is refused with its cause, and the basket is unchanged."""
    before = rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    with pytest.raises(InvalidPattern) as caught:
        rc.ordering.filter_files(LISE, 1, FileFilter(name_pattern="test**"))
    assert (caught.value.pattern, caught.value.cause) == ("test**", "multiple repeat at position 5")
    assert rc.ordering.get_basket(LISE) == before


def test_filter_on_an_unknown_selection(rc) -> None:
    """A selection of another user's basket is as unknown as one that does not exist."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    rc.ordering.add_selection(MAX, SelectionRequest(dataset_urn=DS1.urn))
    with pytest.raises(SelectionNotFound, match="Basket selection with id 2 doesn't exist"):
        rc.ordering.filter_files(LISE, 2, None)


# --- races -----------------------------------------------------------------------------------------------------------


def test_two_adds_at_once_both_survive(rc, intrude) -> None:
    """An add that finds the basket changed is thought over again: one selection per dataset, both dated selections."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, lambda: rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS2.urn)))
    basket = raced.ordering.add_selection(LISE, EVERYTHING)
    assert shown(basket) == ALL
    assert [len(selection.items) for selection in basket.selections] == [2, 2, 1]
    assert rc.ordering.get_basket(LISE) == basket


def test_two_first_adds_at_once(rc, intrude) -> None:
    """Two first adds make one basket."""
    raced = intrude(rc, lambda: rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS2.urn)))
    basket = raced.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    assert set(shown(basket)) == {"DS1", "DS2"}
    assert [each.date for selection in basket.selections for each in selection.items] == [
        rc.ordering.clock.now() + dt.timedelta(microseconds=1),
        rc.ordering.clock.now(),
    ]


def test_add_that_loses_against_an_order(rc, intrude) -> None:
    """An add that meets an order being placed goes to a new basket, never into the order's."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, lambda: rc.ordering.place_order(LISE))
    basket = raced.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS2.urn))
    with rc.ordering.store.read() as tx:
        snapshot = tx.baskets.get(BasketOwner.order(1))
    assert (set(shown(basket)), set(shown(snapshot))) == ({"DS2"}, {"DS1"})
    assert basket.id != snapshot.id


def test_add_after_the_basket_was_emptied(rc, intrude) -> None:
    """An add that meets the basket being emptied begins a new one."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, lambda: rc.ordering.empty_basket(LISE))
    assert set(shown(raced.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS2.urn)))) == {"DS2"}


def test_change_that_meets_no_basket_any_more(rc, intrude) -> None:
    """A change of a basket that is emptied meanwhile finds none."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, lambda: rc.ordering.empty_basket(LISE))
    with pytest.raises(NoBasket):
        raced.ordering.remove_dataset(LISE, 1)


def churn(rc) -> Callable[[], None]:
    """Return a deed that changes Lise's basket each time it is done."""
    wanted = iter(range(1000))
    return lambda: rc.ordering.filter_files(LISE, 1, FileFilter(name_pattern=f"{next(wanted)}"))


def test_conflicts_are_overcome_nine_times(rc, intrude) -> None:
    """Nine changes by others do not stop an add."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, *[churn(rc)] * 9)
    assert len(raced.ordering.add_selection(LISE, EVERYTHING).selections) == 3


def test_endless_conflict_is_given_up(rc, intrude) -> None:
    """When others change the basket again and again the add is refused, and nothing of it stays."""
    rc.ordering.add_selection(LISE, SelectionRequest(dataset_urn=DS1.urn))
    raced = intrude(rc, *[churn(rc)] * 50)
    with pytest.raises(Conflict) as caught:
        raced.ordering.add_selection(LISE, EVERYTHING)
    assert caught.value.entity == "Basket"
    assert set(shown(rc.ordering.get_basket(LISE))) == {"DS1"}


def test_no_transaction_is_open_during_a_search(rc) -> None:
    """The catalogue is asked outside of every transaction."""
    open_now: list[str] = []

    class Watched:
        def __init__(self, store) -> None:
            self.store = store

        def __getattr__(self, kind: str):
            inner = getattr(self.store, kind)

            class Block:
                def __enter__(self):
                    open_now.append(kind)
                    self.block = inner()
                    return self.block.__enter__()

                def __exit__(self, *exc):
                    open_now.pop()
                    return self.block.__exit__(*exc)

            return Block

    class Asked:
        def __init__(self, catalog) -> None:
            self.catalog, self.calls = catalog, 0

        def __getattr__(self, name: str):
            assert open_now == []
            self.calls += 1
            return getattr(self.catalog, name)

    catalog = Asked(rc.catalog)
    ordering = attrs.evolve(rc.ordering, store=Watched(rc.ordering.store), catalog=catalog)
    for _ in range(2):
        basket = ordering.add_selection(LISE, EVERYTHING)
    ordering.remove_item(LISE, 1, basket.selections[0].items[0].date)
    ordering.complete_order(ordering.place_order(LISE).id)
    assert catalog.calls > 10


# --- from a file -----------------------------------------------------------------------------------------------------


@pytest.fixture
def many(centre):
    """Return a data centre with 250 products of one dataset, and some in another one."""
    first, second = centre.dataset("First"), centre.dataset("Second")
    for number in range(250):
        centre.product(first, f"id{number}", (f"f{number}", b"x"))
    for number in range(3):
        centre.product(second, f"other{number}", (f"o{number}", b"yy"))
    return centre


def lines(*identifiers: str) -> bytes:
    """Return a file of identifiers."""
    return "\n".join(identifiers).encode()


def test_a_file_of_250_identifiers(many) -> None:
    """Three dated selections in one dataset, counted together; all have instants of their own."""
    basket = many.ordering.add_identifiers(LISE, lines(*(f"id{number}" for number in range(250))))
    [selection] = basket.selections
    assert [item.counters.objects_count for item in selection.items] == [100, 100, 50]
    assert len({item.date for item in selection.items}) == 3
    assert selection.counters.objects_count == 250


def test_partitions_that_find_nothing_are_skipped(many) -> None:
    """Unknown identifiers are left out, wherever they stand; new datasets are found once."""
    unknown = [f"unknown{number}" for number in range(198)]
    basket = many.ordering.add_identifiers(
        LISE, lines(*unknown[:100], "id1", *unknown[100:], "other1", "other2", "id2")
    )
    counted = {
        selection.label: [item.counters.objects_count for item in selection.items] for selection in basket.selections
    }
    assert counted == {"First": [1, 1], "Second": [1, 1]}
    assert [selection.counters.objects_count for selection in basket.selections] == [2, 2]


@pytest.mark.parametrize("data", [b"", b" \n\n", b"unknown"])
def test_a_file_that_finds_nothing(many, data: bytes) -> None:
    """Nothing is added, and no basket is made."""
    with pytest.raises(EmptySelection):
        many.ordering.add_identifiers(LISE, data)
    with pytest.raises(NoBasket):
        many.ordering.get_basket(LISE)


def test_a_file_is_added_whole_or_not_at_all(many) -> None:
    """An error in any partition leaves the basket as it was."""
    before = many.ordering.add_identifiers(LISE, b"id0")

    class Failing:
        calls = 0

        def __getattr__(self, name: str):
            if name == "summary":
                self.calls += 1
                if self.calls > 2:
                    raise CatalogUnavailable("gone")
            return getattr(many.ordering.catalog, name)

    with pytest.raises(CatalogUnavailable):
        many.with_(catalog=Failing()).ordering.add_identifiers(LISE, lines(*(f"id{number}" for number in range(250))))
    assert many.ordering.get_basket(LISE) == before


def test_a_file_that_is_too_long(make_centre) -> None:
    """The limit is a setting."""
    with pytest.raises(TooManyLines):
        make_centre(upload_max_lines=2).ordering.add_identifiers(LISE, b"a\nb\nc")


def test_a_file_needs_somebody_who_may_order(many) -> None:
    """The public user fills no basket."""
    with pytest.raises(NotAllowed):
        many.ordering.add_identifiers(User("public@regards.com", Role.PUBLIC), b"id1")
