"""The dispatcher: hands over what the outbox holds and is due. It decides nothing, but takes a last look before each message.

Messages are claimed in small portions, handed over outside any transaction, and marked together afterwards. A crash in between leaves
them claimed by somebody who is gone: the next pass tries them again under the same key where the channel takes a key twice for once, and
calls them uncertain elsewhere.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from sqlalchemy import Connection

from console.channels import adapter_class, open_adapter
from console.handover import Cause, TemplateFault, hand_over, render
from console.templates import Templates
from console.workspace import Workspace
from core.customer import Profile, address_of
from core.decisions import Objection
from core.delivery import Accepted, ChannelAdapter, ConfigError, Outbound, Permanent, Result, Retry, Uncertain
from core.dossier import Dossier
from core.errors import ManometerError
from core.instants import HOUR, MINUTE, SECOND, Instant, Millis
from core.last_look import Handover, last_look
from core.pauses import stops_purpose
from core.playbook import Channel, Playbook
from core.reasons import Reason
from core.triggers import EVERYTHING, Pause
from storage import outbox, pauses
from storage.dossiers import load
from storage.outbox import Batch, Claimed, Mark
from storage.store import Store, set_fact

PORTION: Final = 50
LEASE: Final[Millis] = 15 * MINUTE
PATIENCE: Final[Millis] = LEASE // 3
"""After so long a portion is broken off, well before anybody else may take it for abandoned."""
FRESH: Final[Millis] = SECOND
"""How old the last look's data may be: an emergency stop acts within that time."""
MOST_ATTEMPTS: Final = 10
LAST_DISPATCH_AT: Final = "last_dispatch_at"


@dataclass(slots=True)
class Dispatched:
    """What one pass did, in messages; `halted` names channels that were set up wrongly, with the reason."""

    sent: int = 0
    cancelled: int = 0
    failed: int = 0
    expired: int = 0
    held: int = 0
    retried: int = 0
    uncertain: int = 0
    halted: dict[str, str] = field(default_factory=dict)


def dispatch(
    store: Store, workspace: Workspace, playbook: Playbook, now: Instant | Callable[[], Instant], owner: str | None = None
) -> Dispatched:
    """Hand over everything that is due. `now` is the instant of the pass, or a clock where a pass may take long.

    `owner` names this dispatcher in what it claims; its process by default.
    """
    clock = now if callable(now) else lambda: now
    return _Pass(store, workspace, playbook, clock, owner or process_name()).run()


# ---- who dispatches ----


@lru_cache(maxsize=1)
def process_name() -> str:
    """This process as `HOST:PID:START`, unlike any other before or after it on this host."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid()) or 0}"


def is_gone(owner: str) -> bool:
    """Whether a dispatcher of that name ran on this host and runs no longer; False where that cannot be told."""
    host, pid, start = owner.rsplit(":", 2) if owner.count(":") >= 2 else ("", "", "")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    running = _started(int(pid))
    return running is None or (start != "0" and running != start)


def _started(pid: int) -> str | None:
    """When a process began, in a unit of its system; None where there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


# ---- one pass ----


