"""Files of orders over REST: lists of those that are ready, and single files."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from regards_order import (
    DataFile,
    DataType,
    Role,
    SourceRefused,
    SourceTimedOut,
    SourceUnreachable,
    StorageUnavailable,
    User,
)
from regards_order.testing import make_file
from regards_order_adapters.http.site import Limits

BASE = "https://data.example.org/api/v1/rs-order"
TEXT = b"x" * 91


def md5(data: bytes) -> str:
    """Return the checksum under which the storage knows a file."""
    return hashlib.md5(data).hexdigest()


@attrs.frozen
class Ordered:
    """A desk with one order."""

    desk: Any
    order: Any

    def get(self, path: str, user: User | None = None, **kwargs: Any) -> Any:
        """Return the answer to a GET."""
        return self.desk.get(path, user, **kwargs)

    def available(self, query: str = "") -> Any:
        """Return the list of available files."""
        return self.desk.get(f"/orders/{self.order.id}/files/available{query}")

    def states(self) -> dict[str, str]:
        """Return the state of each file by its name."""
        states: dict[str, str] = self.desk.centre.states(self.order)
        return states

    def error(self, name: str) -> str | None:
        """Return why the last download of a file failed."""
        return next(file.download_error for file in self.desk.centre.files(self.order) if file.filename == name)


@pytest.fixture
def ordered(make_desk: Callable[..., Any]) -> Callable[..., Ordered]:
    """Return a function that orders some files and does the background work."""

    def make(
        *files: Any,
        centre: Any = None,
        held: tuple[bytes, ...] = (),
        contents: dict[str, bytes] | None = None,
        **kwargs: Any,
    ) -> Ordered:
        desk = make_desk(centre, **kwargs)
        desk.centre.storage.contents |= contents or {}
        desk.centre.storage.held |= {md5(data) for data in held}
        desk.centre.product(desk.centre.dataset("D"), "P", *(files or (("a.txt", TEXT),)))
        return Ordered(desk, desk.centre.work(desk.centre.place(desk.user)))

    return make


def test_case_44_list_of_available_files(ordered: Callable[..., Ordered]) -> None:
    """D-11: 12 files, 10 on a page, each in the forms of both kinds of clients."""
    here = ordered(*((f"{n:02}.bin", bytes([n]) * n) for n in range(1, 13)))
    answer = here.available("?size=10")
    page = answer.json()
    assert (answer.status_code, len(page["content"])) == (200, 10)
    assert page["metadata"] == {"size": 10, "totalElements": 12, "totalPages": 2, "number": 0}
    for item in page["content"]:
        assert item["content"]["downloadUrl"].endswith(f"/orders/files/{item['content']['id']}")
        assert item["content"]["productId"] == "P"
    first = page["content"][0]
    flat = {"productId": "P", "version": 1, "checksum": md5(b"\x01"), "filename": "01.bin"}
    mime = {"mimeType": "application/octet-stream"}
    url = f"{BASE}/orders/files/1"
    assert first == {
        "content": {"id": 1, **flat, **mime, "filesize": 1, "downloadUrl": url},
        "links": [],
        **flat,
        **mime,
        "fileSize": 1,
        "uri": url,
    }


def test_default_size_is_50(ordered: Callable[..., Ordered]) -> None:
    """Unless told, 50 on a page, in the order of their ids."""
    here = ordered(*((f"{n:02}.bin", bytes([n])) for n in range(60, 0, -1)))
    page = here.available().json()
    ids = [item["content"]["id"] for item in page["content"]]
    assert (page["metadata"]["size"], ids) == (50, sorted(ids))


def test_unknown_values_are_left_out(ordered: Callable[..., Ordered]) -> None:
    """A reference may lack size and checksum: they are absent, not null."""
    here = ordered(DataFile(DataType.RAWDATA, "x", "http://e.org/x", reference=True))
    item = here.available().json()["content"][0]
    names = {"id", "productId", "version", "downloadUrl", "mimeType", "filename"}
    assert set(item["content"]) == names
    assert set(item) == {"content", "links", "productId", "version", "filename", "mimeType", "uri"}


def test_case_46_status_tells_whether_more_will_come(ordered: Callable[..., Ordered]) -> None:
    """D-14: 204 while nothing is ready, 206 while more will come, 200 when it is over."""
    files = [(f"{n}.bin", bytes([n]) * 10) for n in range(5)]
    here = ordered(*files, held=tuple(data for _, data in files))
    empty = here.available()
    assert (empty.status_code, empty.content) == (204, b"")
    held = here.desk.centre.storage.held
    held -= {md5(files[0][1]), md5(files[1][1])}
    here.desk.centre.later(here.order)
    some = here.available("?page=9")
    assert (some.status_code, some.json()["content"]) == (206, [])
    assert len(here.available().json()["content"]) == 2
    assert "content-range" not in some.headers
    held.clear()
    here.desk.centre.later(here.order)
    whole = here.available()
    assert (whole.status_code, len(whole.json()["content"])) == (200, 5)
    assert here.get(f"/user/orders/{here.order.id}/files/available").status_code == 200
    here.desk.centre.download(here.order, here.desk.user)
    assert (here.available().status_code, here.available().json()["content"]) == (200, [])


def test_case_45_files_of_a_suborder(make_twelve: Callable[..., Any], make_desk: Callable[..., Any]) -> None:
    """A suborder is over when none of its files is awaited; both paths answer alike."""
    centre = make_twelve()
    desk = make_desk(centre)
    centre.storage.held.add(md5(bytes(1_500_000)))
    order = centre.work(centre.place(desk.user))
    done, waiting = (each.id for each in centre.suborders(order)[:2])
    query = "?page=0&size=100&sort=filesTaskId,asc"
    for path in ("/orders/{}/filesTask/{}/files/available", "/user/orders/{}/filesTask/{}/files/available"):
        answer = desk.get(path.format(order.id, done) + query)
        assert answer.status_code == 200
        found = answer.json()["metadata"]["totalElements"]
        assert found == centre.suborders(order)[0].counts.available
        assert desk.get(path.format(order.id, waiting)).status_code in (204, 206)
        assert desk.get(path.format(order.id, 999)).status_code == 404
        assert desk.get(path.format(order.id, "x")).status_code == 400


def test_sorting(ordered: Callable[..., Ordered]) -> None:
    """Several properties, the first one strongest, ties by id; links carry them."""
    here = ordered(("b", b"11"), ("a", b"2"), ("c", b"3"), ("d", b"44"))
    names = [item["filename"] for item in here.available("?sort=filesize,DESC&sort=filename").json()["content"]]
    assert names == ["b", "d", "a", "c"]
    page = here.available("?sort=filesize,desc&sort=filename&size=2&page=1").json()
    assert [item["filename"] for item in page["content"]] == ["a", "c"]
    first = urlsplit(page["links"][0]["href"])
    assert first.query == "page=0&size=2&sort=filesize,desc&sort=filename,asc"
    assert first.path == "/api/v1/rs-order/orders/1/files/available"


@pytest.mark.parametrize("query", ["sort=nonsense", "sort=id,sideways", "sort=size", "sort=__class__", "sort=id,asc,x"])
def test_sort_by_nothing_known(ordered: Callable[..., Ordered], query: str) -> None:
    """An unknown property or direction is refused, and what is expected is said."""
    refused = ordered().available(f"?{query}")
    assert refused.status_code == 400
    assert "expected" in refused.json()["messages"][0]


def test_every_property_of_the_wire_can_be_sorted_by(ordered: Callable[..., Ordered]) -> None:
    """All scalar fields of a data file."""
    here = ordered()
    names = "id filename filesize checksum productId version filesTaskId orderId ipId state dataType mimeType"
    for name in [*names.split(), "digestAlgorithm", "reference", "online", "uri", "downloadError"]:
        assert here.available(f"?sort={name}").status_code == 200
    assert here.available("?sort=").status_code == 200


def test_after_does_not_shift(ordered: Callable[..., Ordered]) -> None:
    """`after` leaves out what was seen, however much of it was downloaded meanwhile."""
    here = ordered(("a", b"1"), ("b", b"2"), ("c", b"3"))
    page = here.available("?after=1&size=1").json()
    assert page["metadata"] == {"size": 1, "totalElements": 2, "totalPages": 2, "number": 0}
    assert [item["filename"] for item in page["content"]] == ["b"]
    follow = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert parse_qs(urlsplit(follow).query) == {"page": ["1"], "size": ["1"], "after": ["1"]}


def test_d_20_strangers_get_nothing(ordered: Callable[..., Ordered], stranger: User) -> None:
    """ZIP, lists and files of somebody else are refused, and no state changes."""
    here = ordered()
    for path in (
        "/user/orders/1/download",
        "/orders/1/files/available",
        "/user/orders/1/files/available",
        "/orders/1/filesTask/1/files/available",
        "/orders/files/1",
    ):
        for verb in ("GET", "HEAD"):
            assert here.desk.ask(verb, path, stranger).status_code == 403
    assert here.states() == {"a.txt": "AVAILABLE"}


def test_case_41_unknown_file(desk: Any) -> None:
    """D-06: a file that is not there."""
    refused = desk.get("/orders/files/6465465")
    assert (refused.status_code, refused.json()["messages"]) == (404, ["Data file with id: 6465465 doesn't exist."])


@pytest.mark.parametrize(
    ("claims", "status"),
    [
        ({"role": "REGISTERED_USER"}, 403),
        ({"role": "NOT_ADMIN"}, 403),
        ({"role": "ADMIN"}, 403),
        ({"role": "PROJECT_ADMIN"}, 200),
        ({"role": "INSTANCE_ADMIN"}, 200),
        ({"role": "REGISTERED_USER", "email": "ana@example.org"}, 200),
    ],
)
def test_case_42_who_may_download(ordered: Callable[..., Ordered], claims: dict[str, str], status: int) -> None:
    """D-07, D-08: the owner and administrators get the same 91 bytes, and the file is DOWNLOADED."""
    here = ordered(attrs.evolve(make_file("a.txt", TEXT), mime_type="text/plain"), contents={"a.txt": TEXT})
    token = here.desk.tokens.mint({"tenant": "default", "sub": "x", "email": "x@example.org", **claims})
    answer = here.desk.client.get(f"/api/v1/rs-order/orders/files/1?token={token}")
    assert answer.status_code == status
    if status == 200:
        assert (answer.content, answer.headers["content-type"]) == (TEXT, "text/plain")
    assert here.states() == {"a.txt": "DOWNLOADED" if status == 200 else "AVAILABLE"}


def test_headers_of_a_file(ordered: Callable[..., Ordered]) -> None:
    """D-19: HEAD sends the headers of GET, and changes nothing."""
    here = ordered()
    head = here.desk.ask("HEAD", "/orders/files/1")
    assert (head.status_code, head.content, here.states()) == (200, b"", {"a.txt": "AVAILABLE"})
    assert here.desk.centre.storage.opened == []
    answer = here.get("/orders/files/1")
    for headers in (head.headers, answer.headers):
        assert headers["content-length"] == "91"
        assert headers["content-type"] == "application/octet-stream"
        assert headers["content-disposition"] == 'attachment; filename="a.txt"'
        assert headers["etag"] == f'"MD5-{md5(TEXT)}"'
        assert "accept-ranges" not in headers


def test_range_is_not_known_yet(ordered: Callable[..., Ordered]) -> None:
    """A range is answered with everything."""
    answer = ordered().get("/orders/files/1", headers={"range": "bytes=0-1"})
    assert (answer.status_code, answer.content) == (200, TEXT)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a b.txt", 'attachment; filename="a b.txt"'),
        ('a".txt', 'attachment; filename="a\\".txt"'),
        ("été.txt", "attachment; filename=\"_t_.txt\"; filename*=UTF-8''%C3%A9t%C3%A9.txt"),
        ("日本;=.txt", "attachment; filename=\"__;=.txt\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC%3B%3D.txt"),
        ("..a", 'attachment; filename="__a"'),
        ("a\x1f\x7fb\\c:d", 'attachment; filename="a__b_c_d"'),
        ("100%.txt", 'attachment; filename="100%.txt"'),
    ],
)
def test_file_names_in_headers(ordered: Callable[..., Ordered], name: str, value: str) -> None:
    """Names are cleaned, quoted, and told in UTF-8 when they need it."""
    here = ordered((name, b"1"))
    for verb in ("HEAD", "GET"):
        assert here.desk.ask(verb, "/orders/files/1").headers["content-disposition"] == value


@pytest.mark.parametrize(
    ("mime", "shown"),
    [
        ("image/jp2", "image/jp2"),
        ("text/plain; charset=utf-8", "text/plain; charset=utf-8"),
        ("text/plain\r\nx-evil: 1", "application/octet-stream"),
        ("été/x", "application/octet-stream"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
    ],
)
def test_media_type_of_a_file(ordered: Callable[..., Ordered], mime: str, shown: str) -> None:
    """The recorded type is sent if it is one."""
    here = ordered(attrs.evolve(make_file("a.txt", TEXT), mime_type=mime), contents={"a.txt": TEXT})
    for verb in ("HEAD", "GET"):
        assert here.desk.ask(verb, "/orders/files/1").headers["content-type"] == shown


def test_etag_only_of_what_is_a_word(ordered: Callable[..., Ordered]) -> None:
    """A checksum that could break a header makes no tag."""
    strange = DataFile(
        DataType.RAWDATA, "x", "http://e.org/x", reference=True, checksum='a"b\r\n', digest_algorithm="ODD"
    )
    here = ordered(strange)
    assert "etag" not in here.desk.ask("HEAD", "/orders/files/1").headers


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_d_10_pending_file(ordered: Callable[..., Ordered], verb: str) -> None:
    """A file that is not ready yet: come back, and when."""
    here = ordered(held=(TEXT,))
    answer = here.desk.ask(verb, "/orders/files/1")
    assert (answer.status_code, answer.content) == (202, b"")
    assert (answer.headers["retry-after"], answer.headers["x-regards-retry"]) == ("60", "60000")
    assert "content-type" not in answer.headers
    assert here.states() == {"a.txt": "PENDING"}


@pytest.mark.parametrize("verb", ["GET", "HEAD"])
def test_file_in_error(ordered: Callable[..., Ordered], verb: str) -> None:
    """A file that the storage could not make available cannot be had."""
    here = ordered(make_file("gone.txt", b"never stored"))
    assert here.states() == {"gone.txt": "ERROR"}
    assert here.desk.ask(verb, "/orders/files/1").status_code == 422


def test_file_may_be_downloaded_many_times(ordered: Callable[..., Ordered]) -> None:
    """DOWNLOADED and DOWNLOAD_ERROR files are served again; the second try heals."""
    here = ordered()
    contents = here.desk.centre.storage.contents
    for _ in range(2):
        assert here.get("/orders/files/1").content == TEXT
    del contents["a.txt"]
    assert here.get("/orders/files/1").status_code == 404
    assert here.states() == {"a.txt": "DOWNLOAD_ERROR"}
    contents["a.txt"] = TEXT
    assert here.get("/orders/files/1").content == TEXT
    assert (here.states(), here.error("a.txt")) == ({"a.txt": "DOWNLOADED"}, None)


def test_administrator_downloads_for_the_owner(ordered: Callable[..., Ordered], chief: User) -> None:
    """It counts as delivered."""
    here = ordered()
    assert here.get("/orders/files/1", chief).content == TEXT
    assert here.states() == {"a.txt": "DOWNLOADED"}


class Storage:
    """A storage that fails to open files."""

    def __init__(self, inner: Any, failure: Exception) -> None:
        self._inner, self._failure = inner, failure

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def open(self, file: Any) -> Any:
        """Fail."""
        raise self._failure


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (SourceRefused(202, "on tape"), 202),
        (SourceRefused(404, "unknown"), 404),
        (SourceRefused(410, "gone"), 410),
        (SourceRefused(500, "broken"), 500),
        (SourceRefused(418, "odd"), 500),
        (SourceUnreachable("cut"), 502),
        (SourceTimedOut("silent"), 504),
        (StorageUnavailable("switched off"), 503),
    ],
)
def test_storage_that_does_not_give(
    make_centre: Callable[..., Any], ordered: Callable[..., Ordered], failure: Exception, status: int
) -> None:
    """The storage's own answer reaches the client; out of reach is 503; the file is noted."""
    centre = make_centre()
    here = ordered(centre=centre.with_(storage=Storage(centre.storage, failure)))
    answer = here.get("/orders/files/1")
    assert answer.status_code == status
    assert ("retry-after" in answer.headers) == (status in (202, 503))
    assert here.states() == {"a.txt": "DOWNLOAD_ERROR"}


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        ("Download quota of 10 exceeded (by 1) for user ana@example.org.",) * 2,
        ("", "Download failed due to exceeded quota"),
    ],
)
def test_quota_is_told_in_plain_text(
    make_centre: Callable[..., Any], ordered: Callable[..., Ordered], cause: str, text: str
) -> None:
    """Clients show the text of a 429 as it is."""
    centre = make_centre()
    here = ordered(centre=centre.with_(storage=Storage(centre.storage, SourceRefused(429, cause))))
    answer = here.get("/orders/files/1", headers={"accept": "application/problem+json"})
    assert (answer.status_code, answer.text) == (429, text)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (SourceRefused(404, "not here"), 502),
        (SourceRefused(429, "too often"), 502),
        (SourceUnreachable("no route"), 502),
        (SourceTimedOut("silent"), 504),
    ],
)
def test_external_source_that_does_not_give(ordered: Callable[..., Ordered], failure: Exception, status: int) -> None:
    """What a foreign server answers is a failure of ours, and noted."""
    here = ordered(DataFile(DataType.RAWDATA, "x", "http://e.org/x", reference=True))
    here.desk.centre.ordering.external.contents["http://e.org/x"] = failure
    assert here.get("/orders/files/1").status_code == status
    assert here.states() == {"x": "DOWNLOAD_ERROR"}


