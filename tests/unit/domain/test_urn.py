"""URNs."""

from __future__ import annotations

import uuid

import pytest

from regards_order.domain.errors import InvalidUrn
from regards_order.domain.urn import PATTERN, Urn

NAME = "35a8b1aa-7d90-3f34-bc94-646424f8cee3"


@pytest.mark.parametrize(
    ("tail", "version", "order", "revision", "written"),
    [
        ("V7", 7, None, None, "V7"),
        ("V007", 7, None, None, "V7"),
        ("V999", 999, None, None, "V999"),
        ("LAST", None, None, None, "LAST"),
        ("V1,12", 1, 12, None, "V1,12"),
        ("V1:REVa:b", 1, None, "a:b", "V1:REVa:b"),
        ("LAST,3:REV2\nx", None, 3, "2\nx", "LAST,3:REV2\nx"),
    ],
)
def test_parts(tail: str, version: int | None, order: int | None, revision: str | None, written: str) -> None:
    """Version, order and revision are read, and written back in their normal form."""
    urn = Urn.parse(f"URN:AIP:DATA:default:{NAME}:{tail}")
    assert urn == Urn("AIP", "DATA", "default", uuid.UUID(NAME), version, order, revision)
    assert str(urn) == f"URN:AIP:DATA:default:{NAME}:{written}"


@pytest.mark.parametrize("kind", ["DATA", "DATASET", "COLLECTION"])
def test_kinds_of_entities(kind: str) -> None:
    """Products, datasets and collections have URNs."""
    assert Urn.parse(f"URN:FEATURE:{kind}:lab:{NAME}:V1").entity_type == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DS1",
        f"URN:AIP:DATA:default:{NAME}",
        f"URN:AIP:DATA:default:{NAME}:7",
        f"URN:AIP:DATA:default:{NAME}:V1000",
        f"URN:AIP:DATA:default:{NAME}:V",
        f"URN:AIP:THING:default:{NAME}:V1",
        f"URN:AIP:data:default:{NAME}:V1",
        f"URN:AIP:DATA::{NAME}:V1",
        "URN:AIP:DATA:default:no-uuid:V1",
        f"URN:AIP:DATA:default:{NAME}:V1,",
        f"URN:AIP:DATA:default:{NAME}:V1:REV",
        f"xURN:AIP:DATA:default:{NAME}:V1",
        f"URN:AIP:DATA:default:{NAME}:V1 ",
        f"URN:AIP:DATA:{'t' * 220}:{NAME}:V1",
    ],
)
def test_refused_texts(text: str) -> None:
    """Another form, an unknown type, no UUID or more than 255 characters are refused, naming text and pattern."""
    with pytest.raises(InvalidUrn) as caught:
        Urn.parse(text)
    assert (caught.value.text, caught.value.pattern) == (text, PATTERN)


def test_made_urns_are_stable_and_distinct() -> None:
    """A made URN is the same every time and differs with tenant, type and name, not with the version."""
    urn = Urn.make("DATA", "default", "S2A_001")
    assert urn == Urn.make("DATA", "default", "S2A_001")
    assert Urn.parse(str(urn)) == urn
    others = [("DATASET", "default", "S2A_001"), ("DATA", "lab", "S2A_001"), ("DATA", "default", "S2A_002")]
    assert len({urn.id, *(Urn.make(*each).id for each in others)}) == 4
    assert Urn.make("DATA", "default", "S2A_001", 2).id == urn.id
    assert Urn.make("DATA", "default", "S2A_001", 2).version == 2


def test_last_version() -> None:
    """The last version of an entity has the same name but for its version."""
    urn = Urn.make("DATA", "default", "S2A_001", 3)
    assert str(urn.last) == str(urn).replace(":V3", ":LAST")
