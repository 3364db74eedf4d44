"""Who may download how much: limits, who pays, when, and what is told of what was refused."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import attrs
import pytest

from regards_order import (
    UNLIMITED,
    Consumption,
    DataFile,
    DataType,
    FileFilter,
    InvalidInput,
    NotAllowed,
    OrderFile,
    OrderStatus,
    OrderTooExpensive,
    QuotaExceeded,
    QuotaLimits,
    QuotaRefused,
    RateExceeded,
    Role,
    SelectionRequest,
    SourceRefused,
    SourceUnreachable,
    StorageUnavailable,
    StoreUnavailable,
    User,
)
from regards_order.application.quota import (
    Meter,
    charge,
    check_order_cost,
    limit_user,
    look_at_quota,
    order_cost,
)
from regards_order.domain.events import DownloadsRefused, RefusedDownload
from regards_order.ports.quotas import Uncounted
from regards_order.testing import BytesSource, MemoryQuotas, MemoryStorage, make_file

LISE, MAX, JANE = User("lise@obs.example"), User("max@obs.example"), "jane@obs.example"
ADMIN, CHIEF = User("adm@obs.example", Role.ADMIN), User("chief@obs.example", Role.PROJECT_ADMIN)
PIXELS = b"pixels" * 40_000
EXCEEDED = "Download {} of {} exceeded (by {}) for user lise@obs.example."


@attrs.define
class Failing(MemoryQuotas):
    """Quotas whose database is away when a download begins, or when it ends."""

    start_fails: bool = False

    def start(self, *args, **kwargs) -> None:
        """Take one unit, or fail."""
        if self.start_fails:
            raise StoreUnavailable("it restarts")
        super().start(*args, **kwargs)

    def end(self, email: str, lease_id: str) -> None:
        """Fail."""
        raise StoreUnavailable("it restarts")


@pytest.fixture
def order(centre):
    """Return an order of one stored file that is available."""
    centre.product(centre.dataset("D"), "scene", ("scene.tif", PIXELS))
    return centre.work(centre.place())


def limit(centre, max_quota: int = UNLIMITED, rate_limit: int = UNLIMITED, *, used: int = 0, user: User = LISE) -> None:
    """Set the limits of a user who has downloaded *used* files."""
    for number in range(used):
        centre.ordering.quotas.start(user.email, f"used {number}", QuotaLimits)
        centre.ordering.quotas.end(user.email, f"used {number}")
    centre.ordering.quotas.set_limits(user.email, QuotaLimits(max_quota, rate_limit))


def used(centre, user: User = LISE) -> tuple[int, int]:
    """Return how many units a user has taken, and how many downloads go on."""
    values = look_at_quota(centre.ordering, user.email)
    return values.consumed, values.active


def file_of(centre, order, name: str = "scene.tif") -> OrderFile:
    """Return a file of an order."""
    return next(file for file in centre.files(order) if file.filename == name)


def opened(centre, order, user: User = LISE, name: str = "scene.tif"):
    """Return a file of an order on its way."""
    return centre.ordering.open_file(user, file_of(centre, order, name).id)


def refusals(centre) -> list[DownloadsRefused]:
    """Return the letters about refused downloads."""
    return [event for event in centre.events() if isinstance(event, DownloadsRefused)]


# --- limits ----------------------------------------------------------------------------------------------------------


def test_case_12_a_look_at_the_own_quota_makes_a_record(centre) -> None:
    """Who looks at the own quota for the first time is unlimited, consumed nothing, and exists from then on."""
    assert centre.ordering.own_quota(LISE) == Consumption(QuotaLimits(-1, -1), 0, 0)
    assert centre.ordering.quotas.consumption(LISE.email) == Consumption()


def test_case_13_first_limits_are_those_of_that_time(centre) -> None:
    """Who was seen keeps the limits of the tenant as they were, who comes later gets those that hold then."""
    for name in ("maxQuota", "rateLimit"):
        centre.ordering.change_setting(ADMIN, name, 20)
    assert centre.ordering.own_quota(LISE).limits == QuotaLimits(20, 20)
    for name in ("maxQuota", "rateLimit"):
        centre.ordering.change_setting(ADMIN, name, 50)
    assert centre.ordering.own_quota(LISE).limits == QuotaLimits(20, 20)
    assert centre.ordering.own_quota(MAX).limits == QuotaLimits(50, 50)
    assert centre.ordering.default_quota(ADMIN) == QuotaLimits(50, 50)


def test_the_first_download_makes_a_record_too(centre, order) -> None:
    """The limits of the tenant at the first download that counts become one's own."""
    centre.ordering.change_setting(ADMIN, "maxQuota", 1)
    with closing(opened(centre, order)) as delivery:
        list(delivery)
    centre.ordering.change_setting(ADMIN, "maxQuota", 9)
    assert centre.ordering.quotas.consumption(LISE.email) == Consumption(QuotaLimits(1), 1, 0)


