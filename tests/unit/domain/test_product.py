"""What the catalogue holds."""

from __future__ import annotations

import attrs
import pytest

from regards_order.domain.errors import InvalidInput
from regards_order.domain.product import ORDERABLE, QUICKLOOKS, CatalogFile, DataFile, DataType
from regards_order.testing import make_product


def stored(**changes: object) -> DataFile:
    """Return a stored file."""
    values: dict[str, object] = {"filename": "a.tif", "uri": "a.tif", "size": 3, "checksum": "aa"}
    return DataFile(DataType.RAWDATA, **{**values, **changes})  # type: ignore[arg-type]


def test_orderable_types() -> None:
    """Raw data and the three quicklooks can be ordered, nothing else."""
    assert {each.name for each in ORDERABLE} == {"RAWDATA", "QUICKLOOK_SD", "QUICKLOOK_MD", "QUICKLOOK_HD"}
    assert ORDERABLE - {DataType.RAWDATA} == QUICKLOOKS
    assert {each.name for each in DataType} - {each.name for each in ORDERABLE} == {
        "THUMBNAIL",
        "DOCUMENT",
        "DESCRIPTION",
        "AIP",
        "OTHER",
    }


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "a\nb", "a\rb", "/", "../a"])
def test_refused_file_names(name: str) -> None:
    """A name that is empty, a folder, or holds a slash, NUL or a line end is no file name."""
    with pytest.raises(InvalidInput) as caught:
        stored(filename=name)
    assert [fault.path for fault in caught.value.faults] == ["$.filename"]


@pytest.mark.parametrize("name", ["...", "a b", ".hidden", "a\\b", "é.tif", "NOTICE.txt", "a:b"])
def test_accepted_file_names(name: str) -> None:
    """Any other name is taken as it is."""
    assert stored(filename=name).filename == name


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"size": None}, ["$.size"]),
        ({"checksum": None}, ["$.checksum"]),
        ({"checksum": ""}, ["$.checksum"]),
        ({"size": -1}, ["$.size"]),
        ({"size": None, "checksum": None}, ["$.size", "$.checksum"]),
        ({"reference": True}, ["$.uri"]),
        ({"reference": True, "uri": "ftp://x/a", "size": -5}, ["$.size", "$.uri"]),
    ],
)
def test_faults_come_together(changes: dict[str, object], paths: list[str]) -> None:
    """All faults of a file come back at once, each with its path."""
    with pytest.raises(InvalidInput) as caught:
        stored(**changes)
    assert [fault.path for fault in caught.value.faults] == paths


@pytest.mark.parametrize("uri", ["http://x/a", "https://x/a"])
def test_reference_may_know_nothing(uri: str) -> None:
    """A reference needs only its http(s) URL: neither size nor checksum."""
    file = stored(reference=True, uri=uri, size=None, checksum=None)
    assert (file.size, file.checksum) == (None, None)


def test_empty_file_is_a_file() -> None:
    """A stored file of no bytes is fine."""
    assert stored(size=0).size == 0


def test_row_has_all_fields_of_the_file() -> None:
    """The row of a file carries each of its fields, in order, with the data type as text."""
    file = DataFile(
        DataType.QUICKLOOK_HD,
        "a.png",
        "http://x/a.png",
        "image/png",
        size=7,
        checksum="aa",
        digest_algorithm="MD5",
        online=False,
        reference=True,
    )
    expected = ("QUICKLOOK_HD", "a.png", "http://x/a.png", "image/png", 7, "aa", "MD5", False, True)
    assert CatalogFile.of(file) == expected
    assert CatalogFile._fields == tuple(field.name for field in attrs.fields(DataFile))


def test_attributes_have_dotted_names() -> None:
    """Attributes inside fragments are named with their path; lists stay whole."""
    product = make_product("p", properties={"a": 1, "b": {"c": [2, 3], "d": {"e": None}}, "f": {}})
    assert dict(product.attributes()) == {"a": 1, "b.c": [2, 3], "b.d.e": None}
