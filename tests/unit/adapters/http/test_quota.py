"""Quotas over REST: limits and downloads, and what is answered when one is reached."""

from __future__ import annotations

import io
import threading
import zipfile
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from regards_order import QuotaLimits, Role, User
from regards_order.testing import MemoryQuotas, MemoryStorage
from regards_order_adapters.http.site import Limits

PROBLEM = {"accept": "application/problem+json"}
TEXT = b"x" * 91
JANE = "jane@example.org"


@pytest.fixture
def admin() -> User:
    """Return the lowest role that may see the first limits."""
    return User("admin@example.org", Role.ADMIN)


@pytest.fixture
def ordered(make_desk: Callable[..., Any], make_centre: Callable[..., Any]) -> Any:
    """Return a desk with one file that is available, with id 1, and quotas whose clock says 20.5 s."""
    desk = make_desk(make_centre().with_(quotas=MemoryQuotas(lambda: 20.5)))
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", TEXT))
    desk.centre.work(desk.centre.place(desk.user))
    return desk


def put(desk: Any, user: User, email: str, /, **body: Any) -> Any:
    """Return the answer to a change of limits."""
    return desk.ask("PUT", f"/quota/{quote(email)}", user, json=body)


def limits(email: str, max_quota: int, rate_limit: int) -> dict[str, Any]:
    """Return limits as they are written."""
    return {"email": email, "maxQuota": max_quota, "rateLimit": rate_limit}


def values(email: str, max_quota: int, rate_limit: int, consumed: int, active: int) -> dict[str, Any]:
    """Return limits and downloads as they are written."""
    return {**limits(email, max_quota, rate_limit), "currentQuota": consumed, "currentRate": active}


# --- what one may ----------------------------------------------------------------------------------------------------


def test_own_quota(desk: Any, ana: User) -> None:
    """Bare objects of three and of five members, of the caller; what is seen first is kept."""
    quotas = desk.centre.ordering.quotas
    answer = desk.get("/quota")
    assert (answer.status_code, answer.json()) == (200, limits(ana.email, -1, -1))
    quotas.set_limits(ana.email, QuotaLimits(200, 10))
    quotas.start(ana.email, "1", QuotaLimits)
    quotas.start(ana.email, "2", QuotaLimits)
    quotas.end(ana.email, "1")
    assert desk.get("/quota").json() == limits(ana.email, 200, 10)
    answer = desk.get("/quota/current")
    assert (answer.status_code, answer.json()) == (200, values(ana.email, 200, 10, 2, 1))
    assert answer.headers["content-type"] == "application/json"


def test_case_12_over_rest(desk: Any, ana: User, admin: User) -> None:
    """The first look at the own values makes the limits one's own."""
    assert desk.get("/quota/current").json() == values(ana.email, -1, -1, 0, 0)
    assert desk.ask("PUT", "/settings/maxQuota", admin, json={"value": 50}).status_code == 200
    assert desk.get("/quota/current").json() == values(ana.email, -1, -1, 0, 0)
    assert desk.get("/quota/current", User(JANE)).json() == values(JANE, 50, -1, 0, 0)


def test_public_user_has_a_quota(desk: Any) -> None:
    """Who has no token is the public user of the tenant, and any role will do."""
    answer = desk.client.get("/api/v1/rs-order/quota/current?scope=default")
    assert (answer.status_code, answer.json()) == (200, values("public@regards.com", -1, -1, 0, 0))
    assert desk.get("/quota", User(JANE, Role.PUBLIC)).json() == limits(JANE, -1, -1)


def test_quota_of_somebody(desk: Any, chief: User, admin: User) -> None:
    """Who was never seen has the first limits and no downloads, and nobody comes to be by the question."""
    desk.ask("PUT", "/settings/rateLimit", admin, json={"value": 3})
    for _ in range(2):
        assert desk.get(f"/quota/{JANE}", chief).json() == limits(JANE, -1, 3)
        assert desk.get(f"/quota/current/{JANE}", chief).json() == values(JANE, -1, 3, 0, 0)
    assert desk.centre.ordering.quotas.accounts == {}
    desk.centre.ordering.quotas.start(JANE, "1", lambda: QuotaLimits(5, 5))
    assert desk.get(f"/quota/current/{JANE}", chief).json() == values(JANE, 5, 5, 1, 1)


