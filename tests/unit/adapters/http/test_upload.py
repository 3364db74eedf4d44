"""Filling the basket from a file over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regards_order import Settings

PATH = "/order/basket/selection/upload"


@pytest.fixture
def filled(desk: Any) -> Any:
    """Return a desk whose catalogue has 120 products of one dataset."""
    dataset = desk.centre.dataset("Sentinel")
    for number in range(120):
        desk.centre.product(dataset, f"id{number}", (f"f{number}", b"x"))
    return desk


def upload(desk: Any, data: bytes, name: str = "file", **kwargs: Any) -> Any:
    """Send a file as a browser does."""
    return desk.post(PATH, files={name: ("ids.txt", data, "text/plain")}, **kwargs)


def test_case_13_trimmed_identifiers(filled: Any) -> None:
    """One search names the trimmed identifiers; the answer is the basket."""
    added = upload(filled, b"id1\n id2 \nencoreUnId")
    [selection] = added.json()["content"]["datasetSelections"]
    [item] = selection["itemsSelections"]
    expected = 'last=true AND providerId=("id1" OR "id2" OR "encoreUnId")'
    assert item["selectionRequest"]["searchParameters"] == {"q": [expected]}
    assert (added.status_code, selection["objectsCount"]) == (200, 2)
    assert filled.get("/order/basket").json() == added.json()


def test_case_14_too_many_lines(filled: Any, make_desk: Callable[..., Any]) -> None:
    """More lines than the limit are refused, and nothing is added."""
    filled = make_desk(filled.centre.with_(settings=Settings(upload_max_lines=10)))
    refused = upload(filled, b"\n".join(b"id%d" % number for number in range(11)))
    assert refused.status_code == 413
    assert refused.json()["messages"][0].startswith("Input file exceed max lines limit (10)")
    assert filled.get("/order/basket").status_code == 204


def test_case_15_a_hundred_at_once(filled: Any) -> None:
    """A file of 120 known identifiers makes two dated selections."""
    added = upload(filled, b"\n".join(b"id%d" % number for number in range(120)))
    [selection] = added.json()["content"]["datasetSelections"]
    assert [item["objectsCount"] for item in selection["itemsSelections"]] == [100, 20]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"unknown"])
def test_a_file_that_finds_nothing(filled: Any, data: bytes) -> None:
    """The answer is empty, and there is no basket."""
    assert upload(filled, data).status_code == 204
    assert filled.get("/order/basket").status_code == 204


def test_the_part_is_needed(filled: Any) -> None:
    """A form without the part is refused by its name."""
    refused = upload(filled, b"id1", "other")
    assert refused.status_code == 400
    assert "Required part 'file' is not present." in refused.json()["messages"][0]


def test_a_plain_field_will_do(filled: Any) -> None:
    """The part may be a field without file name."""
    body = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nid1\r\n--b--\r\n'
    added = filled.post(PATH, content=body, headers={"content-type": "multipart/form-data; boundary=b"})
    assert added.status_code == 200


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_other_types_of_bodies(filled: Any, kind: str) -> None:
    """What is no form is refused."""
    assert filled.post(PATH, content=b"id1", headers={"content-type": kind}).status_code == 415
    assert filled.post(PATH).status_code == 415


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"nothing of that kind"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Dis"),
        ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nid1'),
    ],
)
def test_broken_forms(filled: Any, kind: str, body: bytes) -> None:
    """A form that cannot be read is refused."""
    assert filled.post(PATH, content=body, headers={"content-type": kind}).status_code == 400


def test_a_body_beyond_all_measure(filled: Any) -> None:
    """What is larger than any list of identifiers is not even read."""
    assert upload(filled, b"x" * 2_000_000).status_code == 413


def test_bytes_that_are_no_text(filled: Any) -> None:
    """The file has to be UTF-8."""
    refused = upload(filled, b"id1\n\xff\xfe")
    assert refused.status_code == 422
    assert "byte 4 is not UTF-8" in refused.json()["messages"][0]
