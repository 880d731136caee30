"""What keeps messages from going out though they were decided: a channel that is left alone or set aside, a
template, message or trigger that is held, the file STOP, a clock that is not trusted. Instants are ms UTC.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from console.safeguards.clock_guard import held_by_clock
from console.safeguards.stop_file import StopFile
from core.engine.pauses import stops_purpose
from core.explain.why import Check, Explanation
from core.explain.words import when
from core.health import BRAKED
from core.instants import Instant, format_instant
from core.model.outbox import PENDING
from core.model.pauses import Pause, parse_target
from core.model.quarantine import SetAside
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook, Purpose
from storage import pauses, quarantine, status, surges
from storage.outbox.dispatch import with_cause

HELD: Final = "held"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One thing that stands in the way: what, since when and why, and what ends it."""

    what: str
    since: Instant
    reason: str
    ends: str
    """A command in backticks, and what it does."""

    @property
    def detail(self) -> str:
        """With the instant as scripts read it."""
        return f"since {format_instant(self.since)}: {self.reason}; {self.ends}"

    def sentence(self, playbook: Playbook) -> str:
        """The same for people."""
        what = f"{self.what[:1].upper()}{self.what[1:]}"
        return f"{what} since {when(self.since, playbook.zone)}: {self.reason.rstrip('.')}; {self.ends}."


class Obstacles:
    """All that stands in the way now."""

    def __init__(self, connection: Connection, folder: Path, now: Instant) -> None:
        self._connection = connection
        self._things: dict[tuple[str, str], SetAside] = {
            (each.kind, each.subject): each for each in quarantine.listing(connection)
        }
        self._channels = status.halted(connection)
        self._surges = surges.surges(connection)
        self._stops = list(_stops(connection, folder, now))
        self._clock = list(_clock(connection))

    def explained(
        self, found: Explanation, trigger: Trigger, playbook: Playbook, last: Mapping[str, Any] | None
    ) -> Explanation:
        """The explanation of a trigger with what stands in the way of its messages as further checks, and in
        words what the message of the last decision waits for.
        """
        own = list(dict.fromkeys(self._of_message(last, playbook))) if last is not None else []
        purpose = playbook.purposes[trigger.purpose]
        in_general = [*self._of_all(purpose), *self._of_channels(trigger), *self._of_surge(trigger.name)]
        checks = [Check(each.what, False, each.detail) for each in dict.fromkeys((*own, *in_general))]
        if own:
            words = " ".join((found.words, *(each.sentence(playbook) for each in own)))
            found = replace(found, words=words, short=own[0].what)
        return replace(found, trace=(*found.trace, *checks)) if checks else found

    # ---- of whom ----

    def _of_all(self, purpose: Purpose) -> Iterator[Obstacle]:
        yield from (obstacle for stop, obstacle in self._stops if stops_purpose(stop, purpose))
        yield from self._clock

    def _of_message(self, last: Mapping[str, Any], playbook: Playbook) -> Iterator[Obstacle]:
        """What the message of a decision waits for, where it waits."""
        number, state, reason = last.get("message"), last.get("message_state"), last.get("message_reason")
        if number is None or state not in PENDING:
            return
        if state == HELD:
            if reason == "SURGE":
                yield from self._of_surge(last["trigger"])
            elif reason == "SET_ASIDE":
                yield from self._aside("message", str(number), f"message {number} is set aside")
            return
        message = with_cause(self._connection, number)
        if message is None:
            return
        if message.purpose in playbook.purposes:
            yield from self._of_all(playbook.purposes[message.purpose])
        yield from self._of_channel(message.channel)
        use = quarantine.template_subject(message.channel, message.template)
        yield from self._aside("template", use, f"template {message.template} is set aside")

    def _of_channels(self, trigger: Trigger) -> Iterator[Obstacle]:
        names: Collection[str] = dict.fromkeys(name for step in trigger.steps for name in step.channels)
        for name in names:
            yield from self._of_channel(name)
        for step in trigger.steps:
            for name in step.channels:
                use = quarantine.template_subject(name, step.template or "")
                yield from self._aside("template", use, f"template {step.template} is set aside")

    def _of_channel(self, name: str) -> Iterator[Obstacle]:
        yield from self._aside("channel", name, f"channel {name} is set aside")
        rest = self._channels.get(name)
        if rest is not None:
            state = "braked" if rest.reason.startswith(BRAKED) else "halted"
            yield Obstacle(
                f"channel {name} is {state}", rest.since, rest.reason.removeprefix(BRAKED),
                f"it is tried again by itself; `manometer channels release {name}` uses it at once",
            )  # fmt: skip

    def _of_surge(self, trigger: str) -> Iterator[Obstacle]:
        held = self._surges.get(trigger)
        if held is not None:
            ends = f"`manometer surges release {trigger}` lets it go"
            yield Obstacle("the trigger is held", held.since, held.reason, ends)

    def _aside(self, kind: str, subject: str, what: str) -> Iterator[Obstacle]:
        found = self._things.get((kind, subject))
        if found is not None:
            ends = f"`manometer quarantine release {found.id}` ends that"
            yield Obstacle(what, found.since, found.reason, ends)


def _stops(connection: Connection, folder: Path, now: Instant) -> Iterator[tuple[Pause, Obstacle]]:
    """The emergency stop, as the database knows it, or as the file STOP says of which it does not."""
    row = pauses.current(connection, now).get("*")
    note = StopFile(folder).read()
    if row is not None:
        yield row.pause, _stop(row.pause.since, f"by {row.author}", row.reason)
    elif note is not None:
        stop = Pause(parse_target("*"), note.at, transactional=note.transactional)
        yield stop, _stop(note.at, f"by the file STOP, of {note.author}", note.reason)


def _stop(since: Instant, by: str, reason: str | None) -> Obstacle:
    said = f"{by}: {reason}" if reason else by
    return Obstacle("all sending is stopped", since, said, "`manometer go` ends that")


def _clock(connection: Connection) -> Iterator[Obstacle]:
    clock = held_by_clock(connection)
    if clock is not None:
        ends = "it ends by itself once the clock is right; `manometer clock confirm` says that it is"
        yield Obstacle("the clock is not trusted", clock.since, clock.reason, ends)