def test_a_look_at_somebody_makes_no_record(centre) -> None:
    """An administrator who mistypes an e-mail sees the first limits, and nobody comes to be by that."""
    centre.ordering.change_setting(ADMIN, "maxQuota", 20)
    assert centre.ordering.quota_of(CHIEF, JANE) == Consumption(QuotaLimits(20, -1), 0, 0)
    assert centre.ordering.quotas.consumption(JANE) is None
    centre.ordering.change_setting(ADMIN, "maxQuota", 30)
    assert centre.ordering.quota_of(CHIEF, JANE).limits == QuotaLimits(30, -1)


def test_case_19_limits_of_a_user_are_set(centre) -> None:
    """Each change answers with what then holds, and so do the following looks; what was used stays."""
    centre.ordering.quotas.start(JANE, "a", QuotaLimits)
    for limits in (QuotaLimits(300, 7), QuotaLimits(150, 3)):
        expected = Consumption(limits, 1, 1)
        assert centre.ordering.set_quota(CHIEF, JANE, limits) == expected
        assert centre.ordering.quota_of(CHIEF, JANE) == expected
        assert centre.ordering.own_quota(User(JANE)) == expected


def test_emails_are_compared_exactly(centre) -> None:
    """Another case is another user."""
    limit(centre, 5)
    assert centre.ordering.quota_of(CHIEF, LISE.email.upper()).limits == QuotaLimits()


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    ("lowest", "name", "arguments"),
    [
        (Role.PROJECT_ADMIN, "quota_of", (JANE,)),
        (Role.PROJECT_ADMIN, "set_quota", (JANE, QuotaLimits(1, 1))),
        (Role.ADMIN, "default_quota", ()),
        (Role.PUBLIC, "own_quota", ()),
    ],
)
def test_roles(centre, role: Role, lowest: Role, name: str, arguments: tuple) -> None:
    """Quotas of others are for administrators of the project, the first limits for those above an EXPLOIT."""
    use_case = getattr(centre.ordering, name)
    assert use_case(User("x", Role.PUBLIC, service=True), *arguments)
    centre.ordering.quotas.forget(JANE)
    if role.rank >= lowest.rank:
        assert use_case(User("x", role), *arguments)
        return
    with pytest.raises(NotAllowed, match=f"it needs {lowest.name} or a role above"):
        use_case(User("x", role), *arguments)
    assert centre.ordering.quotas.consumption(JANE) is None


@pytest.mark.parametrize("email", ["", " ", "x" * 129])
def test_nobody_is_limited(centre, email: str) -> None:
    """What can be nobody's e-mail gets no limits."""
    with pytest.raises(InvalidInput, match="must have 1 to 128 characters"):
        centre.ordering.set_quota(CHIEF, email, QuotaLimits())
    with pytest.raises(InvalidInput, match="must have 1 to 128 characters"):
        limit_user(centre.ordering, email, 1, None)
    assert centre.ordering.quotas.accounts == {}


def test_limits_that_are_not_given_stay(centre) -> None:
    """Whoever runs the service may set one limit: the other one stays, and is first that of the tenant."""
    centre.ordering.change_setting(ADMIN, "rateLimit", 4)
    limit_user(centre.ordering, JANE, 10, None)
    assert look_at_quota(centre.ordering, JANE).limits == QuotaLimits(10, 4)
    limit_user(centre.ordering, JANE, None, 0)
    assert look_at_quota(centre.ordering, JANE).limits == QuotaLimits(10, 0)
    with pytest.raises(InvalidInput, match="-2 is below -1"):
        limit_user(centre.ordering, JANE, -2, None)
    assert look_at_quota(centre.ordering, JANE).limits == QuotaLimits(10, 0)


