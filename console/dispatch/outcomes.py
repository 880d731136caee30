"""What becomes of a claimed message: the mark that is written of it, by the result of its channel or because
it does not go now.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from core.instants import HOUR, MINUTE, SECOND, Instant, Millis
from core.model.delivery import Accepted, ConfigError, Outbound, Permanent, Result, Retry, Uncertain
from core.model.reasons import Reason
from storage.outbox.digests import dump
from storage.outbox.dispatch import Claimed, OutcomeMark

MOST_ATTEMPTS: Final = 10
SET_ASIDE: Final[Millis] = 15 * MINUTE
"""How long a message waits that may be the reason why its channel was halted."""


ENDS: Final = frozenset({"sent", "uncertain"})
"""States in which it is noted which steps a message left behind; one that is tried again is looked at anew.
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A message, what is to be written of it, and medium and address where the address turned out dead."""

    message: Claimed
    mark: OutcomeMark
    dead_address: tuple[str, str] | None = None


def ended(message: Claimed, outbound: Outbound, result: Result, grace: Millis) -> Ended:
    """What the result of a hand-over means for its message; one later than the grace counts at its
    hand-over.
    """
    match result:
        case Accepted(provider_id):
            return Ended(message, _sent(message, outbound, provider_id, grace))
        case Retry(reason, _, True):
            return back(message, error=reason)
        case Retry(reason, after):
            return Ended(message, again(message, reason, after, outbound.sent_at))
        case Permanent(reason, suppress_address):
            failed = mark(
                message, "failed", reason=Reason.CHANNEL_ERROR, error=reason, subject=outbound.subject
            )
            return Ended(message, failed, (outbound.medium, outbound.address) if suppress_address else None)
        case Uncertain(reason):
            return Ended(
                message,
                mark(
                    message, "uncertain", reason=Reason.CHANNEL_ERROR, error=reason, subject=outbound.subject
                ),
            )
        case ConfigError(reason, of_message):
            return back(
                message, error=reason, not_before=outbound.sent_at + SET_ASIDE if of_message else None
            )


def _sent(message: Claimed, outbound: Outbound, provider_id: str | None, grace: Millis) -> OutcomeMark:
    is_late = outbound.sent_at - message.planned_at > grace
    return mark(
        message,
        "sent",
        subject=outbound.subject,
        address=outbound.address,
        provider_id=provider_id,
        sent_at=outbound.sent_at,
        lands_at=outbound.sent_at + message.lead_time if is_late else None,
    )


def unsafe(kept: Ended, reason: str, at: Instant, *, is_idempotent: bool) -> Ended:
    """What becomes of a message that its channel accepted and could not make sure of."""
    if is_idempotent:
        return Ended(kept.message, again(kept.message, reason, None, at))
    return Ended(kept.message, mark(kept.message, "uncertain", reason=Reason.CHANNEL_ERROR, error=reason))


def back(message: Claimed, *, error: str | None = None, not_before: Instant | None = None) -> Ended:
    """It waits on as before, as if nobody had claimed it."""
    return Ended(message, mark(message, message.was, error=error, not_before=not_before, attempted=False))


def again(message: Claimed, reason: str, after: Millis | None, at: Instant) -> OutcomeMark:
    """Another attempt, after as long as the provider asks at least; failed where there is none left, or no
    time for it.
    """
    wait = max(after or 0, backoff(message.key, message.attempts))
    if message.attempts >= MOST_ATTEMPTS:
        return mark(
            message,
            "failed",
            reason=Reason.CHANNEL_ERROR,
            error=f"{reason} (given up after {message.attempts} attempts)",
        )
    if at + wait > message.expires_at:
        return mark(
            message,
            "failed",
            reason=Reason.CHANNEL_ERROR,
            error=f"{reason} (it expires before the next attempt)",
        )
    return mark(message, "due", error=reason, not_before=at + wait)


def backoff(key: str, attempts: int) -> Millis:
    """How long to wait after that many attempts: exponential with full jitter, which is drawn from the key
    and so repeatable.
    """
    ceiling = min(MINUTE << min(attempts - 1, 10), HOUR)
    drawn = int.from_bytes(blake2b(f"{key}/{attempts}".encode(), digest_size=8).digest())
    return 10 * SECOND + ceiling * drawn // 2**64


def mark(
    message: Claimed,
    state: str,
    *,
    reason: Reason | None = None,
    error: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    provider_id: str | None = None,
    sent_at: Instant | None = None,
    lands_at: Instant | None = None,
    not_before: Instant | None = None,
    attempted: bool = True,
) -> OutcomeMark:
    """A mark of that message, with texts that the database can hold."""
    return OutcomeMark(
        message.id, message.customer_id, state, None if reason is None else str(reason), _storable(error),
        _storable(subject),
        _storable(address), _storable(provider_id), sent_at, lands_at, not_before, attempted,
        dump(message.digest) if message.digest and state in ENDS else None,
    )  # fmt: skip


def _storable(text: str | None) -> str | None:
    """The text without lone surrogates, which JSON can carry in and UTF-8 cannot hold."""
    return text if text is None or text.isascii() else text.encode("utf-8", "replace").decode()
