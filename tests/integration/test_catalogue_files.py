"""Catalogue files: formats, refusals, replacement, access, last versions; and the packaged sample."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from regards_order import Access, SelectionRequest, Urn, compile_search
from regards_order.testing import ManualClock
from regards_order_adapters import sample
from regards_order_adapters.bootstrap import Service
from regards_order_adapters.catalog.load import Loaded, load_files
from regards_order_adapters.catalog.sql import SqlCatalog
from regards_order_adapters.patterns import Re2Patterns
from regards_order_adapters.sql.unit_of_work import SqlStore

FILE = {
    "dataType": "RAWDATA",
    "filename": "a.jp2",
    "uri": "S2/a.jp2",
    "size": 3,
    "checksum": "0" * 32,
    "digestAlgorithm": "MD5",
}
REFERENCE = {"dataType": "RAWDATA", "filename": "b", "uri": "https://ref.example/b", "reference": True}
PRODUCT = {
    "type": "product",
    "providerId": "P1",
    "version": 2,
    "tags": [str(Urn.make("DATASET", "default", "D"))],
    "properties": {"cloud_cover": 12.5, "orbit": 41, "sensing": {"start": "2026-01-03T10:15:30Z"}},
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "groups": ["lab"],
    "files": [FILE],
}
DATASET = {"type": "dataset", "providerId": "D", "label": "Data", "files": []}


def load(service: Service, clock: ManualClock, tmp_path: Path, *lines: Any, name: str = "c.ndjson") -> Loaded:
    """Write lines to a catalogue file and load it."""
    path = tmp_path / name
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return load_files(service.store("default"), "default", [path], clock.advance(seconds=1))


def odd(sign: str, length: int) -> str:
    """Return a text that cannot be packed: an index takes longer ones if they repeat themselves."""
    return "".join(chr(ord(sign) + n * n * 7919 % 61 % 23) for n in range(length))


def find(service: Service, query: str | None = None, *, everything: bool = True) -> list[str]:
    """Return the names of the products that a query finds."""
    catalog = SqlCatalog(service.store("default"), Re2Patterns())
    search = compile_search(SelectionRequest.of(query), catalog.attributes())
    found = catalog.search([search], Access(frozenset({"public"}), everything), limit=1000)
    return [f"{product.provider_id} V{product.version}" for product in found]


def test_a_product_comes_in_with_all_its_fields(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """What a line says can be queried afterwards."""
    loaded = load(service, clock, tmp_path, DATASET, PRODUCT)
    assert (loaded.written.added, loaded.refusals) == (2, [])
    query = "cloud_cover:12.5 AND orbit:41 AND version:2 AND sensing.start:[2026-01-01T00:00:00Z TO *] AND last:true"
    assert find(service, query) == ["P1 V2"]
    assert find(service, everything=False) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"providerId": None}, "$.providerId"),
        ({"providerId": " "}, "$.providerId: must not be blank"),
        ({"version": "2"}, '$.version: "2" is not a whole number'),
        ({"version": True}, "$.version: true is not a whole number"),
        ({"version": 1000}, "$.version: 1000 is not between 1 and 999"),
        ({"tags": "x"}, '$.tags: "x" is not an array'),
        ({"tags": [1]}, "$.tags[0]: 1 is not a text"),
        ({"groups": [""]}, "$.groups[0]"),
        ({"properties": []}, "$.properties: [] is not an object"),
        ({"geometry": {}}, "$.geometry.type: missing"),
        ({"urn": "URN:x"}, "$.urn: Error while converting"),
        ({"urn": str(Urn.make("DATA", "lab", "P1", 2))}, 'belongs to tenant "lab", not to "default"'),
        ({"urn": str(Urn.make("DATASET", "default", "P1", 2))}, "names a DATASET; DATA is expected"),
        ({"urn": str(Urn.make("DATA", "default", "P1", 3))}, "2 is not the version of the URN"),
        ({"files": [{**FILE, "size": -1}]}, "$.files[0].size: -1 is negative"),
        ({"files": [{**FILE, "size": None}]}, "$.files[0].size: missing; only a reference may have no size"),
        ({"files": [FILE, {**FILE, "filename": "x/y"}]}, "$.files[1].filename"),
        ({"files": [{**FILE, "filename": ".."}]}, "$.files[0].filename"),
        ({"files": [{**FILE, "online": "no"}]}, '$.files[0].online: "no" is not true or false'),
        ({"files": [{**FILE, "reference": True}]}, "$.files[0].uri"),
        ({"files": [{**FILE, "colour": 1}]}, "colour"),
        ({"files": [{"filename": "a"}]}, 'the required field "dataType" is missing'),
        ({"files": ["a"]}, '$.files[0]: "a" is not an object'),
        ({"urn": f"{Urn.make('DATA', 'default', 'P1', 2)}:REV{'é' * 191}"}, "$.urn: "),
        ({"providerId": "é" * 256}, "has 256 characters; at most 255 are allowed"),
        ({"tags": ["x", "é" * 501]}, "has 1002 bytes in UTF-8; at most 1000 are allowed"),
        ({"properties": {"a": {"b" * 999: 1}}}, '$.properties: "a.bbb'),
        ({"properties": {"a": {"n": [1, 2**63]}}}, "$.properties.a.n: 9223372036854775808 does not fit in 64 bits"),
        ({"groups": ["g" * 1000, "h" * 1000]}, "$.groups: "),
        ({"files": [FILE, {**FILE, "mimeType": "m" * 256}]}, "$.files[1].mimeType: "),
        ({"files": [{**REFERENCE, "checksum": "0" * 129, "digestAlgorithm": "A" * 17}]}, "$.files[0].digestAlgorithm"),
        ({"type": "film"}, '"film" is neither "product" nor "dataset"'),
    ],
)
def test_a_bad_line_is_refused_with_path_and_cause(
    service: Service, clock: ManualClock, tmp_path: Path, change: dict[str, Any], expected: str
) -> None:
    """The refusal names the place in the line, what was found and what is expected; nothing of the line comes in."""
    loaded = load(service, clock, tmp_path, {**PRODUCT, **change}, DATASET)
    (refusal,) = loaded.refusals
    assert refusal.number == 1
    assert expected in refusal.cause
    assert (loaded.written.added, find(service)) == (1, [])


def test_texts_may_be_as_long_as_the_limits(engine: sa.Engine, tmp_path: Path, clock: ManualClock) -> None:
    """What is just short enough comes in on both databases, with the longest URN beside it; a value has no limit."""
    stem = "URN:AIP:DATA:default:00000000-0000-0000-0000-000000000001:V1:REV"
    line = {
        "type": "product",
        "providerId": odd("é", 255),
        "urn": stem + odd("🙂", 253 - len(stem)),
        "tags": [odd("🙂", 250)],
        "properties": {odd("🙂", 250): odd("é", 100_000)},
        "groups": [odd("é", 500), odd("ü", 499)],
        "label": odd("é", 100_000),
        "model": odd("é", 100_000),
        "files": [{**REFERENCE, "mimeType": odd("m", 255), "checksum": odd("0", 128), "digestAlgorithm": "A" * 16}],
    }
    (tmp_path / "c.ndjson").write_text(json.dumps(line))
    loaded = load_files(SqlStore(engine, "default"), "default", [tmp_path / "c.ndjson"], clock.now())
    assert (loaded.written.added, loaded.refusals) == (1, [])


def test_all_faults_of_a_line_are_told_together(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """Two wrong fields are two faults of one refusal."""
    bad = {**PRODUCT, "version": "x", "files": [{**FILE, "size": "y"}, {**FILE, "online": 1}]}
    (refusal,) = load(service, clock, tmp_path, bad).refusals
    for path in ("$.version", "$.files[0].size", "$.files[1].online"):
        assert path in refusal.cause


def test_the_same_urn_replaces_and_keeps_its_creation_date(
    service: Service, clock: ManualClock, tmp_path: Path
) -> None:
    """A second import replaces; the product entered the catalogue when it first came."""
    load(service, clock, tmp_path, PRODUCT)
    first = clock.now()
    loaded = load(service, clock, tmp_path, {**PRODUCT, "properties": {"mode": "IW"}})
    assert (loaded.written.added, loaded.written.replaced) == (0, 1)
    catalog = SqlCatalog(service.store("default"), Re2Patterns())
    assert set(catalog.attributes()) == {"mode"}
    assert find(service, f"_creationDate:[{first.isoformat()} TO {first.isoformat()}]") == ["P1 V2"]


def test_last_is_the_newest_version(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """Whatever a line says and in whatever order versions come, the newest one is last."""
    load(service, clock, tmp_path, {**PRODUCT, "version": 3, "last": False}, {**PRODUCT, "version": 2, "last": True})
    assert find(service, "last:true") == ["P1 V3"]
    load(service, clock, tmp_path, {**PRODUCT, "version": 4})
    assert find(service, "last:true") == ["P1 V4"]
    assert find(service, "last:false") == ["P1 V2", "P1 V3"]


def test_geojson_and_packed_files_are_read(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """A FeatureCollection stands for lines; .gz is unpacked."""
    fields = {name: value for name, value in PRODUCT.items() if name != "geometry"}
    feature = {"type": "Feature", "geometry": PRODUCT["geometry"], "properties": fields}
    collection = {"type": "FeatureCollection", "features": [feature, {"type": "Point"}]}
    loaded = load(service, clock, tmp_path, collection, name="c.geojson")
    assert (loaded.written.added, [(each.number, each.cause) for each in loaded.refusals]) == (
        1,
        [(2, '$.type: a GeoJSON "Feature" is expected')],
    )
    packed = tmp_path / "d.jsonl.gz"
    packed.write_bytes(gzip.compress(json.dumps({**PRODUCT, "providerId": "P9"}).encode()))
    load_files(service.store("default"), "default", [packed], clock.advance(seconds=1))
    assert sorted(find(service)) == ["P1 V2", "P9 V2"]


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("c.ndjson.gz", b"not packed", "cannot be read"),
        ("c.ndjson.gz", gzip.compress(json.dumps(PRODUCT).encode() * 50)[:-20], "cannot be read"),
        ("c.json", b"{", "cannot be read"),
        ("c.json", b"[]", "FeatureCollection"),
        ("c.json", b'{"type": "FeatureCollection", "features": 1}', "an array of features is expected"),
        ("c.ndjson", b"\xff\xfe", "line 1"),
    ],
)
def test_a_broken_file_is_refused_without_stopping_the_next(
    service: Service, clock: ManualClock, tmp_path: Path, name: str, data: bytes, expected: str
) -> None:
    """What cannot be read at all is one refusal, and the other files come in."""
    (tmp_path / name).write_bytes(data)
    (tmp_path / "good.ndjson").write_text(json.dumps(DATASET))
    paths = [tmp_path / name, tmp_path / "good.ndjson"]
    loaded = load_files(service.store("default"), "default", paths, clock.advance(seconds=1))
    (refusal,) = loaded.refusals
    assert expected in refusal.cause or expected == f"line {refusal.number}"
    assert loaded.written.added == 1


def test_the_packaged_sample_is_what_its_generator_makes() -> None:
    """Two datasets, at least 40 products, raw files and pictures up to some MB, some on tape, one elsewhere."""
    lines = sample.lines()
    assert lines == list(sample.generate())
    products = [line for line in lines if line["type"] == "product"]
    files = [file for line in products for file in line["files"]]
    assert len(lines) - len(products) == 2
    assert len(products) >= 40
    assert sum(file.get("reference", False) for file in files) == 1
    assert sum(not file.get("online", True) for file in files) >= 2
    assert max(file["size"] for file in files) > 2_000_000
    assert {file["dataType"] for file in files} == {"RAWDATA", "QUICKLOOK_SD"}


def test_a_byte_order_mark_and_a_pipe_are_read(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """What some editors put before the text is skipped, and a file that cannot seek is read to its end."""
    marked = tmp_path / "marked.ndjson"
    marked.write_bytes(b"\xef\xbb\xbf" + json.dumps(DATASET).encode() + b"\r\n" + json.dumps(PRODUCT).encode())
    loaded = load_files(service.store("default"), "default", [marked], clock.advance(seconds=1))
    assert (loaded.written.added, loaded.refusals) == (2, [])
    pipe = tmp_path / "pipe.ndjson"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("\n".join([json.dumps(PRODUCT)] * 3),))
    writer.start()
    loaded = load_files(service.store("default"), "default", [pipe], clock.advance(seconds=1))
    writer.join()
    assert (loaded.written.replaced, loaded.refusals) == (3, [])


def test_counts_make_up_all_lines(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """Lines with one URN replace each other, wherever the borders of batches lie."""
    loaded = load(service, clock, tmp_path, *[PRODUCT] * 700, "{", DATASET)
    assert (loaded.written.added, loaded.written.replaced, len(loaded.refusals)) == (2, 699, 1)


@pytest.mark.parametrize("line", ["[" * 300 + "]" * 300, json.dumps({"type": [[[[1]]]]}), '{"type": ' + "[" * 400])
def test_odd_lines_never_stop_the_rest(service: Service, clock: ManualClock, tmp_path: Path, line: str) -> None:
    """However a line is built, it is one refusal, and the next line comes in."""
    loaded = load(service, clock, tmp_path, line, DATASET)
    assert (loaded.written.added, [refusal.number for refusal in loaded.refusals]) == (1, [1])


def test_nul_is_refused_wherever_it_stands(service: Service, clock: ManualClock, tmp_path: Path) -> None:
    """PostgreSQL stores no NUL: no catalogue does, and each place is named."""
    properties = {"a": {"b": ["x", "y\0"]}, "c\0": 1, "d\\u0000": "no NUL"}
    loaded = load(service, clock, tmp_path, {**PRODUCT, "label": "P\0", "properties": properties})
    (refusal,) = loaded.refusals
    for path in ("$.label", "$.properties.a.b[1]", r"$.properties.c\x00"):
        assert f"{path}: must not hold NUL" in refusal.cause
    assert refusal.cause.count("NUL") == 3
