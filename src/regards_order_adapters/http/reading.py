"""Read the bodies of requests (docs/rest.md): leniently where clients differ, and all faults at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import attrs

from regards_order.domain.errors import Fault, InvalidInput
from regards_order.domain.quota import QuotaLimits
from regards_order.domain.selection import FileFilter, SelectionRequest
from regards_order.domain.text import is_unicode
from regards_order_adapters.http.dates import read_date
from regards_order_adapters.http.errors import MalformedRequest

_MEMBERS = ("subOrderDuration", "delayBeforeEmailNotification")
_WHOLE = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@attrs.frozen
class Fields:
    """Read the fields of a JSON object; null counts as absent, and fields that nobody asks for are ignored.

    Attributes:
        data: the object.
        path: where it stands in the body.
        faults: what was found wrong so far.
    """

    data: Mapping[str, Any]
    path: str = "$"
    faults: list[Fault] = attrs.field(factory=list)

    @classmethod
    def of(cls, body: Any) -> Fields:
        """Return the fields of a body.

        Raises:
            MalformedRequest: it is no object.
        """
        if not isinstance(body, dict):
            raise MalformedRequest((Fault("$", f"is {_kind(body)}; an object is expected"),))
        return cls(body)

    def text(self, name: str) -> str | None:
        """Return a text."""
        text: str | None = self._take(name, str, "a text")
        return text

    def whole(self, name: str) -> int:
        """Return a whole number, which has to be there."""
        value = _whole(self.data.get(name))
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.faults.append(Fault(f"{self.path}.{name}", f"is {_kind(value)}; a whole number is expected"))
        return 0

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Return a list of texts."""
        items = self._take(name, list, "a list of texts")
        if items is None:
            return None
        self._expect(f"{self.path}.{name}", items, str)
        return tuple(items)

    def parameters(self, name: str) -> dict[str, tuple[str | None, ...]] | None:
        """Return an object of lists of texts; null stands for no list, and may stand in one."""
        values = self._take(name, dict, "an object of lists of texts")
        if values is None:
            return None
        read = Fields(values, f"{self.path}.{name}", self.faults)
        return {key: items for key in values if (items := read._nullable_texts(key)) is not None}

    def date(self, name: str) -> None:
        """Judge a date, which the service then sets itself."""
        text = self.text(name)
        if text is not None:
            try:
                read_date(text)
            except ValueError as error:
                self.faults.append(Fault(f"{self.path}.{name}", str(error)))

    def check(self) -> None:
        """Refuse what was found wrong.

        Raises:
            MalformedRequest: naming every fault.
        """
        if self.faults:
            raise MalformedRequest(tuple(self.faults))

    def _nullable_texts(self, name: str) -> tuple[str | None, ...] | None:
        items = self._take(name, list, "a list of texts")
        if items is None:
            return None
        self._expect(f"{self.path}.{name}", items, str | None)
        return tuple(items)

    def _take(self, name: str, kind: type, expected: str) -> Any:
        value = self.data.get(name)
        if value is not None and not isinstance(value, kind):
            self.faults.append(Fault(f"{self.path}.{name}", f"is {_kind(value)}; {expected} is expected"))
            return None
        return value

    def _expect(self, path: str, items: list[Any], kind: Any) -> None:
        for index, item in enumerate(items):
            if not isinstance(item, kind):
                self.faults.append(Fault(f"{path}[{index}]", f"is {_kind(item)}; a text is expected"))


def _kind(value: object) -> str:
    names: dict[type, str] = {
        dict: "an object",
        list: "a list",
        str: "a text",
        bool: "a truth value",
        type(None): "null",
    }
    return names.get(type(value), "a number")


def read_selection(body: Any) -> SelectionRequest:
    """Return what is asked for.

    Raises:
        MalformedRequest: naming every field of a wrong type.
    """
    fields = Fields.of(body)
    urn = fields.text("datasetUrn")
    request = SelectionRequest(
        search_parameters=fields.parameters("searchParameters"),
        dataset_urn=unquote(urn) if urn else None,
        include=fields.texts("entityIdsToInclude"),
        exclude=fields.texts("entityIdsToExclude"),
        engine_type=fields.text("engineType") or "",
    )
    fields.date("selectionDate")
    fields.check()
    return request


def read_order_request(body: Any) -> tuple[str | None, str | None]:
    """Return label and front-end page of an order to place.

    Raises:
        MalformedRequest: naming every field of a wrong type.
        InvalidInput: the address of the page holds what none can hold.
    """
    fields = Fields.of(body)
    label, page = fields.text("label"), fields.text("onSuccessUrl")
    fields.check()
    if page and ("\0" in page or not is_unicode(page)):
        raise InvalidInput((Fault("$.onSuccessUrl", f"{ascii(page)[:80]} holds NUL or half a character"),))
    return label, page


def read_file_filter(body: Any) -> FileFilter | None:
    """Return a file filter, or None for null.

    Raises:
        MalformedRequest: naming every field of a wrong type.
        InvalidInput: naming every type of files that there is not.
    """
    if body is None:
        return None
    fields = Fields.of(body)
    types, pattern = fields.texts("fileTypes"), fields.text("fileNamePattern")
    fields.check()
    return FileFilter.of(types or (), pattern)


def read_setting(body: Any) -> Any:
    """Return the value of a setting: whole numbers may come as texts or with a fraction of zero, members without use.

    Raises:
        MalformedRequest: the body is no object.
    """
    value = Fields.of(body).data.get("value")
    if not isinstance(value, dict):
        return _whole(value)
    return {name: _whole(value[name]) for name in _MEMBERS if value.get(name) is not None}


def read_quota(body: Any, email: str) -> QuotaLimits:
    """Return the limits that are to be set for *email*.

    Raises:
        MalformedRequest: naming every field that is missing or of a wrong type, and the e-mail of somebody else.
        InvalidInput: a limit is below -1.
    """
    fields = Fields.of(body)
    named = fields.text("email")
    if named is not None and named != email:
        fields.faults.append(Fault("$.email", f'is "{named}"; the path names "{email}"'))
    max_quota, rate_limit = fields.whole("maxQuota"), fields.whole("rateLimit")
    fields.check()
    return QuotaLimits(max_quota, rate_limit)


def _whole(value: Any) -> Any:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
