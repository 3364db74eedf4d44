"""Load catalogue files: NDJSON or GeoJSON, compressed or not (docs/catalogue.md)."""

from __future__ import annotations

import datetime as dt
import gzip
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import orjson

from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.product import Dataset, Product
from regards_order_adapters.catalog.format import read_entry, read_feature
from regards_order_adapters.catalog.limits import check_limits
from regards_order_adapters.catalog.write import Written, put
from regards_order_adapters.sql.unit_of_work import SqlStore

_BATCH = 500
_MARK = b"\xef\xbb\xbf"  # some editors begin a file in UTF-8 with it
Progress = Callable[[int], None]


@attrs.frozen
class Refusal:
    """Name a line that was refused: its file, its number counted from 1, and what was wrong."""

    source: str
    number: int
    cause: str


@attrs.define
class Loaded:
    """Say what became of everything that was read."""

    written: Written = Written()
    refusals: list[Refusal] = attrs.field(factory=list)
    skipped: list[Refusal] = attrs.field(factory=list)
    interrupted: bool = False


@attrs.define
class Loader:
    """Store entries in batches; a refused one never stops the rest."""

    _store: SqlStore
    loaded: Loaded = attrs.field(factory=Loaded)
    _datasets: list[Dataset] = attrs.field(factory=list)
    _products: list[Product] = attrs.field(factory=list)

    def add(self, entry: Dataset | Product) -> None:
        """Take one entry.

        Raises:
            InvalidInput: a text in it is too long to be kept, or a number too large.
        """
        check_limits(entry)
        if isinstance(entry, Dataset):
            self._datasets.append(entry)
        else:
            self._products.append(entry)
        if len(self._datasets) + len(self._products) >= _BATCH:
            self.flush()

    def refuse(self, source: str, number: int, cause: str) -> None:
        """Note a refused entry."""
        self.loaded.refusals.append(Refusal(source, number, cause))

    def skip(self, source: str, cause: str) -> None:
        """Note something that was left out on purpose."""
        self.loaded.skipped.append(Refusal(source, 1, cause))

    def flush(self) -> Loaded:
        """Store what was taken, and return what became of everything so far."""
        self.loaded.written += put(self._store, self._datasets, self._products)
        self._datasets, self._products = [], []
        return self.loaded


def load_files(
    store: SqlStore, tenant: str, paths: Iterable[Path], now: dt.datetime, progress: Progress = lambda size: None
) -> Loaded:
    """Load catalogue files.

    Args:
        store: where to.
        tenant: name of the tenant, as it stands in URNs.
        paths: the files; ``.gz`` is unpacked, ``.json`` and ``.geojson`` are a FeatureCollection, others NDJSON.
        now: when the entries enter the catalogue (UTC).
        progress: called with the compressed bytes read.
    """
    loader = Loader(store)
    for path in paths:
        number = 0
        try:
            for number, data in enumerate(_entries(path, progress), 1):
                try:
                    if data is not None:
                        loader.add(read_entry(data(), tenant, now))
                except InvalidInput as error:
                    loader.refuse(str(path), number, str(error))
                except orjson.JSONDecodeError as error:
                    loader.refuse(str(path), number, f"is no JSON in UTF-8: {error.msg} (column {error.colno})")
        except (OSError, EOFError, zlib.error, orjson.JSONDecodeError, InvalidInput) as error:
            loader.refuse(str(path), number + 1, f"cannot be read: {error}")
        except KeyboardInterrupt:
            loader.loaded.interrupted = True
            break
    return loader.flush()


def _entries(path: Path, progress: Progress) -> Iterator[Callable[[], Any] | None]:
    """Yield for each line a function that reads it, None for a blank one."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    kind = suffixes[-2:-1] if packed else suffixes[-1:]
    with path.open("rb") as raw:
        text: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        if kind in ([".json"], [".geojson"]):
            features = _features(orjson.loads(text.read().removeprefix(_MARK)))
            yield from (partial(read_feature, feature) for feature in features)
            progress(path.stat().st_size)
            return
        told = 0
        for number, line in enumerate(text):
            line = line if number else line.removeprefix(_MARK)
            yield partial(orjson.loads, line) if line.strip() else None
            # of a packed file the packed bytes count; only a file that is packed has to be one that can seek
            step = raw.tell() - told if packed else len(line)
            told += step
            progress(step)


def _features(data: Any) -> list[Any]:
    if not isinstance(data, dict) or data.get("type") != "FeatureCollection":
        raise InvalidInput((Fault("$.type", 'a GeoJSON "FeatureCollection" is expected'),))
    features = data.get("features")
    if not isinstance(features, list):
        raise InvalidInput((Fault("$.features", "an array of features is expected"),))
    return features
