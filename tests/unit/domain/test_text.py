"""Short texts that people give."""

from __future__ import annotations

import pytest

from regards_order import DataFile, DataType, InvalidInput, SelectionRequest, User
from regards_order.domain.order import check_label
from regards_order.domain.product import unverifiable
from regards_order.domain.text import is_unicode, text_faults


@pytest.mark.parametrize(
    ("text", "blank", "wrong"),
    [
        ("Spring mosaics", False, False),
        ("été", False, False),
        ("x" * 10, False, False),
        ("", False, True),
        ("  ", False, True),
        ("", True, False),
        ("x" * 31, True, True),
        ("a\nb", False, True),
        ("a\x00", False, True),
        ("a\x85", False, True),
        ("a\udcff", False, True),
    ],
)
def test_a_text_is_judged(text: str, blank: bool, wrong: bool) -> None:
    """A text has its length, and no control or half characters; its refusal can always be printed."""
    faults = list(text_faults("$.x", text, limit=30, blank=blank))
    assert bool(faults) is wrong
    assert all(is_unicode(str(fault)) and fault.path == "$.x" for fault in faults)


@pytest.mark.parametrize(("email", "groups"), [("a\nb", ["x"]), ("", ["x"]), ("a@b", [""]), ("a@b", ["l\nm"])])
def test_users_have_plain_names(email: str, groups: list[str]) -> None:
    """Neither e-mail nor groups may break the lines of a list."""
    with pytest.raises(InvalidInput):
        User(email, groups=frozenset(groups))


def test_a_label_is_one_line() -> None:
    """A label with a line end is refused, with its path."""
    with pytest.raises(InvalidInput, match=r"\$\.label"):
        check_label("a\nb")


@pytest.mark.parametrize(
    "request_",
    [SelectionRequest.of("a:\ud800"), SelectionRequest(dataset_urn="\ud800"), SelectionRequest(include=("\ud800",))],
)
def test_half_characters_are_refused_before_a_database_sees_them(request_: SelectionRequest) -> None:
    """What cannot be written in UTF-8 is named with its path."""
    with pytest.raises(InvalidInput, match="half a character"):
        request_.check()


def described(**changes: object) -> DataFile:
    """Return a stored file."""
    values: dict[str, object] = {"size": 1, "checksum": "0" * 32, "digest_algorithm": "MD5", **changes}
    return DataFile(DataType.RAWDATA, "a", values.pop("uri", "a"), **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"digest_algorithm": None}, "$.digestAlgorithm"),
        ({"digest_algorithm": "FOO"}, "$.digestAlgorithm"),
        ({"checksum": "nothex"}, "$.checksum"),
        ({"checksum": "x" * 32}, "$.checksum"),
        ({"checksum": "0" * 40}, "$.checksum"),
    ],
)
def test_a_stored_file_must_be_verifiable(changes: dict[str, object], path: str) -> None:
    """A checksum that could not be verified is no checksum; a catalogue refuses it."""
    assert [fault.path for fault in unverifiable(described(**changes))] == [path]


def test_what_can_be_verified_is_taken() -> None:
    """Any of the known algorithms will do, and a reference needs none."""
    assert not list(unverifiable(described()))
    assert not list(unverifiable(described(checksum="A" * 64, digest_algorithm="sha-256")))
    reference = described(reference=True, uri="http://x/a", checksum=None, digest_algorithm=None, size=None)
    assert not list(unverifiable(reference))


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"size": 2**63}, "$.size"),
        ({"uri": ""}, "$.uri"),
        ({"uri": "a\x00"}, "$.uri"),
        ({"uri": "\udcff"}, "$.uri"),
        ({"uri": "http://", "reference": True}, "$.uri"),
        ({"uri": "http://[::1", "reference": True}, "$.uri"),
        ({"uri": "http://x:99999/", "reference": True}, "$.uri"),
    ],
)
def test_sizes_and_places_are_judged(changes: dict[str, object], path: str) -> None:
    """A size fits in 64 bits; a URI can be read and stored."""
    with pytest.raises(InvalidInput) as refusal:
        described(**changes)
    assert [fault.path for fault in refusal.value.faults] == [path]


@pytest.mark.parametrize("name", ["é" * 128, "a\udcff"])
def test_names_fit_a_file_system(name: str) -> None:
    """A file name has at most 255 bytes, all of whole characters."""
    with pytest.raises(InvalidInput, match=r"\$\.filename"):
        DataFile(DataType.RAWDATA, name, "a", size=1, checksum="0")
