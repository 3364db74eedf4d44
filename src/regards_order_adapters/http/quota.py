"""What users may download and have downloaded (docs/rest.md, docs/quota.md)."""

from __future__ import annotations

from typing import Any

from regards_order.application.quota import look_at_quota
from regards_order.domain.quota import Consumption, QuotaLimits
from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.calls import Call
from regards_order_adapters.http.reading import read_quota


def own_limits(call: Call) -> Answer:
    """Return the caller's limits."""
    return call.answer(_limits(call.user.email, _own(call).limits))


def own_values(call: Call) -> Answer:
    """Return the caller's limits and what the caller has downloaded."""
    return call.answer(_values(call.user.email, _own(call)))


def limits_of(call: Call) -> Answer:
    """Return the limits of a user."""
    email = _email(call)
    return call.answer(_limits(email, call.ordering.quota_of(call.user, email).limits))


def values_of(call: Call) -> Answer:
    """Return the limits of a user and what was downloaded."""
    email = _email(call)
    return call.answer(_values(email, call.ordering.quota_of(call.user, email)))


def set_limits(call: Call) -> Answer:
    """Set the limits of a user, and return them."""
    email = _email(call)
    limits = read_quota(call.json(), email)
    return call.answer(_limits(email, call.ordering.set_quota(call.user, email, limits).limits))


def default_limit(call: Call) -> Answer:
    """Return how many files a user may download who is seen for the first time."""
    return call.answer(call.ordering.default_quota(call.user).max_quota)


def _own(call: Call) -> Consumption:
    call.require_json()
    if call.head:  # changes nothing: nobody gets limits by it
        return look_at_quota(call.ordering, call.user.email)
    return call.ordering.own_quota(call.user)


def _email(call: Call) -> str:
    return str(call.request.path_params["user_email"])


def _limits(email: str, limits: QuotaLimits) -> dict[str, Any]:
    return {"email": email, "maxQuota": limits.max_quota, "rateLimit": limits.rate_limit}


def _values(email: str, values: Consumption) -> dict[str, Any]:
    return {**_limits(email, values.limits), "currentQuota": values.consumed, "currentRate": values.active}
