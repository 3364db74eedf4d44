"""The machine that drives every table of transitions, and its tables."""

from __future__ import annotations

import enum

import pytest

from regards_order.domain.errors import IllegalTransition
from regards_order.domain.files import DELIVERABLE, FILES, FileEvent, FileState
from regards_order.domain.order import ORDERS, OrderEvent, OrderStatus
from regards_order.domain.states import Machine
from regards_order.domain.suborder import HOLDING, SUBORDERS, SuborderEvent, SuborderState


class Light(enum.Enum):
    """The states of a lamp."""

    OFF = "OFF"
    ON = "ON"
    BROKEN = "BROKEN"


class Deed(enum.Enum):
    """What happens to a lamp."""

    SWITCH = "SWITCH"
    GLOW_ON = "GLOW_ON"
    THROW_AWAY = "THROW_AWAY"


LAMP: Machine[Light, Deed] = Machine(
    "Lamp",
    Light.OFF,
    {
        Light.OFF: {Deed.SWITCH: Light.ON},
        Light.ON: {Deed.SWITCH: Light.OFF, Deed.GLOW_ON: Light.ON},
        Light.BROKEN: {Deed.THROW_AWAY: None},
    },
    {Deed.THROW_AWAY: "LAMP_MUST_BE_BROKEN"},
)


def test_next_state_is_that_of_the_table() -> None:
    """An event leads to the state that the table names, which may be the same one."""
    assert LAMP.next(1, Light.OFF, Deed.SWITCH) is Light.ON
    assert LAMP.next(1, Light.ON, Deed.GLOW_ON) is Light.ON


def test_erasing_event_leaves_the_state() -> None:
    """An event that erases the entity is allowed and leaves the state as it is."""
    assert LAMP.allows(Light.BROKEN, Deed.THROW_AWAY)
    assert LAMP.next(1, Light.BROKEN, Deed.THROW_AWAY) is Light.BROKEN


def test_refusal_names_entity_state_event_and_what_would_do() -> None:
    """A refused event says what it met and lists every state in which it is possible."""
    with pytest.raises(IllegalTransition) as caught:
        LAMP.next(7, Light.BROKEN, Deed.SWITCH)
    assert str(caught.value) == 'Lamp 7 is BROKEN: "switch" is possible only when it is OFF or ON.'
    assert caught.value.code == "LAMP_CANNOT_SWITCH"
    assert caught.value.status == 401


def test_refusal_bears_the_code_of_its_event() -> None:
    """An event with a code word is refused with it."""
    with pytest.raises(IllegalTransition) as caught:
        LAMP.check(7, Light.ON, Deed.THROW_AWAY)
    assert caught.value.code == "LAMP_MUST_BE_BROKEN"
    assert '"throw away"' in caught.value.message


def test_moves_maps_each_state_to_the_next() -> None:
    """A bulk update gets every state that moves, and none that would be erased."""
    assert LAMP.moves(Deed.SWITCH) == {Light.OFF: Light.ON, Light.ON: Light.OFF}
    assert LAMP.moves(Deed.THROW_AWAY) == {}


def test_diagram_draws_every_transition() -> None:
    """The diagram holds the initial state and one line for each transition."""
    assert LAMP.mermaid() == (
        "stateDiagram-v2\n"
        "    [*] --> OFF\n"
        "    OFF --> ON: switch\n"
        "    ON --> OFF: switch\n"
        "    ON --> ON: glow on\n"
        "    BROKEN --> [*]: throw away\n"
    )


# --- the tables, whole: a column for each state, "." where the event is refused --------------------------------------

