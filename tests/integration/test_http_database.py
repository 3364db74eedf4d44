"""What users do over REST, on a real database: parts of baskets, the life of orders, settings, tenants, races."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import attrs
import pytest
from starlette.testclient import TestClient

from regards_order import Role, User
from regards_order.ports.claims import Claim
from regards_order.testing import ManualClock
from regards_order_adapters.bootstrap import Service, open_service
from regards_order_adapters.catalog.scan import scan
from regards_order_adapters.config import Config
from regards_order_adapters.http.app import create_app
from regards_order_adapters.tokens import Tokens

LISE, HUGO = User("lise@obs.example"), User("hugo@obs.example")
ADMIN = User("admin@obs.example", Role.PROJECT_ADMIN)
PREFIX = "/api/v1/rs-order"
TENANTS = ("default", "other")
CONTENTS = {f"scene-{n}.tif": bytes([n]) * (10 + n) for n in range(10)}
TAKEN = (422, ["LABEL_NOT_UNIQUE_FOR_OWNER"])
APP, USER = "app_sub_order_duration", "user_order_parameters"


@attrs.frozen
class Desk:
    """A service on a database, and clients of it.

    Attributes:
        service: the service.
        app: its REST interface.
        tokens: mints what its callers need.
        folder: where the files are that can be ordered.
    """

    service: Service
    app: Any
    tokens: Tokens
    folder: Path

    def ask(self, verb: str, path: str, user: User = LISE, tenant: str = "default", **kwargs: Any) -> Any:
        """Return the answer to a request, which may be asked in any thread."""
        expires = self.service.clock.now() + dt.timedelta(hours=1)
        headers = {"authorization": f"Bearer {self.tokens.mint_bearer(tenant, user, expires)}"}
        return TestClient(self.app).request(verb, PREFIX + path, headers=headers, **kwargs)

    def told(self, verb: str, path: str, user: User = LISE, tenant: str = "default", **kwargs: Any) -> Any:
        """Return the status of the answer; of a refusal with its messages."""
        answer = self.ask(verb, path, user, tenant, **kwargs)
        return answer.status_code if answer.status_code < 400 else (answer.status_code, answer.json()["messages"])

    def add(self, query: str = "", **kwargs: Any) -> Any:
        """Add what a query finds to a basket and return the answer."""
        body = {"engineType": "legacy", "searchParameters": {"q": [query]}}
        return self.ask("POST", "/order/basket/selection", json=body, **kwargs)

    def order(self, tenant: str = "default", user: User = LISE, **body: Any) -> int:
        """Order everything and return the id of the order."""
        assert self.add(tenant=tenant, user=user).status_code == 200
        placed = self.ask("POST", "/user/orders", user, tenant, json=body)
        assert placed.status_code == 201
        return int(placed.json()["content"]["id"])

    def work(self, tenant: str = "default") -> None:
        """Do all work that can be done."""
        self.service.ordering(tenant).work()

    def content(self, order_id: int) -> Any:
        """Return what its owner sees of an order."""
        return self.ask("GET", f"/user/orders/{order_id}").json()["content"]

    def shown(self, order_id: int) -> tuple[str, str]:
        """Return status of an order and what may be done with it, as its owner sees them."""
        item = self.ask("GET", f"/user/orders/{order_id}").json()
        return item["content"]["status"], " ".join(link["rel"] for link in item["links"][2:])

    def basket(self) -> Any:
        """Return the dataset selections of a basket."""
        return self.ask("GET", "/order/basket").json()["content"]["datasetSelections"]

    def settings(self, tenant: str = "default") -> dict[str, Any]:
        """Return the settings of a tenant."""
        return {
            item["content"]["name"]: item["content"]["value"]
            for item in self.ask("GET", "/settings", ADMIN, tenant).json()
        }

    def change(self, name: str, value: Any, tenant: str = "default") -> Any:
        """Change a setting of a tenant."""
        return self.told("PUT", f"/settings/{name}", ADMIN, tenant, json={"value": value})


def open_desk(service: Service, folder: Path) -> Desk:
    """Put a service behind an application, as a process of its own would."""
    tokens = Tokens("integration-secret-0123456789abcdefghijklmnopqrstuv", service.clock)
    app = create_app(ordering=service.ordering, tenants=TENANTS, tokens=tokens, public_url="https://x", prefix=PREFIX)
    return Desk(service, app, tokens, folder)


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> Config:
    """Two tenants on one database."""
    return Config(database_url=database_url, storage_root=str(tmp_path / "storage"), tenants=TENANTS)


@pytest.fixture
def desk(config: Config, tmp_path: Path, clock: ManualClock) -> Iterator[Desk]:
    """A desk of two tenants, each with the same ten files."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name, data in CONTENTS.items():
        (folder / name).write_bytes(data)
    with open_service(config, clock) as service:
        for tenant in TENANTS:
            scan(service.store(tenant), tenant, folder, clock.now())
        clock.advance(seconds=1.123456)
        yield open_desk(service, folder)


