"""Write docs/states.md from the tables of transitions: ``python docs/generate.py``.

A test checks that the page is current.
"""

from __future__ import annotations

import enum
import inspect
import io
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from regards_order import (
    FILES,
    ORDERS,
    SUBORDERS,
    FileEvent,
    FileState,
    OrderEvent,
    OrderStatus,
    SuborderEvent,
    SuborderState,
)
from regards_order.domain.states import Machine

PAGE = Path(__file__).parent / "states.md"

_HEAD = """\
# States

<!-- Written by docs/generate.py from the tables in the source; do not edit. -->

Orders, suborders and files move by tables of transitions: *state × event → state*. One table guards the
domain, drives the tests and draws this page, so they cannot disagree. An event that is not in the row of
a state is refused with one error, `IllegalTransition`, which names the entity, its state, the event, the
states in which it would be possible, and a stable code; nothing changes then.

What makes the events happen is told in [orders.md](orders.md) and [downloads.md](downloads.md). Today the
service completes, fulfils and delivers orders; the events of pausing, deleting, restarting, retrying and
expiring are in the tables already, their commands come later (see [the README](../README.md)).
"""

_SECTIONS: tuple[tuple[str, str, Machine[Any, Any], type[enum.Enum], type[enum.Enum]], ...] = (
    (
        "Orders",
        "RUNNING means that not every file is treated, even when nothing runs because the user has to download first."
        " DONE does not mean downloaded: a DONE order keeps its slots until its files have left the state AVAILABLE.",
        ORDERS,
        OrderStatus,
        OrderEvent,
    ),
    (
        "Suborders",
        "A suborder holds one of its owner's slots while it is QUEUED, ASKED or WAITING. One of external files is"
        " ENDED from the start: it needs no storage and takes no slot.",
        SUBORDERS,
        SuborderState,
        SuborderEvent,
    ),
    (
        "Files",
        "Stored files begin PENDING, external ones AVAILABLE. All states but PENDING count as treated. The next ZIP"
        " holds the files that are AVAILABLE or DOWNLOAD_ERROR.",
        FILES,
        FileState,
        FileEvent,
    ),
)


def meanings(kind: type[enum.Enum]) -> dict[str, str]:
    """Return the ``#:`` comment behind each member of an enumeration."""
    found = {}
    name = ""
    for token in tokenize.generate_tokens(io.StringIO(inspect.getsource(kind)).readline):
        if token.type == tokenize.NAME and token.string in kind.__members__ and not name:
            name = token.string
        elif token.type == tokenize.COMMENT and token.string.startswith("#:") and name:
            found[name] = token.string.removeprefix("#:").strip()
        elif token.type == tokenize.NEWLINE:
            name = ""
    return found


def section(
    title: str, text: str, machine: Machine[Any, Any], states: type[enum.Enum], events: type[enum.Enum]
) -> Iterator[str]:
    """Yield the lines about one kind of entity."""
    yield from (f"## {title}", "", text, "", "```mermaid", machine.mermaid().rstrip(), "```", "")
    yield from _table(("State", "Meaning"), meanings(states).items())
    yield from _table(("Event", "Meaning"), meanings(events).items())
    yield from _table(
        ("From", "Event", "To"),
        (
            (state.name, event.name, "*(erased)*" if to is None else to.name)
            for state, event, to in machine.transitions()
        ),
    )
    yield f"Refusal codes, when an event is not possible in the state of the {title.lower().rstrip('s')}:"
    yield ""
    codes = ((event.name, f"`{machine.codes.get(event, _default(machine, event))}`") for event in events)
    yield from _table(("Event", "Code"), codes)


def _default(machine: Machine[Any, Any], event: enum.Enum) -> str:
    return f"{machine.entity.upper()}_CANNOT_{event.name}"


def _table(heads: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def page() -> str:
    """Return the text of docs/states.md."""
    lines = [_HEAD]
    for each in _SECTIONS:
        lines += section(*each)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"written: {PAGE}")
