"""Decisions in words for an operator: what happened, to whom, why, and when it would be free again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.instants import Instant, local, parse_instant

BECAUSE: Final[Mapping[str, str]] = {
    "TRIGGER_PAUSED": "the trigger was paused",
    "TRIGGER_RETIRED": "the trigger is no longer in force",
    "STOPPED": "all sending was stopped",
    "CUSTOMER_ERASED": "the customer was erased",
    "CUSTOMER_MERGED": "the customer was merged into another",
    "GOAL_REACHED": "the goal was reached before",
    "LEFT_AUDIENCE": "the customer was no longer in the trigger's audience",
    "HOLDOUT": "the customer belongs to the share that is kept out to measure the effect",
    "REENTRY": "the last entry was too short a time ago",
    "DUPLICATE": "the same cause had entered before",
    "NO_ADDRESS": "there was no address for the channel",
    "ADDRESS_SUPPRESSED": "the address is suppressed",
    "NO_CONSENT": "there was no consent for channel and purpose",
    "OBJECTED": "the customer objected to it",
    "EXPIRED": "it would have been too late",
    "QUIET_HOURS": "the channel's send window was closed",
    "PRESSURE": "the contact pressure left no room",
    "LOWER_PRIORITY": "a more important contact had the room",
    "APPROVAL": "it waits for an approval",
    "REJECTED": "an operator rejected it",
    "CAPACITY": "the channel's capacity was used up",
    "TEMPLATE_ERROR": "the message could not be made",
    "CHANNEL_ERROR": "the channel failed",
}
OPENING: Final[Mapping[str, str]] = {"send": "Sent", "defer": "Deferred", "suppress": "Not sent", "hold": "Held"}


def when(at: Instant, zone: ZoneInfo) -> str:
    """An instant in local time, as people say it."""
    return f"{local(at, zone):%a %Y-%m-%d %H:%M}"


def in_words(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """One decision row (`rules` a list as scripts read it) as a sentence or two."""
    opening = f"{OPENING[row['outcome']]} (step {row['step']}{_over(row['channel'])}, {when(row['at'], zone)})"
    if row["outcome"] == "send":
        return f"{opening}."
    because = _pressure(row["rules"], zone) or BECAUSE.get(row["reason"] or "", "")
    detail = _detail(row.get("objections") or (), row["reason"])
    sentence = f"{opening}: {because}{f' ({detail})' if detail and not row['rules'] else ''}."
    return sentence + _afterwards(row, zone)


def _over(channel: str | None) -> str:
    return f" over {channel}" if channel else ""


def _pressure(rules: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    return "; ".join(_rule(rule, zone) for rule in rules)


def _rule(rule: Mapping[str, Any], zone: ZoneInfo) -> str:
    filled = ", ".join(f"{c['trigger']} {when(parse_instant(c['at']), zone)} {c['channel']}" for c in rule["counted"])
    if rule["limit"] is None:
        return f"too close to another contact by rule {rule['rule']} ({filled})"
    if not rule["counted"]:
        return f"rule {rule['rule']} allows {rule['limit']}, and this one alone is more"
    return f"the customer has had {rule['count']:g} of {rule['limit']:g} by rule {rule['rule']} ({filled})"


def _detail(objections: Sequence[Sequence[Any]], reason: str | None) -> str:
    return next((str(detail) for name, detail, _ in objections if name == reason), "")


def _afterwards(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    if row["until"] is not None:
        return f" Free again {when(row['until'], zone)}."
    if row["outcome"] == "hold" and row["reason"] in ("TRIGGER_PAUSED", "STOPPED"):
        return " It waits for the operator."
    free = next((until for _, _, until in row.get("objections") or () if until is not None), None)
    if row["reason"] == "EXPIRED" and free is not None:
        return f" Free again {when(free, zone)}; then expired."
    return ""