def test_default_limit(desk: Any, admin: User) -> None:
    """The number of files that a new user may download, and nothing around it."""
    assert (desk.get("/quota/max", admin).status_code, desk.get("/quota/max", admin).json()) == (200, -1)
    desk.ask("PUT", "/settings/maxQuota", admin, json={"value": 50})
    assert desk.get("/quota/max", admin).content == b"50"


def test_case_19_over_rest(desk: Any, chief: User) -> None:
    """Each change answers with what then holds, and so do the following looks."""
    for numbers in ((300, 7), (150, 3), (-1, 0)):
        answer = put(desk, chief, JANE, **limits(JANE, *numbers))
        assert (answer.status_code, answer.json()) == (200, limits(JANE, *numbers))
        assert desk.get(f"/quota/{JANE}", chief).json() == limits(JANE, *numbers)
        assert desk.get("/quota", User(JANE)).json() == limits(JANE, *numbers)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"maxQuota": 5, "rateLimit": 2}, (5, 2)),
        ({"email": None, "maxQuota": "5", "rateLimit": 2.0, "more": []}, (5, 2)),
        ({"email": JANE, "maxQuota": "-1", "rateLimit": 2**63 - 1}, (-1, 2**63 - 1)),
    ],
)
def test_bodies_that_are_understood(desk: Any, chief: User, body: dict[str, Any], kept: tuple[int, int]) -> None:
    """The e-mail may be left out, numbers may be texts, and what nobody knows is ignored."""
    assert put(desk, chief, JANE, **body).json() == limits(JANE, *kept)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"maxQuota": 5}, 400, ["$.rateLimit: is null; a whole number is expected"]),
        ({"rateLimit": 5, "maxQuota": None}, 400, ["$.maxQuota: is null; a whole number is expected"]),
        (
            {"email": 5, "maxQuota": "five", "rateLimit": 5.5},
            400,
            [
                "$.email: is a number; a text is expected",
                "$.maxQuota: is a text; a whole number is expected",
                "$.rateLimit: is a number; a whole number is expected",
            ],
        ),
        ({"maxQuota": True, "rateLimit": [5]}, 400, ["$.maxQuota: is a truth value", "$.rateLimit: is a list"]),
        ({"email": "joe@example.org", "maxQuota": 5, "rateLimit": 5}, 400, ['$.email: is "joe@example.org"; the path']),
        ({"email": JANE.upper(), "maxQuota": 5, "rateLimit": 5}, 400, ["$.email"]),
        ({"maxQuota": -2, "rateLimit": 5}, 422, ["$.maxQuota: -2 is below -1"]),
        ({"maxQuota": 5, "rateLimit": "-2"}, 422, ["$.rateLimit: -2 is below -1"]),
        ({"maxQuota": 2**63, "rateLimit": 5}, 422, [f"$.maxQuota: {2**63} is too large"]),
        ({"maxQuota": 1e300, "rateLimit": 5}, 422, ["$.maxQuota"]),
    ],
)
def test_bodies_that_are_refused(desk: Any, chief: User, body: dict[str, Any], status: int, said: list[str]) -> None:
    """Case 20 and others: every fault is named with its place, in both forms, and nothing is stored."""
    answer = put(desk, chief, JANE, **body)
    assert answer.status_code == status
    messages = answer.json()["messages"]
    assert len(messages) == len(said)
    assert all(message.startswith(start) for message, start in zip(messages, said, strict=True))
    problem = desk.ask("PUT", f"/quota/{JANE}", chief, json=body, headers=PROBLEM).json()
    assert problem["status"] == status
    assert [f"{fault['path']}: {fault['detail']}" for fault in problem["errors"]] == messages
    assert desk.centre.ordering.quotas.accounts == {}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"5", b"null"])
