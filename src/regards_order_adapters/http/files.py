"""Files of orders: list those that are ready, and take one (docs/rest.md)."""

from __future__ import annotations

import functools
import re
from urllib.parse import quote

from regards_order.domain.archive import clean_name
from regards_order.domain.errors import SourceRefused, SourceTimedOut, StorageUnavailable
from regards_order.domain.files import OrderFile
from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.blocks import Body
from regards_order_adapters.http.calls import Call, Sendable
from regards_order_adapters.http.errors import StorageAnswered
from regards_order_adapters.http.pages import Page
from regards_order_adapters.http.streams import Download
from regards_order_adapters.http.wire import write_available

_PAGE = 50
_STORAGE_ANSWERS = frozenset({202, 404, 410, 429, 500})
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+(?:\s*;[\x20-\x7e]*)?", re.ASCII)
_WORD = re.compile(r"[\w-]+", re.ASCII)
#: names of the wire → fields of an `OrderFile`
_FIELDS = {
    "id": "id",
    "filename": "filename",
    "filesize": "size",
    "checksum": "checksum",
    "productId": "product_id",
    "version": "version",
    "filesTaskId": "suborder_id",
    "orderId": "order_id",
    "ipId": "product_urn",
    "state": "state",
    "dataType": "data_type",
    "mimeType": "mime_type",
    "digestAlgorithm": "digest_algorithm",
    "reference": "reference",
    "online": "online",
    "uri": "uri",
    "downloadError": "download_error",
}


def list_available(call: Call) -> Answer:
    """Return a page of the files of an order, or of one of its suborders, that are ready.

    The status says whether more will come: 200 no, 206 yes, 204 yes and none is ready yet.
    """
    order_id = call.id("orderId")
    suborder_id = call.id("filesTaskId") if "filesTaskId" in call.request.path_params else None
    page = Page.sorted(call.request.query_params, _PAGE)
    found = call.ordering.available_files(
        call.user,
        order_id,
        suborder_id=suborder_id,
        sort=page.sorts(_FIELDS),
        after=page.after,
        offset=page.offset,
        limit=page.size,
    )
    if not found.over and not found.some:
        return Answer(204)
    base = call.site.base
    items = [write_available(file, f"{base}/orders/files/{file.id}") for file in found.listed.items]
    return call.answer(page.frame(base + call.path, found.listed.total, items), 200 if found.over else 206)


async def download_file(call: Call) -> Sendable:
    """Return the bytes of one file, or only their headers; its state changes when all were handed over."""
    file_id = call.id("dataFileId")
    file = await call.site.work(lambda: call.ordering.look_at_file(call.user, file_id))
    if call.head:
        size = {} if file.size is None else {"content-length": str(file.size)}
        return Answer(200, headers={**_headers(file), **size}, sized=False)
    cause = f"not opened within {call.site.limits.open_seconds:g} s"
    return Download(
        site=call.site,
        opener=functools.partial(_open, call, file),
        late=SourceTimedOut(cause) if file.reference else StorageUnavailable(cause),
        subject={"order_id": file.order_id, "file_id": file.id},
    )


def _open(call: Call, file: OrderFile) -> Body:
    try:
        delivery = call.ordering.open_file(call.user, file.id)
    except SourceRefused as refused:
        if file.reference:
            raise
        status = refused.answer if refused.answer in _STORAGE_ANSWERS else 500
        raise StorageAnswered(status, refused.reason) from refused
    return Body(
        headers=_headers(delivery.file),
        size=delivery.size,
        chunks=delivery,
        confirm=delivery.confirm,
        close=delivery.close,
    )


def _headers(file: OrderFile) -> dict[str, str]:
    headers = {
        "content-type": file.mime_type if _MEDIA_TYPE.fullmatch(file.mime_type) else "application/octet-stream",
        "content-disposition": _disposition(clean_name(file.filename)),
    }
    tag = f"{file.digest_algorithm}-{file.checksum}"
    if file.checksum and file.digest_algorithm and _WORD.fullmatch(tag):
        headers["etag"] = f'"{tag}"'
    return headers


def _disposition(name: str) -> str:
    plain = "".join(c if c.isascii() else "_" for c in name)
    quoted = re.sub(r'(["\\])', r"\\\1", plain)
    value = f'attachment; filename="{quoted}"'
    return value if name.isascii() else f"{value}; filename*=UTF-8''{quote(name, safe='!#$&+^`|')}"
