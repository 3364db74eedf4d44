"""Small products, the sample catalogue, and the domain that lives in memory."""

from __future__ import annotations

import datetime as dt
import hashlib

from regards_order import DataType, Ordering, Settings, Urn, User
from regards_order.domain.attributes import infer_type, read_values
from regards_order.testing import ManualClock, MemoryCatalog, in_memory, make_dataset, make_file, make_product
from regards_order.testing.lab import DATASET_A, DATASET_B, DATASET_C, lab_attributes, lab_products


def test_file_describes_its_contents() -> None:
    """Size and checksum of a made file are those of its contents; its URI is its name unless given."""
    file = make_file("a.nc", b"abc")
    assert (file.filename, file.uri, file.size, file.data_type) == ("a.nc", "a.nc", 3, DataType.RAWDATA)
    assert (file.checksum, file.digest_algorithm) == (hashlib.md5(b"abc").hexdigest(), "MD5")
    other = make_file("a", uri="http://x/a", reference=True, online=False, data_type=DataType.QUICKLOOK_HD)
    assert (other.uri, other.reference, other.online, other.size) == ("http://x/a", True, False, 0)


def test_products_and_datasets_have_urns() -> None:
    """Made products and datasets have URNs of their own, and a product is tagged with its datasets."""
    dataset = make_dataset("D", groups=frozenset({"team"}))
    product = make_product("p", datasets=(dataset,), version=3)
    assert Urn.parse(dataset.urn).entity_type == "DATASET"
    assert (Urn.parse(product.urn).entity_type, Urn.parse(product.urn).version) == ("DATA", 3)
    assert (product.tags, product.properties, product.files) == ({dataset.urn}, {}, ())
    created = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    assert make_product("p", created=created).creation_date == created


def test_domain_in_memory() -> None:
    """The domain in memory has the parts it was given, and fresh ones for the rest."""
    catalog, clock, settings = MemoryCatalog(), ManualClock(), Settings(max_hours=5)
    ordering = in_memory(catalog, {"a": b"a"}, clock=clock, settings=settings)
    assert isinstance(ordering, Ordering)
    assert (ordering.catalog, ordering.clock, ordering.settings) == (catalog, clock, settings)
    assert ordering.storage.contents == {"a": b"a"}
    first, second = in_memory(), in_memory()
    assert first.store is not second.store
    assert first.settings == Settings()
    assert first.list_orders(User("a@b")) == ()


def test_lab_has_ten_products() -> None:
    """LAB has ten films in three datasets, two of them versions of one."""
    products = lab_products()
    assert len({product.urn for product in products}) == len(products) == 10
    assert [product.last for product in products] == [n != 4 for n in range(1, 11)]
    assert {Urn.parse(each.urn).id for each in products[3:5]} == {Urn.parse(products[3].urn).id}
    assert [products[n].version for n in (3, 4)] == [1, 2]
    assert products[0].label == "Alpha One"
    counted = [sum(urn in product.tags for product in products) for urn in (DATASET_A, DATASET_B, DATASET_C)]
    assert counted == [3, 4, 3]


def test_attributes_of_lab() -> None:
    """The types of LAB's attributes are those that its values have; declared ones without value have a type too."""
    attributes = lab_attributes()
    for product in lab_products():
        for name, value in product.attributes():
            kinds = {read.kind for read in read_values(value)}
            assert attributes[name] is infer_type(kinds), name
    attributes.clear()
    assert lab_attributes()