def test_no_object(desk: Any, chief: User, content: bytes) -> None:
    """A body is needed, and it is an object."""
    headers = {"content-type": "application/json"}
    answer = desk.ask("PUT", f"/quota/{JANE}", chief, content=content, headers=headers)
    assert (answer.status_code, desk.centre.ordering.quotas.accounts) == (400, {})


def test_the_wrong_email_comes_before_wrong_limits(desk: Any, chief: User) -> None:
    """What cannot be meant for this path is a 400, whatever else is wrong."""
    assert put(desk, chief, JANE, **limits("joe@example.org", -2, 5)).status_code == 400


def test_nobody(desk: Any, chief: User) -> None:
    """What can be nobody's e-mail gets no limits."""
    for email in (" ", "x" * 129):
        answer = put(desk, chief, email, maxQuota=5, rateLimit=5)
        assert (answer.status_code, desk.centre.ordering.quotas.accounts) == (422, {})
        assert "must have 1 to 128 characters" in answer.json()["messages"][0]


@pytest.mark.parametrize(
    ("verb", "path", "lowest"),
    [
        ("GET", "/quota", Role.PUBLIC),
        ("GET", "/quota/current", Role.PUBLIC),
        ("GET", "/quota/max", Role.ADMIN),
        ("GET", f"/quota/{JANE}", Role.PROJECT_ADMIN),
        ("PUT", f"/quota/{JANE}", Role.PROJECT_ADMIN),
        ("GET", f"/quota/current/{JANE}", Role.PROJECT_ADMIN),
    ],
)
@pytest.mark.parametrize("role", Role)
def test_case_403(desk: Any, verb: str, path: str, lowest: Role, role: Role) -> None:
    """Each path has its lowest role; other services may call all of them."""
    body = {"json": limits(JANE, 1, 1)} if verb == "PUT" else {}
    answer = desk.ask(verb, path, User(JANE, role), **body)
    assert answer.status_code == (200 if role.rank >= lowest.rank else 403)
    claims = {"tenant": "default", "sub": "s", "email": "s", "role": "SYS_DELIVERY"}
    headers = {"authorization": f"Bearer {desk.tokens.mint(claims)}"}
    assert desk.ask(verb, path, headers=headers, **body).status_code == 200


def test_without_token_and_scope(desk: Any) -> None:
    """Nobody's quota can be told."""
    assert desk.client.get("/api/v1/rs-order/quota").status_code == 401


@pytest.mark.parametrize(
    ("email", "path"),
    [
        ("jane+tape@example.org", "jane+tape@example.org"),
        ("jane+tape@example.org", "jane%2Btape%40example.org"),
        ("josé@données.example", "jos%C3%A9@donn%C3%A9es.example"),
        ("josé@données.example", "josé@données.example"),
        ('"a b?#%"@example.org', "%22a%20b%3F%23%25%22@example.org"),
        ("max@", "max%40"),
    ],
)
def test_any_email_in_a_path(desk: Any, chief: User, email: str, path: str) -> None:
    """A percent-encoded character is that character, and a plus is a plus."""
    answer = desk.ask("PUT", f"/quota/{path}", chief, json=limits(email, 5, 2))
    assert (answer.status_code, answer.json()) == (200, limits(email, 5, 2))
    assert list(desk.centre.ordering.quotas.accounts) == [email]
    assert desk.get(f"/quota/{path}", chief).json() == limits(email, 5, 2)
    assert desk.get(f"/quota/current/{path}", chief).json() == values(email, 5, 2, 0, 0)


def test_paths_that_name_nobody(desk: Any, chief: User) -> None:
    """A slash ends a segment, however it is written, and the words of the interface are nobody's name."""
    assert desk.get("/quota/a%2Fb", chief).status_code == 404
    for path in ("/quota/max", "/quota/current", "/quota"):
        assert desk.ask("PUT", path, chief, json={}).status_code == 405
    assert desk.ask("DELETE", f"/quota/{JANE}", chief).status_code == 405


