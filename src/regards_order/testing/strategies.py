"""Hypothesis strategies for every value of the domain: valid ones, and among them the awkward ones.

>>> from hypothesis import given
>>> @given(orders())
... def test_percent(order):
...     assert 0 <= order.percent <= 100
>>> test_percent()
"""

from __future__ import annotations

import datetime as dt
import string
from collections.abc import Callable
from typing import Any

import attrs
from hypothesis import strategies as st

from regards_order.domain.attributes import EPOCH, AttributeType
from regards_order.domain.basket import Addition, Basket, BasketOwner, DatasetSelection, DatedSelection, OwnerKind
from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.events import Event, FileOversized, OrderCreated, OrderEnded, SuborderDone
from regards_order.domain.files import FileCounts, FileState, Moved, OrderFile
from regards_order.domain.order import Contents, DatasetTask, Order, OrderStatus
from regards_order.domain.principal import Access, Account, Role, User
from regards_order.domain.product import ORDERABLE, PUBLIC, CatalogFile, DataFile, Dataset, DataType, Product
from regards_order.domain.quota import Quota
from regards_order.domain.selection import FileFilter, FileTypes, SelectionRequest
from regards_order.domain.settings import Settings
from regards_order.domain.suborder import Suborder, SuborderState
from regards_order.domain.urn import Urn
from regards_order.testing.samples import make_dataset, make_file

_MAX_SIZE = 2**40
_AWKWARD = ("a.txt", "été_7.dat", "e\u0301.dat", "名前.tif", "a b (1).txt", "'\";--", ".hidden", "🛰️", "A.TXT", "…")


# --- plain values ----------------------------------------------------------------------------------------------------


def instants() -> st.SearchStrategy[dt.datetime]:
    """Return instants in UTC, with microseconds."""
    return st.integers(0, 10**16).map(lambda number: EPOCH + dt.timedelta(microseconds=number))


def texts(max_size: int = 30) -> st.SearchStrategy[str]:
    """Return texts of one character or more in any script, without control characters."""
    anything = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=max_size)
    return st.sampled_from([text for text in _AWKWARD if len(text) <= max_size]) | anything


def filenames() -> st.SearchStrategy[str]:
    """Return names that a `DataFile` may have."""
    return texts().filter(lambda name: name not in (".", "..") and "/" not in name)


def emails() -> st.SearchStrategy[str]:
    """Return what users log in with."""
    return st.sampled_from(("lise@obs.example", "Lise@obs.example", "ORDER_7", "josé@données.example")) | (
        texts(128).filter(str.strip)
    )


def groups() -> st.SearchStrategy[frozenset[str]]:
    """Return sets of access groups, at least one."""
    return st.frozensets(st.sampled_from(("public", "lab-team", "été", "Public")), min_size=1)


def sizes() -> st.SearchStrategy[int]:
    """Return numbers of bytes; 0 is one."""
    return st.sampled_from((0, 1, 2**32)) | st.integers(0, _MAX_SIZE)


def urns(entity_type: str | None = None) -> st.SearchStrategy[Urn]:
    """Return names of entities, of one type if given."""
    words = st.text(string.ascii_letters + "é-_.", min_size=1, max_size=12)
    return st.builds(
        Urn,
        words,
        st.just(entity_type) if entity_type else st.sampled_from(("DATA", "DATASET", "COLLECTION")),
        words,
        st.uuids(),
        st.none() | st.integers(1, 999),
        st.none() | st.integers(0, 10**6),
        st.none() | texts(10),
    )


def _urn_texts(entity_type: str) -> st.SearchStrategy[str]:
    return urns(entity_type).map(str)


# --- the catalogue ---------------------------------------------------------------------------------------------------

_CHECKSUMS = st.text("0123456789abcdef", min_size=32, max_size=32)
_ALGORITHMS = st.sampled_from((None, "MD5", "SHA-256", "unknown"))
_URLS = st.sampled_from(("https://ref.example/", "http://ref.example/é?q=1#"))


