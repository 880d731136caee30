"""A customer's timeline for the screens: rows of four tables as entries of one form, and each in full."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson

from core.errors import ManometerError
from core.explain.words import BECAUSE, behind, in_short, in_words, localized, together, when
from core.filters import read_words
from core.model.fates import FATE_WORDS, fate_in_words, fate_of_decision, fate_of_message
from screens.ports.customers import EntryDetails, Hits, Tell, TimelineEntry
from storage import timeline
from storage.outbox.digests import carries
from storage.search import MOST_WORDS

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection

MOST: Final = 6
"""So many properties of an event stand in its line."""


def entries(connection: Connection, customer_id: int, text: str, found: Tell) -> Hits:
    """The entries that a filter's text holds for, newest first."""
    try:
        asked = read_words(text, timeline.FIELDS)[:MOST_WORDS]
    except ManometerError as fault:
        return Hits(array("q"), str(fault))
    return Hits(timeline.entries(connection, customer_id, asked, found))


def entry_rows(
    connection: Connection, ids: Sequence[int], is_held_up: ColumnElement[bool]
) -> dict[int, TimelineEntry]:
    """Entries by id; `is_held_up` is the condition on a message that a pause holds."""
    return {entry: _entry(entry, row) for entry, row in timeline.rows(connection, ids, is_held_up).items()}


def channels(connection: Connection, customer_id: int) -> tuple[str, ...]:
    """The channels it speaks of."""
    return tuple(timeline.channels(connection, customer_id))


def details(connection: Connection, entry: int, zone: ZoneInfo) -> EntryDetails:
    """One entry in full; ManometerError where it is gone."""
    row = timeline.rows(connection, [entry]).get(entry)
    if row is None:
        raise ManometerError("This entry of the timeline is gone; reload it with r.")
    in_full: EntryDetails = _DETAILS[row["sort"]](row, zone)
    return in_full


# ---- lines ----


def _entry(entry: int, row: Mapping[str, Any]) -> TimelineEntry:
    kind = timeline.KINDS[row["sort"]]
    what, about, state = _SAID[row["sort"]](row)
    return TimelineEntry(
        entry, row["at"], kind, row["channel"], what, about, state, row.get("amount"), row.get("reason"),
        row["is_paused"],
    )  # fmt: skip


def _event(row: Mapping[str, Any]) -> tuple[str, str, str]:
    what = row["name"] or row["kind"]
    parts = [
        f"{name} {_brief(value)}"
        for name, value in orjson.loads(row["properties"]).items()
        if value not in (None, "", [], {})
    ]
    return what, " · ".join([*parts[:MOST], row["source"]]), ""


def _brief(value: Any) -> str:
    if isinstance(value, list):
        return f"({len(value)})"
    if isinstance(value, dict):
        return "{…}"
    return str(value)


def _message(row: Mapping[str, Any]) -> tuple[str, str, str]:
    parts = [row["error"], row["subject"] or row["template"], f"step {row['step']}", row["address"]]
    return row["trigger"], " · ".join(part for part in parts if part), row["state"]


def _decision(row: Mapping[str, Any]) -> tuple[str, str, str]:
    held_by = behind(row["reason"], orjson.loads(row["objections"] or "[]"))
    because = in_short(row["reason"], held_by) or row["note"] or ""
    return row["trigger"], f"{because}{' · ' if because else ''}step {row['step']}", row["outcome"]


def _consent(row: Mapping[str, Any]) -> tuple[str, str, str]:
    about = "all purposes" if row["purpose"] == "*" else row["purpose"]
    return "consent", f"{about} · {row['source']}", row["state"]


_SAID: Final[Sequence[Callable[[Mapping[str, Any]], tuple[str, str, str]]]] = (
    _event,
    _message,
    _decision,
    _consent,
)


# ---- in full ----


def _event_details(row: Mapping[str, Any], zone: ZoneInfo) -> EntryDetails:
    words = [f"{row['kind']} from {row['source']}{_over(row['channel'])}, {when(row['at'], zone)}."]
    if row["arrived_at"] - row["at"] > 60_000:
        words.append(f"Became known {when(row['arrived_at'], zone)}.")
    if row["history"]:
        words.append("A fact of the past: it enrols nobody.")
    return EntryDetails(
        row["name"] or row["kind"], tuple(words), tuple(orjson.loads(row["properties"]).items())
    )


def _over(channel: str | None) -> str:
    return f" over {channel}" if channel else ""


def _message_details(row: Mapping[str, Any], zone: ZoneInfo) -> EntryDetails:
    because = f": {BECAUSE.get(row['reason'], in_short(row['reason']))}" if row["reason"] else ""
    word = fate_in_words(fate_of_message(row["state"], row["reason"]), row["state"])
    said = f"{word}{because}."
    words = [f"Message {said} Planned for {when(row['planned_at'], zone)}."]
    if row["sent_at"] is not None:
        words.append(f"Handed over {when(row['sent_at'], zone)}.")
    if row["released_at"] is not None:
        words.append("It gives its room in the pressure windows back.")
    elif not row["counts"]:
        words.append("It does not count in the pressure windows.")
    if row["digest"] is not None:
        words.append(f"It carries {together(carries(row['digest']))}.")
    names = (
        "channel",
        "address",
        "subject",
        "state",
        "error",
        "template",
        "purpose",
        "attempts",
        "provider_id",
        "key",
    )
    return EntryDetails(
        f"{row['trigger']}, step {row['step']}",
        tuple(words),
        tuple((name, row[name] or None) for name in names),
    )


def _decision_details(row: Mapping[str, Any], zone: ZoneInfo) -> EntryDetails:
    rules, objections = orjson.loads(row["rules"] or "[]"), orjson.loads(row["objections"] or "[]")
    words = [in_words({**row, "rules": rules, "objections": objections}, zone)]
    words += [_objection(reason, detail, until, zone) for reason, detail, until in objections]
    if row["late"]:
        words.append(f"Late: it was due {when(row['planned_at'], zone)}.")
    values = [
        ("reason", in_short(row["reason"])),
        ("message", row["message_id"]),
        ("playbook", row["version"]),
        *_rules(rules),
    ]
    word = FATE_WORDS[fate_of_decision(row["outcome"], row["reason"])]
    return EntryDetails(
        f"{row['trigger']}, step {row['step']}: {word}",
        tuple(words),
        tuple(values),
    )


def _objection(reason: str, detail: str, until: int | None, zone: ZoneInfo) -> str:
    said = localized(detail, zone) or BECAUSE.get(reason, "")
    return (
        f"{in_short(reason).capitalize()}: {said}{'' if until is None else f', until {when(until, zone)}'}."
    )


def _rules(rules: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for rule in rules:
        yield f"rule {rule['rule']}", {name: value for name, value in rule.items() if name != "rule"}


def _consent_details(row: Mapping[str, Any], zone: ZoneInfo) -> EntryDetails:
    purpose = "every purpose" if row["purpose"] == "*" else row["purpose"]
    said = f"Consent to {row['channel']} for {purpose} {row['state']} {when(row['at'], zone)}"
    words = f"{said}, recorded by {row['source']}."
    return EntryDetails(
        f"Consent {row['state']}",
        (words,),
        tuple((name, row[name]) for name in ("address", "wording", "proof")),
    )


_DETAILS: Final[Sequence[Callable[[Mapping[str, Any], ZoneInfo], EntryDetails]]] = (
    _event_details,
    _message_details,
    _decision_details,
    _consent_details,
)