# --- what an order takes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("max_quota", "rate_limit", "consumed", "cost", "left"),
    [
        (20, 20, 15, 5, None),
        (20, 20, 15, 6, 5),
        (20, 20, 15, 0, None),
        (20, 20, 25, 0, None),
        (20, 20, 25, 1, 0),
        (-1, 0, 999, 1_000_000, None),
    ],
)
def test_n20_to_n22_may_order(
    centre, max_quota: int, rate_limit: int, consumed: int, cost: int, left: int | None
) -> None:
    """An order may need what is left and no more; the rate does not matter, and nothing is reserved."""
    limit(centre, max_quota, rate_limit, used=consumed)
    before = look_at_quota(centre.ordering, LISE.email)
    if left is None:
        check_order_cost(centre.ordering, LISE.email, cost)
    else:
        with pytest.raises(OrderTooExpensive, match=f"needs {cost} downloads .* has {left} left") as caught:
            check_order_cost(centre.ordering, LISE.email, cost)
        refusal = caught.value
        assert (refusal.limit, refusal.used, refusal.needed) == (max_quota, consumed, cost)
    assert look_at_quota(centre.ordering, LISE.email) == before


def test_an_order_of_somebody_who_was_never_seen(centre) -> None:
    """The first limits hold, and nobody comes to be by the question."""
    centre.ordering.change_setting(ADMIN, "maxQuota", 2)
    check_order_cost(centre.ordering, JANE, 2)
    with pytest.raises(OrderTooExpensive):
        check_order_cost(centre.ordering, JANE, 3)
    assert centre.ordering.quotas.consumption(JANE) is None


@pytest.mark.parametrize(
    ("types", "pattern", "cost"),
    [
        (None, None, 3),
        ((), None, 3),
        (("RAWDATA",), " ", 3),
        (("RAWDATA", "QUICKLOOK"), None, 3),
        (("QUICKLOOK",), None, 0),
        (("QUICKLOOK",), ".*", 0),
        ((), ".*", 1),
        (("RAWDATA",), "nothing", 1),
    ],
)
def test_cost_of_an_order(twelve, types: tuple[str, ...] | None, pattern: str | None, cost: int) -> None:
    """The stored RAWDATA count; a filter without them makes them 0, one by names at most 1."""
    basket = twelve.ordering.add_selection(LISE, SelectionRequest())
    if types is not None:
        basket = twelve.ordering.filter_files(LISE, basket.selections[0].id, FileFilter.of(types, pattern))
    assert order_cost(basket) == cost


def test_cost_without_raw_data(centre) -> None:
    """References and quicklooks cost nothing, also with a filter by names; selections are added up."""
    rare, all_ = centre.dataset("Rare"), centre.dataset("All")
    reference = DataFile(DataType.RAWDATA, "r", "http://x/r", reference=True)
    centre.product(rare, "p0", reference, make_file("q", b"q", data_type=DataType.QUICKLOOK_SD))
    for number in (1, 2):
        centre.product(all_, f"p{number}", (f"f{number}", b"f"))
    basket = centre.ordering.add_selection(LISE, SelectionRequest())
    assert order_cost(basket) == 2
    for selection in basket.selections:
        basket = centre.ordering.filter_files(LISE, selection.id, FileFilter.of((), "f1"))
    assert order_cost(basket) == 1


# --- who pays, and for what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("type_", "uri", "reference", "counted"),
    [
        (DataType.RAWDATA, "x", False, True),
        (DataType.RAWDATA, "http://x/x", True, False),
        (DataType.RAWDATA, "http://admin/x/dam", False, False),
        (DataType.RAWDATA, "x/dam/y", False, True),
        *((type_, "x", reference, False) for type_ in DataType if type_.name != "RAWDATA" for reference in (0, 1)),
    ],
)
def test_case_23_what_counts(centre, order, type_: DataType, uri: str, reference: bool, counted: bool) -> None:
    """RAWDATA that the data centre stores, and nothing else, not even with a quota of 0."""
    file = file_of(centre, order)._replace(data_type=type_.value, uri=uri, reference=bool(reference))
    with Meter(centre.ordering, LISE.email).charged(file, ()):
        assert used(centre) == (counted, counted)
    assert used(centre) == (counted, 0)
    limit(centre, 0)
    if counted:
        with pytest.raises(QuotaExceeded):
            charge(centre.ordering, LISE.email, file)
    else:
        charge(centre.ordering, LISE.email, file).end()


def test_who_downloads_pays(centre, order) -> None:
    """An administrator pays for somebody's files, one by one and as a ZIP, and is told what was refused."""
    limit(centre, 0)
    limit(centre, 2, user=CHIEF)
    with closing(opened(centre, order, CHIEF)) as delivery:
        list(delivery)
    assert centre.download(order, CHIEF)[1] == {"scene.tif": PIXELS}
    assert (used(centre), used(centre, CHIEF)) == ((0, 0), (2, 0))
    centre.download(again := centre.work(centre.place()), CHIEF)
    with pytest.raises(QuotaExceeded, match=r"for user chief@obs\.example"):
        opened(centre, again, CHIEF)
    assert [letter.owner for letter in refusals(centre)] == [CHIEF.email] * 2


