"""The steps that one message carries together, as its row keeps them: a JSON list, the step that planned it
first.

Each has `trigger`, `step`, `template`, `cause_key`, `enrolment`, `expires_at` (ms UTC), and once it was left
out at hand-over `left_out`, the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import orjson
from sqlalchemy import ColumnElement, Connection, Integer, Text, and_, case, column, func, select

from core.errors import ManometerError
from core.instants import Instant
from core.model.decisions import Message
from storage.event_json import properties_of
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.sql import WANTED, rows_of


@dataclass(frozen=True, slots=True)
class CarriedStep:
    """One step that a message carries, with the cause of its enrolment; `left_out` says why it is not in what
    was handed over.
    """

    trigger: str
    step: int
    template: str
    cause_key: str
    enrolment: int
    expires_at: Instant
    left_out: str | None = None
    cause_at: Instant = 0
    entered_at: Instant = 0
    cause_event: int | None = None
    cause_name: str | None = None
    cause_properties: Mapping[str, Any] = field(default_factory=dict)
    key_value: str | None = None
    version: int = 0  # under which its enrolment entered


KEPT: Final = ("trigger", "step", "template", "cause_key", "enrolment", "expires_at", "left_out")


def planned(message: Message, enrolment_ids: Mapping[tuple[str, str], int | None]) -> str | None:
    """The column of a message that was planned; ids are by trigger and cause."""
    if not message.digest:
        return None
    return orjson.dumps(
        [
            asdict(part) | {"enrolment": enrolment_ids.get((part.trigger, part.cause_key))}
            for part in message.digest
        ]
    ).decode()


def dump(carried: Iterable[CarriedStep]) -> str:
    """The column of a message that was looked at once more."""
    rows = ({name: getattr(each, name) for name in KEPT} for each in carried)
    return orjson.dumps(
        [{name: value for name, value in row.items() if value is not None} for row in rows]
    ).decode()


def load(text: str | None) -> tuple[CarriedStep, ...]:
    """What the column says, without causes; nothing where a message carries its own step alone."""
    return () if text is None else tuple(CarriedStep(**each) for each in orjson.loads(text))


def carries(text: str | None) -> tuple[tuple[str, int, str | None], ...]:
    """Trigger and step of each, and why it was left out."""
    return tuple((each.trigger, each.step, each.left_out) for each in load(text))


def with_causes(connection: Connection, texts: Mapping[int, str]) -> dict[int, tuple[CarriedStep, ...]]:
    """What these messages carry, by message, with the causes of the enrolments; where that cannot be read,
    whoever asks for the steps gets a ManometerError.
    """
    found: dict[int, tuple[CarriedStep, ...]] = {}
    broken: dict[int, tuple[CarriedStep, ...]] = {}
    for message, text in texts.items():
        try:
            found[message] = load(text)
        except Exception:  # the border of a row: the others are claimed
            broken[message] = _UnreadableSteps.of(message)
    causes = _causes(connection, sorted({each.enrolment for carried in found.values() for each in carried}))
    return {
        message: tuple(
            CarriedStep(*(getattr(each, name) for name in KEPT), *causes.get(each.enrolment, ()))
            for each in carried
        )
        for message, carried in found.items()
    } | broken


class _UnreadableSteps(tuple[CarriedStep, ...]):
    """The steps of a message whose column cannot be read: there are some, and nobody can say which."""

    message: int

    @classmethod
    def of(cls, message: int) -> Self:
        unknown: Any = [None]
        made = cls(unknown)
        made.message = message
        return made

    def __iter__(self) -> Iterator[CarriedStep]:
        raise ManometerError(f"What message {self.message} carries cannot be read: its column is no JSON.")


def _causes(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[Any, ...]]:
    columns = enrolments.c
    query = (
        select(
            columns.id,
            columns.cause_at,
            columns.entered_at,
            columns.cause_event,
            events.c.name,
            events.c.properties,
            columns.key_value,
            columns.version,
        )
        .outerjoin_from(enrolments, events, events.c.id == columns.cause_event)
        .where(columns.id.in_(WANTED))
    )
    return {
        number: (*times, cause_event, name, properties_of(cause_event, properties), key_value, version)
        for number, *times, cause_event, name, properties, key_value, version in rows_of(
            connection, query, ids
        )
    }


# ---- a decision and what its message carries ----

_PART = func.json_each(messages.c.digest).table_valued(column("value", Text))


def _in_part(name: str, kind: Any = Text) -> ColumnElement[Any]:
    return func.json_extract(_PART.c.value, f"$.{name}", type_=kind)


_OF_DECISION: Final = and_(
    _in_part("enrolment", Integer) == decisions.c.enrolment_id,
    _in_part("step", Integer) == decisions.c.step,
    _in_part("trigger") == decisions.c.trigger,
)
_LEFT_OUT: Final = (
    select(_in_part("left_out"))
    .select_from(_PART)
    .where(_OF_DECISION)
    .limit(1)
    .scalar_subquery()
    .correlate(messages, decisions)
)
JOINS: Final[ColumnElement[bool]] = and_(
    messages.c.digest.is_not(None),
    messages.c.customer_id == decisions.c.customer_id,
    messages.c.channel == decisions.c.channel,
    select(_PART.c.value).select_from(_PART).where(_OF_DECISION).correlate(messages, decisions).exists(),
)
"""Whether the message of a decision carries its step, as one of several."""
REASON: Final[ColumnElement[str | None]] = case(
    (messages.c.digest.is_not(None), func.coalesce(_LEFT_OUT, messages.c.reason)), else_=messages.c.reason
)
"""Why a decision's step did not go out with its message, or the message did not."""
STATE: Final[ColumnElement[str | None]] = case(
    (and_(messages.c.digest.is_not(None), _LEFT_OUT.is_not(None)), "cancelled"), else_=messages.c.state
)
"""What became of a decision's step: its message's state, or `cancelled` where it was left out of the message.
"""
