"""What becomes of a claimed message: the mark that is written of it, by the result of its channel or because
it does not go now. Instants and durations are ms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Final, Literal, TypeAlias

from core.instants import HOUR, MINUTE, SECOND, Instant, Millis
from core.model.delivery import Accepted, ConfigError, Outbound, Permanent, Result, Retry, Uncertain
from core.model.reasons import Reason
from storage.outbox.digests import dump
from storage.outbox.dispatch import Bounced, Claimed, OutcomeMark
from storage.outbox.texts import KeptText

MOST_ATTEMPTS: Final = 10
Doubt: TypeAlias = Literal["none", "open", "braked"]
"""Whether a refusal that may lie with the channel is believed: yes; once the channel has taken another
message; no, for it refuses everybody.
"""
KEEPS_DIGEST: Final = frozenset({"sent", "uncertain"})
"""States in which it is noted which of its steps a message left out; one that is tried again is looked at
anew.
"""


@dataclass(frozen=True, slots=True)
class MessageOutcome:
    """A message, what is to be written of it, and its address where that did not take it."""

    message: Claimed
    mark: OutcomeMark
    bounced: Bounced | None = None
    believed: MessageOutcome | None = None
    """What becomes of it instead, once the channel has taken another message after it."""
    text: KeptText | None = None
    """What it says, where it left for its channel and is to be kept."""


def outcome_of(
    message: Claimed, outbound: Outbound, result: Result, grace: Millis, doubt: Doubt = "none"
) -> MessageOutcome:
    """What the result of a hand-over means for its message; one that went out later than the grace allows
    counts at its hand-over. A channel that is braked fails no message for having been tried too often.
    """
    is_endless = doubt == "braked"
    match result:
        case Accepted(provider_id):
            return MessageOutcome(message, _sent(message, outbound, provider_id, grace))
        case Retry(reason, _, True):
            return given_back(message, error=reason)
        case Retry(reason, after):
            mark = _another_attempt(message, reason, after, outbound.sent_at, is_endless=is_endless)
            return MessageOutcome(message, mark)
        case ConfigError(reason, True):
            mark = _another_attempt(message, reason, None, outbound.sent_at, is_endless=is_endless)
            return MessageOutcome(message, mark)
        case Permanent():
            return _refused(message, outbound, result, doubt)
        case Uncertain(reason):
            return MessageOutcome(message, _channel_error(message, "uncertain", reason, outbound.subject))
        case ConfigError(reason):
            return given_back(message, error=reason)


def _refused(message: Claimed, outbound: Outbound, refusal: Permanent, doubt: Doubt) -> MessageOutcome:
    """Failed at once where the refusal is of the address, or was ours; else perhaps the channel refuses
    everybody, and then it is tried again.
    """
    failed = _channel_error(message, "failed", refusal.reason, outbound.subject)
    is_bounce = refusal.suppress_address or refusal.is_soft_bounce
    bounced = Bounced(outbound.medium, outbound.address, refusal.is_soft_bounce) if is_bounce else None
    ended = MessageOutcome(message, failed, bounced)
    is_sure = refusal.suppress_address or refusal.before_asking or doubt == "none"
    if is_sure or (doubt == "open" and message.attempts >= MOST_ATTEMPTS):
        return ended
    again = _another_attempt(message, refusal.reason, None, outbound.sent_at, is_endless=True)
    return MessageOutcome(message, again, believed=ended if doubt == "open" else None)


def outcome_unflushed(
    accepted: MessageOutcome, reason: str, at: Instant, *, is_idempotent: bool
) -> MessageOutcome:
    """What becomes of a message that its channel accepted and then could not force to the disk."""
    message = accepted.message
    if is_idempotent:
        return MessageOutcome(message, replace(_another_attempt(message, reason, None, at), in_doubt=True))
    return MessageOutcome(message, _channel_error(message, "uncertain", reason), text=accepted.text)


def given_back(
    message: Claimed, *, error: str | None = None, not_before: Instant | None = None
) -> MessageOutcome:
    """It waits on as before, as if nobody had claimed it."""
    return MessageOutcome(message, waiting_mark(message, message.was, not_before, error))


def outcome_mark(
    message: Claimed, state: str, *, reason: Reason | None = None, error: str | None = None
) -> OutcomeMark:
    """The mark of a message that was attempted; the error as the database can hold it."""
    return OutcomeMark(
        message.id,
        message.customer_id,
        state,
        reason=None if reason is None else str(reason),
        error=_storable(error),
        digest=dump(message.digest) if message.digest and state in KEEPS_DIGEST else None,
    )


def waiting_mark(
    message: Claimed, state: str, not_before: Instant | None, error: str | None = None
) -> OutcomeMark:
    """The mark of a message that was not attempted and goes on waiting."""
    return replace(outcome_mark(message, state, error=error), not_before=not_before, attempted=False)


def retry_delay(key: str, attempts: int) -> Millis:
    """How long to wait after that many attempts: exponential with full jitter, which is drawn from the key
    and so repeatable.
    """
    ceiling = min(MINUTE << min(attempts - 1, 10), HOUR)
    drawn = int.from_bytes(blake2b(f"{key}/{attempts}".encode(), digest_size=8).digest())
    return 10 * SECOND + ceiling * drawn // 2**64


def _sent(message: Claimed, outbound: Outbound, provider_id: str | None, grace: Millis) -> OutcomeMark:
    is_late = outbound.sent_at - message.planned_at > grace
    return replace(
        outcome_mark(message, "sent"),
        subject=_storable(outbound.subject),
        address=_storable(outbound.address),
        provider_id=_storable(provider_id),
        sent_at=outbound.sent_at,
        lands_at=outbound.sent_at + message.lead_time if is_late else None,
    )


def _channel_error(message: Claimed, state: str, error: str, subject: str | None = None) -> OutcomeMark:
    mark = outcome_mark(message, state, reason=Reason.CHANNEL_ERROR, error=error)
    return mark if subject is None else replace(mark, subject=_storable(subject))


def _another_attempt(
    message: Claimed, reason: str, after: Millis | None, at: Instant, *, is_endless: bool = False
) -> OutcomeMark:
    """To be tried again, after as long as the provider asks at least; failed where there is no attempt left,
    unless they are endless, or no time for it.
    """
    wait = max(after or 0, retry_delay(message.key, message.attempts))
    if message.attempts >= MOST_ATTEMPTS and not is_endless:
        return _channel_error(message, "failed", f"{reason} (given up after {message.attempts} attempts)")
    if at + wait > message.expires_at:
        return _channel_error(message, "failed", f"{reason} (it expires before the next attempt)")
    return replace(outcome_mark(message, "due", error=reason), not_before=at + wait)


def _storable(text: str | None) -> str | None:
    """The text without lone surrogates, which JSON can carry in and UTF-8 cannot hold."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()