def test_each_download_counts_again(centre, order) -> None:
    """Three downloads of one file take three units, whatever became of the file."""
    for _ in range(3):
        delivery = opened(centre, order)
        list(delivery)
        delivery.confirm()
    assert used(centre) == (3, 0)


def test_looking_and_ordering_cost_nothing(centre, order) -> None:
    """HEAD looks at a file, and opens nothing."""
    centre.ordering.look_at_file(LISE, file_of(centre, order).id)
    centre.ordering.open_zip(LISE, order.id)
    assert centre.ordering.quotas.accounts == {}


def test_case_14_the_sixth_of_five(centre, order) -> None:
    """Five downloads of five are granted, the sixth is refused with its text; one notification is sent, none before."""
    limit(centre, 5, 10_000)
    for _ in range(5):
        delivery = opened(centre, order)
        assert b"".join(delivery) == PIXELS
        delivery.confirm()
    centre.ordering.do_chores()
    told = centre.ordering.notifier.told
    assert not [event for event in told if isinstance(event, DownloadsRefused)]
    with pytest.raises(QuotaExceeded) as caught:
        opened(centre, order)
    assert (caught.value.message, caught.value.status) == (EXCEEDED.format("quota", 5, 0), 429)
    centre.ordering.do_chores()
    [told] = [event for event in told if isinstance(event, DownloadsRefused)]
    assert (told.owner, told.text) == (LISE.email, "Could not download file scene.tif: download quota exceeded.")
    assert used(centre) == (5, 0)


def test_case_15_rate_of_0(centre, order) -> None:
    """No download goes on at all."""
    limit(centre, 10, 0)
    with pytest.raises(RateExceeded) as caught:
        opened(centre, order)
    assert caught.value.message == EXCEEDED.format("rate", 0, 0)
    assert (used(centre), caught.value.retry_after) == ((0, 0), None)


def test_case_16_many_downloads_on_threads(centre, order) -> None:
    """10,000 downloads that begin and end on several threads are 10,000 units, and none goes on."""
    file, ids = file_of(centre, order), itertools.count()

    class Ids:
        def unique(self) -> str:
            return str(next(ids))

    counted = centre.with_(unique_ids=Ids()).ordering

    def download(times: int) -> None:
        for _ in range(times):
            with Meter(counted, LISE.email).charged(file, ()):
                pass

    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(download, [2500] * 4))) == 4
    assert used(centre) == (10_000, 0)


# --- one file --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("limits", "rate"), [((0, -1), False), ((-1, 0), True), ((0, 0), False)])
def test_a_file_that_is_refused(centre, order, limits: tuple[int, int], rate: bool) -> None:
    """It is DOWNLOAD_ERROR with the text as cause, its source is closed, it took nothing, and a letter tells of it."""
    limit(centre, *limits)
    with pytest.raises(QuotaRefused) as caught:
        opened(centre, order)
    file = file_of(centre, order)
    assert (file.state, file.download_error) == ("DOWNLOAD_ERROR", caught.value.message)
    assert caught.value.message == EXCEEDED.format("rate" if rate else "quota", 0, 0)
    assert (used(centre), [source.closed for source in centre.storage.opened]) == ((0, 0), [True])
    assert refusals(centre) == [
        DownloadsRefused(
            order_id=order.id,
            owner=LISE.email,
            correlation_id=order.correlation_id,
            first=(RefusedDownload("scene.tif", rate),),
            total=1,
        )
    ]
    after = centre.read(order)
    assert (after.counts.download_error, after.waiting_for_user, after.status) == (
        1,
        False,
        OrderStatus.DONE_WITH_WARNING,
    )


def test_a_refused_file_comes_once_it_may(centre, order) -> None:
    """It may be asked for again as soon as the limit is raised."""
    limit(centre, 0)
    with pytest.raises(QuotaExceeded):
        opened(centre, order)
    limit(centre, 1)
    delivery = opened(centre, order)
    assert b"".join(delivery) == PIXELS
    assert (delivery.confirm().counts.downloaded, used(centre)) == (1, (1, 0))
    assert file_of(centre, order).download_error is None


