"""Recorded events of a span played again as if they arrived now, into a new workspace whose clock then stands
at its end.

Nothing is late in a replay and every event is known when it occurs, so by the law of composition the passes
at F, F + E, ... T give the same rows as playing each customer once from F to T: that is what is done here, by
chunks of customers. Each message is handed over as of its own instant, to a file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from console.channels import open_adapter
from console.clock import SIMULATED_AT
from console.dispatch import numeric_approvals
from console.messages.handover import (
    Envelope,
    Recipient,
    StepText,
    TemplateEvent,
    TemplateFault,
    Workshop,
    hand_over,
)
from console.messages.kept_texts import OpenBases, TextPacker
from console.messages.products import Products
from console.messages.templates import Templates
from console.playbooks.applied import apply_workspace
from console.private_files import write_file
from console.workspace.layout import DATABASE, SETTINGS
from console.workspace.reading import Workspace, read_files
from core.engine import advance
from core.errors import ManometerError
from core.explain.words import in_full
from core.instants import Instant
from core.model.decisions import Decision, Message
from core.model.delivery import Accepted, ChannelAdapter, Outbound, Result
from core.model.dossier import Dossier, Plan
from core.model.reasons import Reason
from core.playbook.playbook import Playbook
from storage.outbox import dispatch as outbox
from storage.outbox import texts
from storage.play import plans, replays
from storage.play.past import load_past
from storage.rights import made_folder, share_folder
from storage.status import LAST_TICK_AT
from storage.store import Store, set_meta
from storage.unfinished import unfinished_folder


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    customers: int
    decisions: int
    messages: int
    failed: int


def replay(
    source: Store,
    workspace: Workspace,
    first: Instant,
    last: Instant,
    into: Path,
    author: str,
    progress: Callable[[int, int], None] | None = None,
) -> Replayed:
    """Play [first, last] of what `source` recorded under the workspace's files, into a new workspace at
    `into`.

    `progress` is told how many customers of how many are done. A replay that does not finish leaves nothing
    behind.
    """
    if last < first:
        ends, begins = (in_full(at, workspace.playbook.zone) for at in (last, first))
        raise ManometerError(f"The span ends ({ends}) before it begins ({begins}). Swap --from and --to.")
    with _new_folder(into) as folder:
        files = {
            path: _to_files(text) if path == SETTINGS else text for path, text in workspace.files.items()
        }
        _write_files(folder, files)
        played = read_files(files, folder)
        with Store.create(folder / DATABASE) as target:
            playbook = apply_workspace(target, played, first, author).playbook
            done = _Replay(played, playbook, first, last).run(source, target, progress)
            with target.writing() as connection:
                set_meta(connection, SIMULATED_AT, str(last))
                set_meta(connection, LAST_TICK_AT, str(last))
    return done


class _Replay:
    """One replay under way."""

    def __init__(self, workspace: Workspace, playbook: Playbook, first: Instant, last: Instant) -> None:
        self.workspace = workspace
        self.playbook = playbook
        self.first = first
        self.last = last
        self.workshop = Workshop(workspace.name, playbook, Templates(workspace.files))
        self.batches = numeric_approvals(playbook)
        self.judged: list[_Made] = []  # messages whose batch may be too large to go out unseen
        self.customers = self.decisions = self.messages = self.failed = 0

    def run(self, source: Store, target: Store, progress: Callable[[int, int], None] | None) -> Replayed:
        with source.reading() as old:
            total, after = replays.how_many(old), 0
            self.workshop = replace(self.workshop, products=Products(lambda: nullcontext(old)))
            while ids := replays.customers_known_by(old, self.last, after):
                with target.writing() as new:
                    self._chunk(old, new, ids)
                after = ids[-1]
                self.customers += len(ids)
                if progress is not None:
                    progress(self.customers, total)
            with target.writing() as new:
                replays.copy_anonymous(old, new, self.first, self.last)
                self._judge_batches(new)
        return Replayed(self.customers, self.decisions, self.messages, self.failed)

    def _chunk(self, old: Connection, new: Connection, ids: Sequence[int]) -> None:
        dossiers = load_past(old, ids, self.playbook, self.first, self.last, with_state=False)
        made = [(dossier, *self._play(dossier)) for dossier in dossiers.values()]
        played = [(dossier, plan) for dossier, plan, _ in made]
        replays.copy_customers(new, [(dossier, plan.profile) for dossier, plan in played])
        replays.copy_record(old, new, ids, self.first, self.last)
        self.decisions += len(plans.save(new, played, self.playbook.version))
        finished = [each for _, _, found in made for each in found.values()]
        self.judged += [each for each in finished if self._is_judged(each)]
        self._hand_over(new, [each for each in finished if not self._is_judged(each)])

    def _is_judged(self, made: _Made) -> bool:
        return made.outbound is not None and any(
            batch.covers(made.outbound.trigger, made.outbound.step, made.outbound.channel)
            for batch in self.batches
        )

    def _judge_batches(self, new: Connection) -> None:
        """Hold the batches that are larger than their number, each of a whole local day, and hand over the
        others.
        """
        if self.judged:
            outbox.hold_large(new, self.batches, self.last, self.playbook.zone)
            held = replays.held_keys(new)
            self._hand_over(new, [each for each in self.judged if each.key not in held])

    def _play(self, dossier: Dossier) -> tuple[Plan, dict[str, _Made]]:
        """The plan, and its messages rendered; one that cannot be rendered fails at its instant and gives its
        room back.
        """
        failed: frozenset[str] = frozenset()
        while True:
            plan = advance(dossier, self.playbook, self.last, failed=failed)
            made = {each.key: each for each in self._rendered(dossier, plan)}
            broken = frozenset(key for key, each in made.items() if each.fault is not None)
            if broken <= failed:
                return plan, made
            failed |= broken

    def _rendered(self, dossier: Dossier, plan: Plan) -> Iterator[_Made]:
        causes = {
            (e.trigger, e.cause_key): TemplateEvent(e.cause_name, e.cause_at, e.cause_properties)
            for e in plan.enrolments
        }
        for decision in plan.decisions:
            if decision.message is not None and not decision.message.held:
                yield self._make(
                    dossier, decision.message, [*self._texts(decision, decision.message, causes)]
                )

    def _texts(
        self, decision: Decision, message: Message, causes: Mapping[tuple[str, str], TemplateEvent]
    ) -> Iterator[StepText]:
        """The steps whose texts the message carries, its own first; causes are by trigger and their key."""
        triggers = self.playbook.index.by_name
        cause = causes[decision.trigger, decision.cause_key]
        yield StepText(triggers[decision.trigger], decision.step, message.template, cause)
        for other in message.digest[1:]:
            cause = causes[other.trigger, other.cause_key]
            yield StepText(triggers[other.trigger], other.step, other.template, cause)

    def _make(self, dossier: Dossier, message: Message, steps: Sequence[StepText]) -> _Made:
        recipient = Recipient(dossier.id, dossier.key, message.profile or dossier.profile)
        channel = self.playbook.channels[message.channel]
        at = message.planned_at
        try:
            outbound = self.workshop.make(
                recipient, Envelope(message.key, channel, message.address or "", at, at), steps
            )
        except TemplateFault as fault:
            return _Made(message.key, message, None, str(fault))
        return _Made(message.key, message, outbound, None, str(recipient.profile.field("locale") or ""))

    def _hand_over(self, new: Connection, made: Iterable[_Made]) -> None:
        """Each message as of its own instant, in order of time within the chunk."""
        ordered = sorted(made, key=lambda each: (each.message.planned_at, each.key))
        ids = dict(replays.message_ids(new, [each.key for each in ordered]))
        results: list[dict[str, Any]] = []
        with ExitStack() as stack:
            adapters: dict[str, ChannelAdapter] = {}
            for each in ordered:
                name = each.message.channel
                if name not in adapters:
                    adapters[name] = stack.enter_context(
                        open_adapter(self.playbook.channels[name], self.workspace.folder)
                    )
                results.append(self._send(each, adapters[name], ids[each.key]))
        replays.mark_handed_over(new, results)
        self._keep_texts(new, ordered, ids)

    def _keep_texts(self, new: Connection, made: Iterable[_Made], ids: Mapping[str, int]) -> None:
        """What went out lately enough to be kept at the end of the span."""
        retention = self.workspace.retention
        packer = TextPacker(self.workshop.templates, OpenBases(new), retention)
        kept = {
            ids[each.key]: packer.packed(each.message.template, each.locale, each.outbound)
            for each in made
            if each.outbound is not None and each.outbound.sent_at > self.last - retention.texts
        }
        texts.keep(new, {number: text for number, text in kept.items() if text is not None})

    def _send(self, made: _Made, adapter: ChannelAdapter, number: int) -> dict[str, Any]:
        at = made.message.planned_at
        if made.outbound is None:
            self.failed += 1
            return _outcome(made, "failed", at, Reason.TEMPLATE_ERROR, made.fault)
        result: Result = hand_over(adapter, replace(made.outbound, message_id=number))
        if isinstance(result, Accepted):
            self.messages += 1
            return _outcome(made, "sent", at, None, None)
        raise ManometerError(f"outbox: a message could not be written: {result.reason}")


@dataclass(frozen=True, slots=True)
class _Made:
    """A message ready to be handed over, or the reason why it cannot be."""

    key: str
    message: Message
    outbound: Outbound | None
    fault: str | None
    locale: str = ""


def _outcome(
    made: _Made, state: str, at: Instant, reason: Reason | None, error: str | None
) -> dict[str, Any]:
    return {
        "key": made.key,
        "state": state,
        "sent_at": at if state == "sent" else None,
        "subject": made.outbound.subject if made.outbound is not None else None,
        "reason": reason,
        "error": error,
        "released_at": None if state == "sent" else at,
    }


# ---- the new workspace's folder ----


@contextmanager
def _new_folder(into: Path) -> Iterator[Path]:
    """A folder that appears under its name only when it is whole."""
    if into.exists():
        raise ManometerError(
            f"{into} exists already. A replay makes a new workspace: name a folder that does not exist."
        )
    with ExitStack() as stack:
        try:
            into.parent.mkdir(parents=True, exist_ok=True)
            partial = stack.enter_context(unfinished_folder(into))
            share_folder(partial)
        except OSError as error:
            raise ManometerError(
                f"{into}: cannot be made: {error.strerror}. Choose a place that can be written."
            ) from None
        yield partial
        partial.rename(into)


def _write_files(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        place = folder / path
        made_folder(place.parent)
        write_file(place, text.encode())


# ---- its settings ----

KEPT_OF_CHANNELS = frozenset({"medium", "send_window", "lead_time", "capacity", "approval"})
"""What a channel is to the engine; all else is of the adapter that it no longer has."""


def _to_files(text: str) -> str:
    """The settings of a workspace that reaches nobody: every channel a file, no links that need a secret, the
    database beside it.

    A text that says so already stays as it is, its comments with it.
    """
    settings = tomllib.loads(text, parse_float=_Number)
    if _reaches_nobody(settings):
        return text
    settings.pop("unsubscribe", None)
    settings.get("workspace", {}).pop("database", None)
    for name, channel in settings.get("channels", {}).items():
        kept = {key: value for key, value in channel.items() if key in KEPT_OF_CHANNELS}
        settings["channels"][name] = {"kind": "file", **kept}
    return "\n".join(_tables(settings, ())).lstrip() + "\n"


def _reaches_nobody(settings: Mapping[str, Any]) -> bool:
    channels = settings.get("channels", {}).values()
    are_files = all(
        channel.get("kind") == "file" and channel.keys() - KEPT_OF_CHANNELS == {"kind"}
        for channel in channels
    )
    return are_files and "unsubscribe" not in settings and "database" not in settings.get("workspace", {})


class _Number(str):
    """A number with a point, as it was written."""


def _tables(values: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """The lines of a table and of those within it."""
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    if path and (plain or not values):
        yield f"\n[{'.'.join(map(_quoted, path))}]"
    yield from (f"{_quoted(key)} = {_value(value)}" for key, value in plain.items())
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _tables(value, (*path, key))


def _value(value: Any) -> str:
    match value:
        case _Number():
            return str(value)
        case bool() | int():
            return str(value).lower()
        case str():
            return _text(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case dict():
            return f"{{ {', '.join(f'{_quoted(key)} = {_value(inner)}' for key, inner in value.items())} }}"
        case _:  # a date, a time of day, or both
            return str(value.isoformat())


def _quoted(text: str) -> str:
    bare = text.isascii() and text.replace("-", "").replace("_", "").isalnum()
    return text if bare else _text(text)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