def data_files() -> st.SearchStrategy[DataFile]:
    """Return described files: stored ones, and references of which nothing but the URL need be known."""
    common: dict[str, Any] = {"digest_algorithm": _ALGORITHMS, "online": st.booleans()}
    types = st.sampled_from(DataType)
    media = st.sampled_from(("application/octet-stream", "image/png", ""))
    stored = st.builds(DataFile, types, filenames(), texts(), media, size=sizes(), checksum=_CHECKSUMS, **common)
    reference = st.builds(
        DataFile,
        types,
        filenames(),
        st.builds(str.__add__, _URLS, texts()),
        media,
        size=st.none() | sizes(),
        checksum=st.none() | _CHECKSUMS,
        reference=st.just(True),
        **common,
    )
    return stored | reference


def catalog_files() -> st.SearchStrategy[CatalogFile]:
    """Return files as the catalogue hands them to an order; a stored one of unknown size may be among them."""
    return st.builds(
        lambda row, lost: row._replace(size=None) if lost else row, data_files().map(CatalogFile.of), _RARELY
    )


_RARELY = st.integers(0, 9).map(lambda number: number == 9)


def datasets() -> st.SearchStrategy[Dataset]:
    """Return datasets, some with files of their own."""
    files = st.lists(data_files(), max_size=2).map(tuple)
    return st.builds(Dataset, _urn_texts("DATASET"), texts(), texts(), groups(), files)


def properties() -> st.SearchStrategy[dict[str, Any]]:
    """Return attributes of a product as JSON has them: scalars, arrays of scalars, and fragments."""
    number = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    scalar = st.none() | st.booleans() | number | st.text(max_size=10)
    scalar |= instants().map(dt.datetime.isoformat)
    value = scalar | st.lists(scalar, max_size=3)
    names = texts(8)
    return st.dictionaries(names, value | st.dictionaries(names, value, max_size=2), max_size=4)


def products() -> st.SearchStrategy[Product]:
    """Return products, each on its own: see `catalogs` for some that belong together."""
    return st.builds(
        Product,
        urn=_urn_texts("DATA"),
        provider_id=texts(),
        label=texts(),
        model=texts(),
        tags=st.frozensets(texts() | _urn_texts("DATASET"), max_size=3),
        version=st.integers(1, 999),
        last=st.booleans(),
        properties=properties(),
        geometry=st.none() | st.just({"type": "Point", "coordinates": [1.5, 43.6]}),
        groups=groups(),
        files=st.lists(data_files(), max_size=4).map(tuple),
        creation_date=instants(),
        last_update=instants(),
    )


def type_counts() -> st.SearchStrategy[TypeCount]:
    """Return counts of one data type; without files there are no bytes."""

    def build(stored: int, stored_bytes: int, referenced: int, referenced_bytes: int) -> TypeCount:
        return TypeCount(stored, stored_bytes if stored else 0, referenced, referenced_bytes if referenced else 0)

    return st.builds(build, st.integers(0, 10**6), sizes(), st.integers(0, 10**6), sizes())


def counters() -> st.SearchStrategy[Counters]:
    """Return what the catalogue counts."""
    orderable = st.sampled_from(sorted(ORDERABLE, key=lambda each: each.name))
    return st.builds(Counters, st.integers(0, 10**7), st.dictionaries(orderable, type_counts()))


def summaries() -> st.SearchStrategy[Summary]:
    """Return answers of a catalogue."""
    return st.builds(Summary, counters(), st.dictionaries(_urn_texts("DATASET"), counters(), max_size=3))


# --- queries and catalogues that fit each other ----------------------------------------------------------------------

