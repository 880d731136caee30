"""The brake of one channel within a pass: hears each result as soon as it is there, and says when to stop."""

from __future__ import annotations

from console.dispatch.channel_backoff import LAST
from console.dispatch.outcomes import Doubt
from core.health import BRAKED
from core.instants import Instant, Millis
from core.limits.brake import BrakeLimits, BrakeRecord
from core.model.delivery import Accepted, ConfigError, Permanent, Result, Retry
from storage.outbox.dispatch import Claimed


class ChannelBrake:
    """Told of every result in the thread that hands over; read by the one that marks.

    `is_probing`: the channel was braked and gets a few messages, to see whether it takes any again.
    """

    def __init__(self, limits: BrakeLimits, record: BrakeRecord, *, is_probing: bool) -> None:
        self._limits = limits
        self.record = record
        self.is_probing = is_probing
        self.reason: str | None = None
        """Why the channel is to be left alone."""
        self.asked: Millis = 0
        """How long it asked to be left alone by its refusals, at most."""
        self.last = ""
        """What was said of the last message that was refused."""
        self.has_refused = False
        self.untried_refused = False
        """Whether any message that it refused had never been tried."""

    def heard(self, message: Claimed, result: Result, at: Instant) -> tuple[Result, Doubt]:
        """What the result counts as, and whether a refusal is believed."""
        match result:
            case Accepted():
                self.record = (
                    self.record.works_again()
                    if self.is_probing
                    else self.record.went(message.id).shortened(self._limits)
                )
                self.is_probing, self.reason = False, None
            case Permanent(suppress_address=True, before_asking=False):
                if not self.record.may_suppress(at, self._limits):
                    return self._over_the_hour(message, result.reason)
                self.record = self.record.suppresses(at)
                self._refused(message, result.reason)
            case Permanent(before_asking=False) | Retry(whole_channel=False) | ConfigError(of_message=True):
                if isinstance(result, Retry):
                    self.asked = max(self.asked, result.after or 0)
                believed = self.record.took_since(message.id)
                self._refused(message, result.reason)
                if not self.is_probing and believed:
                    return result, "none"
                return result, self._doubt()
        return result, "none"

    def _doubt(self) -> Doubt:
        return "braked" if self.is_probing or self.reason is not None else "open"

    def _over_the_hour(self, message: Claimed, reason: str) -> tuple[Result, Doubt]:
        self._refused(message, reason)
        self._stop(f"{self._limits.suppressions} addresses were suppressed within an hour", reason)
        return Retry(reason), "braked"

    def _refused(self, message: Claimed, reason: str) -> None:
        self.record = self.record.was_refused(message.id).shortened(self._limits)
        self.last, self.has_refused = reason, True
        self.untried_refused |= message.attempts <= 1
        why = self.record.why_braked(self._limits)
        if why is not None and not self.is_probing:
            self._stop(why, reason)

    def _stop(self, why: str, reason: str) -> None:
        self.reason = f"{BRAKED}{why}{LAST}{reason}"