def test_a_file_holds_its_place_until_it_is_handed_over(centre, order) -> None:
    """Another one is refused meanwhile, and says when the place comes back at the latest."""
    seconds = [0.0]
    centre = centre.with_(quotas=MemoryQuotas(lambda: seconds[0]))
    limit(centre, rate_limit=1)
    delivery = opened(centre, order)
    seconds[0] = 20
    assert used(centre) == (1, 1)
    with pytest.raises(RateExceeded) as caught:
        opened(centre, order)
    assert (caught.value.message, caught.value.retry_after) == (EXCEEDED.format("rate", 1, 0), 40)
    blocks, got = iter(delivery), 0
    while got < len(PIXELS):
        assert used(centre) == (1, 1)
        got += len(next(blocks))
    assert list(blocks) == []
    assert used(centre) == (1, 1)
    with pytest.raises(RateExceeded):
        opened(centre, order)
    delivery.confirm()
    assert used(centre) == (1, 0)
    delivery.close()
    assert used(centre) == (1, 0)


def gone_at_once(delivery) -> None:
    """Go away after one block."""
    next(iter(delivery))
    delivery.close()


def gone_with_the_generator(delivery) -> None:
    """Let go of the blocks only."""
    blocks: Iterator[bytes] = iter(delivery)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]


def gone_twice(delivery) -> None:
    """Close twice."""
    gone_at_once(delivery)
    delivery.close()


def gone_at_the_end(delivery) -> None:
    """Take all and then go away."""
    blocks = iter(delivery)
    while delivery.sent < len(PIXELS):
        next(blocks)
    blocks.close()  # type: ignore[attr-defined]


def gone_before_all_was_handed_over(delivery) -> None:
    """Read all, and find nobody who takes it."""
    list(delivery)
    delivery.close()


def broken(delivery) -> None:
    """Read a source that breaks."""
    with pytest.raises(SourceUnreachable):
        list(delivery)


def crashed(delivery) -> None:
    """Fail while a block is at hand."""
    blocks = iter(delivery)
    next(blocks)
    with pytest.raises(ZeroDivisionError):
        blocks.throw(ZeroDivisionError())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "leave",
    [
        gone_at_once,
        gone_with_the_generator,
        gone_twice,
        gone_at_the_end,
        gone_before_all_was_handed_over,
        broken,
        crashed,
    ],
)
def test_what_has_begun_is_paid(centre, order, leave) -> None:
    """However a download ends, its place is free and its unit is not refunded."""

    class Breaking(MemoryStorage):
        def open(self, file):
            source = BytesSource(self.contents[file.uri], broken=leave is broken)
            self.opened.append(source)
            return source

    breaking = centre.with_(storage=Breaking(centre.storage.contents))
    limit(centre, rate_limit=1)
    for number in (1, 2):
        leave(opened(breaking, order))
        assert used(centre) == (number, 0)
    assert all(source.closed for source in breaking.storage.opened)


def test_what_never_began_is_given_back(centre, order) -> None:
    """A file that came too late for its client, so that nothing was sent, takes nothing and leaves its place."""
    limit(centre, 1, 1)
    delivery = opened(centre, order)
    assert used(centre) == (1, 1)
    for _ in range(2):
        delivery.close()
        assert used(centre) == (0, 0)
    assert b"".join(opened(centre, order)) == PIXELS


def test_a_file_that_cannot_be_opened_costs_nothing(centre, order) -> None:
    """Neither one that the storage refuses, nor one of a storage that cannot be reached, also when nothing is left."""
    limit(centre, 0)
    centre.storage.down = True
    with pytest.raises(StorageUnavailable):
        opened(centre, order)
    centre.storage.down = False
    del centre.storage.contents["scene.tif"]
    with pytest.raises(SourceRefused):
        opened(centre, order)
    assert centre.download(order)[1].keys() == {"NOTICE.txt"}
    assert (used(centre), refusals(centre)) == ((0, 0), [])


def test_a_database_that_is_away_when_a_download_begins(centre, order) -> None:
    """The source is closed, and no file changes: it is not known whether it may be had."""
    away = centre.with_(quotas=Failing(start_fails=True))
    with pytest.raises(StoreUnavailable):
        opened(away, order)
    with pytest.raises(StoreUnavailable):
        list(away.ordering.open_zip(LISE, order.id))
    assert [source.closed for source in centre.storage.opened] == [True, True]
    assert (file_of(centre, order).state, refusals(centre)) == ("AVAILABLE", [])


def test_a_database_that_is_away_when_a_download_ends(centre, order, caplog) -> None:
    """What was delivered is delivered; the log tells, and the place comes back when its lease runs out."""
    seconds = [0.0]
    away = centre.with_(quotas=Failing(lambda: seconds[0]))
    with caplog.at_level(logging.WARNING):
        delivery = opened(away, order)
        assert b"".join(delivery) == PIXELS
        assert delivery.confirm().status is OrderStatus.DONE
    assert [record.action for record in caplog.records] == ["quota_not_ended"]
    assert used(away) == (1, 1)
    seconds[0] = 60
    assert used(away) == (1, 0)


