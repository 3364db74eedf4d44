"""Settings of the tenant (docs/rest.md)."""

from __future__ import annotations

from typing import Any

from regards_order.application.tenant_settings import TenantSetting
from regards_order_adapters.http.answers import Answer
from regards_order_adapters.http.calls import Call
from regards_order_adapters.http.links import setting_links
from regards_order_adapters.http.reading import read_setting
from regards_order_adapters.http.wire import wrapped, write_setting


def list_settings(call: Call) -> Answer:
    """Return all settings, or those that are named; a name that there is not is left out."""
    asked = ",".join(call.request.query_params.getlist("names")).split(",")
    names = {name.strip() for name in asked} - {""}
    settings = call.ordering.list_settings(call.user)
    return call.answer([_written(call, setting) for setting in settings if not names or setting.name in names])


def change_setting(call: Call) -> Answer:
    """Change a setting, and return it."""
    value = read_setting(call.json())
    return call.answer(_written(call, call.ordering.change_setting(call.user, call.request.path_params["name"], value)))


def reset_setting(call: Call) -> Answer:
    """Let a setting have its default again, and return it."""
    call.require_json()
    return call.answer(_written(call, call.ordering.reset_setting(call.user, call.request.path_params["name"])))


def _written(call: Call, setting: TenantSetting) -> dict[str, Any]:
    return wrapped(write_setting(setting), setting_links(call.site.base, setting))