class _Pass:
    """One run over the outbox; its parts are called in the order in which they stand."""

    def __init__(self, store: Store, workspace: Workspace, playbook: Playbook, clock: Callable[[], Instant], owner: str) -> None:
        self.store = store
        self.folder = workspace.folder
        self.workspace = workspace.name
        self.playbook = playbook
        self.clock = clock
        self.owner = owner
        self.templates = Templates(workspace.files)
        self.done = Dispatched()
        self.resting: set[str] = set()
        self.adapters: dict[str, ChannelAdapter] = {}
        self.open = ExitStack()
        self.look = _Look({}, (), 0)

    def run(self) -> Dispatched:
        with self.store.reading() as connection:
            if not outbox.has_work(connection, self.clock()):
                return self.done
        with self.open:
            self._tidy()
            while portion := self._claim():
                self._hand_over(portion)
        return self.done

    def _tidy(self) -> None:
        """Take over what a crash left, end what is over, and hold what needs an approval."""
        at = self.clock()
        with self.store.writing() as connection:
            self.done.uncertain += outbox.recover(connection, at, is_gone, self._idempotent())[1]
            while expired := outbox.expire(connection, at):
                self.done.expired += expired
            while cancelled := outbox.cancel_without_channel(connection, self.playbook.channels.keys(), at):
                self.done.cancelled += cancelled
            self.done.held += outbox.hold_large(connection, numeric_approvals(self.playbook), at, self.playbook.zone)

    def _idempotent(self) -> set[str]:
        names = set()
        for channel in self.playbook.channels.values():
            try:
                if adapter_class(channel.kind).idempotent_by_key:
                    names.add(channel.name)
            except ManometerError as error:
                self.done.halted[channel.name] = str(error)
        return names

    def _claim(self) -> list[Claimed]:
        at = self.clock()
        with self.store.writing() as connection:
            waiting, purposes = self._held_back(self._pauses(connection, at))
            rooms = {name: most for name, most in self._rooms(connection, at) if most != 0}
            if not rooms or purposes == set():
                return []
            portion = outbox.claim(connection, at, self.owner, LEASE, PORTION, rooms, waiting | self.resting, purposes)
        self.look = _Look({}, (), at - FRESH)
        return portion

    def _pauses(self, connection: Connection, at: Instant) -> tuple[Pause, ...]:
        """The pauses that hold now, also those that came after the playbook was read."""
        known = tuple(pause for pause in self.playbook.pauses if pause.holds(at))
        return (*known, *(row.pause for row in pauses.current(connection, at).values()))

    def _held_back(self, holding: Sequence[Pause]) -> tuple[set[str], set[str] | None]:
        """The triggers that wait, and under an emergency stop the only purposes that may go."""
        waiting = {pause.trigger for pause in holding} - {EVERYTHING}
        stops = [pause for pause in holding if pause.trigger == EVERYTHING]
        if not stops:
            return waiting, None
        purposes = self.playbook.purposes.values()
        return waiting, {purpose.name for purpose in purposes if not any(stops_purpose(stop, purpose) for stop in stops)}

    def _rooms(self, connection: Connection, at: Instant) -> Iterator[tuple[str, int | None]]:
        for name, channel in self.playbook.channels.items():
            if name not in self.done.halted:
                capacity = channel.capacity
                yield name, None if capacity is None else outbox.room(connection, name, capacity, at, self.playbook.zone)

    # -- a portion --

    def _hand_over(self, portion: Sequence[Claimed]) -> None:
        results: list[_Ended] = []
        begun = self.clock()
        try:
            for message in portion:
                results.append(self._one(message, portion, begun))  # noqa: PERF401 - what came before an error must stay
        finally:  # what went out must be marked, whatever happened to the rest
            self._settle(results)

    def _one(self, message: Claimed, portion: Sequence[Claimed], begun: Instant) -> _Ended:
        at = self.clock()
        if message.channel in self.done.halted or at - begun > PATIENCE:
            return _back(message)
        if at - self.look.at >= FRESH:
            self._look_again(portion, at)
        waiting, purposes = self._held_back(self.look.pauses)
        if message.trigger in waiting or (purposes is not None and message.purpose not in purposes):
            return _back(message)
        dossier = self.look.dossiers.get(message.customer_id)
        objection = self._objection(message, dossier, at)
        if objection is not None or dossier is None:
            return self._object(message, objection)
        return self._make_and_send(message, _as_known(dossier), at)

    def _look_again(self, portion: Sequence[Claimed], at: Instant) -> None:
        with self.store.reading() as connection:
            dossiers = load(connection, sorted({message.customer_id for message in portion}), self.playbook)
            self.look = _Look(dossiers, self._pauses(connection, at), at)

    def _objection(self, message: Claimed, dossier: Dossier | None, at: Instant) -> Objection | None:
        if at > message.expires_at:
            return Objection(Reason.EXPIRED, "its time was over before it could be handed over")
        if dossier is None:
            return Objection(Reason.CUSTOMER_ERASED, "the customer is gone")
        return last_look(_handover(message), dossier, self.playbook, at)

    def _object(self, message: Claimed, objection: Objection | None) -> _Ended:
        if objection is None or objection.reason in (Reason.TRIGGER_PAUSED, Reason.STOPPED):
            self.resting.add(message.trigger)
            return _back(message)
        state = "expired" if objection.reason is Reason.EXPIRED else "cancelled"
        return _Ended(message, _mark(message, state, reason=str(objection.reason), error=objection.detail))

    def _make_and_send(self, message: Claimed, profile: Profile, at: Instant) -> _Ended:
        channel = self.playbook.channels[message.channel]
        if at - message.planned_at > self.playbook.grace or message.attempts > 1:
            opens = channel.send_windows.opens(at, profile.zone(self.playbook.zone))
            if opens > message.expires_at:
                return _Ended(
                    message, _mark(message, "expired", reason=str(Reason.EXPIRED), error="the channel does not open again in time")
                )
            if opens > at:
                return _Ended(message, _mark(message, "due", not_before=opens, attempted=False))
        adapter = self._adapter(channel)
        if adapter is None:
            return _back(message)
        try:
            outbound = self._outbound(message, profile, channel, at)
        except TemplateFault as fault:
            return _Ended(message, _mark(message, "failed", reason=str(Reason.TEMPLATE_ERROR), error=fault.reason))
        return self._ended(message, outbound, hand_over(adapter, outbound))

    def _outbound(self, message: Claimed, profile: Profile, channel: Channel, at: Instant) -> Outbound:
        return render(
            self.templates,
            profile,
            customer=message.customer,
            trigger=self.playbook.roster.by_name[message.trigger],
            step=message.step,
            channel=channel,
            address=address_of(profile, channel.medium) or message.address or "",
            cause=Cause(message.cause_name, message.cause_at, message.cause_properties),
            key=message.key,
            planned_at=message.planned_at,
            at=at,
            playbook=self.playbook,
            workspace=self.workspace,
            message_id=message.id,
            template=message.template,
            attempt=message.attempts,
        )

    def _adapter(self, channel: Channel) -> ChannelAdapter | None:
        """The open adapter of a channel; None where it cannot be opened, which halts the channel for this pass."""
        if channel.name not in self.adapters:
            try:
                self.adapters[channel.name] = self.open.enter_context(open_adapter(channel, self.folder))
            except Exception as error:  # the border to a channel: one that cannot be opened must not stop the others
                self.done.halted[channel.name] = str(error) or type(error).__name__
                return None
        return self.adapters[channel.name]

    def _ended(self, message: Claimed, outbound: Outbound, result: Result) -> _Ended:
        match result:
            case Accepted(provider_id):
                mark = _mark(
                    message, "sent", subject=outbound.subject, address=outbound.address, provider_id=provider_id, sent_at=outbound.sent_at
                )
                return _Ended(message, self._landing(message, mark))
            case Retry(reason, after):
                return _Ended(message, _again(message, reason, after, outbound.sent_at))
            case Permanent(reason, suppress_address):
                mark = _mark(message, "failed", reason=str(Reason.CHANNEL_ERROR), error=reason, subject=outbound.subject)
                return _Ended(message, mark, (outbound.medium, outbound.address) if suppress_address else None)
            case Uncertain(reason):
                return _Ended(
                    message, _mark(message, "uncertain", reason=str(Reason.CHANNEL_ERROR), error=reason, subject=outbound.subject)
                )
            case ConfigError(reason):
                self.done.halted[message.channel] = reason
                return _Ended(message, replace(_back(message).mark, error=reason))

    def _landing(self, message: Claimed, mark: Mark) -> Mark:
        """A message handed over later than the grace counts at its hand-over, and lands so much later."""
        late = mark.sent_at is not None and mark.sent_at - message.planned_at > self.playbook.grace
        return replace(mark, lands_at=(mark.sent_at or 0) + message.lead_time) if late else mark

    # -- afterwards --

    def _settle(self, results: Sequence[_Ended]) -> None:
        """Mark a portion in one transaction, once its channels have it safe."""
        at = self.clock()
        unsafe = self._flush({ended.message.channel for ended in results if ended.mark.state == "sent"})
        final = [self._unsafe(ended, unsafe, at) if ended.message.channel in unsafe else ended for ended in results]
        if not final:
            return
        with self.store.writing() as connection:
            written = {mark.id for mark in outbox.mark(connection, self.owner, [ended.mark for ended in final], at)}
            kept = [ended for ended in final if ended.mark.id in written]
            self._count_handed_over(connection, kept, at)
            for ended in kept:
                if ended.dead_address is not None:
                    outbox.suppress(connection, *ended.dead_address, ended.mark.error or "", at, f"channel {ended.message.channel}")
            set_fact(connection, LAST_DISPATCH_AT, str(at))
        self._tally(kept)

    def _flush(self, names: set[str]) -> dict[str, str]:
        """Channels that could not make sure of what they accepted, with the reason."""
        unsafe = {}
        for name in sorted(names):
            try:
                self.adapters[name].flush()
            except Exception as error:  # the border to a channel, as above
                unsafe[name] = str(error) or type(error).__name__
        return unsafe

    def _unsafe(self, ended: _Ended, unsafe: Mapping[str, str], at: Instant) -> _Ended:
        if ended.mark.state != "sent":
            return ended
        reason = unsafe[ended.message.channel]
        if self.adapters[ended.message.channel].idempotent_by_key:
            return _Ended(ended.message, _again(ended.message, reason, None, at))
        return _Ended(ended.message, _mark(ended.message, "uncertain", reason=str(Reason.CHANNEL_ERROR), error=reason))

    def _count_handed_over(self, connection: Connection, kept: Sequence[_Ended], at: Instant) -> None:
        for name, channel in self.playbook.channels.items():
            number = sum(ended.message.channel == name and ended.mark.state in ("sent", "uncertain") for ended in kept)
            if channel.capacity is not None and number:
                outbox.count_handed_over(connection, name, channel.capacity[1], at, self.playbook.zone, number)

    def _tally(self, kept: Sequence[_Ended]) -> None:
        done = self.done
        for mark in (ended.mark for ended in kept):
            done.sent += mark.state == "sent"
            done.cancelled += mark.state == "cancelled"
            done.failed += mark.state == "failed"
            done.expired += mark.state == "expired"
            done.uncertain += mark.state == "uncertain"
            done.retried += mark.state == "due" and mark.attempted


