"""The packaged sample catalogue: two datasets of invented products, whose files are made when they are needed.

Their contents follow from their names, so the catalogue can bear their checksums although no byte is packaged.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

EXTERNAL_URL = "http://external.example/"
_FOLDER = "sample"


def lines() -> list[dict[str, Any]]:
    """Return the lines of the packaged catalogue."""
    text = (files(__package__) / "catalogue.ndjson").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def contents(filename: str, size: int) -> bytes:
    """Return the contents of a sample file: a picture for a quicklook, else *size* bytes like noise."""
    if filename.endswith(".png"):
        return _picture(filename)
    return hashlib.shake_128(filename.encode()).digest(size)


def write_files(root: Path) -> dict[str, bytes]:
    """Write the stored files of the sample below *root*, and return the external ones by name."""
    external = {}
    for line in lines():
        for file in line["files"]:
            data = contents(file["filename"], file["size"])
            if file.get("reference"):
                external[file["filename"]] = data
                continue
            path = root / file["uri"]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    return external


def write_catalogue(path: Path, external_url: str) -> Path:
    """Write the catalogue to *path*, with references that begin with *external_url*, and return the path."""
    text = (files(__package__) / "catalogue.ndjson").read_text(encoding="utf-8")
    path.write_text(text.replace(EXTERNAL_URL, external_url), encoding="utf-8")
    return path


def generate() -> Iterator[dict[str, Any]]:
    """Yield the lines of the sample catalogue; ``catalogue.ndjson`` was written with them."""
    yield {"type": "dataset", "providerId": "OPTICAL-L1", "label": "Optical level 1", "files": []}
    yield {"type": "dataset", "providerId": "AEROSOL-L2", "label": "Aerosols level 2", "files": []}
    for n in range(28):
        yield _product("OPTICAL-L1", f"OPT_{n + 1:03d}", n, size=600_000 + n * 97_003, online=n % 7 != 3)
    for n in range(16):
        yield _product("AEROSOL-L2", f"AER_{n + 1:03d}", n + 3, size=90_000 + n * 41_017, external=n == 5)


def _product(
    dataset: str, name: str, n: int, *, size: int, online: bool = True, external: bool = False
) -> dict[str, Any]:
    from regards_order.domain.urn import Urn

    raw = _file(dataset, f"{name}.dat", "RAWDATA", "application/octet-stream", size)
    raw["online"] = online
    if external:
        raw |= {"reference": True, "uri": EXTERNAL_URL + raw["filename"]}
    picture = _file(dataset, f"{name}_quicklook.png", "QUICKLOOK_SD", "image/png", 0)
    return {
        "type": "product",
        "providerId": name,
        "label": f"{dataset} {name}",
        "model": dataset.split("-")[0].lower(),
        "tags": [str(Urn.make("DATASET", "default", dataset))],
        "properties": {
            "cloud_cover": (n * 37) % 101,
            "orbit": 100 + n,
            "sensing": {"start": f"2026-01-{1 + n % 28:02d}T10:15:30Z", "mode": "IW" if n % 2 else "EW"},
        },
        "geometry": {"type": "Point", "coordinates": [round(-180 + n * 8.5, 1), round(-60 + n * 4.2, 1)]},
        "files": [raw, picture],
    }


def _file(dataset: str, name: str, data_type: str, mime_type: str, size: int) -> dict[str, Any]:
    data = contents(name, size)
    return {
        "dataType": data_type,
        "filename": name,
        "uri": f"{_FOLDER}/{dataset}/{name}",
        "size": len(data),
        "checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        "digestAlgorithm": "MD5",
        "mimeType": mime_type,
    }


def _picture(name: str, side: int = 96) -> bytes:
    """Return a PNG of stripes, the same on every machine: nothing in it is compressed."""
    seed = hashlib.shake_128(name.encode()).digest(3)
    rows = b"".join(
        b"\x00" + b"".join(bytes(((x * seed[0] + y) & 255, (y * seed[1]) & 255, seed[2])) for x in range(side))
        for y in range(side)
    )
    blocks = b"".join(
        struct.pack("<BHH", start + 65535 >= len(rows), len(part), len(part) ^ 0xFFFF) + part
        for start in range(0, len(rows), 65535)
        for part in (rows[start : start + 65535],)
    )
    packed = b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(rows))
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
