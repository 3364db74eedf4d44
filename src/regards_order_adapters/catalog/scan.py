"""Make a catalogue out of a folder of files, which stay where they are (docs/catalogue.md)."""

from __future__ import annotations

import datetime as dt
import hashlib
import mimetypes
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.product import PUBLIC, DataFile, Dataset, DataType, Product
from regards_order.domain.text import text_faults
from regards_order.domain.urn import Urn
from regards_order_adapters.catalog.load import Loaded, Loader, Progress
from regards_order_adapters.sql import schema
from regards_order_adapters.sql.unit_of_work import SqlStore

_QUICKLOOK_ENDS = ("_quicklook", "_ql", ".thumb")
_BLOCK = 1024 * 1024


@attrs.frozen
class Found:
    """Hold a file of the folder: its path from there, and the product that it belongs to."""

    path: str
    product: str
    data_type: DataType = DataType.RAWDATA


def record_root(store: SqlStore, url: str) -> None:
    """Let the storage open files below *url*."""
    table = schema.storage_roots
    with store.write() as tx:
        tx.scope.insert_new(table, {"url": url})


def compile_product(expression: str | None) -> re.Pattern[str] | None:
    """Return the expression whose first group names the product of a file.

    Raises:
        InvalidInput: it is no regular expression, or has no group.
    """
    if expression is None:
        return None
    try:
        compiled = re.compile(expression)
    except re.error as error:
        raise InvalidInput((Fault("--product", f'"{expression}" is no regular expression: {error}'),)) from None
    if compiled.groups == 0:
        raise InvalidInput((Fault("--product", f'"{expression}" has no group (…) that names the product'),))
    return compiled


def scan(
    store: SqlStore,
    tenant: str,
    folder: Path,
    now: dt.datetime,
    *,
    dataset: str | None = None,
    product: re.Pattern[str] | None = None,
    progress: Callable[[int], Progress] = lambda total: lambda step: None,
) -> Loaded:
    """Enter all files below *folder*: one dataset, and one product for each file or for each name that *product* finds.

    Args:
        store: where to.
        tenant: name of the tenant.
        folder: files outside it are never entered, whatever a symbolic link says.
        now: when the entries enter the catalogue (UTC).
        dataset: name of the dataset; the folder's own unless given.
        product: expression whose first group, searched in a file's path from *folder*, names its product.
        progress: called once with the number of files; gives a function that is called after each one.
    """
    root = folder.resolve(strict=True)
    name = root.name or "root" if dataset is None else dataset
    if faults := tuple(text_faults("--dataset", name, limit=128)):
        raise InvalidInput(faults)
    loader = Loader(store)
    record_root(store, str(root))
    entry = Dataset(str(Urn.make("DATASET", tenant, name)), name, name)
    loader.add(entry)
    groups = _group(root, product, loader)
    step = progress(sum(map(len, groups.values())))
    try:
        for provider_id, members in groups.items():
            files = [file for member in members if (file := _describe(root, member, loader, step)) is not None]
            if files:
                found = _product(root, tenant, entry.urn, provider_id, members[0].path, tuple(files), now)
                try:
                    loader.add(found)
                except InvalidInput as error:
                    loader.refuse(str(root / members[0].path), 1, str(error))
    except KeyboardInterrupt:
        loader.loaded.interrupted = True
    return loader.flush()


def _group(root: Path, expression: re.Pattern[str] | None, loader: Loader) -> dict[str, list[Found]]:
    paths = list(_walk(root, loader))
    by_stem: dict[str, str] = {}
    for path in paths:
        by_stem.setdefault(path, path)
        by_stem.setdefault(os.path.splitext(path)[0], path)
    groups: dict[str, list[Found]] = {}
    for path in paths:
        origin = _origin(path, by_stem)
        found = expression.search(origin or path) if expression else None
        if expression and (found is None or not found[1]):
            loader.skip(str(root / path), f'the expression "{expression.pattern}" finds no product in this path')
            continue
        name = found[1] if found else origin or path
        member = Found(path, name, DataType.QUICKLOOK_SD if origin else DataType.RAWDATA)
        groups.setdefault(name, []).append(member)
    for members in groups.values():
        members.sort(key=lambda each: (each.data_type is not DataType.RAWDATA, each.path))
    return groups


def _origin(path: str, by_stem: dict[str, str]) -> str | None:
    """Return the data file that *path* is a quicklook of, if it is one."""
    stem = os.path.splitext(path)[0]
    for end in _QUICKLOOK_ENDS:
        if stem.endswith(end) and (mimetypes.guess_type(path)[0] or "").startswith("image/"):
            origin = by_stem.get(stem.removesuffix(end))
            if origin is not None and origin != path:
                return origin
    return None


def _walk(root: Path, loader: Loader) -> Iterator[str]:
    """Yield the paths of all regular files below *root*, sorted; what cannot be entered is refused."""
    for folder, folders, names in os.walk(
        root, onerror=lambda error: loader.refuse(str(error.filename), 1, str(error))
    ):
        folders.sort()
        for name in folders:
            if os.path.islink(os.path.join(folder, name)):
                loader.skip(
                    os.fsencode(Path(folder, name)).decode("utf-8", "replace"), "is a symbolic link to a folder"
                )
        for name in sorted(names):
            path = Path(folder, name)
            try:
                str(path).encode()
                inside = path.resolve(strict=True).is_relative_to(root)
            except (FileNotFoundError, RuntimeError):
                loader.skip(str(path), "is a symbolic link that leads nowhere")
                continue
            except (OSError, UnicodeEncodeError) as error:
                loader.refuse(os.fsencode(path).decode("utf-8", "replace"), 1, f"cannot be read: {error}")
                continue
            if not inside:
                loader.skip(str(path), "is a symbolic link that leads out of the folder")
            elif not path.is_file():
                loader.skip(str(path), "is no regular file")
            else:
                yield str(path.relative_to(root))


def _describe(root: Path, found: Found, loader: Loader, step: Progress) -> DataFile | None:
    path = root / found.path
    try:
        size, digest = _measure(path)
        return DataFile(
            found.data_type,
            path.name,
            str(path),
            mimetypes.guess_type(path.name)[0] or "application/octet-stream",
            size=size,
            checksum=digest,
            digest_algorithm="MD5",
        )
    except (OSError, InvalidInput) as error:
        loader.refuse(str(path), 1, str(error))
        return None
    finally:
        step(1)


def _measure(path: Path) -> tuple[int, str]:
    digest, size = hashlib.md5(usedforsecurity=False), 0
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _product(
    root: Path, tenant: str, dataset: str, provider_id: str, first: str, files: tuple[DataFile, ...], now: dt.datetime
) -> Product:
    modified = dt.datetime.fromtimestamp((root / first).stat().st_mtime, dt.timezone.utc)
    properties = {
        "path": first,
        "extension": os.path.splitext(first)[1].lstrip(".").lower(),
        "modified": modified.isoformat().replace("+00:00", "Z"),
    }
    urn = str(Urn.make("DATA", tenant, f"{dataset}\n{provider_id}"))
    return Product(
        urn, provider_id, provider_id, "file", frozenset({dataset}), 1, True, properties, None, PUBLIC, files, now, now
    )
