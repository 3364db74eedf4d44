"""Names and the notice of a ZIP."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from regards_order.domain.archive import NOTICE, EntryNames, Failure, clean_name, notice, zip_name


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("a.tif", "a.tif"),
        ("a/b\\c:d", "a_b_c_d"),
        ("a\0\t\x1f\x7fb", "a____b"),
        ("\x80\x9f", "__"),
        ("été 7.nc", "été 7.nc"),
        ("", "_"),
        (".", "_"),
        ("..", "__"),
        ("../a", "___a"),
        ("..\\a", "___a"),
        ("..a", "__a"),
        ("...", "__."),
        (".hidden", ".hidden"),
        ("a..b", "a..b"),
        ("\udcff.tif", "_.tif"),
    ],
)
def test_cleaned_names(name: str, clean: str) -> None:
    """Separators and control characters become "_", and no leading dot-dot survives (page 60, 4.2)."""
    assert clean_name(name) == clean


def test_name_of_the_zip() -> None:
    """The name of a ZIP holds order and instant, with microseconds, and is what clients accept."""
    name = zip_name(12, dt.datetime(2026, 3, 2, 9, 21, 50, tzinfo=dt.timezone.utc))
    assert name == "order_12_2026-03-02T09_21_50.000000Z.zip"
    assert re.fullmatch(r"order_(\d+)_\d{4}-\d\d-\d\dT\d\d[:_]\d\d[:_]\d\d(\.\d{1,9})?Z\.zip", name)


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (["a.tif", "a.tif", "README", "README"], ["a.tif", "a (1).tif", "README", "README (1)"]),
        (["a.txt", "a.txt", "a.txt"], ["a.txt", "a (1).txt", "a (2).txt"]),
        (["a (1).txt", "a.txt", "a.txt"], ["a (1).txt", "a.txt", "a (2).txt"]),
        (["a.txt", "a.txt", "a (1).txt"], ["a.txt", "a (1).txt", "a (1) (1).txt"]),
        (["a.tar.gz", "a.tar.gz"], ["a.tar.gz", "a.tar (1).gz"]),
        (["a/b", "a:b", "a_b"], ["a_b", "a_b (1)", "a_b (2)"]),
        ([NOTICE, NOTICE], ["NOTICE.txt", "NOTICE (1).txt"]),
        (["a", "A"], ["a", "A"]),
    ],
)
def test_every_entry_has_its_own_name(wanted: list[str], given: list[str]) -> None:
    """A further file of the same name gets " (n)" before its last dot, with an n that is really free (D-16)."""
    names = EntryNames()
    assert [names.take(name) for name in wanted] == given


def test_many_equal_names_stay_fast() -> None:
    """Ten thousand files of one name are counted on, not counted again."""
    names = EntryNames()
    given = [names.take("a.tif") for _ in range(10_000)]
    assert (given[-1], len(set(given))) == ("a (9999).tif", 10_000)


def test_notice_has_one_line_for_each_failure() -> None:
    """The notice names each file and its reason, without a final line end and without the technical cause."""
    failures = [
        Failure(1, "S2A_B02.jp2", "Download quota of 100 exceeded (by 0) for user ada@example.org.", "secret"),
        Failure(2, "S2A_B03.jp2", "Server returned HTTP error code 404", "secret"),
    ]
    assert notice(failures) == (
        "Failed to download file (S2A_B02.jp2): Download quota of 100 exceeded (by 0) for user ada@example.org..\n"
        "Failed to download file (S2A_B03.jp2): Server returned HTTP error code 404."
    )


def test_long_names_are_cut_and_keep_their_extension() -> None:
    """An entry never has a name that file systems refuse, numbered or not."""
    names = EntryNames()
    first, second = names.take("é" * 300 + ".tar"), names.take("é" * 300 + ".tar")
    assert first != second
    assert second.endswith(" (1).tar")
    assert all(len(name.encode()) <= 255 for name in (first, second, names.take("x." + "y" * 400)))