@pytest.fixture
def two_desks(desk: Desk, config: Config, clock: ManualClock) -> Iterator[tuple[Desk, Desk]]:
    """Two processes, as far as the database can tell."""
    with open_service(config, clock) as service:
        yield desk, open_desk(service, desk.folder)


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Do several things in threads that start together, and return what each one gave."""
    together = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        together.wait(30)
        return work()

    with ThreadPoolExecutor(len(works)) as threads:
        return list(threads.map(run, works))


# --- one after the other ---------------------------------------------------------------------------------------------


def test_parts_of_a_basket(desk: Desk) -> None:
    """Taken off, filtered and counted as the database has them; the order then holds what is left."""
    for query in ('path:"scene-1.tif"', 'path:"scene-2.tif"', 'path:"scene-3.tif"'):
        assert desk.add(query).status_code == 200
    [dataset] = desk.basket()
    dates = [item["date"] for item in dataset["itemsSelections"]]
    assert dates == sorted(dates)
    assert (dataset["filesCount"], len(set(dates))) == (3, 3)
    part = f"/order/basket/dataset/{dataset['id']}"
    assert desk.told("DELETE", f"{part}/{dates[1]}") == 200
    [dataset] = desk.basket()
    assert [item["date"] for item in dataset["itemsSelections"]] == [dates[0], dates[2]]
    assert (dataset["objectsCount"], dataset["filesSize"]) == (2, 11 + 13)
    wanted = {"fileTypes": ["RAWDATA"], "fileNamePattern": r".*3\.tif"}
    assert desk.told("PUT", f"{part}/updateFileFilters", json=wanted) == 200
    assert desk.basket()[0]["fileSelectionDescription"] == wanted
    placed = desk.ask("POST", "/user/orders", json={}).json()["content"]
    desk.work()
    [task] = desk.content(placed["id"])["datasetTasks"]
    assert (task["filesCount"], task["filesSize"], task["fileSelectionDescription"]) == (1, 13, wanted)
    desk.add()
    [dataset] = desk.basket()
    assert desk.told("DELETE", f"/order/basket/dataset/{dataset['id']}") == 200
    assert (desk.basket(), desk.told("GET", "/order/basket")) == ([], 200)


def test_from_pause_to_removal(desk: Desk) -> None:
    """Paused, resumed, fulfilled, deleted, removed: status, links and refusals agree at every step."""
    order_id = desk.order()
    assert desk.shown(order_id) == ("PENDING", "pause")
    assert desk.told("PUT", f"/user/orders/pause/{order_id}") == 200
    assert desk.shown(order_id) == ("PAUSED", "resume delete")
    desk.work()
    assert desk.content(order_id)["datasetTasks"] == []
    refused = desk.told("PUT", f"/user/orders/pause/{order_id}")
    assert refused == (401, ["ORDER_MUST_BE_PENDING_OR_RUNNING"])
    assert desk.told("PUT", f"/user/orders/resume/{order_id}") == 200
    desk.work()
    assert desk.shown(order_id) == ("DONE", "download delete restart")
    assert desk.told("PUT", f"/user/orders/resume/{order_id}") == (401, ["ORDER_MUST_BE_PAUSED"])
    removal = f"/user/orders/remove/{order_id}"
    assert desk.told("DELETE", removal, ADMIN) == (401, ["ORDER_MUST_BE_DELETED"])
    assert desk.told("DELETE", f"/user/orders/{order_id}") == 200
    assert desk.shown(order_id) == ("DELETED", "")
    assert desk.told("GET", f"/user/orders/{order_id}/download") == 204
    assert desk.told("DELETE", removal)[0] == 403
    assert desk.told("DELETE", removal, ADMIN) == 200
    for verb, path in (("GET", f"/user/orders/{order_id}"), ("DELETE", removal)):
        status, messages = desk.told(verb, path, ADMIN)
        assert (status, messages[0].endswith(f"with id : {order_id} doesn't exist")) == (404, True)
    assert desk.order() > order_id


def test_resume_waits_for_the_worker(desk: Desk) -> None:
    """While somebody lists the files there is no link, and it is refused; then the order comes to its end."""
    order_id = desk.order()
    store = desk.service.store("default")
    with store.write() as tx:
        [claimed] = tx.claims.orders(1, 60)
    assert desk.told("PUT", f"/user/orders/pause/{order_id}") == 200
    assert desk.shown(order_id) == ("PAUSED", "delete")
    assert desk.told("PUT", f"/user/orders/resume/{order_id}") == (401, ["ORDER_MUST_BE_PAUSED"])
    with store.write() as tx:
        tx.claims.release([Claim.of(claimed)])
    assert desk.shown(order_id) == ("PAUSED", "resume delete")
    assert desk.told("PUT", f"/user/orders/resume/{order_id}") == 200
    desk.work()
    assert desk.content(order_id)["status"] == "DONE"


def test_restart_and_retry(desk: Desk) -> None:
    """What could not be had is asked for once more; what was ordered is ordered once more."""
    missing = desk.folder / "scene-4.tif"
    missing.rename(desk.folder / "elsewhere")
    first = desk.order(label="first")
    desk.work()
    content = desk.content(first)
    assert (content["status"], content["filesInErrorCount"]) == ("DONE_WITH_WARNING", 1)
    assert desk.shown(first)[1] == "download delete restart retry"
    (desk.folder / "elsewhere").rename(missing)
    assert desk.told("PUT", f"/user/orders/{first}/retry") == 200
    assert desk.shown(first) == ("RUNNING", "download pause")
    desk.work()
    content = desk.content(first)
    assert (content["status"], content["filesInErrorCount"], content["availableFilesCount"]) == ("DONE", 0, 10)
    refused = desk.told("PUT", f"/user/orders/{first}/retry")
    assert refused == (401, ["ORDER_MUST_BE_DONE_WITH_WARNING_OR_FAILED"])
    restart = f"/user/orders/{first}/restart"
    assert desk.told("POST", restart, json={"label": "first"}) == TAKEN
    answer = desk.ask("POST", restart, ADMIN, json={"label": "second"})
    second = answer.json()["content"]
    assert (answer.status_code, second["owner"], second["label"]) == (201, LISE.email, "second")
    desk.work()
    assert desk.content(second["id"])["datasetTasks"][0]["filesCount"] == 10


def test_settings_changed_while_it_runs(two_desks: tuple[Desk, Desk]) -> None:
    """The next order follows, whichever process places it; those that exist stay as they are."""
    here, there = two_desks

    def hours(desk: Desk) -> int:
        desk.add(user=ADMIN)
        order_id = desk.ask("POST", "/orders", ADMIN, json={}).json()["content"]["id"]
        with desk.service.store("default").read() as tx:
            return int(tx.orders.get(order_id).hours)

    assert (hours(here), hours(there)) == (2, 2)
    assert here.change(APP, "5") == 200
    assert there.settings() == {**here.settings(), APP: 5}
    assert (hours(here), hours(there)) == (5, 5)
    parameters = {"subOrderDuration": 24, "delayBeforeEmailNotification": 12}
    assert there.change(USER, parameters) == 200
    assert here.settings()[USER] == parameters
    order_id = here.order()
    with here.service.store("default").read() as tx:
        assert tx.orders.get(order_id).hours == 24
    assert here.told("DELETE", f"/settings/{APP}", ADMIN) == 200
    assert hours(there) == 2
    with here.service.store("default").read() as tx:
        assert [tx.orders.get(number).hours for number in range(1, 7)] == [2, 2, 5, 5, 24, 2]


def test_tenants_are_strangers(desk: Desk) -> None:
    """What belongs to one does not exist for the other, not even for its administrators; the refusal is the same."""
    mine = desk.order(label="mine")
    desk.work()
    file_id = desk.ask("GET", f"/orders/{mine}/files/available").json()["content"][0]["content"]["id"]
    theirs = {"tenant": "other"}
    for verb, path in (
        ("GET", "/user/orders/{}"),
        ("PUT", "/user/orders/pause/{}"),
        ("PUT", "/user/orders/resume/{}"),
        ("DELETE", "/user/orders/{}"),
        ("DELETE", "/user/orders/remove/{}"),
        ("PUT", "/user/orders/{}/retry"),
        ("POST", "/user/orders/{}/restart"),
        ("GET", "/user/orders/{}/download"),
        ("GET", "/orders/{}/files/available"),
    ):
        body = {"json": {}} if verb == "POST" else {}
        for user in (ADMIN,) if "remove" in path else (LISE, ADMIN):
            status, messages = desk.told(verb, path.format(mine), user, **theirs, **body)
            assert status == 404
            unknown = desk.told(verb, path.format(99), user, **theirs, **body)
            assert (status, [messages[0].replace(f" {mine} ", " 99 ")]) == unknown
    assert desk.told("GET", f"/orders/files/{file_id}", ADMIN, **theirs)[0] == 404
    assert desk.ask("GET", "/user/orders", **theirs).json()["content"] == []
    assert desk.shown(mine) == ("DONE", "download delete restart")
    desk.add()
    assert desk.told("GET", "/order/basket", **theirs) == 204
    assert desk.order("other", label="mine") != mine
    assert desk.change(APP, 7, "other") == 200
    assert (desk.settings()[APP], desk.settings("other")[APP]) == (2, 7)
    assert desk.told("DELETE", f"/settings/{APP}", ADMIN) == 200
    assert desk.settings("other")[APP] == 7
    assert desk.told("GET", "/user/orders", tenant="third")[0] == 403


# --- at once ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "verb", "path", "word"),
    [
        ("", "PUT", "/user/orders/pause/{}", "ORDER_MUST_BE_PENDING_OR_RUNNING"),
        ("pause", "PUT", "/user/orders/resume/{}", "ORDER_MUST_BE_PAUSED"),
        (
            "pause",
            "DELETE",
            "/user/orders/{}",
            "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED",
        ),
    ],
)
def test_the_same_action_twice_at_once(
    two_desks: tuple[Desk, Desk], before: str, verb: str, path: str, word: str
) -> None:
    """One is done, the other one gets the refusal of the status that is there by then."""
    order_id = two_desks[0].order()
    if before:
        two_desks[0].ask("PUT", f"/user/orders/{before}/{order_id}")
    answers = at_once(*(lambda desk=desk: desk.told(verb, path.format(order_id)) for desk in two_desks))
    assert sorted(answers, key=str) == [(401, [word]), 200]


def test_removed_twice_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """The other one finds nothing."""
    desk = two_desks[0]
    order_id = desk.order()
    desk.ask("PUT", f"/user/orders/pause/{order_id}")
    desk.ask("DELETE", f"/user/orders/{order_id}")
    path = f"/user/orders/remove/{order_id}"
    answers = at_once(*(lambda desk=desk: desk.ask("DELETE", path, ADMIN).status_code for desk in two_desks))
    assert sorted(answers) == [200, 404]


def test_resumed_and_deleted_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """One of both is done, and the order is what it says."""
    here, there = two_desks
    order_id = here.order()
    here.ask("PUT", f"/user/orders/pause/{order_id}")
    resumed, deleted = at_once(
        lambda: here.told("PUT", f"/user/orders/resume/{order_id}"),
        lambda: there.told("DELETE", f"/user/orders/{order_id}"),
    )
    if resumed == 200:
        assert (deleted[0], here.shown(order_id)[0]) == (401, "RUNNING")
    else:
        assert (resumed, deleted) == ((401, ["ORDER_MUST_BE_PAUSED"]), 200)
        assert here.shown(order_id)[0] == "DELETED"


def test_ten_adds_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """Each one is in the basket, under a date of its own, and counted."""
    works = [
        lambda desk=two_desks[n % 2], n=n: desk.add(f'path:"scene-{n}.tif"').status_code for n in range(len(CONTENTS))
    ]
    assert at_once(*works) == [200] * 10
    [dataset] = two_desks[0].basket()
    sizes = sum(map(len, CONTENTS.values()))
    assert (dataset["objectsCount"], dataset["filesCount"], dataset["filesSize"]) == (10, 10, sizes)
    items = dataset["itemsSelections"]
    assert (len(items), len({item["date"] for item in items})) == (10, 10)
    asked = [item["selectionRequest"]["searchParameters"]["q"][0] for item in items]
    assert sorted(asked) == [f'path:"{name}"' for name in sorted(CONTENTS)]


def test_parts_taken_off_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """Each request takes its own part off, and nothing else."""
    for n in range(5):
        assert two_desks[0].add(f'path:"scene-{n}.tif"').status_code == 200
    [dataset] = two_desks[0].basket()
    part, kept = f"/order/basket/dataset/{dataset['id']}", dataset["itemsSelections"].pop(2)
    works = [
        lambda desk=two_desks[n % 2], date=item["date"]: desk.told("DELETE", f"{part}/{date}")
        for n, item in enumerate(dataset["itemsSelections"])
    ]
    assert at_once(*works) == [200] * 4
    [dataset] = two_desks[1].basket()
    assert dataset["itemsSelections"] == [kept]
    assert (dataset["filesCount"], dataset["filesSize"]) == (1, len(CONTENTS["scene-2.tif"]))


def test_one_basket_ordered_twice_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """A double click is one order; the other answer is that there is no basket."""
    two_desks[0].add()
    answers = at_once(*(lambda desk=desk: desk.told("POST", "/user/orders", json={}) for desk in two_desks))
    assert sorted(answers) == [201, 204]
    listed = two_desks[0].ask("GET", "/user/orders").json()
    assert listed["metadata"]["totalElements"] == 1


@pytest.mark.parametrize("label", ["again", None])
def test_restarted_at_once(two_desks: tuple[Desk, Desk], label: str | None) -> None:
    """A label of one's own is taken by one of them; generated ones are told apart."""
    desk = two_desks[0]
    order_id = desk.order(label="first")
    desk.work()
    path, body = f"/user/orders/{order_id}/restart", {"label": label}
    answers = at_once(*(lambda desk=desk: desk.told("POST", path, json=body) for desk in two_desks * 3))
    assert Counter(map(str, answers)) == ({"201": 1, str(TAKEN): 5} if label else {"201": 6})
    listed = desk.ask("GET", "/user/orders").json()["content"]
    labels = [item["content"]["label"] for item in listed]
    assert len(labels) == len(set(labels)) == (2 if label else 7)
    desk.work()
    assert {desk.content(item["content"]["id"])["datasetTasks"][0]["filesCount"] for item in listed} == {10}


def test_one_setting_changed_at_once(two_desks: tuple[Desk, Desk]) -> None:
    """The last one holds, and every answer is what was asked."""
    works = [lambda desk=two_desks[n % 2], n=n: (desk.change(APP, n), n) for n in range(3, 9)]
    assert at_once(*works) == [(200, n) for n in range(3, 9)]
    assert two_desks[0].settings() == two_desks[1].settings()
    assert two_desks[0].settings()[APP] in range(3, 9)