#: the attributes of `queries` and `catalogs`, with their types
VOCABULARY: dict[str, AttributeType] = {
    "title": AttributeType.STRING,
    "names": AttributeType.STRING_ARRAY,
    "mixed": AttributeType.STRING,
    "level": AttributeType.LONG,
    "levels": AttributeType.LONG_ARRAY,
    "cloud": AttributeType.DOUBLE,
    "when": AttributeType.DATE,
    "ok": AttributeType.BOOLEAN,
    "sensing.mode": AttributeType.STRING,
    "orbit.mode": AttributeType.STRING,
}
_WORDS = (
    "Alpha",
    "alpha",
    "ALPHA One",
    "Été",
    "été",
    "x:y",
    "7",
    "true",
    "a*b",
    "b?",
    "2026-01-02T00:00:00Z",
    "na\\ïve",
)
_LEVELS = (-5, 0, 1, 2, 2**63 - 1, -(2**63))
_CLOUDS = (-0.0, 0, 0.1, 0.5, 20, 20.25, 1e300, -7.125)
_WHENS = ("2026-01-02T00:00:00Z", "2026-01-02T01:00:00+01:00", "2026-01-02T00:00:00.000001Z", "1969-12-31T23:59:59Z")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(text: str) -> str:
    return "".join(letter if letter.isalnum() else f"\\{letter}" for letter in text)


_TEXT_FIELDS = (
    "title",
    "names",
    "mixed",
    "sensing.mode",
    "properties.orbit.mode",
    "label",
    "productId",
    "rawdata",
    "virtualId",
    "datasetModelNames",
)
_SHAPES = ("*", "al*", "*a*", "?t?", "A*a", "*.dat", "f?.dat", "d1*", "*\\**", "?", "\\?*")
_PATTERNS = (
    "/.*/",
    "//",
    "/[Aa]lpha.*/",
    "/.{3,5}/",
    "/(alpha|été)( One)?/",
    "/[^a-z]+/",
    "/\\w+\\s\\w+/",
    "/a\\*b|b\\?/",
    "/[É-Ü].é/",
    "/(A|L|P|H| )*(One|Two)/",
    "/\\d{4}-.*/",
    "/x:y/",
)


def _texts_asked() -> st.SearchStrategy[str]:
    """Return what a field of texts is asked for: one thing, or a list that may fold."""
    words = st.sampled_from(_WORDS)
    one = words.map(_quoted) | words.map(_escaped) | st.sampled_from(_SHAPES) | st.sampled_from(_PATTERNS)
    return one | st.lists(one, min_size=2, max_size=5).map(lambda each: f"({' OR '.join(each)})")


def _atoms() -> st.SearchStrategy[str]:
    fields = st.sampled_from(_TEXT_FIELDS)
    text = st.builds("{}{}:{}".format, fields, st.sampled_from(("", "", "@text", "@TEXT", "@keyword")), _texts_asked())
    full = st.builds("{}{}".format, st.sampled_from(("", "@multisearch:")), _texts_asked())
    tags = st.builds(
        "tags:{}".format,
        st.sampled_from(_DATASETS).map(lambda each: _quoted(each.urn))
        | st.sampled_from(_DATASETS).map(lambda each: _quoted(str(Urn.parse(each.urn).last)))
        | st.just("*1"),
    )
    number = st.one_of(
        _compared("level", st.sampled_from(_LEVELS)),
        _compared("cloud", st.sampled_from(_CLOUDS)),
        _listed("level", st.sampled_from(_LEVELS)),
        _listed("levels", st.sampled_from(_LEVELS)),
        _listed("cloud", st.sampled_from(_CLOUDS)),
        _listed("when", st.sampled_from(_WHENS)),
    )
    when = _compared("when", st.sampled_from(_WHENS).map(_quoted)) | _compared(
        "_creationDate", st.sampled_from(_WHENS).map(_quoted)
    )
    other = st.sampled_from(
        (
            "ok:true",
            "ok:(true OR FALSE)",
            "ok:*",
            "version:1",
            "version:[2 TO *]",
            "last:true",
            "level:1.5",
            "level:1e30",
            "cloud:*",
            "levels:/.*/",
            "*",
        )
    )
    return st.one_of(text, full, tags, number, when, other)


