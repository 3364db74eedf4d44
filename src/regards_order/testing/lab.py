"""The sample catalogue LAB: ten films that show every rule of the query language."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from regards_order.domain.attributes import AttributeType
from regards_order.domain.product import DataFile, Dataset, DataType, Product

DATASET_A, DATASET_B, DATASET_C = (f"URN:AIP:DATASET:lab:0000000{x}-0000-0000-0000-00000000000{x}:V1" for x in "abc")
_TEAM = frozenset({"lab-team"})
_ATTRIBUTES: Mapping[str, AttributeType] = {
    "title": AttributeType.STRING,
    "author": AttributeType.STRING,
    "altitude": AttributeType.LONG,
    "speed": AttributeType.LONG,
    "bpm": AttributeType.DOUBLE,
    "date": AttributeType.DATE,
    "isTrue": AttributeType.BOOLEAN,
    "cast": AttributeType.STRING_ARRAY,
    "years": AttributeType.LONG_ARRAY,
    "sensing.start": AttributeType.DATE,
    "sensing.mode": AttributeType.STRING,
    "orbit.mode": AttributeType.STRING,
}


def lab_attributes() -> dict[str, AttributeType]:
    """Return the attributes of LAB with their types."""
    return dict(_ATTRIBUTES)


def lab_datasets() -> tuple[Dataset, ...]:
    """Return the datasets A, B and C of LAB."""
    urns = ((DATASET_A, "A"), (DATASET_B, "B"), (DATASET_C, "C"))
    return tuple(Dataset(urn, f"lab-{name}", f"Dataset {name}", _TEAM) for urn, name in urns)


def lab_products() -> tuple[Product, ...]:
    """Return the products P1 to P10 of LAB, in this order."""
    return tuple(_product(number, *row) for number, row in enumerate(_ROWS, 1))


def _product(number: int, provider_id: str, tags: tuple[str, ...], properties: Mapping[str, Any]) -> Product:
    version = 2 if number == 5 else 1
    identity = 4 if number == 5 else number  # P5 is the second version of P4
    urn = f"URN:AIP:DATA:lab:00000000-0000-0000-0000-{identity:012}:V{version}"
    filename = f"{provider_id}.zip"
    file = DataFile(
        DataType.RAWDATA,
        filename,
        filename,
        "application/zip",
        size=0,
        checksum=f"{number:032x}",
        digest_algorithm="MD5",
    )
    entered = dt.datetime(2024, 1, number, tzinfo=dt.timezone.utc)
    return Product(
        urn,
        provider_id,
        "Alpha One" if number == 1 else provider_id,
        "film",
        frozenset(tags),
        version,
        number != 4,
        properties,
        None,
        _TEAM,
        (file,),
        entered,
        entered,
    )


_ROWS: tuple[tuple[str, tuple[str, ...], Mapping[str, Any]], ...] = (
    (
        "S2A_001",
        (DATASET_A, "plop"),
        {
            "title": "Harry Potter",
            "author": "J. K. Rowling",
            "altitude": 8848,
            "bpm": 145.6,
            "date": "2020-01-01T00:00:00Z",
            "isTrue": True,
            "cast": ["Daniel Radcliffe", "Emma Watson"],
            "years": [2001, 2002],
            "sensing": {"start": "2020-01-01T10:00:00Z", "mode": "IW"},
            "orbit": {"mode": "ASC"},
        },
    ),
    (
        "S2A_0010",
        (DATASET_A,),
        {
            "title": "harrypotter",
            "author": "rowling",
            "altitude": -5,
            "bpm": 128.0,
            "date": "2020-01-02T00:00:00Z",
            "isTrue": False,
            "cast": ["Rupert Grint"],
            "years": [2001],
        },
    ),
    (
        "S2B_001",
        (DATASET_A, DATASET_B),
        {
            "title": "Star Wars",
            "author": "George Lucas",
            "altitude": 0,
            "bpm": 90.25,
            "date": "2020-01-03T12:30:00.500Z",
            "isTrue": True,
            "cast": ["Mark Hamill"],
            "years": [1977],
        },
    ),
    ("S2B_002", (DATASET_B,), {"title": "star wars", "altitude": 2000, "date": "2020-02-01T00:00:00Z"}),
    (
        "S2B_002",
        (DATASET_B,),
        {
            "title": "Star Wars II",
            "author": "George Lucas",
            "altitude": 2000,
            "bpm": 128.0,
            "date": "2020-02-01T00:00:00Z",
            "isTrue": False,
            "cast": ["Ewan McGregor", "Natalie Portman"],
            "years": [2002],
        },
    ),
    ("a+b:c", (DATASET_B, "A:A"), {"title": "(1+1):2", "author": "O'Neill", "altitude": 120}),
    (
        "été_7",
        (DATASET_C, "B:B"),
        {"title": "Été à Évian", "author": "Zoé", "altitude": 90, "date": "2020-03-01T00:00:00+02:00"},
    ),
    ("user@site.fr", (DATASET_C, "C:C"), {"title": "mail john@cnes.fr", "altitude": 119}),
    ("johnXXcnes", (DATASET_C,), {"title": "mail johnXXcnes.fr"}),
    ("no-title", (), {"author": "nobody", "altitude": 8848}),
)
