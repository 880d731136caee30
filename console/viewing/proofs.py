"""A message sent to an operator to be looked at: marked as a proof, never in the outbox, and so no contact,
in no window, no number and no decision. The audit has it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final
from uuid import uuid4

from markupsafe import escape

from console.channels import open_adapter
from console.messages.handover import hand_over
from console.safeguards.stop_file import StopFile
from console.viewing.samples import Sample
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.delivery import PROOF_KEY, Accepted, Outbound
from core.model.pauses import EVERYTHING
from core.playbook.playbook import Channel
from storage import audit, pauses
from storage.store import Store

MARK: Final = "[PROOF] "
_BODY: Final = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)


def refuse_unlisted(workspace: Workspace, address: str) -> None:
    """ManometerError where an address is not one of an operator."""
    listed = workspace.proofs
    if address.casefold() in {each.casefold() for each in listed}:
        return
    there_are = f"Listed are: {', '.join(listed)}." if listed else "None is listed."
    raise ManometerError(
        f"{address[:80]} is no operator's address: proofs go to those alone that [proofs] in manometer.toml "
        f'lists, and that were applied. {there_are} Write to = ["{address[:80]}"] there, then `manometer '
        "apply`."
    )


def send_proof(
    store: Store,
    workspace: Workspace,
    sample: Sample,
    address: str,
    author: str,
    at: Instant,
    reason: str | None = None,
) -> Outbound:
    """Hand a sample over to an operator, and give what was handed over. ManometerError where it has no text,
    the address is not listed, all sending is stopped, or the channel does not take it; the audit has it
    either way.
    """
    refuse_unlisted(workspace, address)
    if sample.outbound is None:
        raise ManometerError(f"No proof was sent: the message cannot be made: {sample.faults[0]}")
    if sample.channel not in workspace.playbook.channels:
        raise ManometerError(f"No proof was sent: the channel {sample.channel} was not applied yet.")
    channel = workspace.playbook.channels[sample.channel]
    _refuse_unfit(channel, address)
    proof = marked(sample.outbound, address, at)
    detail = {
        "key": proof.key, "template": sample.template, "customer": sample.customer, "channel": channel.name,
        "as_of": format_instant(sample.at),
    }  # fmt: skip
    with store.writing() as connection:
        _refuse_stopped(workspace, EVERYTHING in pauses.current(connection, at))
        audit.record(connection, at, author, "proof", address, reason, detail)
    fault = _handed_over(workspace, channel, proof)
    if fault is not None:
        with store.writing() as connection:
            audit.record(connection, at, author, "proof not sent", address, fault, detail)
        raise ManometerError(f"No proof was sent to {address} over {channel.name}: {fault}")
    return proof


def _refuse_stopped(workspace: Workspace, is_stopped: bool) -> None:
    if is_stopped or StopFile(workspace.folder).mark() is not None:
        raise ManometerError("No proof was sent: all sending is stopped. `manometer go` ends that.")


def _refuse_unfit(channel: Channel, address: str) -> None:
    if channel.medium == "email" and "@" not in address:
        raise ManometerError(f"No proof was sent: {address[:80]} is no address for {channel.name}.")
    if channel.medium in ("sms", "whatsapp") and "@" in address:
        raise ManometerError(f"No proof was sent: {address[:80]} is no phone number for {channel.name}.")


def _handed_over(workspace: Workspace, channel: Channel, proof: Outbound) -> str | None:
    """Why the channel did not take it; None where it did."""
    try:
        with open_adapter(channel, workspace.folder) as adapter:
            result = hand_over(adapter, proof)
            adapter.flush()
    except OSError as error:
        return error.strerror or str(error)
    except ManometerError as error:
        return str(error)
    return None if isinstance(result, Accepted) else result.reason


# ---- the mark ----


def marked(outbound: Outbound, address: str, at: Instant) -> Outbound:
    """The same to an operator, marked as a proof in its subject and in each text; it offers no way to
    unsubscribe, and its key is of no message.
    """
    words = (
        f"PROOF for {address}: not sent to the customer {outbound.customer}. "
        f"{outbound.trigger}, step {outbound.step}, as of {format_instant(outbound.sent_at)}."
    )
    return replace(
        outbound,
        key=f"{PROOF_KEY}{uuid4().hex}",
        message_id=None,
        address=address,
        subject=f"{MARK}{outbound.subject}",
        parts={name: _marked_text(name, text, words) for name, text in outbound.parts.items()},
        planned_at=at,
        sent_at=at,
        unsubscribe_url="",
        unsubscribe_mail="",
    )


def _marked_text(name: str, text: str, words: str) -> str:
    if name.endswith(".html"):
        style = "background:#ffd54f;color:#000;font:bold 14px sans-serif;padding:8px"
        banner = f'<div style="{style}">{escape(words)}</div>'
        begins = _BODY.search(text)
        place = 0 if begins is None else begins.end()
        return f"{text[:place]}{banner}{text[place:]}"
    if name.endswith(".json"):
        return _marked_json(text, words)
    return f"{MARK}{text}" if name.startswith("sms") else f"{words}\n\n{text}"


def _marked_json(text: str, words: str) -> str:
    """An object with the mark as a value of its own, and before its title; anything else as it is."""
    payload = json.loads(text)
    if not isinstance(payload, dict):
        return text
    title = payload.get("title")
    titled = {"title": f"{MARK}{title}"} if isinstance(title, str) else {}
    return json.dumps({**payload, **titled, "proof": words}, ensure_ascii=False)