def test_a_charge_ends_once(centre, order) -> None:
    """Ending it again changes nothing, also when its id were in use again."""
    first = charge(centre.ordering, LISE.email, file_of(centre, order))
    first.end()
    centre.ordering.unique_ids.given -= 1
    second = charge(centre.ordering, LISE.email, file_of(centre, order))
    first.end()
    assert used(centre) == (2, 1)
    second.end()
    assert used(centre) == (2, 0)


def test_a_block_that_fails_gives_its_place_back(centre, order) -> None:
    """Whatever happens while a file is copied."""
    with pytest.raises(ZeroDivisionError), Meter(centre.ordering, LISE.email).charged(file_of(centre, order), ()):
        raise ZeroDivisionError
    assert used(centre) == (1, 0)


def test_a_storage_that_counts_itself(centre, order) -> None:
    """Nothing is counted and nothing is refused, whatever is set."""
    uncounted = centre.with_(quotas=Uncounted())
    uncounted.ordering.change_setting(ADMIN, "maxQuota", 0)
    assert uncounted.ordering.set_quota(CHIEF, LISE.email, QuotaLimits(0, 0)) == Consumption(QuotaLimits(0))
    assert b"".join(opened(uncounted, order)) == PIXELS
    opened(uncounted, order).close()
    assert uncounted.download(order)[1] == {"scene.tif": PIXELS}
    assert uncounted.ordering.own_quota(LISE) == Consumption(QuotaLimits(0))
    for command in (uncounted.ordering.quotas.reset, uncounted.ordering.quotas.forget):
        assert command(LISE.email) is None
    assert uncounted.ordering.quotas.consumption(LISE.email) is None


# --- a ZIP -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def eight(centre):
    """Return the order of page 30, 6.2: 5 RAWDATA, 2 quicklooks and 1 external file, all available."""
    files = [make_file(f"r{n}", bytes([n])) for n in range(1, 6)]
    files += [make_file(f"q{n}", bytes([10 + n]), data_type=DataType.QUICKLOOK_SD) for n in (1, 2)]
    centre.storage.contents.update({f"r{n}": bytes([n]) for n in range(1, 6)} | {"q1": b"\x0b", "q2": b"\x0c"})
    centre.ordering.external.contents["http://x/e"] = b"e"
    reference = DataFile(DataType.RAWDATA, "e", "http://x/e", reference=True)
    centre.product(centre.dataset("D"), "p", *files, reference)
    return centre.work(centre.place())


def raw(centre, order) -> list[str]:
    """Return the names of the stored RAWDATA, by ascending id."""
    return [file.filename for file in centre.files(order) if file.filename[0] == "r"]


def test_a_zip_whose_quota_ends_midway(centre, eight) -> None:
    """6.2: three of five RAWDATA, all that does not count, and a line for each of the others; states follow."""
    limit(centre, 10, used=7)
    after, entries = centre.download(eight)
    *granted, fourth, fifth = raw(centre, eight)
    assert set(entries) == {*granted, "q1", "q2", "e", "NOTICE.txt"}
    line = "Failed to download file ({}): Download quota of 10 exceeded (by 0) for user lise@obs.example.."
    assert entries["NOTICE.txt"].decode().splitlines() == [line.format(fourth), line.format(fifth)]
    assert list(entries)[-1] == "NOTICE.txt"
    states = centre.states(eight)
    assert [name for name, state in states.items() if state == "DOWNLOAD_ERROR"] == [fourth, fifth]
    assert list(states.values()).count("DOWNLOADED") == 6
    assert (after.counts.downloaded, after.counts.download_error, after.waiting_for_user) == (6, 2, False)
    assert used(centre) == (10, 0)
    assert look_at_quota(centre.ordering, LISE.email).quota.remaining == 0
    [letter] = refusals(centre)
    assert (letter.order_id, letter.owner, letter.total) == (eight.id, LISE.email, 2)
    assert letter.first == (RefusedDownload(fourth, rate=False), RefusedDownload(fifth, rate=False))


def test_the_next_zip_delivers_the_rest(centre, eight) -> None:
    """Once the limit is raised, exactly what was refused comes; the order keeps its warning."""
    limit(centre, 3)
    assert centre.download(eight)[0].status is OrderStatus.DONE_WITH_WARNING
    rest = raw(centre, eight)[3:]
    limit(centre, 5)
    after, entries = centre.download(eight)
    assert (list(entries), after.status) == (rest, OrderStatus.DONE_WITH_WARNING)
    assert (used(centre), set(centre.states(eight).values())) == ((5, 0), {"DOWNLOADED"})
    assert {file.download_error for file in centre.files(eight)} == {None}


