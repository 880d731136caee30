"""The brake of a channel: how many refusals it takes until the channel is left alone for a while, so that one
that refuses everybody ruins neither its queue nor its good name. Instants are ms UTC.

Messages are counted, not attempts: one that is refused again and again is one refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from core.instants import HOUR, Instant

WINDOW: Final = 20
"""The messages of which the share is taken."""
MOST_KNOWN: Final = 100
"""Messages that are remembered as refused for what they are."""


@dataclass(frozen=True, slots=True)
class BrakeLimits:
    """When a channel brakes: at so many refusals in a row, at such a share of its last twenty messages, or
    once so many addresses were suppressed within an hour.
    """

    refusals: int = 10
    share: float = 0.5
    suppressions: int = 100


USUAL_BRAKE: Final = BrakeLimits()


@dataclass(frozen=True, slots=True)
class BrakeRecord:
    """What a channel has said of its last messages, the newest last, and when addresses were suppressed for
    what it said, within an hour.
    """

    refused: tuple[tuple[int, bool], ...] = ()
    """By number of the message: whether it was refused."""
    suppressed: tuple[Instant, ...] = ()
    known: tuple[int, ...] = ()
    """Messages that were refused before the channel took one again: it lies with them."""

    def went(self, message: int) -> BrakeRecord:
        """The channel took it; that it was refused before counts no longer."""
        return self._with(message, is_refused=False)

    def was_refused(self, message: int) -> BrakeRecord:
        """The channel did not take it; a message of which that is known already changes nothing."""
        is_known = message in self.known or (message, True) in self.refused
        return self if is_known else self._with(message, is_refused=True)

    def works_again(self) -> BrakeRecord:
        """The channel took a message after it had been braked: counting begins anew."""
        refused = (number for number, is_refused in self.refused if is_refused)
        return BrakeRecord((), self.suppressed, (*self.known, *refused)[-MOST_KNOWN:])

    def _with(self, message: int, *, is_refused: bool) -> BrakeRecord:
        others = tuple([each for each in self.refused if each[0] != message])
        return BrakeRecord((*others, (message, is_refused)), self.suppressed, self.known)

    def took_since(self, message: int) -> bool:
        """Whether the channel took another after it first refused this one."""
        numbers = [number for number, _ in self.refused]
        place = numbers.index(message) if message in numbers else len(numbers)
        return any(not is_refused for _, is_refused in self.refused[place:])

    def suppresses(self, at: Instant) -> BrakeRecord:
        """One more address is suppressed."""
        return replace(self, suppressed=(*self._within_hour(at), at))

    def may_suppress(self, at: Instant, limits: BrakeLimits) -> bool:
        """Whether there is room for one more within the hour."""
        return len(self._within_hour(at)) < limits.suppressions

    def _within_hour(self, at: Instant) -> tuple[Instant, ...]:
        return tuple(each for each in self.suppressed if at - HOUR < each <= at)

    def shortened(self, limits: BrakeLimits) -> BrakeRecord:
        """As much of it as the limits look at."""
        most = max(WINDOW, limits.refusals)
        if len(self.refused) <= most:
            return self
        return BrakeRecord(self.refused[-most:], self.suppressed, self.known)

    def why_braked(self, limits: BrakeLimits) -> str | None:
        """In words why the channel should be left alone; None where it need not."""
        in_a_row = 0
        for _, is_refused in reversed(self.refused):
            if not is_refused:
                break
            in_a_row += 1
        if in_a_row >= limits.refusals:
            return f"{in_a_row} messages in a row were refused"
        last = self.refused[-WINDOW:]
        refused = sum(is_refused for _, is_refused in last)
        if len(last) == WINDOW and refused >= limits.share * WINDOW:
            return f"{refused} of the last {WINDOW} messages were refused"
        return None
