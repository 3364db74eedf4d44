"""What a ZIP of an order holds: names of its entries, and the notice of what failed (docs/downloads.md)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

import attrs

_UNSAFE = re.compile(r"[/\\:\x00-\x1f\x7f-\x9f\ud800-\udfff]|\A\.(?=\.)|(?<=\A\.)\.|\A\.\Z")
NOTICE = "NOTICE.txt"
_BYTES = 255


def clean_name(name: str) -> str:
    r"""Return a file name that is safe on every system.

    ``/``, ``\``, ``:``, control characters and the dots of a leading ``..`` become ``_``; a name longer than file
    systems take is cut, its extension kept.

    >>> clean_name("../a:b")
    '___a_b'
    """
    return _fitted(_UNSAFE.sub("_", name) or "_", "")


def _fitted(name: str, mark: str) -> str:
    """Return *name* with *mark* before its extension, in at most 255 bytes of UTF-8."""
    stem, dot, extension = name.rpartition(".")
    if not dot or len(extension.encode()) > _BYTES // 2:
        stem, end = name, mark
    else:
        end = f"{mark}.{extension}"
    return stem.encode()[: _BYTES - len(end.encode())].decode("utf-8", "ignore") + end


def zip_name(order_id: int, now: dt.datetime) -> str:
    """Return the name of an order's ZIP made *now* (UTC).

    >>> zip_name(12, dt.datetime(2026, 3, 2, 9, 21, 50, 727542))
    'order_12_2026-03-02T09_21_50.727542Z.zip'
    """
    return f"order_{order_id}_{now:%Y-%m-%dT%H_%M_%S.%f}Z.zip"


@attrs.define
class EntryNames:
    """Give each entry of one archive a name of its own.

    The second ``a.txt`` becomes ``a (1).txt``, the next one ``a (2).txt``; a name that is really taken is skipped.
    """

    _taken: set[str] = attrs.field(factory=set, init=False)
    _next: dict[str, int] = attrs.field(factory=dict, init=False)

    def take(self, name: str) -> str:
        """Return *name*, cleaned, or the next free name made of it."""
        wanted = clean_name(name)
        free = wanted
        while free in self._taken:
            n = self._next[wanted] = self._next.get(wanted, 0) + 1
            free = _fitted(wanted, f" ({n})")
        self._taken.add(free)
        return free


@attrs.frozen
class Failure:
    """Hold a file that could not be delivered: its name, the reason for its user, and the technical cause."""

    file_id: int
    filename: str
    reason: str
    cause: str


def notice(failures: Sequence[Failure]) -> str:
    """Return the text of NOTICE.txt: one line for each failed file.

    >>> notice([Failure(1, "a.txt", "Checksum mismatch", "")])
    'Failed to download file (a.txt): Checksum mismatch.'
    """
    return "\n".join(f"Failed to download file ({each.filename}): {each.reason}." for each in failures)
