"""Read uploaded files (docs/rest.md): multipart/form-data, on python-multipart."""

from __future__ import annotations

import io
from typing import Any

from regards_order.domain.errors import Fault
from regards_order_adapters.extras import require
from regards_order_adapters.http.errors import MalformedRequest

require("http", "python_multipart")

import python_multipart  # noqa: E402 -- after its absence was explained
from python_multipart.exceptions import FormParserError  # noqa: E402


def read_part(body: bytes, content_type: str, name: str) -> bytes:
    """Return the contents of one part of a form, as a file or as a field.

    Raises:
        MalformedRequest: there is no such part, or the body is no such form.
    """
    found: list[bytes] = []

    def take_file(file: Any) -> None:
        if file.field_name == name.encode():
            file.file_object.seek(0)
            found.append(file.file_object.read())
        file.close()

    def take_field(field: Any) -> None:
        if field.field_name == name.encode():
            found.append(field.value or b"")

    headers = {"Content-Type": content_type.encode("latin-1"), "Content-Length": str(len(body)).encode()}
    try:
        python_multipart.parse_form(headers, io.BytesIO(body), take_field, take_file)
    except (FormParserError, ValueError) as error:
        raise MalformedRequest((Fault("$", f"the body is no multipart/form-data: {error}"),)) from None
    if not found:
        raise MalformedRequest((Fault(name, f"Required part '{name}' is not present."),))
    return found[0]
