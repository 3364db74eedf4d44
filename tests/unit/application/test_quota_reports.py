"""What users are told of downloads that a quota kept back: one message in half a minute, nothing lost or twice."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from regards_order import NotificationRefused, NotifierUnavailable, StoreUnavailable, User
from regards_order.domain.events import DownloadsRefused, OrderCreated, RefusedDownload

LISE, MAX = "lise@obs.example", "max@obs.example"


@pytest.fixture
def refuse(centre) -> Callable[..., None]:
    """Return a function that writes one letter about files that were kept back."""

    def write(*names: str, email: str = LISE, rate: bool = False, order_id: int = 7) -> None:
        files = tuple(RefusedDownload(name, rate) for name in names)
        letter = DownloadsRefused(
            order_id=order_id, owner=email, correlation_id=f"c-{order_id}", first=files[:3], total=len(files)
        )
        with centre.ordering.store.write() as tx:
            tx.outbox.add(letter)

    return write


def texts(centre, email: str = LISE) -> list[str]:
    """Return what a user was told."""
    told = centre.ordering.notifier.told
    return [event.text for event in told if isinstance(event, DownloadsRefused) and event.owner == email]


def line(name: str, word: str = "quota") -> str:
    """Return what is said of one file."""
    return f"Could not download file {name}: download {word} exceeded."


@pytest.mark.parametrize("letters", [["abcdefg"], ["a", "b", "c", "d", "e", "f", "g"], ["ab", "cde", "fg"]])
def test_case_25_seven_refusals(centre, refuse, letters: list[str]) -> None:
    """However they came, they are one message of three lines and of how many more there are."""
    for names in letters:
        refuse(*names)
    assert centre.ordering.do_chores() == 1
    lines = "\n".join(map(line, "abc"))
    assert texts(centre) == [f"{lines}\n... and 4 more download errors."]
    assert centre.events() == []


@pytest.mark.parametrize("names", ["a", "ab", "abc"])
def test_case_25_few_refusals(centre, refuse, names: str) -> None:
    """Up to three files are a line each, and nothing more."""
    refuse(*names)
    centre.ordering.do_chores()
    assert texts(centre) == ["\n".join(map(line, names))]


def test_one_more_than_three(centre, refuse) -> None:
    """The fourth is the first that is only counted."""
    refuse(*"abc")
    refuse("d", rate=True)
    centre.ordering.do_chores()
    assert texts(centre)[0].splitlines()[3:] == ["... and 1 more download errors."]


def test_both_limits_in_one_message(centre, refuse) -> None:
    """Each line names the limit; order and correlation are those of the first letter."""
    refuse("a", order_id=1)
    refuse("b", rate=True, order_id=2)
    centre.ordering.do_chores()
    assert texts(centre) == [f"{line('a')}\n{line('b', 'rate')}"]
    [told] = centre.ordering.notifier.told
    assert (told.order_id, told.correlation_id, told.owner, told.total) == (1, "c-1", LISE, 2)


def test_one_message_in_half_a_minute(centre, refuse) -> None:
    """What comes within 30 seconds of a report waits for the next one, and then comes all at once."""
    refuse("a")
    centre.ordering.do_chores()
    for name in "bc":
        centre.ordering.clock.advance(seconds=14.5)
        refuse(name)
        assert centre.ordering.do_chores() == 0
    centre.ordering.clock.advance(seconds=0.999_999)
    assert centre.ordering.do_chores() == 0
    centre.ordering.clock.advance(microseconds=1)
    assert centre.ordering.do_chores() == 1
    assert texts(centre) == [line("a"), f"{line('b')}\n{line('c')}"]
    centre.ordering.clock.advance(hours=1)
    centre.ordering.do_chores()
    assert len(texts(centre)) == 2


def test_a_message_for_each_user(centre, refuse) -> None:
    """Nobody reads what was refused to somebody else."""
    for name, email in zip("abcd", (LISE, MAX, LISE, MAX), strict=True):
        refuse(name, email=email)
    assert centre.ordering.do_chores() == 2
    assert texts(centre) == [f"{line('a')}\n{line('c')}"]
    assert texts(centre, MAX) == [f"{line('b')}\n{line('d')}"]


def test_more_letters_than_a_page(centre, refuse) -> None:
    """250 letters are one message."""
    for number in range(250):
        refuse(f"f{number}")
    assert centre.ordering.do_chores() == 1
    assert texts(centre)[0].endswith("\n... and 247 more download errors.")
    assert centre.events() == []


def test_nobody_can_be_told(centre, refuse, caplog) -> None:
    """Letters stay until somebody can be told, together with those that came meanwhile."""
    notifier = centre.ordering.notifier
    notifier.failure = NotifierUnavailable("no mail server")
    refuse("a")
    with caplog.at_level(logging.WARNING):
        assert centre.ordering.do_chores() == 0
    assert [record.action for record in caplog.records] == ["notifier_unavailable"]
    assert (len(centre.events()), notifier.told) == (1, [])
    notifier.failure = None
    refuse("b")
    assert centre.ordering.do_chores() == 0
    centre.ordering.clock.advance(seconds=30)
    assert centre.ordering.do_chores() == 1
    assert texts(centre) == [f"{line('a')}\n{line('b')}"]
    assert centre.events() == []


@pytest.mark.parametrize("failure", [NotificationRefused(LISE, "no address"), ValueError("whatever")])
def test_who_never_can_be_told(centre, refuse, caplog, failure: Exception) -> None:
    """It is logged, the letters go, and the next user is told."""
    notifier = centre.ordering.notifier
    told = notifier.downloads_refused

    class Choosy:
        def downloads_refused(self, event: DownloadsRefused) -> None:
            if event.owner == LISE:
                raise failure
            told(event)

    refuse("a")
    refuse("b", email=MAX)
    with caplog.at_level(logging.WARNING):
        centre.with_(notifier=Choosy()).ordering.do_chores()
    assert [record.action for record in caplog.records] == ["notification_failed"]
    assert (texts(centre), texts(centre, MAX), centre.events()) == ([], [line("b")], [])


def test_what_is_refused_while_a_report_is_sent(centre, refuse) -> None:
    """It is for the next report: neither lost nor told twice."""
    notifier = centre.ordering.notifier
    told = notifier.downloads_refused

    class Slow:
        def downloads_refused(self, event: DownloadsRefused) -> None:
            if not notifier.told:
                refuse("b")
                refuse("y", email=MAX)
            told(event)

    slow = centre.with_(notifier=Slow())
    refuse("a")
    refuse("x", email=MAX)
    slow.ordering.do_chores()
    assert (texts(centre), texts(centre, MAX)) == ([line("a")], [line("x")])
    assert slow.ordering.do_chores() == 0
    centre.ordering.clock.advance(seconds=30)
    slow.ordering.do_chores()
    assert (texts(centre), texts(centre, MAX)) == ([line("a"), line("b")], [line("x"), line("y")])
    assert centre.events() == []


def test_a_worker_that_stops(centre, refuse) -> None:
    """Who was told is told; the letters of the others stay for the next report."""
    for name, email in (("a", LISE), ("b", MAX)):
        refuse(name, email=email)
    centre.ordering.do_chores(stop=lambda: bool(centre.ordering.notifier.told))
    assert (texts(centre), texts(centre, MAX)) == ([line("a")], [])
    assert [event.owner for event in centre.events()] == [MAX]
    centre.ordering.clock.advance(seconds=30)
    centre.ordering.do_chores()
    assert (texts(centre), texts(centre, MAX)) == ([line("a")], [line("b")])


def test_a_database_that_is_away(centre, refuse) -> None:
    """A failure of the database while somebody is told is none of the letter: it stays."""

    class Away:
        def downloads_refused(self, event: DownloadsRefused) -> None:
            raise StoreUnavailable("it restarts")

    refuse("a")
    with pytest.raises(StoreUnavailable):
        centre.with_(notifier=Away()).ordering.do_chores()
    assert len(centre.events()) == 1


def test_other_letters_do_not_wait(centre, refuse) -> None:
    """An order that is created meanwhile is told at once, and refused downloads do not go out with it."""
    refuse("a")
    centre.ordering.do_chores()
    centre.product(centre.dataset("D"), "p", ("scene.tif", b"s"))
    centre.work(centre.place(User(LISE), frontend_url="/orders"))
    refuse("b")
    centre.ordering.do_chores()
    assert [type(event) for event in centre.ordering.notifier.told] == [DownloadsRefused, OrderCreated]
    assert texts(centre) == [line("a")]


def test_a_server_that_is_down_is_not_tried_for_everybody(centre, refuse) -> None:
    """After three users in vain the others wait as well, and all are told once it is back."""
    tried = []

    class Down:
        def downloads_refused(self, event: DownloadsRefused) -> None:
            tried.append(event.owner)
            raise NotifierUnavailable("no mail server")

    emails = [f"u{number}@obs.example" for number in range(5)]
    for email in emails:
        refuse("a", email=email)
    centre.with_(notifier=Down()).ordering.do_chores()
    assert tried == emails[:3]
    centre.ordering.clock.advance(seconds=30)
    assert centre.ordering.do_chores() == 5
    assert [texts(centre, email) for email in emails] == [[line("a")]] * 5


def test_a_worker_that_starts_makes_no_report_come_earlier(centre, refuse) -> None:
    """Half a minute is between two messages, however often workers start."""
    refuse("a")
    centre.ordering.do_chores()
    refuse("b")
    centre.ordering.wake_chores()
    centre.ordering.do_chores()
    assert texts(centre) == [line("a")]
    centre.ordering.clock.advance(seconds=30)
    centre.ordering.do_chores()
    assert texts(centre) == [line("a"), line("b")]
