"""The ordering domain of a space-data centre: baskets, orders, suborders, downloads.

Pure and typed: it imports the standard library, attrs and luqum.  A program brings adapters for its ports, or takes
those of `regards_order_adapters`; `regards_order.testing` has twins of all of them in memory.
"""

from __future__ import annotations

from regards_order.application.deliver import Delivery
from regards_order.application.deliver_file import FileDelivery
from regards_order.application.ordering import Ordering
from regards_order.application.read_order import AvailableFiles
from regards_order.domain.attributes import AttributeType
from regards_order.domain.basket import Basket, DatasetSelection, DatedSelection
from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.errors import (
    CatalogUnavailable,
    ChecksumMismatch,
    Conflict,
    DeliveryIncomplete,
    EmptySelection,
    Fault,
    FileInError,
    FileNotFound,
    FileNotReady,
    IllegalTransition,
    InvalidInput,
    InvalidPattern,
    InvalidUrn,
    LabelTaken,
    LabelTooLong,
    NoBasket,
    NoSnapshot,
    NotAllowed,
    NotFound,
    NothingToDownload,
    NotificationRefused,
    NotifierUnavailable,
    NotManager,
    OrderingError,
    QueryRefused,
    RequestRefused,
    SearchRefused,
    SelectionNotFound,
    SourceFailed,
    SourceRefused,
    SourceTimedOut,
    SourceTruncated,
    SourceUnreachable,
    StorageUnavailable,
    StoreUnavailable,
    TooManyLines,
    UnknownDataset,
    UnknownSetting,
)
from regards_order.domain.files import FILES, FileCounts, FileEvent, FileState, OrderFile
from regards_order.domain.lucene import Query, compile_predicate, explain, parse_query
from regards_order.domain.order import ORDERS, DatasetTask, Order, OrderEvent, OrderStatus
from regards_order.domain.principal import Access, Account, Role, User
from regards_order.domain.product import CatalogFile, DataFile, Dataset, DataType, OrderedProduct, Product
from regards_order.domain.quota import UNLIMITED, Quota
from regards_order.domain.search import Search, compile_search
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest
from regards_order.domain.settings import Settings
from regards_order.domain.suborder import SUBORDERS, Suborder, SuborderEvent, SuborderState
from regards_order.domain.urn import Urn

__all__ = [
    "FILES",
    "ORDERS",
    "SUBORDERS",
    "UNLIMITED",
    "Access",
    "Account",
    "AttributeType",
    "AvailableFiles",
    "Basket",
    "CatalogFile",
    "CatalogUnavailable",
    "ChecksumMismatch",
    "Conflict",
    "Counters",
    "DataFile",
    "DataType",
    "Dataset",
    "DatasetSelection",
    "DatasetTask",
    "DatedSelection",
    "Delivery",
    "DeliveryIncomplete",
    "EmptySelection",
    "Fault",
    "FileCounts",
    "FileDelivery",
    "FileEvent",
    "FileFilter",
    "FileInError",
    "FileNotFound",
    "FileNotReady",
    "FileState",
    "FileTypes",
    "IllegalTransition",
    "InvalidInput",
    "InvalidPattern",
    "InvalidUrn",
    "LabelTaken",
    "LabelTooLong",
    "NoBasket",
    "NoSnapshot",
    "NotAllowed",
    "NotFound",
    "NotManager",
    "NothingToDownload",
    "NotificationRefused",
    "NotifierUnavailable",
    "Order",
    "OrderEvent",
    "OrderFile",
    "OrderStatus",
    "OrderedProduct",
    "Ordering",
    "OrderingError",
    "Product",
    "Query",
    "QueryRefused",
    "Quota",
    "RequestRefused",
    "Role",
    "Search",
    "SearchRefused",
    "SelectionNotFound",
    "SelectionRequest",
    "Settings",
    "SourceFailed",
    "SourceRefused",
    "SourceTimedOut",
    "SourceTruncated",
    "SourceUnreachable",
    "StorageUnavailable",
    "StoreUnavailable",
    "Suborder",
    "SuborderEvent",
    "SuborderState",
    "Summary",
    "TooManyLines",
    "TypeCount",
    "UnknownDataset",
    "UnknownSetting",
    "Urn",
    "User",
    "compile_predicate",
    "compile_search",
    "explain",
    "parse_query",
]