def _listed(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Return an OR of values on one field, in both spellings."""
    several = st.lists(values.map(str).map(_quoted), min_size=2, max_size=4)
    grouped = several.map(lambda each: f"{field}:({' OR '.join(each)})")
    return grouped | several.map(lambda each: f"({' OR '.join(f'{field}:{value}' for value in each)})")


def _compared(field: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    equal = st.builds(
        f"{field}:{{}}".format, values.map(lambda value: _quoted(str(value)) if str(value)[0] == "-" else value)
    )
    bounds = values.map(lambda value: value if str(value)[0] != "-" else _quoted(str(value)))
    between = st.builds(
        f"{field}:{{}}{{}} TO {{}}{{}}".format,
        st.sampled_from("[{"),
        bounds,
        bounds | st.just("*"),
        st.sampled_from("]}"),
    )
    return equal | between


def queries() -> st.SearchStrategy[str]:
    """Return Lucene queries that are valid where the attributes of `VOCABULARY` are known."""

    def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.builds("({} {} {})".format, inner, st.sampled_from(("AND", "OR")), inner)
        return joined | inner.map("NOT ({})".format)

    return st.recursive(_atoms(), grow, max_leaves=4)


@attrs.frozen
class CatalogSample:
    """Hold a small catalogue.

    Attributes:
        datasets: its datasets.
        products: its products; some belong to a dataset that it does not have, or to none.
        contents: URI → bytes of its stored files.
        external: URL → bytes of its references.
    """

    datasets: tuple[Dataset, ...]
    products: tuple[Product, ...]
    contents: dict[str, bytes]
    external: dict[str, bytes]


_DATASETS = (
    make_dataset("été"),
    make_dataset("ETE", files=(make_file("guide.pdf", b"guide", uri="d/guide.pdf"),)),
    make_dataset("closed", groups=frozenset({"lab-team"})),
)
_UNKNOWN_DATASET = make_dataset("unknown")


def _files() -> st.SearchStrategy[DataFile]:
    """Return files that go with `contents_of`; their few names and contents make duplicates."""

    def build(name: str, size: int, data_type: DataType, online: bool, reference: int) -> DataFile:
        url = f"https://ref.example/{size}" if reference else f"f/{size}"
        file = make_file(name, contents_of(url), data_type=data_type, uri=url, online=online, reference=bool(reference))
        return attrs.evolve(file, size=None, checksum=None, digest_algorithm=None) if reference == 2 else file

    return st.builds(
        build,
        st.sampled_from(("a.dat", "b.dat", "été.dat", "f1.dat", "f.png")),
        st.integers(0, 6),
        st.sampled_from(
            (DataType.RAWDATA, DataType.RAWDATA, DataType.QUICKLOOK_SD, DataType.QUICKLOOK_HD, DataType.THUMBNAIL)
        ),
        st.booleans(),
        st.sampled_from((0, 0, 0, 1, 2)),
    )


def contents_of(uri: str) -> bytes:
    """Return the bytes that the sample catalogues keep at *uri*: as many as its last number says."""
    return uri.encode()[-1:] * int(uri.rpartition("/")[2])


def _properties(*, full: bool) -> st.SearchStrategy[dict[str, Any]]:
    words = st.sampled_from(_WORDS)
    given: dict[str, st.SearchStrategy[Any]] = {
        "title": words | st.none(),
        "names": st.lists(words, max_size=2),
        "mixed": words | st.sampled_from((7, 7.5, True, None)),
        "level": st.sampled_from(_LEVELS),
        "levels": st.lists(st.sampled_from(_LEVELS), max_size=2),
        "cloud": st.sampled_from(_CLOUDS),
        "when": st.sampled_from(_WHENS),
        "ok": st.booleans(),
        "sensing": st.fixed_dictionaries({"mode": words}),
        "orbit": st.fixed_dictionaries({"mode": words}),
    }
    if not full:
        return st.fixed_dictionaries({}, optional=given)
    text = st.sampled_from(_WORDS[:6])
    mode = st.fixed_dictionaries({"mode": text})
    sure: dict[str, st.SearchStrategy[Any]] = {
        "title": text,
        "names": st.lists(text, min_size=1, max_size=2),
        "mixed": text,
        "level": st.just(1),
        "levels": st.just([1]),
        "cloud": st.just(0.5),
        "sensing": mode,
        "orbit": mode,
    }
    return st.fixed_dictionaries({**given, **sure})


@st.composite
def _sample_products(draw: st.DrawFn) -> tuple[Product, ...]:
    """Return products of which the first one has every attribute, so that all have the types of `VOCABULARY`."""
    urns_of = [each.urn for each in (*_DATASETS, _UNKNOWN_DATASET)]
    names = draw(
        st.lists(st.tuples(st.sampled_from(("p", "été", "Z")), st.integers(1, 3)), min_size=1, max_size=6, unique=True)
    )
    newest = {name: max(version for each, version in names if each == name) for name, _ in names}
    return tuple(
        Product(
            str(Urn.make("DATA", "default", name, version)),
            name,
            draw(st.sampled_from(_WORDS)),
            "sample",
            draw(st.frozensets(st.sampled_from((*urns_of, "free tag")), max_size=3)),
            version,
            version == newest[name],
            draw(_properties(full=number == 0)),
            None,
            draw(st.sampled_from((PUBLIC, PUBLIC, frozenset({"lab-team"})))),
            tuple(draw(st.lists(_files(), max_size=4))),
            draw(st.sampled_from(_WHENS).map(dt.datetime.fromisoformat)),
            draw(st.sampled_from(_WHENS).map(dt.datetime.fromisoformat)),
        )
        for number, (name, version) in enumerate(names)
    )


def catalogs() -> st.SearchStrategy[CatalogSample]:
    """Return small catalogues whose attributes are those of `VOCABULARY`."""

    def build(known: list[Dataset], found: tuple[Product, ...]) -> CatalogSample:
        uris = {file.uri for product in found for file in product.files}
        stored = {uri: contents_of(uri) for uri in sorted(uris) if not uri.startswith("http")}
        external = {uri: contents_of(uri) for uri in sorted(uris) if uri.startswith("http")}
        return CatalogSample(tuple(known), found, {"d/guide.pdf": b"guide", **stored}, external)

    chosen = st.lists(st.sampled_from(_DATASETS), unique_by=lambda each: each.urn, min_size=1)
    return st.builds(build, chosen, _sample_products())


# --- baskets ---------------------------------------------------------------------------------------------------------


def selection_requests(query: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[SelectionRequest]:
    """Return requests; *query* gives their Lucene queries, `queries` unless given."""
    values = st.none() | (queries() if query is None else query)
    parameters = st.fixed_dictionaries(
        {}, optional={"q": st.tuples(values), "page": st.just(("0",)), "sort": st.just(())}
    )
    ids = st.none() | st.lists(_urn_texts("DATA"), max_size=3).map(tuple)
    return st.builds(
        SelectionRequest,
        st.none() | parameters,
        st.none() | _urn_texts("DATASET"),
        ids,
        ids,
        selection_date=st.none() | instants(),
    )


def file_filters() -> st.SearchStrategy[FileFilter]:
    """Return file filters."""
    patterns = st.sampled_from((None, "", " ", r".*\.dat", "[aé].*", "été|a\\.txt"))
    return st.builds(FileFilter, st.frozensets(st.sampled_from(FileTypes)), patterns)


def basket_owners() -> st.SearchStrategy[BasketOwner]:
    """Return owners of all kinds; one may be called as another kind is."""
    return st.builds(BasketOwner, st.sampled_from(OwnerKind), emails() | st.integers(1, 9).map(str))


def dated_selections() -> st.SearchStrategy[DatedSelection]:
    """Return dated selections whose request bears their date."""

    def build(date: dt.datetime, request: SelectionRequest, held: Counters) -> DatedSelection:
        return DatedSelection(date, attrs.evolve(request, selection_date=date), held)

    return st.builds(build, instants(), selection_requests(), counters())


def dataset_selections() -> st.SearchStrategy[DatasetSelection]:
    """Return dataset selections, their items oldest first."""
    items = st.lists(dated_selections(), min_size=1, max_size=3, unique_by=lambda item: item.date)
    return st.builds(
        DatasetSelection,
        st.integers(1, 10**6),
        _urn_texts("DATASET"),
        texts(),
        counters(),
        items.map(lambda found: tuple(sorted(found, key=lambda item: item.date))),
        st.none() | file_filters(),
    )


def additions() -> st.SearchStrategy[Addition]:
    """Return what one "add" brings to one dataset."""
    return st.builds(Addition, texts(), counters(), counters())


def baskets(version: st.SearchStrategy[int] | None = None) -> st.SearchStrategy[Basket]:
    """Return baskets, new ones unless *version* says otherwise."""
    keys: tuple[Callable[[DatasetSelection], Any], ...] = (lambda each: each.id, lambda each: each.dataset_urn)
    selections = st.lists(dataset_selections(), max_size=3, unique_by=keys).map(
        lambda found: tuple(sorted(found, key=lambda each: (each.label.lower(), each.dataset_urn)))
    )
    return st.builds(
        Basket, st.integers(1, 10**6), basket_owners(), selections, st.just(0) if version is None else version
    )


# --- orders ----------------------------------------------------------------------------------------------------------


def file_counts() -> st.SearchStrategy[FileCounts]:
    """Return counts that files could have."""

    def build(numbers: list[int], pending_bytes: int, other_bytes: int) -> FileCounts:
        pending = pending_bytes if numbers[0] else 0
        known = pending + (other_bytes if any(numbers[1:]) else 0)
        return FileCounts(*[*numbers, known, pending])

    return st.builds(build, st.lists(st.integers(0, 10**6), min_size=6, max_size=6), sizes(), sizes())


def moves() -> st.SearchStrategy[Moved]:
    """Return what a change of files reports."""
    states = st.sampled_from(FileState)
    return st.builds(Moved, st.integers(1, 9), states, states, st.integers(1, 10**6), sizes())


def order_files(order_id: int = 1, suborder_id: int = 1) -> st.SearchStrategy[OrderFile]:
    """Return files of one suborder."""

    def build(own: tuple[Any, ...], row: CatalogFile) -> OrderFile:
        file_id, *rest = own
        return OrderFile._make((file_id, order_id, suborder_id, *rest, *row))

    states = st.sampled_from([state.value for state in FileState])
    own = (st.integers(1, 10**9), _urn_texts("DATA"), texts(), st.integers(0, 999), states, st.none() | texts())
    return st.builds(build, st.tuples(*own), catalog_files())


def suborders() -> st.SearchStrategy[Suborder]:
    """Return suborders in all states."""

    def build(suborder: Suborder, length: int) -> Suborder:
        return attrs.evolve(suborder, last_file=suborder.first_file + length)

    plain = st.builds(
        Suborder,
        id=st.integers(1, 10**6),
        order_id=st.integers(1, 10**6),
        owner=emails(),
        dataset_urn=_urn_texts("DATASET"),
        external=st.booleans(),
        state=st.sampled_from(SuborderState),
        priority=st.integers(0, 100),
        hours=st.integers(1, 1000),
        first_file=st.integers(1, 10**9),
        last_file=st.just(0),
        counts=file_counts(),
        next_poll=st.none() | instants(),
        deadline=st.none() | instants(),
        version=st.integers(1, 10**6),
    )
    return st.builds(build, plain, st.integers(0, 10**6))


def dataset_tasks() -> st.SearchStrategy[DatasetTask]:
    """Return what orders took from one dataset."""
    return st.builds(
        DatasetTask,
        id=st.integers(1, 10**6),
        dataset_urn=_urn_texts("DATASET"),
        dataset_label=texts(),
        objects_count=st.integers(0, 10**7),
        files_count=st.integers(1, 10**7),
        files_size=sizes(),
        file_filter=st.none() | file_filters(),
        requests=st.lists(selection_requests(), max_size=2).map(tuple),
    )


def contents() -> st.SearchStrategy[Contents]:
    """Return what completions found, tasks by id."""
    keys: tuple[Callable[[DatasetTask], Any], ...] = (lambda each: each.id, lambda each: each.dataset_urn)
    tasks = st.lists(dataset_tasks(), max_size=2, unique_by=keys).map(
        lambda found: tuple(sorted(found, key=lambda x: x.id))
    )
    number = st.integers(0, 10**4)
    return st.builds(Contents, tasks=tasks, internal_suborders=number, external_suborders=number, features=number)


def orders() -> st.SearchStrategy[Order]:
    """Return orders of every status."""
    return st.builds(
        Order,
        id=st.integers(1, 10**6),
        owner=emails(),
        role=roles(),
        groups=groups(),
        label=texts(50),
        correlation_id=texts(),
        created=instants(),
        status=st.sampled_from(OrderStatus),
        status_date=instants(),
        hours=st.integers(1, 1000),
        expires=st.none() | instants(),
        listed=st.booleans(),
        message=st.none() | texts(255),
        frontend_url=st.none() | _URLS,
        counts=file_counts(),
        waiting_suborders=st.integers(0, 10**4),
        available_since=st.none() | instants(),
        contents=contents(),
        version=st.integers(1, 10**6),
    )


def events() -> st.SearchStrategy[Event]:
    """Return everything that may happen."""
    common: dict[str, Any] = {"order_id": st.integers(1, 10**6), "owner": emails(), "correlation_id": texts()}
    number = st.integers(0, 10**6)
    ends = st.sampled_from((OrderStatus.DONE, OrderStatus.DONE_WITH_WARNING, OrderStatus.FAILED))
    return st.one_of(
        st.builds(OrderCreated, frontend_url=_URLS, **common),
        st.builds(SuborderDone, suborder_id=number, errors=number, total_suborders=number, **common),
        st.builds(OrderEnded, status=ends, message=st.none() | texts(255), **common),
        st.builds(FileOversized, filename=filenames(), **common),
    )


# --- people and limits -----------------------------------------------------------------------------------------------


def roles() -> st.SearchStrategy[Role]:
    """Return roles."""
    return st.sampled_from(Role)


def users() -> st.SearchStrategy[User]:
    """Return users."""
    return st.builds(User, emails(), roles(), groups())


def accesses() -> st.SearchStrategy[Access]:
    """Return what users may see of the catalogue."""
    return st.builds(Access, groups(), st.booleans())


def limits() -> st.SearchStrategy[int]:
    """Return limits of downloads: none, 0, or some."""
    return st.sampled_from((-1, 0, 1)) | st.integers(-1, 2**40)


def accounts() -> st.SearchStrategy[Account]:
    """Return entries of the user directory."""
    return st.builds(Account, users(), st.booleans())


def quotas() -> st.SearchStrategy[Quota]:
    """Return quotas; more may be used than is allowed by now."""
    return st.builds(Quota, limits(), st.integers(0, 2**40))


def settings() -> st.SearchStrategy[Settings]:
    """Return limits of the service: small ones, so that they are met."""
    small = st.integers(1, 5)
    return st.builds(
        Settings,
        suborder_max_bytes=st.integers(1, 20),
        suborder_max_files=small,
        external_max_files=small,
        suborders_per_user=st.integers(1, 3),
        catalog_page=small,
        user_hours=st.integers(1, 300),
        max_hours=st.integers(1, 300),
        storage_batch=small,
        storage_poll_seconds=st.integers(1, 60),
    )