def test_who_wants_no_json_changes_nothing(desk: Any, chief: User) -> None:
    """Neither a change nor a first look happens when its answer could not be told."""
    headers = {"accept": "text/html"}
    for path in ("/quota", "/quota/current", f"/quota/{JANE}", f"/quota/current/{JANE}", "/quota/max"):
        assert desk.get(path, chief, headers=headers).status_code == 406
    assert desk.ask("PUT", f"/quota/{JANE}", chief, json=limits(JANE, 1, 1), headers=headers).status_code == 406
    assert desk.centre.ordering.quotas.accounts == {}


def test_head_changes_nothing(desk: Any, ana: User) -> None:
    """It has the headers of the answer, and makes no limits one's own."""
    for path in ("/quota", "/quota/current"):
        head = desk.ask("HEAD", path)
        assert (head.status_code, head.content, desk.centre.ordering.quotas.accounts) == (200, b"", {})
        assert head.headers["content-length"] == desk.get(path).headers["content-length"]
        desk.centre.ordering.quotas.forget(ana.email)


# --- what is refused -------------------------------------------------------------------------------------------------


def test_case_14_over_rest(ordered: Any, ana: User, chief: User) -> None:
    """Five downloads of five are sent, the sixth is a 429 whose text is plain and exact."""
    put(ordered, chief, ana.email, maxQuota=5, rateLimit=10_000)
    for _ in range(5):
        assert ordered.get("/orders/files/1").content == TEXT
    answer = ordered.get("/orders/files/1")
    assert answer.status_code == 429
    assert answer.text == f"Download quota of 5 exceeded (by 0) for user {ana.email}."
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-download-limit"] == "quota"
    assert "retry-after" not in answer.headers
    assert ordered.get("/quota/current").json() == values(ana.email, 5, 10_000, 5, 0)
    [file] = ordered.centre.files(ordered.centre.ordering.get_order(ana, 1))
    assert (file.state, file.download_error) == ("DOWNLOAD_ERROR", answer.text)
    put(ordered, chief, ana.email, maxQuota=6, rateLimit=10_000)
    assert ordered.get("/orders/files/1").content == TEXT


def test_case_15_over_rest(ordered: Any, ana: User, chief: User) -> None:
    """At a rate of 0 nothing is known that would change it."""
    put(ordered, chief, ana.email, maxQuota=10, rateLimit=0)
    answer = ordered.get("/orders/files/1")
    assert (answer.status_code, answer.text) == (429, f"Download rate of 0 exceeded (by 0) for user {ana.email}.")
    assert answer.headers["x-download-limit"] == "rate"
    assert "retry-after" not in answer.headers


def test_a_rate_that_is_reached(ordered: Any, ana: User, chief: User) -> None:
    """Whole seconds say when a place comes back at the latest."""
    put(ordered, chief, ana.email, maxQuota=10, rateLimit=2)
    quotas = ordered.centre.ordering.quotas
    for number, seconds in enumerate((1.0, 15.25, 20.5)):
        quotas.seconds = lambda seconds=seconds: seconds
        if number < 2:
            quotas.start(ana.email, str(number), QuotaLimits)
    answer = ordered.get("/orders/files/1")
    assert (answer.status_code, answer.text) == (429, f"Download rate of 2 exceeded (by 0) for user {ana.email}.")
    assert (answer.headers["x-download-limit"], answer.headers["retry-after"]) == ("rate", "41")
    quotas.end(ana.email, "0")
    assert ordered.get("/orders/files/1").content == TEXT


