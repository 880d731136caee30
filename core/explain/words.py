"""Decisions in words for an operator: what happened, to whom, why, and when it would be free again."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.instants import MINUTE, Instant, Millis, local, parse_instant, rounded_up

BECAUSE: Final[Mapping[str, str]] = {
    "TRIGGER_PAUSED": "the trigger was paused",
    "TRIGGER_RETIRED": "the trigger is no longer in force",
    "STOPPED": "sending was stopped",
    "CUSTOMER_ERASED": "the customer was erased",
    "CUSTOMER_MERGED": "she turned out to be one with another customer",
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
    "SURGE": "its trigger would send far more than expected",
    "REJECTED": "an operator rejected it",
    "CAPACITY": "the channel's capacity was used up",
    "TEMPLATE_ERROR": "the message could not be made",
    "CHANNEL_ERROR": "the channel failed",
    "SET_ASIDE": "it is set aside, since working on it failed",
}
GONE: Final = frozenset({"sent", "delivered"})
"""States of a message of which nothing more need be said than that it was sent."""
PRESENT: Final[Mapping[str, str]] = {
    "planned": "the message waits for its time",
    "held": "the message waits for an approval",
    "due": "the message waits to be handed over",
    "claimed": "the message is being handed over",
    "sent": "the message was sent",
    "delivered": "the message was delivered",
    "bounced": "the message was sent and came back",
    "complained": "the message was sent, and the customer complained of it",
    "cancelled": "the message was cancelled",
    "failed": "the message failed",
    "expired": "the message expired before it went out",
    "uncertain": "nobody knows whether the message went out",
}
"""What has become of a message by now, by its state."""
_INSTANT: Final = re.compile(r"\b[1-8]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z")
OPENING: Final[Mapping[str, str]] = {
    "send": "Sent",
    "defer": "Deferred",
    "suppress": "Not sent",
    "hold": "Held",
}
FORETOLD: Final[Mapping[str, str]] = {
    "send": "would be sent",
    "defer": "would be deferred",
    "suppress": "would not be sent",
    "hold": "would be held",
}
"""The same of what nobody has decided yet."""
SOON: Final[Millis] = 5 * MINUTE
"""What goes out within so long after its decision needs no word on when."""


def counted(number: int, noun: str) -> str:
    """`1 message`, `1,204 messages`, `2 addresses`."""
    many = "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{'' if number == 1 else many}"


def any_of(names: Iterable[str]) -> str:
    """`Order Completed or Order Shipped`; empty where there are none."""
    return " or ".join(sorted(names))


def in_short(reason: str | None, behind: str | None = None) -> str:
    """A reason in small letters, and what stood `behind` it: `expired, waiting for pressure`; empty for
    None.
    """
    words = (reason or "").replace("_", " ").lower()
    return f"{words}, waiting for {in_short(behind)}" if behind else words


def behind(reason: str | None, objections: Sequence[Sequence[Any]]) -> str | None:
    """What something that expired had waited for; None where it was only late, or did not expire."""
    first = str(objections[0][0]) if reason == "EXPIRED" and objections else None
    return first if first in ("PRESSURE", "QUIET_HOURS") else None


def when(at: Instant, zone: ZoneInfo) -> str:
    """An instant in local time, as people say it: `Mon 20 Oct 2025 07:00`."""
    return f"{local(at, zone):%a %d %b %Y %H:%M}"


def in_full(at: Instant, zone: ZoneInfo) -> str:
    """The same with the zone's short name: `Mon 20 Oct 2025 07:00 CEST`."""
    return f"{when(at, zone)} {local(at, zone):%Z}"


def when_free(at: Instant, zone: ZoneInfo) -> str:
    """When something is free again, to the second where that is no whole minute: `Mon 20 Oct 2025 07:00`."""
    at = rounded_up(at)
    return when(at, zone) if at % MINUTE == 0 else f"{local(at, zone):%a %d %b %Y %H:%M:%S}"


def localized(text: str, zone: ZoneInfo) -> str:
    """A text with the instants in it, which scripts read as `2025-10-20T05:00:00Z`, as people say them."""
    return _INSTANT.sub(lambda found: _said(found[0], zone), text)


def _said(instant: str, zone: ZoneInfo) -> str:
    try:
        return when(parse_instant(instant), zone)
    except ValueError:  # a customer's own text may look like an instant and be none
        return instant


