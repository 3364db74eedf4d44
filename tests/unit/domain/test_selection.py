"""Selection requests and file filters."""

from __future__ import annotations

import pytest

from regards_order.domain.errors import InvalidInput
from regards_order.domain.product import ORDERABLE, QUICKLOOKS, DataType
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest


@pytest.mark.parametrize(
    ("values", "query"),
    [
        (None, None),
        ({}, None),
        ({"q": ()}, None),
        ({"q": (None,)}, None),
        ({"q": ("",)}, None),
        ({"q": (None, "", None)}, None),
        ({"q": ("a:1",)}, "a:1"),
        ({"q": (None, "a:1", "")}, "a:1"),
        ({"other": ("x",)}, None),
    ],
)
def test_query_is_the_only_value_given(values: dict[str, tuple[str | None, ...]] | None, query: str | None) -> None:
    """Null and empty values mean "not given" (page 10, 1.4)."""
    assert SelectionRequest(values).query == query


def test_several_values_are_refused() -> None:
    """Two values of one parameter are refused by the parameter's path."""
    with pytest.raises(InvalidInput) as caught:
        SelectionRequest({"q": ("a:1", "b:2")}).parameter("q")
    assert str(caught.value) == "$.searchParameters.q: 2 values are given; one is expected"


@pytest.mark.parametrize(
    ("request_", "parameters", "dataset"),
    [
        (SelectionRequest.of("a:1"), {"q": ("a:1",)}, None),
        (SelectionRequest.of("a:1", dataset="URN:X"), {"q": ("a:1",)}, "URN:X"),
        (SelectionRequest.of(), None, None),
        (SelectionRequest.of(""), {"q": ("",)}, None),
    ],
)
def test_short_way_to_a_request(request_: SelectionRequest, parameters: object, dataset: str | None) -> None:
    """A query and a dataset are enough to make a request for the engine "legacy"."""
    assert request_ == SelectionRequest(parameters, dataset, engine_type="legacy")  # type: ignore[arg-type]


@pytest.mark.parametrize("engine", ["", "  ", "\t"])
def test_engine_is_needed(engine: str) -> None:
    """A blank engine is refused with the sentence that clients know (case 5)."""
    with pytest.raises(InvalidInput) as caught:
        SelectionRequest(engine_type=engine).check()
    assert [(fault.path, fault.detail) for fault in caught.value.faults] == [
        ("$.engineType", "Engine type may not be empty")
    ]


def test_at_most_1000_ids() -> None:
    """1,000 ids can be included and as many excluded; the fault names the list that has more."""
    thousand = tuple(f"URN:{n}" for n in range(1000))
    SelectionRequest(include=thousand, exclude=thousand).check()
    SelectionRequest(include=(), exclude=()).check()
    with pytest.raises(InvalidInput) as caught:
        SelectionRequest(include=(*thousand, "URN:x"), exclude=(*thousand, "URN:x"), engine_type=" ").check()
    assert [fault.path for fault in caught.value.faults] == [
        "$.engineType",
        "$.entityIdsToInclude",
        "$.entityIdsToExclude",
    ]
    assert "Number of entity ids to include in one request must be between 0 and 1000" in caught.value.message
    assert "Number of entity ids to exclude in one request must be between 0 and 1000" in caught.value.message


def test_groups_of_file_types() -> None:
    """RAWDATA stands for itself, QUICKLOOK for quicklooks of all sizes."""
    assert FileTypes.RAWDATA.data_types == {DataType.RAWDATA}
    assert FileTypes.QUICKLOOK.data_types == QUICKLOOKS


@pytest.mark.parametrize(
    ("kinds", "kept"),
    [
        (set(), ORDERABLE),
        ({FileTypes.RAWDATA}, {DataType.RAWDATA}),
        ({FileTypes.QUICKLOOK}, QUICKLOOKS),
        (set(FileTypes), ORDERABLE),
    ],
)
def test_filter_on_types(kinds: set[FileTypes], kept: set[DataType]) -> None:
    """A filter keeps the types it names; one that names none keeps every orderable type (page 10, 6.1)."""
    assert FileFilter(frozenset(kinds)).data_types == kept


@pytest.mark.parametrize(("written", "pattern"), [(None, None), ("", None), ("  \t", None), (" a", " a"), ("a", "a")])
def test_blank_pattern_is_none(written: str | None, pattern: str | None) -> None:
    """A blank pattern means any name; another one is used as written."""
    assert FileFilter(name_pattern=written).pattern == pattern


def test_ids_with_nul() -> None:
    """No database keeps a NUL character: ids that hold one are refused, whatever database it is."""
    for request in (SelectionRequest(include=("URN:\0",)), SelectionRequest(exclude=("a", "b\0"))):
        with pytest.raises(InvalidInput, match=r"\$\.entityIds: holds a NUL character"):
            request.check()
