"""What a `Catalog` promises."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from regards_order.domain.attributes import AttributeType
from regards_order.domain.counters import Counters, Summary, TypeCount
from regards_order.domain.errors import InvalidInput, SearchRefused
from regards_order.domain.principal import Access
from regards_order.domain.product import CatalogFile, DataFile, Dataset, DataType, OrderedProduct, Product
from regards_order.domain.search import Search, compile_search
from regards_order.domain.selection import SelectionRequest
from regards_order.ports.catalog import Catalog
from regards_order.testing.lab import DATASET_A, DATASET_B, DATASET_C, lab_datasets, lab_products
from regards_order.testing.lab_cases import LabCase, lab_cases, lab_urn
from regards_order.testing.memory_storage import RePatterns
from regards_order.testing.samples import ENTERED, make_dataset, make_file, make_product

MakeCatalog = Callable[[Sequence[Dataset], Sequence[Product]], Catalog]

_ALL = Access()
_TEAM = Access(frozenset({"public", "lab-team"}))
_EVERYTHING = Access(everything=True)
_LAB_ONLY = frozenset({"lab-team"})
_A, _B, _CLOSED = make_dataset("été"), make_dataset("b"), make_dataset("closed", groups=_LAB_ONLY)
_QUERIES = (
    "title:harry",
    'title:"Harry Potter"',
    "title:har*",
    "title:?tar*",
    "title:*",
    "title:ÉTÉ",
    "title:été",
    "title:STAR",
    "altitude:8848",
    "altitude:[0 TO 2000]",
    "altitude:{0 TO 2000}",
    "altitude:[* TO 0]",
    "altitude:*",
    "bpm:128",
    "bpm:[90.25 TO 128}",
    'date:"2020-02-29T22:00:00Z"',
    "date:[2020-01-02T00:00:00Z TO *]",
    "isTrue:true",
    "isTrue:false",
    "cast:watson",
    "years:(2002 OR 1977)",
    "sensing.mode:iw",
    "sensing.mode:x OR NOT orbit.mode:*",
    "providerId:s2a*",
    'tags:"plop"',
    "tags:*",
    "rawdata:*.zip",
    "rawdata:s2a_001.zip",
    "version:2",
    "last:false",
    "model:FILM",
    "_creationDate:{2024-01-03T00:00:00Z TO *]",
    "NOT title:*",
    "(title:star OR author:zoé) AND NOT altitude:0",
    'title:("Star Wars" OR "star wars")',
    "id:*12*",
    "label:alpha",
    "title:/[A-Z].*/",
    "title:/(Star|star) Wars.{0,3}/",
    "title:/.+@cnes[.]fr/",
    "title:/\\w+/",
    "title:/[^ -z]t[^a].*/",
    "years:/.*/",
    "altitude:/.*/",
    "tags:/[A-Z]:[A-Z]/",
    "rawdata:/s2a.*|S2A.*/",
    "STAR OR potter",
    '"rs"',
    "été",
    "Été",
    "*r*s",
    "s?ar",
    "2020",
    "film AND NOT /.*_.*/",
    "/S2A_001/",
    "*",
    "title@text:*",
    "title@text:ÉT",
    "title@TEXT:WAR*",
    "title@text:/[M-P].*/",
    'title@text:"mail john"',
    'title@text:("star wars" OR évian OR "no such")',
    "title@text:a_b",
    "tags@text:v1",
    "title@keyword:Star OR title@other:potter",
    "altitude@text:8848",
    "title:(harry OR war OR x OR y OR jo OR 1)",
    "altitude:(0 OR 8848 OR 1e30)",
    "bpm:(128 OR 90.25)",
    'date:("2020-01-01T00:00:00Z" OR "2020-03-01T00:00:00+02:00")',
    "isTrue:(true OR false)",
    "version:(1 OR 2) AND last:(true OR false)",
    "virtualId:*LAST",
    "datasetModelNames:*",
)


def everything(catalog: Catalog, query: str | None = None, dataset: str | None = None) -> list[Search]:
    """Return the search for a query, alone."""
    return [compile_search(SelectionRequest.of(query, dataset=dataset), catalog.attributes())]


def _names(found: Sequence[OrderedProduct]) -> list[str]:
    return [product.provider_id for product in found]


def _numbered(count: int, **changes: Any) -> list[Product]:
    """Return products whose URNs grow with their names: p01, p02…"""
    products = [make_product(f"p{n:02}", make_file(f"{n}.dat", b"x" * n), datasets=(_A,)) for n in range(1, count + 1)]
    urn = "URN:AIP:DATA:default:00000000-0000-0000-0000-{:012}:V1"
    return [attrs.evolve(each, urn=urn.format(n), **changes) for n, each in enumerate(products, 1)]


class CatalogContract:
    """Prove a `Catalog`; override the fixture `make_catalog`."""

    @pytest.fixture
    def make_catalog(self) -> MakeCatalog:
        """Return what fills an empty catalogue with datasets and products: override me."""
        raise NotImplementedError("override the fixture `make_catalog`: (datasets, products) → Catalog")

    # --- attributes

    def test_an_empty_catalog_knows_nothing(self, make_catalog: MakeCatalog) -> None:
        """No attributes, no products, no datasets."""
        catalog = make_catalog([], [])
        searches = everything(catalog)
        assert dict(catalog.attributes()) == {}
        assert catalog.summary(searches, _EVERYTHING) == Summary()
        assert list(catalog.search(searches, _EVERYTHING, limit=10)) == []
        assert catalog.dataset(_A.urn, _EVERYTHING) is None

    def test_attributes_have_the_types_of_their_values(self, make_catalog: MakeCatalog) -> None:
        """Names are dotted; a type is that of all values of all products; nulls and empty arrays have none."""
        properties = (
            {"title": "x", "level": 1, "cloud": 1, "when": "2026-01-01T00:00:00Z", "ok": True, "mixed": 1, "both": 1},
            {
                "cloud": 1.5,
                "mixed": "x",
                "none": None,
                "empty": [],
                "list": [1, 2.5],
                "both": [1],
                "sensing": {"mode": "a"},
            },
        )
        products = [make_product(f"p{n}", properties=each) for n, each in enumerate(properties)]
        assert dict(make_catalog([], products).attributes()) == {
            "title": AttributeType.STRING,
            "level": AttributeType.LONG,
            "cloud": AttributeType.DOUBLE,
            "when": AttributeType.DATE,
            "ok": AttributeType.BOOLEAN,
            "mixed": AttributeType.STRING,
            "list": AttributeType.DOUBLE_ARRAY,
            "both": AttributeType.LONG_ARRAY,
            "sensing.mode": AttributeType.STRING,
        }

    def test_names_with_dots_meet_fragments(self, make_catalog: MakeCatalog) -> None:
        """An attribute whose own name has a dot is found beside the fragment that spells alike."""
        catalog = make_catalog([], [make_product("p", properties={"a": {"b": "one"}, "a.b": "two"})])
        found = [_names(catalog.search(everything(catalog, f"a.b:{word}"), _ALL, limit=9)) for word in ("one", "two")]
        assert found == [["p"], ["p"]]

    # --- queries

    @pytest.mark.parametrize("query", _QUERIES)
    def test_a_query_means_what_the_core_says(self, make_catalog: MakeCatalog, query: str) -> None:
        """The products found are those that `Search.predicate` accepts."""
        products = [attrs.evolve(each, files=()) if each.version == 2 else each for each in lab_products()]
        catalog = make_catalog([], products)
        (search,) = everything(catalog, query)
        accepts = search.predicate(RePatterns().compile)
        found = catalog.search([search], _EVERYTHING, limit=100)
        assert [each.urn for each in found] == sorted(each.urn for each in products if accepts(each))

    @pytest.mark.parametrize("case", lab_cases(), ids=str)
    def test_a_case_of_the_sample_catalogue(self, make_catalog: MakeCatalog, case: LabCase) -> None:
        """A request on LAB finds the products that the case names, or is refused."""
        products = lab_products()
        catalog = make_catalog(lab_datasets(), products)
        if case.found is None:
            with pytest.raises((SearchRefused, InvalidInput)):
                compile_search(case.request, catalog.attributes())
            return
        search = compile_search(case.request, catalog.attributes())
        found = {each.urn for each in catalog.search([search], _EVERYTHING, limit=100)}
        assert " ".join(str(n) for n, each in enumerate(products, 1) if each.urn in found) == case.found
        assert catalog.summary([search], _EVERYTHING).total.objects_count == len(found)

    def test_a_summary_of_the_sample_catalogue(self, make_catalog: MakeCatalog) -> None:
        """A product in two datasets counts in both, and once in all (case 80)."""
        catalog = make_catalog(lab_datasets(), lab_products())
        summary = catalog.summary(everything(catalog), _TEAM)
        assert (summary.total.objects_count, summary.total.types) == (10, {DataType.RAWDATA: TypeCount(10, 0)})
        counts = {urn: counters.objects_count for urn, counters in summary.datasets.items()}
        assert counts == {DATASET_A: 3, DATASET_B: 4, DATASET_C: 3}
        assert catalog.summary(everything(catalog), Access(frozenset())) == Summary()
        assert catalog.summary(everything(catalog), _EVERYTHING).total.objects_count == 10

    def test_pages_of_the_sample_catalogue(self, make_catalog: MakeCatalog) -> None:
        """Four, four, two and none (case 81)."""
        catalog = make_catalog(lab_datasets(), lab_products())
        pages, after = [], ""
        for _ in range(4):
            page = catalog.search(everything(catalog), _TEAM, after=after, limit=4)
            pages.append([each.urn for each in page])
            after = page[-1].urn if page else after
        assert [len(page) for page in pages] == [4, 4, 2, 0]
        assert [urn for page in pages for urn in page] == sorted(each.urn for each in lab_products())

    def test_two_requests_on_the_sample_catalogue(self, make_catalog: MakeCatalog) -> None:
        """What any of them finds is found once (case 83)."""
        catalog = make_catalog(lab_datasets(), lab_products())
        searches = [*everything(catalog, "title:harry"), *everything(catalog, "last:true", DATASET_B)]
        found = [each.urn for each in catalog.search(searches, _TEAM, limit=100)]
        assert found == sorted(lab_urn(number) for number in (1, 2, 3, 5, 6))

    def test_all_parts_of_a_request_are_joined_by_and(self, make_catalog: MakeCatalog) -> None:
        """Query, dataset, ids to include, ids to exclude, and the date before which a product must have entered."""
        products = _numbered(6)
        products[4] = attrs.evolve(products[4], creation_date=ENTERED + dt.timedelta(microseconds=1))
        products[5] = attrs.evolve(products[5], tags=frozenset())
        catalog = make_catalog([_A], products)
        request = SelectionRequest(
            {"q": ("providerId:p* AND NOT providerId:p01",)},
            _A.urn,
            tuple(each.urn for each in products if each.provider_id != "p02"),
            (products[2].urn,),
            selection_date=ENTERED + dt.timedelta(microseconds=1),
        )
        search = compile_search(request, catalog.attributes())
        assert _names(catalog.search([search], _ALL, limit=10)) == ["p04"]

    def test_a_product_that_entered_at_the_date_is_not_before_it(self, make_catalog: MakeCatalog) -> None:
        """The date itself is excluded, a microsecond later is not."""
        catalog = make_catalog([], _numbered(1))
        for delay, found in ((0, []), (1, ["p01"])):
            request = SelectionRequest(selection_date=ENTERED + dt.timedelta(microseconds=delay))
            assert _names(catalog.search([compile_search(request, {})], _ALL, limit=10)) == found

    @pytest.mark.parametrize("count", [0, 1, 1000])
    def test_products_can_be_named(self, make_catalog: MakeCatalog, count: int) -> None:
        """Included ids are the only ones that may be found, none of them if there are none; unknown ids do nothing."""
        products = _numbered(5)
        catalog = make_catalog([_A], products)
        ids = tuple(products[n].urn if n < 2 else f"URN:unknown:{n}" for n in range(count))
        included = compile_search(SelectionRequest(include=ids), {})
        excluded = compile_search(SelectionRequest(exclude=ids), {})
        names = [product.provider_id for product in products]
        known = min(count, 2)
        assert _names(catalog.search([included], _ALL, limit=10)) == names[:known]
        assert _names(catalog.search([excluded], _ALL, limit=10)) == names[known:]
        assert catalog.summary([excluded], _ALL).total.objects_count == 5 - known

    def test_several_datasets_must_all_be_tags(self, make_catalog: MakeCatalog) -> None:
        """A request for one dataset within another finds what belongs to both."""
        products = [make_product("one", datasets=(_A,)), make_product("both", datasets=(_A, _B))]
        catalog = make_catalog([_A, _B], products)
        search = compile_search(SelectionRequest(dataset_urn=_B.urn), {}, dataset=_A.urn)
        assert _names(catalog.search([search], _ALL, limit=10)) == ["both"]
        assert catalog.summary([search], _ALL).total.objects_count == 1

    # --- versions of datasets

    @pytest.mark.parametrize(
        ("asked", "names"),
        [("V1", ["one"]), ("V2", ["last", "two"]), ("LAST", ["last", "two"]), ("V3", [])],
    )
    def test_the_last_version_of_a_dataset_has_two_names(
        self, make_catalog: MakeCatalog, asked: str, names: list[str]
    ) -> None:
        """Whoever asks for one of them by equality finds the products tagged with the other, too."""
        urn = "URN:AIP:DATASET:default:0000000e-0000-0000-0000-00000000000e:"
        datasets = [attrs.evolve(_A, urn=f"{urn}{version}", provider_id=version) for version in ("V1", "V2")]
        tags = {"one": "V1", "two": "V2", "last": "LAST", "none": "V4"}
        products = [attrs.evolve(make_product(name), tags=frozenset({urn + tag})) for name, tag in tags.items()]
        catalog = make_catalog(datasets, products)
        for query, dataset in (
            (None, urn + asked),
            (f'tags:"{urn}{asked}"', None),
            (f'tags:("x" OR "{urn}{asked}")', None),
        ):
            search = everything(catalog, query, dataset)
            assert sorted(_names(catalog.search(search, _ALL, limit=9))) == names
            assert catalog.summary(search, _ALL).total.objects_count == len(names)
        (contained,) = everything(catalog, f"tags:*{asked}")
        assert len(catalog.search([contained], _ALL, limit=9)) == (asked in tags.values())

    def test_a_product_tagged_with_last_counts_in_the_last_version(self, make_catalog: MakeCatalog) -> None:
        """Once, whichever of the two names it bears, so that what is counted is what is found in the dataset."""
        urn = "URN:AIP:DATASET:default:0000000e-0000-0000-0000-00000000000e:"
        other = urn.replace("0000000e", "0000000f", 1)
        datasets = [attrs.evolve(_A, urn=f"{urn}{version}") for version in ("V1", "V2")]
        datasets += [attrs.evolve(_A, urn=f"{other}V1"), attrs.evolve(_CLOSED, urn=f"{other}V2")]
        tags = {
            "one": {f"{urn}V1"},
            "two": {f"{urn}V2"},
            "last": {f"{urn}LAST", f"{urn}last", f"{urn}LAST:REVx"},
            "both": {f"{urn}V2", f"{urn}LAST"},
            "closed": {f"{other}LAST"},
        }
        products = [
            attrs.evolve(make_product(name, make_file(f"{name}.dat", b"x")), tags=frozenset(names))
            for name, names in tags.items()
        ]
        catalog = make_catalog(datasets, products)
        summaries = {access: catalog.summary(everything(catalog), access).datasets for access in (_ALL, _TEAM)}
        counts = [{urn: each.objects_count for urn, each in summary.items()} for summary in summaries.values()]
        assert counts == [{f"{urn}V1": 1, f"{urn}V2": 3}, {f"{urn}V1": 1, f"{urn}V2": 3, f"{other}V2": 1}]
        (inside,) = everything(catalog, dataset=f"{urn}V2")
        assert len(catalog.search([inside], _ALL, limit=9)) == summaries[_ALL][f"{urn}V2"].files_count == 3

    def test_the_last_version_of_a_dataset_can_be_asked_for(self, make_catalog: MakeCatalog) -> None:
        """By its URN with LAST; whether it is covered decides, not whether an older version is."""
        urn = "URN:AIP:DATASET:default:0000000e-0000-0000-0000-00000000000e:"
        older, newer = attrs.evolve(_A, urn=f"{urn}V9"), attrs.evolve(_CLOSED, urn=f"{urn}V10")
        assert make_catalog([older], []).dataset(f"{urn}LAST", _ALL) == older
        catalog = make_catalog([older, newer], [])
        assert catalog.dataset(f"{urn}LAST", _TEAM) == newer
        assert catalog.dataset(f"{urn}LAST", _ALL) is None
        assert catalog.dataset(f"{urn}V9", _ALL) == older
        assert catalog.dataset(_B.urn.replace("V1", "LAST"), _ALL) is None

    # --- parameters beside the query

    @pytest.mark.parametrize(
        ("parameters", "names"),
        [
            ({"g": "POLYGON((0 40, 10 40, 10 50, 0 50, 0 40))"}, ["area", "line", "point"]),
            ({"g": "POLYGON((1 43, 2 43, 2 44, 1 44, 1 43))"}, ["area", "line", "point"]),
            ({"g": "POLYGON((170 -10, 180 -10, 180 10, 170 10, 170 -10))"}, ["east"]),
            ({"g": "POLYGON((60 60, 61 60, 61 61, 60 60))"}, []),
            ({"lat": "43.6", "lon": "1.44", "r": "100"}, ["area", "point"]),
            ({"lat": "43.6", "lon": "1.44", "r": "100 km"}, ["area", "line", "point"]),
            ({"lat": "0", "lon": "-179.9", "r": "30km"}, ["east", "west"]),
            ({"g": "POLYGON((0 40, 10 40, 10 50, 0 50, 0 40))", "lat": "0", "lon": "0", "r": "1"}, []),
            ({"exists": "level"}, ["point"]),
            ({"exists": "label"}, ["area", "east", "line", "nowhere", "point", "west"]),
            ({"hasImage": "true"}, ["point"]),
            ({"hasImage": "false", "sort": "x", "q": "level:1"}, ["point"]),
        ],
    )
    def test_parameters_choose_products(
        self, make_catalog: MakeCatalog, parameters: dict[str, str], names: list[str]
    ) -> None:
        """A polygon, a circle, an attribute that must have a value, and pictures; all are joined by AND."""
        square = [[-5, 35], [15, 35], [15, 55], [-5, 55], [-5, 35]]
        shapes: dict[str, Any] = {
            "point": {"type": "Point", "coordinates": [1.44, 43.6]},
            "line": {"type": "LineString", "coordinates": [[-20, 43.2], [20, 43.2]]},
            "area": {"type": "Polygon", "coordinates": [square]},
            "east": {"type": "Point", "coordinates": [179.9, 0]},
            "west": {"type": "Point", "coordinates": [-179.8, 0]},
            "nowhere": None,
        }
        products = [attrs.evolve(make_product(name), geometry=shape) for name, shape in shapes.items()]
        picture = make_file("q.png", b"x", data_type=DataType.THUMBNAIL)
        products[0] = attrs.evolve(products[0], properties={"level": 1}, files=(*products[0].files, picture))
        catalog = make_catalog([], products)
        request = SelectionRequest({name: (value,) for name, value in parameters.items()})
        search = compile_search(request, catalog.attributes())
        assert sorted(_names(catalog.search([search], _ALL, limit=9))) == names
        assert catalog.summary([search], _ALL).total.objects_count == len(names)

    # --- several searches

    def test_no_search_finds_nothing(self, make_catalog: MakeCatalog) -> None:
        """An empty list of searches is an OR of nothing."""
        catalog = make_catalog([_A], _numbered(2))
        assert list(catalog.search([], _EVERYTHING, limit=10)) == []
        assert catalog.summary([], _EVERYTHING) == Summary()

    def test_searches_are_joined_by_or(self, make_catalog: MakeCatalog) -> None:
        """What any search finds is found, once, and counted once."""
        catalog = make_catalog([_A], _numbered(4))
        searches = [*everything(catalog, "providerId:(p01 OR p02)"), *everything(catalog, "providerId:(p02 OR p04)")]
        assert _names(catalog.search(searches, _ALL, limit=10)) == ["p01", "p02", "p04"]
        summary = catalog.summary([*searches, *searches], _ALL)
        assert summary.total.objects_count == 3
        assert summary.total.files_size == 1 + 2 + 4
        assert summary.datasets == {_A.urn: summary.total}

    def test_searches_of_different_datasets_are_joined_too(self, make_catalog: MakeCatalog) -> None:
        """A product of one dataset or of the other is found."""
        products = [make_product("a", datasets=(_A,)), make_product("b", datasets=(_B,)), make_product("none")]
        catalog = make_catalog([_A, _B], products)
        searches = [*everything(catalog, dataset=_A.urn), *everything(catalog, dataset=_B.urn)]
        assert sorted(_names(catalog.search(searches, _ALL, limit=10))) == ["a", "b"]

    def test_a_hundred_searches_are_answered(self, make_catalog: MakeCatalog) -> None:
        """As many as a dataset selection may have."""
        catalog = make_catalog([_A], _numbered(20))
        searches = [each for n in range(100) for each in everything(catalog, f"providerId:p{n:02}", _A.urn)]
        assert len(catalog.search(searches, _ALL, limit=100)) == 20

    # --- pages

    def test_pages_are_by_urn(self, make_catalog: MakeCatalog) -> None:
        """Products come by URN whatever their order of entry, above *after*, at most *limit*."""
        products = _numbered(5, files=())
        catalog = make_catalog([_A], products[::-1])
        for searches in (everything(catalog), everything(catalog, dataset=_A.urn)):
            assert _names(catalog.search(searches, _ALL, limit=3)) == ["p01", "p02", "p03"]
            assert _names(catalog.search(searches, _ALL, after=products[2].urn, limit=3)) == ["p04", "p05"]
            assert list(catalog.search(searches, _ALL, after=products[4].urn, limit=3)) == []

    def test_a_page_ends_with_the_product_that_brings_its_files_to_the_limit(self, make_catalog: MakeCatalog) -> None:
        """The limit counts files as well as products, all files and not only those that can be ordered."""
        products = _numbered(4)
        three = tuple(make_file(f"{n}.png", data_type=DataType.THUMBNAIL) for n in range(3))
        products[1] = attrs.evolve(products[1], files=three)
        catalog = make_catalog([_A], products)
        pages = [
            _names(catalog.search(everything(catalog, dataset=_A.urn), _ALL, limit=limit)) for limit in (1, 2, 4, 5)
        ]
        assert pages == [["p01"], ["p01", "p02"], ["p01", "p02"], ["p01", "p02", "p03"]]

    def test_pages_of_any_size_bring_everything_once(self, make_catalog: MakeCatalog) -> None:
        """Reading page by page gives each product once and nothing else."""
        catalog = make_catalog([_A], _numbered(7))
        for limit in (1, 2, 3, 7, 8):
            names: list[str] = []
            after = ""
            for _ in range(8):  # a catalogue that repeats itself would never end
                page = catalog.search(everything(catalog), _ALL, after=after, limit=limit)
                names += _names(page)
                after = page[-1].urn if page else after
            assert names == [f"p{n:02}" for n in range(1, 8)]

    def test_a_product_brings_all_its_files_as_they_were(self, make_catalog: MakeCatalog) -> None:
        """In their order, orderable or not, with every field, unknown sizes and checksums included."""
        files = (
            make_file("b.dat", b"x", online=False),
            make_file("a.png", data_type=DataType.THUMBNAIL),
            DataFile(DataType.RAWDATA, "réf", "https://ref.example/é", "text/plain", reference=True),
            DataFile(DataType.OTHER, "huge", "h", size=2**40, checksum="00", digest_algorithm="SHA-256"),
            make_file("b.dat", b"x", online=False),
        )
        product = attrs.evolve(make_product("été", *files, version=7), last=True)
        catalog = make_catalog([], [product])
        expected = OrderedProduct(product.urn, "été", 7, tuple(map(CatalogFile.of, files)))
        found = catalog.search(everything(catalog), _ALL, limit=10)
        assert list(found) == [expected]

    # --- counters

    def test_files_are_counted_by_type(self, make_catalog: MakeCatalog) -> None:
        """Orderable types only; references apart from stored files; a reference without size counts 0 bytes."""
        files = (
            make_file("a", b"12345"),
            make_file("b", b"123", data_type=DataType.QUICKLOOK_HD),
            make_file("c", b"1234567", data_type=DataType.THUMBNAIL),
            make_file("d", b"12", uri="https://ref.example/d", reference=True),
            DataFile(DataType.RAWDATA, "e", "https://ref.example/e", reference=True),
            make_file("f", b""),
        )
        catalog = make_catalog([_A], [make_product("p", *files, datasets=(_A,)), make_product("q", datasets=(_A,))])
        raw, quicklook = TypeCount(2, 5, 2, 2), TypeCount(1, 3)
        expected = Counters(2, {DataType.RAWDATA: raw, DataType.QUICKLOOK_HD: quicklook})
        assert catalog.summary(everything(catalog), _ALL) == Summary(expected, {_A.urn: expected})
        assert expected.quota == 2

    def test_the_same_file_in_two_products_counts_twice(self, make_catalog: MakeCatalog) -> None:
        """Counters count files of products, not contents."""
        file = make_file("a", b"123")
        catalog = make_catalog([], [make_product("p", file, file), make_product("q", file)])
        assert catalog.summary(everything(catalog), _ALL).total.types[DataType.RAWDATA] == TypeCount(3, 9)

    def test_a_product_counts_in_each_of_its_datasets(self, make_catalog: MakeCatalog) -> None:
        """And once in all; tags that are no dataset of the catalogue are not named."""
        both = attrs.evolve(
            make_product("both", make_file("a", b"1")), tags=frozenset({_A.urn, _B.urn, "free", _CLOSED.urn})
        )
        one = make_product("one", make_file("b", b"22"), datasets=(_A,))
        summary = make_catalog([_A, _B], [both, one]).summary(everything(make_catalog([], [])), _ALL)
        assert {urn: (each.objects_count, each.files_size) for urn, each in summary.datasets.items()} == {
            _A.urn: (2, 3),
            _B.urn: (1, 1),
        }
        assert (summary.total.objects_count, summary.total.files_size) == (2, 3)

    def test_a_dataset_without_orderable_files_is_named(self, make_catalog: MakeCatalog) -> None:
        """Its products count; its files are none."""
        catalog = make_catalog([_A], [make_product("p", datasets=(_A,))])
        assert catalog.summary(everything(catalog), _ALL).datasets == {_A.urn: Counters(1)}

    # --- access

    @pytest.mark.parametrize(
        ("access", "names"),
        [
            (_ALL, ["p01"]),
            (_TEAM, ["p01", "p02"]),
            (_EVERYTHING, ["p01", "p02", "p03"]),
            (Access(frozenset()), []),
        ],
    )
    def test_only_what_access_covers_is_found(
        self, make_catalog: MakeCatalog, access: Access, names: list[str]
    ) -> None:
        """A product needs one of the user's groups, unless the user may see everything."""
        products = _numbered(3)
        products[1] = attrs.evolve(products[1], groups=_LAB_ONLY)
        products[2] = attrs.evolve(products[2], groups=frozenset({"Public", "nobody"}))
        catalog = make_catalog([_A], products)
        assert _names(catalog.search(everything(catalog), access, limit=10)) == names
        assert _names(catalog.search(everything(catalog, dataset=_A.urn), access, limit=10)) == names
        assert catalog.summary(everything(catalog), access).total.objects_count == len(names)

    def test_a_dataset_that_access_does_not_cover_is_not_named(self, make_catalog: MakeCatalog) -> None:
        """Its public products are counted in all, but not under its name."""
        catalog = make_catalog([_A, _CLOSED], [make_product("p", datasets=(_A, _CLOSED))])
        named = {
            access: set(catalog.summary(everything(catalog), access).datasets) for access in (_ALL, _TEAM, _EVERYTHING)
        }
        assert named == {_ALL: {_A.urn}, _TEAM: {_A.urn, _CLOSED.urn}, _EVERYTHING: {_A.urn, _CLOSED.urn}}

    def test_a_dataset_comes_back_as_it_was(self, make_catalog: MakeCatalog) -> None:
        """With its files, for whoever its groups let see it."""
        reference = DataFile(DataType.DESCRIPTION, "réf", "https://ref.example/", reference=True)
        dataset = attrs.evolve(_CLOSED, label="Été", files=(make_file("guide.pdf", b"x"), reference))
        catalog = make_catalog([dataset, _A], [])
        assert catalog.dataset(dataset.urn, _TEAM) == dataset
        assert catalog.dataset(dataset.urn, _EVERYTHING) == dataset
        assert catalog.dataset(dataset.urn, _ALL) is None
        assert catalog.dataset(_A.urn, _ALL) == _A
        assert catalog.dataset(_B.urn, _EVERYTHING) is None