def in_words(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """One decision row (`rules` a list as scripts read it) as a sentence or two.

    Where it has `message_state`, `message_reason` and `message_sent_at`, they say what has become of the
    message since, and `message_pause` what holds it up. One that is `foretold` is not decided yet.
    """
    place = f"(step {row['step']}{_over(row['channel'])}, {in_full(row['at'], zone)})"
    opening = (
        f"Not decided yet: {FORETOLD[row['outcome']]} {place}"
        if row.get("foretold")
        else f"{OPENING[row['outcome']]} {place}"
    )
    since = row.get("message_state")
    if since is not None and (since not in GONE if row["outcome"] == "send" else since != "held"):
        decided = "held for an approval" if row["outcome"] == "hold" else "decided to send it"
        return f"It was {decided} {place}; {_present(row, zone)}.{_note(row, zone)}"
    if row["outcome"] == "send":
        return f"{opening}{_went_out(row, zone)}.{_note(row, zone)}"
    because = _pressure(row["rules"], zone) or BECAUSE.get(row["reason"] or "", "")
    detail = localized(_detail(row.get("objections") or (), row["reason"]), zone)
    sentence = f"{opening}: {because}{f' ({detail})' if detail and not row['rules'] else ''}."
    return sentence + _note(row, zone) + _afterwards(row, zone)


def _went_out(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """When it left, where that was not soon after its decision: an approval may have kept it."""
    sent_at = row.get("message_sent_at")
    return (
        f"; it went out {when(sent_at, zone)}" if sent_at is not None and sent_at - row["at"] >= SOON else ""
    )


def _present(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    """What has become of the message, why where that is noted, and when it left; what is held says so
    itself.
    """
    state, reason = row["message_state"], row.get("message_reason")
    pause = localized(row.get("message_pause") or "", zone)
    if state == "held" and reason == "SET_ASIDE":
        return "the message is set aside, since working on it failed"
    if state == "held" and reason == "SURGE":
        return f"the message is held: {BECAUSE[reason]}"
    if pause and state in ("planned", "due"):
        return f"the message is held: {pause}"
    if pause and state == "held":
        return f"{PRESENT[state]}, and would then be held: {pause}"
    because = BECAUSE.get(reason or "", "") if state in ("cancelled", "failed", "due") else ""
    sent_at = row.get("message_sent_at") if state in GONE else None
    sent = "" if sent_at is None else f" on {when(sent_at, zone)}"
    return f"{PRESENT[state]}{f': {because}' if because else ''}{sent}"


def together(carried: Sequence[tuple[str, int, str | None]]) -> str:
    """What one message carries, by trigger, step and why it was left out: `basket, step 1; tips, step 2 (left
    out: ...)`.
    """
    return "; ".join(
        f"{trigger}, step "
        f"{step}{f' (left out: {BECAUSE.get(left_out, in_short(left_out))})' if left_out else ''}"
        for trigger, step, left_out in carried
    )


def _note(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    note = localized(row.get("note") or "", zone)
    return f" {note[:1].upper()}{note[1:]}." if note else ""


def _over(channel: str | None) -> str:
    return f" over {channel}" if channel else ""


def _pressure(rules: Sequence[Mapping[str, Any]], zone: ZoneInfo) -> str:
    return "; ".join(_rule(rule, zone) for rule in rules)


def _rule(rule: Mapping[str, Any], zone: ZoneInfo) -> str:
    filled = ", ".join(
        f"{c['trigger']} {when(parse_instant(c['at']), zone)} {c['channel']}" for c in rule["counted"]
    )
    if rule["limit"] is None:
        return f"too close to another contact by rule {rule['rule']} ({filled})"
    if not rule["counted"]:
        return f"rule {rule['rule']} allows {rule['limit']}, and this one alone is more"
    return f"the customer has had {rule['count']:g} of {rule['limit']:g} by rule {rule['rule']} ({filled})"


def _detail(objections: Sequence[Sequence[Any]], reason: str | None) -> str:
    """The evidence of the reason; of what expired, to whom it had left its room."""
    telling = (reason, "LOWER_PRIORITY") if reason == "EXPIRED" else (reason,)
    return next((str(detail) for name, detail, _ in objections if name in telling), "")


def _afterwards(row: Mapping[str, Any], zone: ZoneInfo) -> str:
    if row["until"] is not None:
        return f" Free again {when_free(row['until'], zone)}."
    if row["outcome"] == "hold" and row["reason"] in ("TRIGGER_PAUSED", "STOPPED"):
        return " It waits for the operator."
    free = next((until for _, _, until in row.get("objections") or () if until is not None), None)
    if row["reason"] == "EXPIRED" and free is not None:
        return f" Free again {when_free(free, zone)}; then expired."
    return ""
