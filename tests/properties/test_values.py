"""Rules of values that hold for all of them."""

from __future__ import annotations

import datetime as dt

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from regards_order import UNLIMITED, FileCounts, FileState, LabelTooLong, Order, Quota, Urn
from regards_order.domain.archive import NOTICE, EntryNames, clean_name
from regards_order.domain.files import Moved
from regards_order.domain.order import LABEL_LIMIT, check_label, default_label
from regards_order.testing import strategies as some


@given(some.urns())
def test_a_urn_is_read_as_it_is_written(urn: Urn) -> None:
    """Writing and reading a URN gives the same URN."""
    assert Urn.parse(str(urn)) == urn


# --- counts


@given(some.file_counts(), some.file_counts(), some.file_counts())
def test_counts_add_up_in_any_order(one: FileCounts, two: FileCounts, three: FileCounts) -> None:
    """Addition is commutative and associative, and nothing plus counts are the counts."""
    assert one + two == two + one
    assert (one + two) + three == one + (two + three)
    assert one + FileCounts() == one


@given(some.file_counts(), some.file_counts())
def test_totals_add_up(one: FileCounts, two: FileCounts) -> None:
    """What is derived from counts is the sum of what is derived from their parts."""
    assert (one + two).total == one.total + two.total
    assert (one + two).in_error == one.in_error + two.in_error


@given(some.moves())
def test_a_move_keeps_files_and_bytes(move: Moved) -> None:
    """Files that move are neither more nor fewer, and there and back is no change."""
    change = FileCounts.change([move])
    assert (change.total, change.bytes_known) == (0, 0)
    back = attrs.evolve(FileCounts()) + FileCounts.change([move._replace(before=move.after, after=move.before)])
    assert change + back == FileCounts()


@given(some.moves())
def test_a_change_turns_old_counts_into_new_ones(move: Moved) -> None:
    """The counts before plus the change are the counts after."""
    before = FileCounts.of(move.before, move.files, move.bytes)
    assert before + FileCounts.change([move]) == FileCounts.of(move.after, move.files, move.bytes)


@given(st.lists(some.moves(), max_size=5))
def test_changes_can_be_taken_together(moves: list[Moved]) -> None:
    """One change for all moves is the sum of one change for each."""
    assert FileCounts.change(moves) == sum((FileCounts.change([move]) for move in moves), FileCounts())


@given(some.file_counts())
def test_percent_is_100_only_when_nothing_is_awaited(counts: FileCounts) -> None:
    """And never outside 0 to 100."""
    assert 0 <= counts.percent <= 100
    assert (counts.percent == 100) == (counts.pending == 0)


@given(some.file_counts(), st.sampled_from([state for state in FileState if state is not FileState.PENDING]))
def test_percent_never_falls_when_a_file_is_treated(counts: FileCounts, state: FileState) -> None:
    """Every answer of the storage is progress or none, never a step back."""
    assume(counts.pending > 0)
    size = counts.bytes_pending // counts.pending
    treated = counts + FileCounts.change([Moved(1, FileState.PENDING, state, 1, size)])
    assert treated.percent >= counts.percent


@given(some.orders())
def test_an_order_without_files_is_at_0(order: Order) -> None:
    """An order shows the percentage of its counts, or 0 before it has files."""
    assert order.percent == (order.counts.percent if order.counts.total else 0)
    assert attrs.evolve(order, counts=FileCounts()).percent == 0


# --- labels


@given(some.instants(), st.integers(1, 10**9), st.integers(1, 10**9))
def test_default_labels_can_be_borne(now: dt.datetime, one: int, other: int) -> None:
    """A generated label is never too long, and each attempt gives another one."""
    assert check_label(default_label(now, one)) == default_label(now, one)
    assert (default_label(now, one) == default_label(now, other)) == (one == other)


@given(some.texts(80))
def test_a_label_is_counted_in_characters(label: str) -> None:
    """50 characters of any script are allowed, 51 are not; the refusal says how many there are."""
    if len(label) <= LABEL_LIMIT:
        assert check_label(label) == label
        return
    with pytest.raises(LabelTooLong) as caught:
        check_label(label)
    assert (caught.value.length, caught.value.limit) == (len(label), LABEL_LIMIT)


# --- quota


@given(some.quotas(), st.integers(0, 2**41))
def test_a_quota_allows_what_remains(quota: Quota, files: int) -> None:
    """As many files as remain, not one more; without limit any number."""
    if quota.unlimited:
        assert quota.allows(files)
        assert quota.remaining == UNLIMITED
    elif quota.used <= quota.limit:
        assert quota.allows(files) == (files <= quota.remaining)
    else:
        assert (quota.allows(files), quota.remaining) == (False, 0)


@given(some.quotas(), st.integers(0, 10), st.integers(0, 10))
def test_a_quota_is_taken_bit_by_bit_or_at_once(quota: Quota, one: int, other: int) -> None:
    """Two downloads use as much as one of both."""
    assert quota.take(one).take(other) == quota.take(one + other)
    if quota.allows(one):
        taken = quota.take(one)
        assert taken.unlimited or taken.remaining == quota.remaining - one


# --- names in an archive

_NAMES = some.texts() | st.sampled_from(
    ("a.txt", "a (1).txt", "a (2).txt", "a/txt", "..", "", "a\0", "x" * 300, NOTICE)
)


@given(st.lists(_NAMES, max_size=30))
def test_entries_have_names_of_their_own(names: list[str]) -> None:
    """No two entries of an archive share a name, and every name is clean."""
    entries = EntryNames()
    taken = [entries.take(name) for name in names]
    assert len(set(taken)) == len(taken)
    assert [clean_name(name) for name in taken] == taken
    assert not {".", "..", ""} & set(taken)


@given(st.lists(_NAMES, max_size=10), _NAMES)
def test_a_free_name_is_kept(names: list[str], name: str) -> None:
    """A clean name that nobody has is taken as it is, and one that is taken keeps its extension."""
    entries = EntryNames()
    taken = {entries.take(each) for each in names}
    given_name, clean = entries.take(name), clean_name(name)
    assert (given_name == clean) == (clean not in taken)
    assert given_name.rpartition(".")[2] == clean.rpartition(".")[2] or "." not in clean


@given(st.text())
def test_cleaning_a_name_twice_is_cleaning_it_once(name: str) -> None:
    """A clean name has no folder, no drive, no control character, and stays as it is."""
    clean = clean_name(name)
    assert clean_name(clean) == clean
    assert clean
    assert not set("/\\:\0\n") & set(clean)