ORDER_COLUMNS = ["PENDING", "RUNNING", "PAUSED", "DONE", "DONE_WITH_WARNING", "FAILED", "EXPIRED", "DELETED", "ERROR"]
ORDER_TABLE = {
    "START": "RUNNING RUNNING PAUSED . . . . . .",
    "FINISH": "DONE DONE DONE . . . . . .",
    "FINISH_WITH_WARNING": "DONE_WITH_WARNING DONE_WITH_WARNING DONE_WITH_WARNING DONE_WITH_WARNING . . . . .",
    "FAIL": "FAILED FAILED FAILED . . . . . .",
    "PAUSE": "PAUSED PAUSED . . . . . . .",
    "RESUME": ". . RUNNING . . . . . .",
    "DELETE": ". . DELETED DELETED DELETED DELETED DELETED . DELETED",
    "REMOVE": ". . . . . . . erased .",
    "RESTART": ". . . DONE DONE_WITH_WARNING FAILED . . .",
    "RETRY": ". . . . RUNNING RUNNING . . .",
    "EXPIRE": "EXPIRED EXPIRED EXPIRED EXPIRED EXPIRED . . . EXPIRED",
    "CANCEL_FAILED": "ERROR ERROR ERROR ERROR ERROR ERROR ERROR . ERROR",
}
ORDER_CODES = {
    "PAUSE": "ORDER_MUST_BE_PENDING_OR_RUNNING",
    "RESUME": "ORDER_MUST_BE_PAUSED",
    "DELETE": "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_PAUSED_OR_FAILED_OR_EXPIRED",
    "REMOVE": "ORDER_MUST_BE_DELETED",
    "RESTART": "ORDER_MUST_BE_DONE_OR_DONE_WITH_WARNING_OR_FAILED",
    "RETRY": "ORDER_MUST_BE_DONE_WITH_WARNING_OR_FAILED",
}
FILE_COLUMNS = ["PENDING", "AVAILABLE", "DOWNLOADED", "DOWNLOAD_ERROR", "PROCESSING_ERROR", "ERROR"]
FILE_TABLE = {
    "MADE_AVAILABLE": "AVAILABLE . . . . .",
    "REFUSED": "ERROR ERROR . . . .",
    "UNANSWERED": "ERROR . . . . .",
    "DELIVERED": ". DOWNLOADED DOWNLOADED DOWNLOADED . .",
    "DELIVERY_FAILED": ". DOWNLOAD_ERROR DOWNLOAD_ERROR DOWNLOAD_ERROR . .",
    "RETRIED": ". . . PENDING . PENDING",
    "RETRIED_EXTERNAL": ". . . AVAILABLE . AVAILABLE",
}
SUBORDER_COLUMNS = ["PENDING", "QUEUED", "ASKED", "WAITING", "ENDED", "ABORTED"]
SUBORDER_TABLE = {
    "QUEUE": "QUEUED . . . . .",
    "ASK": ". ASKED . . . .",
    "ANSWERED": ". . WAITING . . .",
    "EXHAUSTED": ". . ENDED ENDED . .",
    "ABORT": "ABORTED ABORTED ABORTED . . .",
    "RESUME": ". . . . . PENDING",
}


def cells(columns, table, machine, states, events, codes):
    """Return one case for each cell of a table: machine, state, event, next state or None, code of the refusal."""
    assert [state.name for state in states] == columns
    assert {event.name for event in events} == set(table)
    return [
        pytest.param(
            machine,
            states[column],
            events[event],
            None if target == "." else target,
            codes.get(event, f"{machine.entity.upper()}_CANNOT_{event}"),
            id=f"{machine.entity}-{column}-{event}",
        )
        for event, row in table.items()
        for column, target in zip(columns, row.split(), strict=True)
    ]


@pytest.mark.parametrize(
    ("machine", "state", "event", "target", "code"),
    [
        *cells(ORDER_COLUMNS, ORDER_TABLE, ORDERS, OrderStatus, OrderEvent, ORDER_CODES),
        *cells(FILE_COLUMNS, FILE_TABLE, FILES, FileState, FileEvent, {}),
        *cells(SUBORDER_COLUMNS, SUBORDER_TABLE, SUBORDERS, SuborderState, SuborderEvent, {}),
    ],
)
def test_table(machine, state, event, target, code) -> None:
    """Each event leads where the table of chapters 4 and 5 says, or is refused with its code word."""
    assert machine.allows(state, event) is (target is not None)
    if target is None:
        with pytest.raises(IllegalTransition) as caught:
            machine.next(1254, state, event)
        assert (caught.value.code, caught.value.state, caught.value.id) == (code, state.name, 1254)
        assert state.name not in caught.value.expected.split(" or ")
    elif target == "erased":
        assert machine.table[state][event] is None
    else:
        assert machine.next(1254, state, event).name == target


@pytest.mark.parametrize("machine", [ORDERS, FILES, SUBORDERS], ids=lambda machine: machine.entity)
def test_new_entities_are_pending(machine) -> None:
    """Everything begins PENDING, and the diagram says so."""
    assert machine.initial.name == "PENDING"
    assert machine.mermaid().splitlines()[1] == "    [*] --> PENDING"
    assert machine.mermaid().count("\n") == 2 + len(list(machine.transitions()))


def test_sets_of_states() -> None:
    """Slots are held from QUEUED to the last download; a ZIP takes AVAILABLE and DOWNLOAD_ERROR files."""
    assert {state.name for state in HOLDING} == {"QUEUED", "ASKED", "WAITING"}
    assert {state.name for state in DELIVERABLE} == {"AVAILABLE", "DOWNLOAD_ERROR"}