def test_external_file(ordered: Callable[..., Ordered]) -> None:
    """Bytes of a reference pass through, and it is DOWNLOADED."""
    here = ordered(DataFile(DataType.RAWDATA, "x", "http://e.org/x", "text/plain", reference=True))
    here.desk.centre.ordering.external.contents["http://e.org/x"] = TEXT
    assert "content-length" not in here.desk.ask("HEAD", "/orders/files/1").headers
    answer = here.get("/orders/files/1")
    assert (answer.content, answer.headers["content-length"]) == (TEXT, "91")
    assert here.states() == {"x": "DOWNLOADED"}


def test_role_of_an_owner_does_not_matter(ordered: Callable[..., Ordered]) -> None:
    """D-07: the owner gets it with any role that may call at all."""
    here = ordered()
    for role in (Role.REGISTERED_USER, Role.EXPLOIT, Role.ADMIN, Role.INSTANCE_ADMIN):
        assert here.get("/orders/files/1", User(here.desk.user.email, role)).status_code == 200


@pytest.mark.parametrize(
    "found", [pytest.param(b"", id="empty"), TEXT[1:], TEXT + b"x", pytest.param(b"y" * 91, id="altered")]
)
def test_small_file_that_is_wrong_is_refused(ordered: Callable[..., Ordered], found: bytes) -> None:
    """What fits into one block is verified before the first byte is sent: its failure has a status."""
    here = ordered()
    here.desk.centre.storage.contents["a.txt"] = found
    answer = here.get("/orders/files/1")
    assert (answer.status_code, len(answer.json()["messages"])) == (502, 1)
    assert answer.headers["content-type"] == "application/json"
    assert here.states() == {"a.txt": "DOWNLOAD_ERROR"}


