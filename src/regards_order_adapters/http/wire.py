"""Baskets, orders and files as they travel (docs/rest.md): REGARDS' spellings live here, and null is left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regards_order.application.tenant_settings import TenantSetting
from regards_order.domain.basket import Basket, DatasetSelection, DatedSelection
from regards_order.domain.counters import Counters
from regards_order.domain.files import OrderFile
from regards_order.domain.order import DatasetTask, Order
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest
from regards_order_adapters.http.dates import write_date

Json = dict[str, Any]
#: what people read beside each setting
_DESCRIPTIONS = {
    "user_order_parameters": "Parameters for User order (in hours)",
    "app_sub_order_duration": "Sub order duration for applicative orders (in hours)",
    "expiration_max_duration_in_hours": "Order expiration duration maximal (in hours)",
    "maxQuota": "Files that a new user may download in all (-1 = unlimited)",
    "rateLimit": "Files that a new user may download at once (-1 = unlimited)",
}


def wrapped(content: Json, links: Sequence[Json] = ()) -> Json:
    """Return one object in its envelope."""
    return {"content": content, "links": list(links)}


def _present(**fields: Any) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def write_basket(basket: Basket) -> Json:
    """Return a basket."""
    return {
        "id": basket.id,
        "owner": basket.owner.name,
        "quota": basket.quota,
        "datasetSelections": [_dataset_selection(selection) for selection in basket.selections],
    }


def _dataset_selection(selection: DatasetSelection) -> Json:
    return _present(
        id=selection.id,
        datasetIpid=selection.dataset_urn,
        datasetLabel=selection.label,
        **_counters(selection.counters),
        itemsSelections=[_dated_selection(item) for item in selection.items],
        fileSelectionDescription=_file_filter(selection.file_filter),
    )


def _dated_selection(item: DatedSelection) -> Json:
    request = _selection_request(item.request)
    return {"date": write_date(item.date), "selectionRequest": request, **_counters(item.counters)}


def _selection_request(request: SelectionRequest) -> Json:
    date, parameters = request.selection_date, request.search_parameters
    return _present(
        engineType=request.engine_type,
        datasetUrn=request.dataset_urn,
        searchParameters=None if parameters is None else dict(parameters),
        entityIdsToInclude=request.include,
        entityIdsToExclude=request.exclude,
        selectionDate=None if date is None else write_date(date),
    )


def _counters(counters: Counters) -> Json:
    return {
        "objectsCount": counters.objects_count,
        "filesCount": counters.files_count,
        "filesSize": counters.files_size,
        "quota": counters.quota,
    }


def _file_filter(wanted: FileFilter | None) -> Json | None:
    if wanted is None:
        return None
    types = [each.value for each in FileTypes if each in wanted.file_types]
    return _present(fileTypes=types, fileNamePattern=wanted.pattern)


def write_order(order: Order) -> Json:
    """Return an order."""
    return _present(
        id=order.id,
        owner=order.owner,
        label=order.label,
        creationDate=write_date(order.created),
        expirationDate=write_date(order.expires) if order.listed and order.expires else None,
        percentCompleted=order.percent,
        filesInErrorCount=order.counts.in_error,
        availableFilesCount=order.available,
        status=order.status.value,
        statusDate=write_date(order.status_date),
        waitingForUser=order.waiting_for_user,
        datasetTasks=[_dataset_task(task) for task in order.contents.tasks],
    )


def _dataset_task(task: DatasetTask) -> Json:
    return _present(
        id=task.id,
        datasetLabel=task.dataset_label,
        objectsCount=task.objects_count,
        filesCount=task.files_count,
        filesSize=task.files_size,
        fileSelectionDescription=_file_filter(task.file_filter),
    )


def write_available(file: OrderFile, url: str) -> Json:
    """Return a file that is ready for download, in the forms of both kinds of clients."""
    product = file.product_id or None
    content = _present(
        id=file.id,
        productId=product,
        version=file.version,
        downloadUrl=url,
        mimeType=file.mime_type,
        checksum=file.checksum,
        filesize=file.size,
        filename=file.filename,
    )
    flat = _present(
        productId=product,
        version=file.version,
        checksum=file.checksum,
        fileSize=file.size,
        filename=file.filename,
        mimeType=file.mime_type,
        uri=url,
    )
    return {**wrapped(content), **flat}


def write_setting(setting: TenantSetting) -> Json:
    """Return a setting of a tenant."""
    return {
        "name": setting.name,
        "description": _DESCRIPTIONS[setting.name],
        "defaultValue": setting.default,
        "value": setting.value,
    }
