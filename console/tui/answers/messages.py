"""Messages to read for the screens: from the same reading and the same samples as the commands'."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Connection

from console.tui.answers.exports import ExportsAnswers
from console.tui.answers.local_workspace import LocalWorkspace
from console.viewing.message_page import message_page, opened_in_browser, write_message_page
from console.viewing.proofs import send_proof
from console.viewing.readable import readable_parts
from console.viewing.reading import form_words, read_message
from console.viewing.samples import Sample, SampleAsked, make_sample, sample_words, template_names
from core.errors import ManometerError
from core.explain.words import in_full
from core.instants import format_instant
from core.model.outbox import ListedMessage
from screens.ports import Cancelled
from screens.ports.messages import MessageAsked, MessageChoices, ShownMessage
from storage import customers, decisions, timeline
from storage.decisions import ListedDecision
from storage.outbox import listing as outbox_listing


@dataclass(frozen=True, slots=True)
class _Found:
    """What is shown, and the texts as they stand."""

    shown: ShownMessage
    parts: Mapping[str, str]


class MessagesAnswers:
    """Reads from the database of a LocalWorkspace; pages for the browser lie in a folder of their own until
    the console ends.
    """

    def __init__(self, local: LocalWorkspace, exports: ExportsAnswers) -> None:
        self._local = local
        self._exports = exports
        self._pages: Path | None = None

    def shown(self, asked: MessageAsked, cancelled: Cancelled) -> ShownMessage:
        """The message."""
        return self._found(asked, cancelled).shown

    def save(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        """Write its page into the workspace's folder of exports, for this account alone; where it lies."""
        found = self._found(asked, cancelled)
        path = next(path for path in self._exports.paths(found.shown.title, "html") if not path.exists())
        self._write(path, found)
        return str(path)

    def browse(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        """Open its page in the browser; where there is none, as over a line, it is said where it lies."""
        found = self._found(asked, cancelled)
        if self._pages is None:
            self._pages = Path(tempfile.mkdtemp(prefix="manometer-"))
        path = self._pages / f"message-{len(list(self._pages.iterdir())) + 1}.html"
        self._write(path, found)
        if opened_in_browser(path):
            return f"{found.shown.title} is open in the browser."
        return f"There is no browser here. Until the console ends the page lies in {path}; e keeps it."

    def choices(self, cancelled: Cancelled) -> MessageChoices:
        """What can be asked for."""
        workspace = self._local.in_force()
        if cancelled():
            return MessageChoices((), (), ())
        return MessageChoices(template_names(workspace), tuple(workspace.playbook.channels), workspace.proofs)

    def proof(self, asked: MessageAsked, address: str, reason: str) -> str:
        """Send it to an operator as a proof; ManometerError where it is of no template, or cannot be sent."""
        if self._local.place.read_only is not None:
            raise ManometerError(f"Nothing was sent: {self._local.place.read_only}.")
        local, workspace = self._local, self._local.in_force()
        sample = self._sample(self._of_template(asked, lambda: False), lambda: False)
        sent = send_proof(
            local.store, workspace, sample, address, local.place.author, local.now(), reason or None
        )
        trigger = () if sample.trigger is None else ("--trigger", sample.trigger)
        local.note_command(
            "render", sample.template, sample.customer, "--channel", sample.channel, *trigger,
            "--at", format_instant(sample.at), "--proof-to", address,
            reason=reason or None,
        )  # fmt: skip
        return f"A proof went to {address} over {sample.channel}: {sent.subject}"

    def close(self) -> None:
        """Remove the pages that were made for the browser."""
        if self._pages is not None:
            shutil.rmtree(self._pages, ignore_errors=True)

    # ---- which message ----

    def _found(self, asked: MessageAsked, cancelled: Cancelled) -> _Found:
        asked = _named(asked)
        number = self._number(asked, cancelled)
        if number is not None:
            return self._of_outbox(number, asked, cancelled)
        return self._of_sample(self._sample(self._of_template(asked, cancelled), cancelled))

    def _number(self, asked: MessageAsked, cancelled: Cancelled) -> int | None:
        """The message of the outbox that is asked for; None where there is none, or a template is named."""
        if asked.number is not None:
            return asked.number
        with self._local.asking(cancelled) as connection:
            if asked.decision is not None:
                return _decided(connection, asked.decision)[1]
            if asked.template is not None or asked.anew or asked.at is not None or asked.trigger is None:
                return None
            identifier = customers.resolve(connection, asked.customer)
            return outbox_listing.newest_of(connection, identifier, asked.trigger)

    def _of_outbox(self, number: int, asked: MessageAsked, cancelled: Cancelled) -> _Found:
        workspace, zone = self._local.in_force(), self._local.place.zone
        now = self._local.now()
        found = read_message(lambda: self._local.asking(cancelled), workspace, number, now, anew=asked.anew)
        with self._local.asking(cancelled) as connection:
            listed: ListedMessage = next(outbox_listing.rows(connection, [number]))
        kept = f"; kept until {in_full(found.kept_until, zone)}" if found.kept_until is not None else ""
        row = found.row
        shown = ShownMessage(
            found.form,
            f"{form_words(found, zone)}{kept}",
            f"Message {number}",
            row.customer,
            listed.customer_id,
            row.trigger,
            row.template,
            row.channel,
            found.subject,
            _readable(found.parts),
            found.fault,
            listed,
        )
        return _Found(shown, found.parts)

    def _of_template(self, asked: MessageAsked, cancelled: Cancelled) -> SampleAsked:
        """The template to make, for the customer and trigger that are asked for, or whose message or decision
        it is.
        """
        asked = _named(asked)
        now, workspace = self._local.now(), self._local.in_force()
        customer, trigger, template = asked.customer, asked.trigger, asked.template
        channel, at = asked.channel, asked.at
        with self._local.asking(cancelled) as connection:
            number, step = asked.number, asked.step
            if asked.decision is not None:
                row, number = _decided(connection, asked.decision)
                customer, trigger, step = row.customer, row.trigger, row.step
                channel, at = row.channel, row.at
            if number is not None:
                message = next(outbox_listing.rows(connection, [number]), None)
                if message is None:
                    raise ManometerError(f"There is no message {number} any more.")
                customer, trigger, template = message.customer, message.trigger, message.template
                channel = message.channel
        known = None if trigger is None else workspace.playbook.trigger(trigger)
        if template is None and known is not None and known.steps:
            template = known.steps[min(step or 1, len(known.steps)) - 1].template
        if template is None:
            raise ManometerError(f"The trigger {trigger} is no longer in the playbook; there is no template.")
        return SampleAsked(
            template, customer, now if at is None else at, now, channel, None if known is None else trigger
        )

    def _sample(self, asked: SampleAsked, cancelled: Cancelled) -> Sample:
        with self._local.asking(cancelled) as connection:
            return make_sample(connection, self._local.in_force(), asked)

    def _of_sample(self, sample: Sample) -> _Found:
        outbound = sample.outbound
        parts = {} if outbound is None else outbound.parts
        shown = ShownMessage(
            "sample",
            sample_words(sample, self._local.place.zone),
            f"{sample.template} for {sample.customer}",
            sample.customer,
            sample.customer_id,
            sample.trigger,
            sample.template,
            sample.channel,
            "" if outbound is None else outbound.subject,
            _readable(parts),
            "; ".join(sample.faults) or None,
        )
        return _Found(shown, parts)

    def _write(self, path: Path, found: _Found) -> None:
        shown = found.shown
        if not found.parts:
            raise ManometerError(f"{shown.title}: there is no text to be seen. {shown.fault or shown.said}")
        write_message_page(path, message_page(shown.subject, found.parts, shown.title, shown.said))


def _readable(parts: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((part.what, part.text) for part in readable_parts(parts))


def _named(asked: MessageAsked) -> MessageAsked:
    """By the number of the message or the decision that an entry of a timeline is."""
    if asked.entry is None:
        return asked
    kind, number = timeline.unpacked(asked.entry)
    is_message = kind == timeline.MESSAGE
    return replace(
        asked,
        entry=None,
        number=number if is_message else None,
        decision=None if is_message else number,
    )


def _decided(connection: Connection, decision: int) -> tuple[ListedDecision, int | None]:
    """A decision, and its message."""
    row = next(decisions.rows(connection, [decision]), None)
    found = decisions.one(connection, decision)
    if row is None or found is None:
        raise ManometerError(f"Decision {decision} is not in the log any more.")
    return row, found["message_id"]