def test_empty_file(ordered: Callable[..., Ordered]) -> None:
    """A file without bytes is a file; one that should be empty and is not is wrong."""
    here = ordered(("empty.txt", b""))
    answer = here.get("/orders/files/1")
    assert (answer.status_code, answer.content, answer.headers["content-length"]) == (200, b"", "0")
    assert here.states() == {"empty.txt": "DOWNLOADED"}
    here.desk.centre.storage.contents["empty.txt"] = b"zz"
    assert here.get("/orders/files/1").status_code == 502
    assert here.states() == {"empty.txt": "DOWNLOAD_ERROR"}


class Hung(Storage):
    """A storage, or another data centre, that does not answer."""

    def __init__(self, inner: Any) -> None:
        super().__init__(inner, SourceUnreachable("too late"))
        self.go = threading.Event()

    def open(self, file: Any) -> Any:
        """Wait for the test."""
        self.go.wait(10)
        super().open(file)


@pytest.mark.parametrize("reference", [False, True])
def test_source_that_never_opens(
    make_centre: Callable[..., Any], ordered: Callable[..., Ordered], reference: bool
) -> None:
    """A storage: come back; another data centre: it was silent."""
    centre = make_centre()
    hung = Hung(centre.storage)
    centre = centre.with_(external=hung) if reference else centre.with_(storage=hung)
    file = DataFile(DataType.RAWDATA, "x", "http://e.org/x", reference=True) if reference else ("x", TEXT)
    here = ordered(file, centre=centre, limits=Limits(open_seconds=0.01, thread_seconds=0.01))
    answer = here.get("/orders/files/1")
    hung.go.set()
    assert answer.status_code == (504 if reference else 503)
    assert answer.headers.get("retry-after") == (None if reference else "10")
    assert len(answer.json()["messages"]) == 1


def test_sort_that_comes_again(ordered: Callable[..., Ordered]) -> None:
    """A field that comes again changes nothing, and links do not repeat it."""
    here = ordered(("a.bin", b"1"), ("b.bin", b"22"))
    page = here.available("?sort=filename,desc" + "&sort=filename" * 3000 + "&sort=id").json()
    assert [item["content"]["id"] for item in page["content"]] == [2, 1]
    assert page["links"][0]["href"].endswith("&sort=filename,desc&sort=id,asc")


def test_only_some_unknown_fields_are_named(ordered: Callable[..., Ordered]) -> None:
    """Thousands of them would make a long answer."""
    refused = ordered().available("?" + "&".join(f"sort=f{number}" for number in range(2000)))
    assert (refused.status_code, len(refused.json()["messages"])) == (400, 10)


def test_after_may_be_any_id(ordered: Callable[..., Ordered]) -> None:
    """Ids have 64 bits."""
    here = ordered(("a.bin", b"1"))
    assert here.available("?after=9223372036854775807").json()["content"] == []
    assert len(here.available("?after=9223372036854775808").json()["content"]) == 1