def test_a_zip_at_a_rate_of_0(centre, eight) -> None:
    """RAWDATA are refused one by one, the others delivered; the letter says that it was the rate."""
    limit(centre, rate_limit=0)
    _, entries = centre.download(eight)
    assert set(entries) == {"q1", "q2", "e", "NOTICE.txt"}
    line = "Failed to download file ({}): Download rate of 0 exceeded (by 0) for user lise@obs.example.."
    assert entries["NOTICE.txt"].decode().splitlines() == [line.format(name) for name in raw(centre, eight)]
    [letter] = refusals(centre)
    assert (letter.total, len(letter.first), {file.rate for file in letter.first}) == (5, 3, {True})
    assert used(centre) == (0, 0)


def test_a_zip_needs_one_place(centre, eight) -> None:
    """Its files are copied one after the other; while somebody else has the place they are refused."""
    limit(centre, rate_limit=1)
    going_on = charge(centre.ordering, LISE.email, file_of(centre, eight, "r1"))
    assert len(centre.download(eight)[1]) == 4
    going_on.end()
    assert list(centre.download(eight)[1]) == raw(centre, eight)
    assert used(centre) == (6, 0)


def test_case_28_nothing_is_refused(centre) -> None:
    """Three files are three entries, without a notice."""
    centre.product(centre.dataset("D"), "p", ("a", b"1"), ("b", b"2"), ("c", b"3"))
    order = centre.work(centre.place())
    limit(centre, 3)
    after, entries = centre.download(order)
    assert (entries, after.counts.downloaded) == ({"a": b"1", "b": b"2", "c": b"3"}, 3)
    assert (used(centre), refusals(centre)) == ((3, 0), [])


@attrs.define
class Watched(MemoryQuotas):
    """Quotas that note what is asked of them."""

    asked: list[tuple[str, int]] = attrs.field(factory=list)

    def start(self, *args, **kwargs) -> None:
        """Take one unit."""
        super().start(*args, **kwargs)
        self.asked.append(("start", 1))

    def more(self, email: str, lease_id: str, units: int) -> int:
        """Take more units."""
        self.asked.append(("more", units))
        return super().more(email, lease_id, units)

    def end(self, email: str, lease_id: str) -> None:
        """End a download."""
        self.asked.append(("end", 0))
        super().end(email, lease_id)

    def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
        """Give units back."""
        self.asked.append(("cancel", units))
        super().cancel(email, lease_id, units)


def watched(centre, *files: tuple[str, bytes], max_quota: int = UNLIMITED):
    """Return a centre with an order of products of a file each, whose quotas are watched."""
    dataset = centre.dataset("D")
    for name, data in files:
        centre.product(dataset, name, (name, data))
    seen = centre.with_(quotas=Watched())
    limit(seen, max_quota)
    return seen, seen.work(seen.place())


def test_small_files_take_their_units_together(centre) -> None:
    """A hundred at most; what is over is ended, and nothing is left to give back."""
    seen, order = watched(centre, *((f"f{n}", b"%d" % n) for n in range(250)))
    seen.download(order)
    hundred = [("start", 1), ("more", 99), ("end", 0)]
    assert seen.ordering.quotas.asked == [*hundred, *hundred, ("start", 1), ("more", 49), ("end", 0)]
    assert used(seen) == (250, 0)


def test_large_files_take_their_units_alone(centre) -> None:
    """So do those of which 1 MiB begins with one; each holds its place only while it is copied."""
    seen, order = watched(centre, *((f"f{n}", bytes([n]) * 600_000) for n in range(3)))
    seen.download(order)
    assert seen.ordering.quotas.asked == [("start", 1), ("end", 0)] * 3
    assert used(seen) == (3, 0)


def test_units_of_files_that_failed_are_given_back(centre) -> None:
    """A file that could not be opened costs nothing, although others took its unit with theirs."""
    seen, order = watched(centre, *((f"f{n}", b"%d" % n) for n in range(5)))
    del centre.storage.contents["f3"]
    after, _ = seen.download(order)
    assert (after.counts.downloaded, after.counts.download_error, used(seen)) == (4, 1, (4, 0))


