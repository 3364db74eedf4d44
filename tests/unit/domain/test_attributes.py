"""Types of attributes, their values, and the names by which queries call them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from regards_order.domain.attributes import (
    AttributeType,
    AttributeValue,
    Field,
    ValueKind,
    infer_type,
    microseconds,
    parse_instant,
    read_value,
    read_values,
    virtual_id,
)
from regards_order.domain.fields import BUILT_IN, FieldNames

DAY = 86_400_000_000
B, I, N, D, T = (  # noqa: E741
    ValueKind.BOOLEAN,
    ValueKind.INTEGER,
    ValueKind.NUMBER,
    ValueKind.INSTANT,
    ValueKind.TEXT,
)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-02t00:00:00z", DAY),
        ("1970-01-02T00:00", DAY),
        ("1970-01-02T00:00Z", DAY),
        ("1970-01-02T00:00:00.5", DAY + 500_000),
        ("1970-01-02T00:00:00.123456789Z", DAY + 123_456),
        ("1970-01-02T02:00:00+02:00", DAY),
        ("1970-01-01T20:00:00-04:00", DAY),
        ("1969-12-31T00:00:00Z", -DAY),
    ],
)
def test_instants(text: str, instant: int) -> None:
    """No offset means UTC, seconds may be left out, digits beyond the microsecond are cut."""
    assert parse_instant(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1970-01-02",
        "1970-01-02 00:00:00",
        "1970-01-02T00:00:00.Z",
        "1970-02-30T00:00:00Z",
        "1970-01-02T25:00:00Z",
        "1970-01-02T00:00:00+25:00",
        "0000-01-01T00:00:00Z",
        "1970-01-02T00:00:00.1234567890Z",
        "1970-01-02T00:00:00Z ",
        "١٩٧٠-01-02T00:00:00Z",
    ],
)
def test_no_instants(text: str) -> None:
    """What is no ISO 8601 date-time, or no date of the calendar, is no instant."""
    assert parse_instant(text) is None


def test_microseconds_of_an_aware_instant() -> None:
    """An instant counts from 1970 in UTC, whatever its offset."""
    paris = dt.timezone(dt.timedelta(hours=1))
    assert microseconds(dt.datetime(1970, 1, 2, 1, 0, 0, 7, paris)) == DAY + 7


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (None, None),
        (True, AttributeValue(B, "true", 1)),
        (False, AttributeValue(B, "false", 0)),
        (7, AttributeValue(I, "7", 7, 7.0)),
        (2**63 - 1, AttributeValue(I, str(2**63 - 1), 2**63 - 1, float(2**63))),
        (2**63, AttributeValue(T, str(2**63))),
        (-(2**63), AttributeValue(I, str(-(2**63)), -(2**63), -float(2**63))),
        (-(2**63) - 1, AttributeValue(T, str(-(2**63) - 1))),
        (1.5, AttributeValue(N, "1.5", None, 1.5)),
        ("1970-01-02T00:00:00Z", AttributeValue(D, "1970-01-02T00:00:00Z", DAY)),
        ("été", AttributeValue(T, "été")),
    ],
)
def test_values(value: Any, read: AttributeValue | None) -> None:
    """A value is read in every form in which it may have to be compared; whole numbers beyond 64 bits are texts."""
    assert read_value(value) == read


def test_arrays_have_several_values() -> None:
    """An array has the values that are not null, a scalar has one, a null none."""
    assert [each.text for each in read_values([1, None, "x"])] == ["1", "x"]
    assert [each.text for each in read_values((True,))] == ["true"]
    assert [each.text for each in read_values("x")] == ["x"]
    assert read_values(None) == ()
    assert [each.kind for each in read_values([1, "x"])] == [ValueKind.INTEGERS, ValueKind.TEXTS]


@pytest.mark.parametrize(
    ("kinds", "name"),
    [
        ({B}, "BOOLEAN"),
        ({I}, "LONG"),
        ({N}, "DOUBLE"),
        ({I, N}, "DOUBLE"),
        ({D}, "DATE"),
        ({T}, "STRING"),
        ({D, T}, "STRING"),
        ({B, I}, "STRING"),
        ({I, T}, "STRING"),
        ({ValueKind.INTEGERS}, "LONG_ARRAY"),
        ({ValueKind.INTEGERS, N}, "DOUBLE_ARRAY"),
        ({ValueKind.INSTANTS, D}, "DATE_ARRAY"),
        ({ValueKind.BOOLEANS, I}, "STRING_ARRAY"),
    ],
)
def test_types_are_inferred_from_all_values(kinds: set[ValueKind], name: str) -> None:
    """Values of one kind give its type, whole and other numbers together give DOUBLE, other mixtures STRING."""
    assert infer_type(kinds).name == name


ATTRIBUTES = {
    "title": AttributeType.STRING,
    "a.mode": AttributeType.LONG,
    "b.mode": AttributeType.DOUBLE,
    "a.start": AttributeType.DATE,
    "label.x": AttributeType.STRING,
    "version": AttributeType.STRING,
    "f.productId": AttributeType.LONG,
}


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *((name, Field.of(name, kind, built_in=True)) for name, kind in BUILT_IN.items()),
        ("title", Field("title", AttributeType.STRING)),
        ("start", Field("a.start", AttributeType.DATE)),
        ("a.mode", Field("a.mode", AttributeType.LONG)),
        ("mode", None),
        ("properties.a.mode", Field("a.mode", AttributeType.LONG)),
        ("feature.properties.b.mode", Field("b.mode", AttributeType.DOUBLE)),
        ("properties.mode", None),
        ("properties.version", Field("version", AttributeType.STRING)),
        ("label.x", None),
        ("properties.label.x", Field("label.x", AttributeType.STRING)),
        ("x", Field("label.x", AttributeType.STRING)),
        ("nothing", None),
        ("a.nothing", None),
    ],
)
def test_names_of_fields(name: str, field: Field | None) -> None:
    """A field is called by its built-in name, its dotted name, or a short name that only one attribute has."""
    assert FieldNames(ATTRIBUTES).find(name) == field


def test_product_id_is_another_word_for_provider_id() -> None:
    """``productId`` means ``providerId`` unless an attribute has that name."""
    assert FieldNames({}).find("productId") == Field("providerId", AttributeType.STRING, True)
    assert FieldNames(ATTRIBUTES).find("productId") == Field("f.productId", AttributeType.LONG)


def test_texts_are_all_fields_of_type_string() -> None:
    """The built-in ones, then the attributes by name, arrays included."""
    names = [field.name for field in FieldNames({**ATTRIBUTES, "list": AttributeType.STRING_ARRAY}).texts()]
    assert names == [
        "id",
        "virtualId",
        "providerId",
        "label",
        "model",
        "tags",
        "rawdata",
        "datasetModelNames",
        "label.x",
        "list",
        "title",
        "version",
    ]


def test_a_short_name_of_several_attributes_is_no_alias() -> None:
    """Not even ``productId``: who writes it may mean one of them."""
    assert FieldNames({"a.productId": AttributeType.LONG, "b.productId": AttributeType.LONG}).find("productId") is None


@pytest.mark.parametrize(
    ("urn", "last", "expected"),
    [
        ("URN:AIP:DATA:lab:00000000-0000-0000-0000-000000000004:V2,3:REVx", True, ("LAST,3:REVx",)),
        ("URN:AIP:DATA:lab:00000000-0000-0000-0000-000000000004:V2", False, ()),
        ("no URN", True, ()),
    ],
)
def test_only_the_last_version_has_a_virtual_id(urn: str, last: bool, expected: tuple[str, ...]) -> None:
    """It is the URN with LAST for the version; order and revision stay."""
    assert tuple(each.rsplit("000004:", 1)[1] for each in virtual_id(urn, last=last)) == expected


@pytest.mark.parametrize("fragment", ["id", "providerId", "label", "model", "files", "tags", "geometry", "properties"])
def test_a_fragment_may_not_be_called_like_a_part_of_a_product(fragment: str) -> None:
    """Its attributes have their short names, and their full ones below the properties."""
    full = f"{fragment}.x"
    names = FieldNames({full: AttributeType.LONG})
    assert names.find(full) is None
    assert names.find("x") == names.find(f"properties.{full}") == Field(full, AttributeType.LONG)