@dataclass(frozen=True, slots=True)
class _Look:
    """What the last look sees: dossiers and pauses as of an instant."""

    dossiers: Mapping[int, Dossier]
    pauses: tuple[Pause, ...]
    at: Instant


@dataclass(frozen=True, slots=True)
class _Ended:
    """A message, what is to be written of it, and medium and address where the address turned out dead."""

    message: Claimed
    mark: Mark
    dead_address: tuple[str, str] | None = None


def _mark(
    message: Claimed,
    state: str,
    *,
    reason: str | None = None,
    error: str | None = None,
    subject: str | None = None,
    address: str | None = None,
    provider_id: str | None = None,
    sent_at: Instant | None = None,
    not_before: Instant | None = None,
    attempted: bool = True,
) -> Mark:
    return Mark(
        message.id, message.customer_id, state, reason, error, subject, address, provider_id, sent_at, None, not_before, attempted
    )  # fmt: skip


def _back(message: Claimed) -> _Ended:
    """It waits on as before, as if nobody had claimed it."""
    return _Ended(message, _mark(message, message.was, attempted=False))


def _again(message: Claimed, reason: str, after: Millis | None, at: Instant) -> Mark:
    wait = max(after or 0, backoff(message.key, message.attempts))
    if message.attempts >= MOST_ATTEMPTS:
        return _mark(message, "failed", reason=str(Reason.CHANNEL_ERROR), error=f"{reason} (given up after {message.attempts} attempts)")
    if at + wait > message.expires_at:
        return _mark(message, "failed", reason=str(Reason.CHANNEL_ERROR), error=f"{reason} (it expires before the next attempt)")
    return _mark(message, "due", error=reason, not_before=at + wait)


