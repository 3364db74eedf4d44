"""Parts of the basket over REST: taking them off, and filtering their files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regards_order import CatalogUnavailable, RequestRefused, User
from regards_order.testing import MemoryCatalog

DATASET = "/order/basket/dataset"
FILTERS = f"{DATASET}/1/updateFileFilters"
JSON = {"content-type": "application/json"}


@pytest.fixture
def filled(desk: Any) -> Any:
    """Return a desk whose user has a basket with two dated selections of one dataset, a second apart."""
    centre = desk.centre
    dataset = centre.dataset("Sentinel")
    for name in ("P1", "P2"):
        centre.product(dataset, name, (f"{name}.tif", b"x" * 10), (f"{name}.txt", b"x"))
    for query in ("providerId:P1", "providerId:P*"):
        body = {"engineType": "legacy", "searchParameters": {"q": [query]}}
        assert desk.post("/order/basket/selection", json=body).status_code == 200
        centre.ordering.clock.advance(seconds=1.000001)
    return desk


def shown(desk: Any) -> Any:
    """Return the dataset selections of the basket."""
    return desk.get("/order/basket").json()["content"]["datasetSelections"]


def dates(desk: Any) -> list[str]:
    """Return the dates of what was selected."""
    return [item["date"] for item in shown(desk)[0]["itemsSelections"]]


def test_case_6_take_a_dataset_off(filled: Any) -> None:
    """The basket stays, empty; an id that is not there changes nothing."""
    before = filled.get("/order/basket").json()
    for unknown in (2, -1, 2**63 - 1):
        answer = filled.ask("DELETE", f"{DATASET}/{unknown}")
        assert (answer.status_code, answer.json()) == (200, before)
    for _ in range(2):
        answer = filled.ask("DELETE", f"{DATASET}/1")
        content = {"id": 1, "owner": "ana@example.org", "quota": 0, "datasetSelections": []}
        assert (answer.status_code, answer.json()) == (200, {"content": content, "links": []})
    assert filled.get("/order/basket").status_code == 200
    assert filled.changes == []


@pytest.mark.parametrize(
    "spelt",
    [
        "2026-03-02T09:21:51.000001Z",
        "2026-03-02T09%3A21%3A51.000001Z",
        "2026-03-02T10:21:51.000001+01:00",
        "2026-03-02T10%3A21%3A51.000001%2B01%3A00",
        "2026-03-02T09:21:51.000001",
        "2026-03-02T09:21:51.000001999Z",
    ],
)
def test_case_7_take_a_dated_selection_off(filled: Any, spelt: str) -> None:
    """The date as it is shown, raw or percent-encoded, or the same instant otherwise: what is left is counted again."""
    first, second = dates(filled)
    assert second == "2026-03-02T09:21:51.000001Z"
    answer = filled.ask("DELETE", f"{DATASET}/1/{spelt}")
    assert answer.status_code == 200
    [selection] = answer.json()["content"]["datasetSelections"]
    assert [item["date"] for item in selection["itemsSelections"]] == [first]
    assert (selection["objectsCount"], selection["filesCount"], selection["filesSize"]) == (1, 2, 11)
    assert answer.json() == filled.get("/order/basket").json()


def test_last_dated_selection_takes_the_dataset_along(filled: Any) -> None:
    """A dataset of which nothing is selected goes."""
    for date in dates(filled):
        answer = filled.ask("DELETE", f"{DATASET}/1/{date}")
    assert (answer.status_code, answer.json()["content"]["datasetSelections"]) == (200, [])


@pytest.mark.parametrize("part", ["1/2026-03-02T09:21:52Z", "2/2026-03-02T09:21:50Z"])
def test_unknown_dated_selection(filled: Any, part: str) -> None:
    """An instant at which nothing was selected, or a dataset that is not there, changes nothing."""
    before = filled.get("/order/basket").json()
    answer = filled.ask("DELETE", f"{DATASET}/{part}")
    assert (answer.status_code, answer.json()) == (200, before)


@pytest.mark.parametrize("date", ["yesterday", "2026-03-02", "2026-02-30T00:00:00Z", "updateFileFilter", "5"])
def test_date_that_is_none(filled: Any, date: str) -> None:
    """It is named, and nothing changes."""
    before = filled.get("/order/basket").json()
    refused = filled.ask("DELETE", f"{DATASET}/1/{date}")
    assert refused.status_code == 400
    assert refused.json()["messages"][0].startswith(f'itemsSelectionDate: "{date}" ')
    assert filled.get("/order/basket").json() == before


def test_what_is_left_cannot_be_counted(filled: Any, make_desk: Callable[..., Any]) -> None:
    """Refused or out of reach: the basket is as it was."""
    before, date = filled.get("/order/basket").json(), dates(filled)[0]
    for failure, status in ((CatalogUnavailable("off"), 503), (RequestRefused("no"), 422)):

        class Failing(MemoryCatalog):
            def summary(self, *args: Any, failure: Exception = failure) -> Any:
                raise failure

        desk = make_desk(filled.centre.with_(catalog=Failing()))
        assert desk.ask("DELETE", f"{DATASET}/1/{date}").status_code == status
        assert desk.get("/order/basket").json() == before


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("DELETE", f"{DATASET}/1"),
        ("DELETE", f"{DATASET}/1/2026-03-02T09:21:50Z"),
        ("PUT", FILTERS),
    ],
)
def test_parts_of_no_basket(desk: Any, verb: str, path: str) -> None:
    """Without a basket the answer is empty; an id that is none is refused all the same."""
    answer = desk.ask(verb, path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    refused = desk.ask(verb, path.replace("/1", "/x"))
    assert refused.status_code == 400
    assert refused.json()["messages"][0].startswith("datasetSelectionId: ")


def test_parts_of_the_basket_of_another(filled: Any, stranger: User) -> None:
    """Everybody has a basket of his own, and the ids of others name nothing in it."""
    before = shown(filled)
    filled.post("/order/basket/selection", stranger, json={"engineType": "legacy"})
    assert filled.ask("DELETE", f"{DATASET}/1", stranger).status_code == 200
    assert filled.ask("PUT", FILTERS, stranger).status_code == 404
    assert shown(filled) == before
    assert len(filled.get("/order/basket", stranger).json()["content"]["datasetSelections"]) == 1


def test_case_9_set_and_take_off_a_filter(filled: Any) -> None:
    """What is sent is shown; without body it is gone; the counts do not change."""
    before = filled.get("/order/basket").json()
    answer = filled.ask("PUT", FILTERS, json={"fileNamePattern": "test"})
    assert answer.status_code == 200
    [selection] = answer.json()["content"]["datasetSelections"]
    assert selection.pop("fileSelectionDescription") == {"fileTypes": [], "fileNamePattern": "test"}
    assert [selection] == before["content"]["datasetSelections"]
    answer = filled.ask("PUT", FILTERS)
    assert (answer.status_code, answer.json()) == (200, before)


@pytest.mark.parametrize(
    ("body", "filter_shown"),
    [
        ({}, {"fileTypes": []}),
        ({"fileTypes": None, "fileNamePattern": None, "more": 1}, {"fileTypes": []}),
        ({"fileTypes": [], "fileNamePattern": " "}, {"fileTypes": []}),
        ({"fileTypes": ["RAWDATA"], "fileNamePattern": ""}, {"fileTypes": ["RAWDATA"]}),
        (
            {"fileTypes": ["QUICKLOOK", "RAWDATA", "QUICKLOOK"], "fileNamePattern": r".*\.txt"},
            {"fileTypes": ["RAWDATA", "QUICKLOOK"], "fileNamePattern": r".*\.txt"},
        ),
    ],
)
def test_filter_is_read_leniently(filled: Any, body: Any, filter_shown: Any) -> None:
    """Both parts may be missing, and a new filter replaces the one before."""
    filled.ask("PUT", FILTERS, json={"fileTypes": ["QUICKLOOK"], "fileNamePattern": "x"})
    assert filled.ask("PUT", FILTERS, json=body).status_code == 200
    assert shown(filled)[0]["fileSelectionDescription"] == filter_shown


@pytest.mark.parametrize("content", [b"", b"null", b" \n"])
def test_ways_to_take_a_filter_off(filled: Any, content: bytes) -> None:
    """No body, an empty one, or null, with a media type or without."""
    for headers in ({}, JSON):
        filled.ask("PUT", FILTERS, json={"fileTypes": ["RAWDATA"]})
        assert "fileSelectionDescription" in shown(filled)[0]
        assert filled.ask("PUT", FILTERS, content=content, headers=headers).status_code == 200
        assert "fileSelectionDescription" not in shown(filled)[0]


def test_case_11_pattern_that_is_none(filled: Any) -> None:
    """It is named with its cause, and the filter stays as it was."""
    filled.ask("PUT", FILTERS, json={"fileNamePattern": "a"})
    refused = filled.ask("PUT", FILTERS, json={"fileNamePattern": "test**"})
    assert refused.status_code == 400
    assert "test**" in refused.json()["messages"][0]
    assert shown(filled)[0]["fileSelectionDescription"]["fileNamePattern"] == "a"


@pytest.mark.parametrize(
    ("body", "status", "paths"),
    [
        ([], 400, ["$"]),
        ({"fileTypes": "RAWDATA", "fileNamePattern": 5}, 400, ["$.fileTypes", "$.fileNamePattern"]),
        ({"fileTypes": ["RAWDATA", None]}, 400, ["$.fileTypes[1]"]),
        ({"fileTypes": ["rawdata", "RAWDATA", "OTHER"]}, 422, ["$.fileTypes[0]", "$.fileTypes[2]"]),
        ({"fileTypes": ["QUICKLOOK_SD"], "fileNamePattern": "test**"}, 422, ["$.fileTypes[0]"]),
    ],
)
def test_filter_is_judged(filled: Any, body: Any, status: int, paths: list[str]) -> None:
    """All faults come together, and nothing changes."""
    before = filled.get("/order/basket").json()
    refused = filled.ask("PUT", FILTERS, json=body)
    assert refused.status_code == status
    assert [message.split(": ")[0] for message in refused.json()["messages"]] == paths
    assert filled.get("/order/basket").json() == before


def test_filter_of_an_unknown_dataset(filled: Any) -> None:
    """It is named; a bad pattern or body is told first."""
    path = f"{DATASET}/77/updateFileFilters"
    for body in (None, {"fileNamePattern": "a"}):
        refused = filled.ask("PUT", path, **({} if body is None else {"json": body}))
        assert refused.status_code == 404
        assert refused.json()["messages"] == ["Basket selection with id 77 doesn't exist"]
    assert filled.ask("PUT", path, json={"fileNamePattern": "test**"}).status_code == 400
    assert filled.ask("PUT", path, content=b"{", headers=JSON).status_code == 400
    assert filled.ask("PUT", path, content=b"{}", headers={"content-type": "text/plain"}).status_code == 415


def test_filter_works_when_the_order_is_made(filled: Any) -> None:
    """Only the files that pass are ordered, and the order shows why."""
    filled.ask("PUT", FILTERS, json={"fileTypes": ["RAWDATA"], "fileNamePattern": r".*\.txt"})
    order = filled.post("/user/orders", json={}).json()["content"]
    filled.centre.ordering.work()
    [task] = filled.get(f"/user/orders/{order['id']}").json()["content"]["datasetTasks"]
    assert (task["filesCount"], task["filesSize"]) == (2, 2)
    assert task["fileSelectionDescription"] == {"fileTypes": ["RAWDATA"], "fileNamePattern": r".*\.txt"}


def test_no_json_is_told_before_anything_is_done(filled: Any) -> None:
    """Who wants no JSON keeps his basket."""
    before, headers = filled.get("/order/basket").json(), {"accept": "text/html"}
    for verb, path in (
        ("DELETE", f"{DATASET}/1"),
        ("DELETE", f"{DATASET}/1/{dates(filled)[0]}"),
        ("PUT", FILTERS),
    ):
        assert filled.ask(verb, path, headers=headers).status_code == 406
    assert filled.get("/order/basket").json() == before


@pytest.mark.parametrize(("verb", "path"), [("GET", FILTERS), ("DELETE", FILTERS), ("POST", f"{DATASET}/1")])
def test_other_verbs(desk: Any, verb: str, path: str) -> None:
    """A path that names something is not read as a date."""
    assert desk.ask(verb, path).status_code == 405
