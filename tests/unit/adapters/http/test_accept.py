"""What clients accept, and who is told that there is only JSON."""

from __future__ import annotations

from typing import Any

import pytest

from regards_order_adapters.http.accept import Accept
from regards_order_adapters.http.errors import PROBLEM

JSON = "application/json"


@pytest.mark.parametrize(
    ("header", "quality"),
    [
        ("", 1),
        ("nonsense", 1),
        ("*/*", 1),
        ("application/*;q=0.3", 0.3),
        ("Application/JSON; charset=utf-8 ; Q=0.25", 0.25),
        ("text/html", 0),
        ("text/*", 0),
        ("application/json;q=0", 0),
        ("application/json;q=0, */*", 0),
        ("*/*;q=0.1, application/*;q=0.2, application/json;q=0.3", 0.3),
        ("*/*;q=0, application/json", 1),
        ("application/json;q=0.2, application/json;q=0.4", 0.4),
        ("application/json;q=abc", 1),
        ("application/json;q=1.9", 1),
        ('text/html;a="x,application/json', 1),
    ],
)
def test_quality(header: str, quality: float) -> None:
    """The narrowest range decides; what is no range, and what is no quality, counts as not said."""
    assert Accept.of(header).quality(JSON) == quality


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (PROBLEM, True),
        (f"{JSON}, {PROBLEM};q=0.1", True),
        (f"{PROBLEM};q=0", False),
        (f"{PROBLEM};q=0.000, */*", False),
        ("application/*", False),
        (f"x{PROBLEM}", False),
        (f'text/html;a="{PROBLEM}"', False),
    ],
)
def test_problem_form_is_asked_for_by_its_name(header: str, named: bool) -> None:
    """By its name, and not with the quality 0."""
    assert Accept.of(header).names(PROBLEM) == named


@pytest.mark.parametrize("accept", ["text/html", "application/json;q=0", "image/*, text/plain"])
def test_no_json(desk: Any, accept: str) -> None:
    """Who wants none is told so, before anything is done."""
    desk.centre.dataset("D")
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", b"a"))
    headers = {"accept": accept}
    refused = desk.post("/order/basket/selection", json={"engineType": "legacy"}, headers=headers)
    assert (refused.status_code, refused.headers["content-type"]) == (406, JSON)
    assert accept in refused.json()["messages"][0]
    assert desk.get("/order/basket").status_code == 204
    assert desk.get("/user/orders", headers=headers).status_code == 406


@pytest.mark.parametrize("accept", [PROBLEM, "text/html, */*;q=0.1", "application/*", "application/json, text/plain"])
def test_json_will_do(desk: Any, accept: str) -> None:
    """Everybody else is answered."""
    assert desk.get("/user/orders", headers={"accept": accept}).status_code == 200


def test_what_is_no_json_is_never_refused(desk: Any) -> None:
    """Neither files nor archives nor empty answers, nor health."""
    headers = {"accept": "text/html"}
    assert desk.get("/order/basket", headers=headers).status_code == 204
    assert desk.ask("DELETE", "/order/basket", headers=headers).status_code == 204
    assert desk.client.get("/health/live", headers=headers).status_code == 200
    desk.centre.product(desk.centre.dataset("D"), "P", ("a.txt", b"a"))
    order = desk.centre.work(desk.centre.place(desk.user))
    assert desk.get("/orders/files/1", headers=headers).status_code == 200
    assert desk.get(f"/user/orders/{order.id}/download", headers=headers).status_code in (200, 204)
    assert desk.get("/user/orders/99", headers=headers).status_code == 404


def test_role_comes_first(desk: Any) -> None:
    """Nobody learns of the form before the role."""
    headers = {"accept": "text/html"}
    assert desk.client.post("/api/v1/rs-order/user/orders", headers=headers).status_code == 401
    assert desk.client.post("/api/v1/rs-order/user/orders?scope=default", headers=headers).status_code == 403
