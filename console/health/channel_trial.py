"""Trying a channel: whether its settings, secrets and other side would do, and one message to see it arrive.

A test message is in no outbox: no contact, in no window and no number. The audit has it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import uuid4

from console.channels import open_adapter
from console.messages.handover import hand_over
from console.messages.names import MEDIUM_FILES
from console.safeguards.stop_file import StopFile
from core.errors import ManometerError
from core.instants import Instant, format_instant
from core.model.delivery import PROOF_KEY, Accepted, Checkable, ConfigError, Outbound, Result, Retry
from core.model.pauses import EVERYTHING
from core.playbook.playbook import Channel
from storage import audit, pauses
from storage.store import Store

Verdict: TypeAlias = Literal["ready", "not asked", "not now", "refused"]


class UnreachableError(ManometerError):
    """The other side of a channel cannot be reached now, or asks to be left alone for a while."""

    may_succeed_later = True


@dataclass(frozen=True, slots=True)
class ChannelCheck:
    """What a look at a channel found, and the sentence of it."""

    verdict: Verdict
    words: str


def check_channel(channel: Channel, folder: Path) -> ChannelCheck:
    """Whether a message could be handed over now: the settings, the secrets, and, where its kind can be asked
    without sending, the other side.
    """
    try:
        with open_adapter(channel, folder) as adapter:
            if isinstance(adapter, Checkable):
                return _judged(adapter.check())
            is_remote = adapter.is_remote
    except OSError as error:
        return ChannelCheck("refused", error.strerror or str(error))
    except ManometerError as error:
        return ChannelCheck("refused", str(error).removesuffix("."))
    if is_remote:
        words = "settings and secrets are right; its other side is asked by a message alone"
        return ChannelCheck("not asked", words)
    return ChannelCheck("ready", "it can be written to")


def _judged(result: Result) -> ChannelCheck:
    match result:
        case Accepted():
            return ChannelCheck("ready", "it answers and lets us in")
        case Retry(reason):
            return ChannelCheck("not now", reason)
        case _:
            return ChannelCheck("refused", result.reason)


def send_test(
    store: Store, channel: Channel, folder: Path, workspace: str, address: str, author: str, at: Instant,
    reason: str | None = None,
) -> str:  # fmt: skip
    """Hand one test message over, and give its key. ManometerError where all sending is stopped or the
    channel does not take it, UnreachableError where it cannot be reached now; the audit has it either way.
    """
    _refuse_unfit(channel, address)
    outbound = _test_message(channel, workspace, address, at)
    detail = {"key": outbound.key, "channel": channel.name}
    with store.writing() as connection:
        if EVERYTHING in pauses.current(connection, at) or StopFile(folder).mark() is not None:
            raise ManometerError("Nothing was sent: all sending is stopped. `manometer go` ends that.")
        audit.record(connection, at, author, "test channel", address, reason, detail)
    result = _handed_over(channel, folder, outbound)
    if not isinstance(result, Accepted):
        with store.writing() as connection:
            audit.record(connection, at, author, "test not sent", address, result.reason, detail)
        sort = UnreachableError if isinstance(result, Retry) else ManometerError
        raise sort(f"{channel.name} did not take the test message: {result.reason}")
    return outbound.key


def _handed_over(channel: Channel, folder: Path, outbound: Outbound) -> Result:
    try:
        with open_adapter(channel, folder) as adapter:
            result = hand_over(adapter, outbound)
            adapter.flush()
            return result
    except OSError as error:
        return ConfigError(error.strerror or str(error))
    except ManometerError as error:
        return ConfigError(str(error))


def _refuse_unfit(channel: Channel, address: str) -> None:
    """ManometerError where the address is of another medium."""
    is_mail = "@" in address
    if (channel.medium == "email" and not is_mail) or (channel.medium in ("sms", "whatsapp") and is_mail):
        raise ManometerError(f"Nothing was sent: {address[:80]} is no address for {channel.name}.")


def _test_message(channel: Channel, workspace: str, address: str, at: Instant) -> Outbound:
    words = (
        f"TEST of the channel {channel.name} of {workspace}, sent {format_instant(at)} by an operator. "
        "Nobody else got it."
    )
    parts = {name: _text(name, words) for name in MEDIUM_FILES[channel.medium]}
    return Outbound(
        key=f"{PROOF_KEY}{uuid4().hex}", message_id=None, customer="", channel=channel.name,
        medium=channel.medium, address=address, trigger="test", step=1, purpose="test",
        subject=f"[TEST] {workspace}: channel {channel.name}", parts=parts, planned_at=at, sent_at=at,
        workspace=workspace,
    )  # fmt: skip


def _text(name: str, words: str) -> str:
    if name.endswith(".json"):
        return json.dumps({"title": "TEST", "body": words, "test": True}, ensure_ascii=False)
    return f"<p>{escape(words, quote=False)}</p>" if name.endswith(".html") else words