def backoff(key: str, attempts: int) -> Millis:
    """How long to wait after that many attempts: exponential with full jitter, which is drawn from the key and so repeatable."""
    ceiling = min(MINUTE << min(attempts - 1, 10), HOUR)
    drawn = int.from_bytes(blake2b(f"{key}/{attempts}".encode(), digest_size=8).digest())
    return 10 * SECOND + ceiling * drawn // 2**64


def _as_known(dossier: Dossier) -> Profile:
    """The profile with what has arrived and was not played yet."""
    if not dossier.arrivals:
        return dossier.profile
    profile = dossier.profile.copy()
    for event in dossier.arrivals:
        profile.fold(event)
    return profile


def _handover(message: Claimed) -> Handover:
    return Handover(
        trigger=message.trigger,
        step=message.step,
        channel=message.channel,
        address=message.address,
        cause_key=message.cause_key,
        cause_at=message.cause_at,
        planned_at=message.planned_at,
        expires_at=message.expires_at,
        cause_event=message.cause_event,
        cause_properties=message.cause_properties,
        key_value=message.key_value,
    )


def numeric_approvals(playbook: Playbook) -> list[Batch]:
    """Where the playbook says a number under `approval`: batches larger than it wait."""
    return [batch for trigger in playbook.triggers for batch in _batches(trigger.name, playbook)]


def _batches(name: str, playbook: Playbook) -> Iterator[Batch]:
    trigger = playbook.roster.by_name[name]
    if _is_number(trigger.approval):
        yield Batch(name, trigger.approval)
    for number, step in enumerate(trigger.steps, 1):
        if _is_number(step.approval):
            yield Batch(name, step.approval, step=number)
    for channel in sorted({channel for step in trigger.steps for channel in step.channels} & set(playbook.channels)):
        most = playbook.channels[channel].approval
        if _is_number(most):
            yield Batch(name, most, channel=channel)


def _is_number(approval: bool | int) -> bool:
    return not isinstance(approval, bool)
