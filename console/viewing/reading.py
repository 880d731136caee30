"""One message to read: as it was sent, as it would be now, or, where its text is gone, why. Nothing is ever
made anew in place of what was sent. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from console.messages.handover import TemplateFault
from console.messages.templates import RenderedTexts
from console.viewing.samples import Reading, sample_workshop
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.explain.words import counted, in_full
from core.instants import DAY, Instant, format_duration
from core.model.dossier import known_profile
from core.model.retention import RetentionSettings
from storage.outbox import dispatch as outbox
from storage.outbox import listing as outbox_listing
from storage.outbox import texts
from storage.outbox.dispatch import Claimed
from storage.outbox.listing import OutboxRow
from storage.play import dossiers

MessageForm: TypeAlias = Literal["sent", "now", "gone"]
"""As it was sent; as it would be made now; its text is gone."""
WENT: tuple[str, ...] = ("sent", "delivered", "bounced", "complained", "uncertain")
"""States of a message that went out, or may have."""


@dataclass(frozen=True, slots=True)
class ReadMessage:
    """A message to read. Instants are ms UTC."""

    row: OutboxRow
    form: MessageForm
    at: Instant | None
    """The instant as of which it says what it says; None where its text is gone."""
    kept_until: Instant | None
    subject: str
    parts: Mapping[str, str]
    fault: str | None = None
    """Why there is no text."""


def read_message(
    reading: Reading, workspace: Workspace, number: int, now: Instant, *, anew: bool = False
) -> ReadMessage:
    """A message of the outbox: as it was sent where it went out, else, or where asked for `anew`, as it would
    be made now. ManometerError where there is no such message.
    """
    with reading() as connection:
        row = _row(connection, number)
        # an uncertain one that turned out not to have gone, or that is tried again, was not sent so
        sent = _sent(connection, number) if row.state in WENT and not anew else None
    if sent is not None:
        until = sent.made_at + workspace.retention.texts
        return ReadMessage(row, "sent", sent.made_at, until, sent.subject, sent.parts)
    if row.state in WENT and not anew:
        why = gone_words(row.sent_at, workspace.retention, now, workspace.playbook.zone)
        return ReadMessage(row, "gone", None, None, row.subject or "", {}, why)
    try:
        made = _made_now(reading, workspace, number, now)
    except TemplateFault as fault:
        return ReadMessage(row, "now", now, None, "", {}, fault.reason)
    return ReadMessage(row, "now", now, None, made.subject, made.parts)


def _row(connection: Connection, number: int) -> OutboxRow:
    if 0 < number < 1 << 63:
        for row in outbox_listing.listing(connection, after=number - 1, limit=1):
            if row.id == number:
                return row
    raise ManometerError(f"There is no message {number}. `manometer outbox` lists them.")


def _sent(connection: Connection, number: int) -> texts.SentText | None:
    try:
        return texts.of_message(connection, number)
    except ValueError as error:
        raise ManometerError(
            f"Message {number}: {error}. The database may be damaged; restore a backup."
        ) from None


def gone_words(sent_at: Instant | None, retention: RetentionSettings, now: Instant, zone: ZoneInfo) -> str:
    """Why the text of a message that went out is not there any more."""
    if retention.texts == 0:
        return "Its text was not kept: [retention] in manometer.toml keeps none (texts is 0)."
    if sent_at is not None and sent_at + retention.texts <= now:
        until = in_full(sent_at + retention.texts, zone)
        return f"Its text is gone: it was kept for {_length(retention)}, until {until}."
    return "Its text is gone: it went out before texts were kept, or was erased."


def _length(retention: RetentionSettings) -> str:
    days, rest = divmod(retention.texts, DAY)
    return format_duration(retention.texts) if rest else counted(days, "day")


def form_words(found: ReadMessage, zone: ZoneInfo) -> str:
    """As of when a message says what it says."""
    if found.form == "gone" or found.at is None:
        return "Gone"
    at = in_full(found.at, zone)
    if found.form == "sent" and found.row.state == "uncertain":
        return f"As handed over on {at}; whether it went out nobody can tell"
    if found.form == "sent":
        return f"As sent on {at}"
    differs = "not as it was sent" if found.row.state in WENT else "it was not sent"
    return f"As it would be now, {at}: {differs}"


def _made_now(reading: Reading, workspace: Workspace, number: int, now: Instant) -> RenderedTexts:
    playbook = workspace.playbook
    with reading() as connection:
        message = outbox.with_cause(connection, number)
        known = {} if message is None else dossiers.load(connection, [message.customer_id], playbook)
    if message is None or message.customer_id not in known:
        raise TemplateFault("the customer is gone")
    _refuse_removed(message, workspace)
    workshop = sample_workshop(workspace, reading)
    made = workshop.make_claimed(message, known_profile(known[message.customer_id], now), now)
    return RenderedTexts(made.subject, made.parts)


def _refuse_removed(message: Claimed, workspace: Workspace) -> None:
    playbook = workspace.playbook
    if playbook.index.definition(message.trigger, message.version) is None:
        raise TemplateFault(f"the trigger {message.trigger} is no longer in the playbook")
    if message.channel not in playbook.channels:
        raise TemplateFault(f"the channel {message.channel} is no longer in the playbook")
