"""The two names of the last version of a dataset."""

from __future__ import annotations

import pytest

from regards_order.domain.versions import LastVersions

DATASET = "URN:AIP:DATASET:lab:0000000b-0000-0000-0000-00000000000b:"
PRODUCT = DATASET.replace("DATASET", "DATA")
KNOWN = LastVersions.of([f"{DATASET}{each}" for each in ("V2", "V10", "V9", "LAST", "V3,1")] + [f"{PRODUCT}V1", "free"])


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        ("V10", ("V10", "LAST")),
        ("LAST", ("LAST", "V10")),
        ("V9", ("V9",)),
        ("V11", ("V11",)),
        ("V3,1", ("V3,1", "LAST,1")),
        ("LAST,1", ("LAST,1", "V3,1")),
        ("LAST,2", ("LAST,2",)),
    ],
)
def test_the_last_version_has_two_names(tag: str, names: tuple[str, ...]) -> None:
    """Its own and that with LAST; every other version has one."""
    assert KNOWN.names(DATASET + tag) == tuple(DATASET + name for name in names)


@pytest.mark.parametrize("tag", ["free", "URN:", f"{PRODUCT}V1", f"{PRODUCT}LAST", f"{DATASET}V010"])
def test_other_tags_have_one_name(tag: str) -> None:
    """Free words, products, and URNs that are not written as datasets write theirs."""
    assert KNOWN.names(tag) == (tag,)


def test_tags_name_datasets() -> None:
    """Each tag itself, and with LAST the last version that is known."""
    tags = {f"{DATASET}{each}" for each in ("LAST", "LAST,2", "V9")} | {"free"}
    assert KNOWN.named(tags) == tags | {f"{DATASET}V10"}


def test_nothing_is_known_at_first() -> None:
    """Without datasets no tag has two names."""
    assert LastVersions().names(f"{DATASET}LAST") == (f"{DATASET}LAST",)