def test_units_of_files_that_were_not_begun_are_given_back(centre) -> None:
    """The client goes away in the first one: this one is paid, and the place is free."""
    seen, order = watched(centre, ("f0", PIXELS), *((f"f{n}", b"%d" % n) for n in range(1, 5)))
    first = min(seen.files(order), key=lambda file: file.id)
    blocks = iter(seen.ordering.open_zip(LISE, order.id))
    next(blocks)
    assert first.id == min(file.id for file in seen.files(order))
    assert used(seen)[1] == 1
    blocks.close()
    assert used(seen) == (1, 0)
    assert seen.ordering.quotas.asked[-1][0] == "cancel"


def test_a_store_that_goes_away_before_the_content_begins(centre, monkeypatch) -> None:
    """Between the first unit and those of the small files that follow: nothing was sent, and nothing is paid."""
    seen, order = watched(centre, ("f0", b"0"), ("f1", b"1"))

    def away(*_: object) -> int:
        raise StoreUnavailable("it restarts")

    monkeypatch.setattr(seen.ordering.quotas.__class__, "more", away)
    with pytest.raises(StoreUnavailable):
        b"".join(seen.ordering.open_zip(LISE, order.id))
    assert used(seen) == (0, 0)


def test_as_many_of_the_small_files_as_are_left(centre) -> None:
    """The others are refused one by one, and come with the next ZIP when the limit is raised."""
    seen, order = watched(centre, *((f"f{n}", b"%d" % n) for n in range(5)), max_quota=3)
    after, entries = seen.download(order)
    assert (after.counts.downloaded, after.counts.download_error, used(seen)) == (3, 2, (3, 0))
    assert len(entries["NOTICE.txt"].splitlines()) == 2
    seen.ordering.quotas.set_limits(LISE.email, QuotaLimits(5))
    after, _ = seen.download(order)
    assert (after.counts.downloaded, used(seen)) == (5, (5, 0))


def test_twins_are_charged_once(centre) -> None:
    """Two products that share a file, with its name and checksum, take one unit."""
    dataset = centre.dataset("D")
    for name in "pq":
        centre.product(dataset, name, ("a", b"same"))
    order = centre.work(centre.place())
    limit(centre, 1)
    after, entries = centre.download(order)
    assert (entries, after.counts.downloaded, used(centre)) == ({"a": b"same"}, 2, (1, 0))


def test_twins_are_refused_each(centre) -> None:
    """Nothing of them was written, so each one has its line and its state."""
    dataset = centre.dataset("D")
    for name in "pq":
        centre.product(dataset, name, ("a", b"same"))
    order = centre.work(centre.place())
    limit(centre, 0)
    after, entries = centre.download(order)
    assert len(entries["NOTICE.txt"].splitlines()) == after.counts.download_error == 2
    assert refusals(centre)[0].total == 2


def test_a_client_of_a_zip_that_goes_away(centre) -> None:
    """Units that were taken stay taken, places are free, no state changes, and nobody is told."""
    contents = {f"f{n}": bytes([n]) * 200_000 for n in range(4)}
    centre.product(centre.dataset("D"), "p", *contents.items())
    order = centre.work(centre.place())
    limit(centre, 2)
    archive = iter(centre.ordering.open_zip(LISE, order.id))
    next(archive)
    assert used(centre) == (2, 1)  # small files take their units together
    archive.close()  # type: ignore[attr-defined]
    assert used(centre) == (1, 0)
    b"".join(centre.ordering.open_zip(LISE, order.id))
    assert used(centre) == (2, 0)
    assert (set(centre.states(order).values()), refusals(centre)) == ({"AVAILABLE"}, [])


def test_a_source_of_a_zip_that_breaks(centre, eight) -> None:
    """Its unit is not refunded, its place is free, and it is no refusal."""

    class Breaking(MemoryStorage):
        def open(self, file):
            return BytesSource(self.contents[file.uri], broken=True)

    after, _ = centre.with_(storage=Breaking(centre.storage.contents)).download(eight)
    assert (after.counts.download_error, used(centre), refusals(centre)) == (7, (5, 0), [])


def test_a_zip_that_is_confirmed_twice_tells_once(centre, eight) -> None:
    """A second confirmation changes nothing, and one that failed is made up for."""
    limit(centre, 0)
    delivery = centre.ordering.open_zip(LISE, eight.id)
    b"".join(delivery)
    store = centre.ordering.store

    class Away:
        read = store.read

        def write(self):
            raise StoreUnavailable("it restarts")

    delivery._ports = centre.with_(store=Away()).ordering
    with pytest.raises(StoreUnavailable):
        delivery.confirm()
    delivery._ports = centre.ordering
    first = delivery.confirm()
    assert [letter.total for letter in refusals(centre)] == [5]
    assert delivery.confirm() == first
    assert [letter.total for letter in refusals(centre)] == [5]