@pytest.mark.parametrize(
    ("numbers", "word", "used", "by"),
    [((2, -1), "quota", 3, 1), ((3, 0), "quota", 3, 0), ((-1, 1), "rate", 1, 0), ((-1, 0), "rate", 1, 1)],
)
def test_refusals_as_problems(
    ordered: Any, ana: User, chief: User, numbers: tuple[int, int], word: str, used: int, by: int
) -> None:
    """Who wants it gets limit, use and need as members, and the same headers."""
    quotas = ordered.centre.ordering.quotas
    for number in range(3):
        quotas.start(ana.email, str(number), QuotaLimits)
        if number:
            quotas.end(ana.email, str(number))
    put(ordered, chief, ana.email, maxQuota=numbers[0], rateLimit=numbers[1])
    limit = numbers[word == "rate"]
    answer = ordered.get("/orders/files/1", headers=PROBLEM)
    assert answer.status_code == 429
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": f"urn:regards-order:error:{word}-exceeded",
        "title": f"{word.title()} exceeded",
        "status": 429,
        "detail": f"Download {word} of {limit} exceeded (by {by}) for user {ana.email}.",
        "limit": limit,
        "used": used,
        "needed": 1,
    }
    assert answer.headers["x-download-limit"] == word
    assert answer.headers.get("retry-after") == ("60" if word == "rate" else None)


def test_head_of_a_file_costs_nothing(ordered: Any, ana: User, chief: User) -> None:
    """It is answered also when nothing is left."""
    put(ordered, chief, ana.email, maxQuota=0, rateLimit=0)
    for path in ("/orders/files/1", "/user/orders/1/download"):
        assert ordered.ask("HEAD", path).status_code == 200
    assert ordered.get("/quota/current").json() == values(ana.email, 0, 0, 0, 0)
    assert ordered.centre.states(ordered.centre.ordering.get_order(ana, 1)) == {"a.txt": "AVAILABLE"}


def test_a_zip_is_always_a_200(ordered: Any, ana: User, chief: User) -> None:
    """What was refused is a line of its notice, with the two full stops."""
    put(ordered, chief, ana.email, maxQuota=0, rateLimit=-1)
    answer = ordered.get("/user/orders/1/download")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["NOTICE.txt"]
        notice = archive.read("NOTICE.txt").decode()
    text = f"Download quota of 0 exceeded (by 0) for user {ana.email}."
    assert notice.splitlines() == [f"Failed to download file (a.txt): {text}."]
    assert ordered.get("/user/orders/1/download", chief).status_code == 200
    assert ordered.get(f"/quota/current/{chief.email}", chief).json() == values(chief.email, -1, -1, 1, 0)


def test_the_administrator_pays(ordered: Any, ana: User, chief: User) -> None:
    """Whoever downloads is named in the refusal."""
    put(ordered, chief, chief.email, maxQuota=1, rateLimit=-1)
    assert ordered.get("/orders/files/1", chief).content == TEXT
    assert f"for user {chief.email}." in ordered.get("/orders/files/1", chief).text
    assert ordered.get("/quota/current").json() == values(ana.email, -1, -1, 0, 0)


def test_a_file_that_comes_too_late_costs_nothing(
    make_desk: Callable[..., Any], make_centre: Callable[..., Any], ana: User
) -> None:
    """Its client was told that the storage is out of reach: when it is opened after all, its unit is given back."""
    go, given_back = threading.Event(), threading.Event()

    class Slow(MemoryStorage):
        def open(self, file: Any) -> Any:
            go.wait(10)
            return super().open(file)

    class Watched(MemoryQuotas):
        def cancel(self, email: str, lease_id: str, units: int = 1) -> None:
            assert self.accounts[email].consumed == 1
            super().cancel(email, lease_id, units)
            given_back.set()

    centre = make_centre().with_(storage=Slow(), quotas=Watched())
    desk = make_desk(centre, limits=Limits(open_seconds=0.01, thread_seconds=0.01))
    centre.product(centre.dataset("D"), "P", ("a.txt", TEXT))
    centre.work(centre.place(ana))
    assert desk.get("/orders/files/1").status_code == 503
    go.set()
    assert given_back.wait(10)
    assert desk.get("/quota/current").json() == values(ana.email, -1, -1, 0, 0)
    assert [source.closed for source in centre.storage.opened] == [True]
