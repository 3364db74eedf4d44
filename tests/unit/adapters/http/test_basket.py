"""The basket over REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from regards_order import CatalogUnavailable, FileFilter, FileTypes, User
from regards_order.testing import MemoryCatalog, make_file

EVERYTHING = {"engineType": "legacy"}
STRANGE = "URN:AIP:DATA:default:77d75611-fac4-3047-8d3b-e0468fe1063e:V1"


@pytest.fixture
def filled(desk: Any) -> Any:
    """Return a desk whose catalogue has 5 products with 10 files, 8 of them stored."""
    centre = desk.centre
    dataset = centre.dataset("Sentinel")
    for number in range(5):
        files: list[Any] = [(f"{number}_{part}.bin", b"x" * 10) for part in "ab"]
        if number == 4:
            files = [make_file(f"{number}_{part}", b"x" * 10, uri="http://e.org/x", reference=True) for part in "ab"]
        centre.product(dataset, f"P{number}", *files)
    return desk


def test_case_1_no_basket(desk: Any) -> None:
    """Without a basket the answer is empty, and announces no JSON."""
    answer = desk.get("/order/basket")
    assert (answer.status_code, answer.content) == (204, b"")
    assert "content-type" not in answer.headers
    assert "content-length" not in answer.headers


def test_case_2_basket_with_one_dataset(filled: Any) -> None:
    """The basket is shown to the letter; the quota counts the stored raw data at all three levels."""
    added = filled.post("/order/basket/selection", json={**EVERYTHING, "searchParameters": {"q": [""]}})
    assert (added.status_code, added.headers["content-type"]) == (200, "application/json")
    shown = filled.get("/order/basket")
    assert shown.json() == added.json()
    counts = {"objectsCount": 5, "filesCount": 10, "filesSize": 100, "quota": 8}
    urn = filled.centre.ordering.get_basket(filled.user).selections[0].dataset_urn
    date = "2026-03-02T09:21:50Z"
    request = {"engineType": "legacy", "searchParameters": {"q": [""]}, "selectionDate": date}
    selection = {
        "id": 1,
        "datasetIpid": urn,
        "datasetLabel": "Sentinel",
        **counts,
        "itemsSelections": [{"date": date, "selectionRequest": request, **counts}],
    }
    content = {"id": 1, "owner": "ana@example.org", "quota": 8, "datasetSelections": [selection]}
    assert shown.json() == {"content": content, "links": []}


def test_case_3_engine_type_is_needed(desk: Any) -> None:
    """A selection names its search engine."""
    for body in ({}, {"engineType": None}, {"engineType": " "}):
        refused = desk.post("/order/basket/selection", json=body)
        assert refused.status_code == 422
        assert len(refused.json()["messages"]) == 1
        assert "Engine type may not be empty" in refused.json()["messages"][0]


def test_case_4_nothing_found(filled: Any) -> None:
    """A selection without a file is empty, and leaves no basket behind."""
    body = {**EVERYTHING, "entityIdsToInclude": [STRANGE]}
    answer = filled.post("/order/basket/selection", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert filled.get("/order/basket").status_code == 204


def test_case_5_catalogue_refuses(filled: Any) -> None:
    """The first message says that the catalogue refused, the second where and why."""
    refused = filled.post("/order/basket/selection", json={**EVERYTHING, "searchParameters": {"q": ["a:(1"]}})
    messages = refused.json()["messages"]
    assert refused.status_code == 422
    assert messages[0].startswith("Error applying search queries.")
    assert messages[1].startswith("line 1, column ")
    assert messages[1].endswith("^")


@pytest.mark.parametrize("body", [{"engineType": "other"}, {**EVERYTHING, "datasetUrn": "nonsense"}])
def test_other_refusals_of_the_catalogue(filled: Any, body: dict[str, Any]) -> None:
    """An unknown engine or dataset is refused in the same form, and is named."""
    refused = filled.post("/order/basket/selection", json=body)
    assert refused.status_code == 422
    assert refused.json()["messages"][0].startswith("Error applying search queries.")
    assert any(word in refused.json()["messages"][1] for word in ("other", "nonsense"))


def test_case_8_throw_it_away(filled: Any) -> None:
    """Deleting is always possible, and nothing is left."""
    filled.post("/order/basket/selection", json=EVERYTHING)
    for _ in range(2):
        answer = filled.ask("DELETE", "/order/basket")
        assert (answer.status_code, answer.content) == (204, b"")
    assert filled.get("/order/basket").status_code == 204


def test_baskets_are_private(filled: Any, stranger: User) -> None:
    """Nobody sees the basket of another."""
    filled.post("/order/basket/selection", json=EVERYTHING)
    assert filled.get("/order/basket", stranger).status_code == 204


def test_body_as_the_front_end_sends_it(filled: Any) -> None:
    """Null counts as absent, unknown fields are ignored, and the request is shown as it was received."""
    body = {
        "engineType": "legacy",
        "datasetUrn": None,
        "entityIdsToInclude": None,
        "entityIdsToExclude": None,
        "searchParameters": {"q": None, "g": [None]},
        "sort": [],
        "selectionDate": "2026-02-11T09:30:00.123456789+01:00",
    }
    answer = filled.post("/order/basket/selection", json=body)
    assert answer.status_code == 200
    item = answer.json()["content"]["datasetSelections"][0]["itemsSelections"][0]
    date = "2026-03-02T09:21:50Z"
    assert item["selectionRequest"] == {
        "engineType": "legacy",
        "searchParameters": {"g": [None]},
        "selectionDate": date,
    }


def test_dataset_urn_may_be_percent_encoded(filled: Any) -> None:
    """Some clients encode the URN once too often."""
    filled.post("/order/basket/selection", json=EVERYTHING)
    urn = filled.get("/order/basket").json()["content"]["datasetSelections"][0]["datasetIpid"]
    body = {**EVERYTHING, "datasetUrn": urn.replace(":", "%3A")}
    answer = filled.post("/order/basket/selection", json=body)
    assert answer.status_code == 200
    request = answer.json()["content"]["datasetSelections"][0]["itemsSelections"][1]["selectionRequest"]
    assert request["datasetUrn"] == urn


def test_all_parts_of_a_request_are_shown(filled: Any) -> None:
    """Included and excluded products too."""
    body = {**EVERYTHING, "entityIdsToExclude": [STRANGE], "searchParameters": {"q": ["providerId:P*"]}}
    answer = filled.post("/order/basket/selection", json=body)
    request = answer.json()["content"]["datasetSelections"][0]["itemsSelections"][0]["selectionRequest"]
    assert request["entityIdsToExclude"] == [STRANGE]
    assert request["searchParameters"] == {"q": ["providerId:P*"]}


@pytest.mark.parametrize(
    ("file_filter", "shown"),
    [
        (FileFilter(), {"fileTypes": []}),
        (FileFilter(frozenset(FileTypes), ".*"), {"fileTypes": ["RAWDATA", "QUICKLOOK"], "fileNamePattern": ".*"}),
        (FileFilter(frozenset({FileTypes.RAWDATA}), " "), {"fileTypes": ["RAWDATA"]}),
    ],
)
def test_file_filter_is_shown(filled: Any, file_filter: FileFilter, shown: dict[str, Any]) -> None:
    """A file filter shows its types in a fixed order; a blank pattern is none."""
    filled.post("/order/basket/selection", json=EVERYTHING)
    filled.centre.ordering.filter_files(filled.user, 1, file_filter)
    basket = filled.get("/order/basket").json()["content"]
    assert basket["datasetSelections"][0]["fileSelectionDescription"] == shown


@pytest.mark.parametrize(
    ("body", "paths"),
    [
        ([], ["$"]),
        ("text", ["$"]),
        (5, ["$"]),
        (True, ["$"]),
        (None, ["$"]),
        ({"engineType": 5}, ["$.engineType"]),
        ({"engineType": [], "datasetUrn": {}}, ["$.datasetUrn", "$.engineType"]),
        ({"searchParameters": []}, ["$.searchParameters"]),
        ({"searchParameters": {"q": "text"}}, ["$.searchParameters.q"]),
        ({"searchParameters": {"q": [5], "g": {}}}, ["$.searchParameters.q[0]", "$.searchParameters.g"]),
        ({"entityIdsToInclude": "URN"}, ["$.entityIdsToInclude"]),
        ({"entityIdsToExclude": ["URN", None, 7]}, ["$.entityIdsToExclude[1]", "$.entityIdsToExclude[2]"]),
        ({"selectionDate": "yesterday"}, ["$.selectionDate"]),
        ({"selectionDate": 5}, ["$.selectionDate"]),
    ],
)
def test_wrong_types_are_named_all_at_once(desk: Any, body: Any, paths: list[str]) -> None:
    """A body of the wrong shape is refused with the place of every fault."""
    refused = desk.post("/order/basket/selection", json=body)
    assert refused.status_code == 400
    messages = refused.json()["messages"]
    assert [message.split(": ")[0] for message in messages] == paths


def test_catalogue_out_of_reach(make_desk: Callable[..., Any], make_centre: Callable[..., Any]) -> None:
    """A catalogue that does not answer is no fault of the client: it may come back."""

    class Away(MemoryCatalog):
        def summary(self, *args: Any) -> Any:
            raise CatalogUnavailable("switched off")

    desk = make_desk(make_centre().with_(catalog=Away()))
    refused = desk.post("/order/basket/selection", json=EVERYTHING)
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "10")
