"""Plain values for the screens of triggers, decisions and the outbox, hostile text among them, and services
that give them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from core.errors import ManometerError
from core.instants import DAY, HOUR, Instant
from core.kinds.transactional import Transactional
from core.model.counts import OutcomeCount
from core.model.decisions import Objection
from core.model.fates import Fate
from core.model.outbox import Act, ActEffect, ListedMessage
from core.model.pauses import PausePolicy
from core.model.reasons import Reason
from core.model.triggers import Step, Trigger
from screens.ports import Cancelled
from screens.ports.decisions import DecisionView, Listed, LoggedDecision
from screens.ports.messages import MessageAsked, MessageChoices, MessageForm, ShownMessage
from screens.ports.pauses import PauseEffect, PauseLine, PauseView, PolicyEffect
from screens.ports.terms import LogFilter
from screens.ports.triggers import HistoryLine, TriggerLine, TriggerView, WaitingView
from tests.screens.stage import HOSTILE

NOW: Instant = 1_769_850_000_000  # Sat 31 Jan 2026 10:00 in Zurich
EVIL = " ".join(HOSTILE)

BASKET = TriggerLine(
    "basket",
    "Basket left behind",
    "transactional",
    "active",
    None,
    1204,
    40_000,
    310,
    {Fate.NEVER: 95, Fate.GOAL_REACHED: 12},
    NOW - HOUR,
    NOW + HOUR,
    12,
    0,
    95,
)
PAUSED = replace(
    BASKET, name="birthday", state="paused", pause=PauseView(NOW - DAY, None, "olga", "wrong price")
)
DRAFT = replace(BASKET, name="evil", title=EVIL, state="draft", waiting=0, next_due=None)
LINES = (BASKET, PAUSED, DRAFT)
TRIGGER = Trigger(
    "basket", "Basket left behind", "marketing",
    Transactional(events=frozenset({"Checkout Started"}), after=HOUR),
    (Step(("email", "webpush"), "basket"), Step(("print",), "card", after=DAY)),
)  # fmt: skip
DECISION = LoggedDecision(
    1, NOW - HOUR, 7, "C7", EVIL, "basket", 1, "email", "defer", "PRESSURE", NOW + DAY, True
)
MESSAGE = ListedMessage(
    1, 7, "C7", EVIL, "basket", 1, "email", "held", NOW - HOUR, NOW + DAY, None, EVIL, "basket", None,
    "APPROVAL", None, 0, "k1",
    "marketing",
)  # fmt: skip


class FakeTriggers:
    """Three triggers; remembers what was done to them."""

    def __init__(self) -> None:
        self.known: list[TriggerLine] = list(LINES)
        self.done: list[tuple[object, ...]] = []

    def lines(self, cancelled: Cancelled) -> Sequence[TriggerLine]:
        return tuple(self.known)

    def view(self, name: str, cancelled: Cancelled) -> TriggerView:
        line = next(each for each in self.known if each.name == name)
        outcomes = (OutcomeCount("send", None, 310), OutcomeCount("suppress", "NO_CONSENT", 95))
        history = (HistoryLine(NOW - DAY, EVIL, "pause", EVIL, "until never"),)
        definition = 'title = "x"  # [/x]\n[when]\n' + EVIL
        return TriggerView(
            line, TRIGGER, NOW - 30 * DAY, {1: 1200, 2: 4}, 900, outcomes, history, definition, sent=290
        )

    def decision_ids(
        self, name: str, since: Instant, counted: Collection[OutcomeCount], cancelled: Cancelled
    ) -> array[int]:
        self.done.append(("decisions of", name, tuple(counted)))
        return array("q", range(1, 1 + sum(each.number for each in counted)))

    def waiting_ids(self, name: str, cancelled: Cancelled) -> array[int]:
        return array("q", range(1, 1205))

    def waiting_rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, WaitingView]:
        return {
            row: WaitingView(row, row, f"C{row}", HOSTILE[row % len(HOSTILE)], 1, NOW + row, None)
            for row in ids
        }

    def pause_effect(self, name: str, cancelled: Cancelled) -> PauseEffect:
        line = next(each for each in self.known if each.name == name)
        policies = (
            PolicyEffect("skip", "3 steps"),
            PolicyEffect("overdue", "3 steps"),
            PolicyEffect("shift", "1,204 steps"),
        )
        return PauseEffect(
            name, line.title, 1204, 1300, 3, 12, NOW, line.pause, policies if line.pause else ()
        )

    def _put(self, name: str, pause: PauseView | None) -> None:
        self.known = [
            replace(e, state="paused" if pause else "active", pause=pause) if e.name == name else e
            for e in self.known
        ]

    def pauses(self, cancelled: Cancelled) -> Sequence[PauseLine]:
        return (
            PauseLine("channel:sms", PauseView(NOW - DAY, None, "olga", EVIL), 1204, 1300, 3, 12),
            PauseLine("segment:vip", None),
        )

    def pause(self, name: str, until: Instant | None, reason: str, transactional: bool = False) -> str:
        self.done.append(("pause", name, until, reason))
        self._put(name, PauseView(NOW, until, "keller", reason))
        return f"{name} is paused."

    def undo_pause(self, name: str) -> str:
        self.done.append(("undo", name))
        self._put(name, None)
        return "undone"

    def resume(self, name: str, policy: PausePolicy, reason: str) -> str:
        self.done.append(("resume", name, policy, reason))
        self._put(name, None)
        return f"{name} goes on."

    def stop(self, transactional: bool, reason: str) -> str:
        raise AssertionError

    def go(self, policy: PausePolicy, reason: str) -> str:
        raise AssertionError


class FakeDecisions:
    """A thousand decisions; remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[LogFilter] = []
        self.last = 1_000
        self.newer_asked = 0

    def ids(
        self, wanted: LogFilter, cancelled: Cancelled, found: Callable[[array[int]], None] | None = None
    ) -> Listed:
        self.asked.append(wanted)
        if ("word", "nonsense") in wanted.only:
            raise ManometerError("There is nothing called 'nonsense' here.")
        if found is not None:
            found(array("q", [self.last]))
        return Listed(array("q", range(self.last, 0, -1)), self.last)

    def newer(self, wanted: LogFilter, after: int, cancelled: Cancelled) -> Listed:
        self.newer_asked += 1
        return Listed(array("q", range(self.last, after, -1)), self.last)

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, LoggedDecision]:
        return {row: replace(DECISION, id=row, name=HOSTILE[row % len(HOSTILE)]) for row in ids}

    def view(self, decision: int, cancelled: Cancelled) -> DecisionView:
        rule = {
            "rule": EVIL, "count": 3, "limit": 3, "from": "2026-01-24T09:00:00Z",
            "to": "2026-01-31T09:00:00Z",
            "counted": [{"at": "2026-01-30T09:00:00Z", "trigger": EVIL, "channel": "email"}],
        }  # fmt: skip
        return DecisionView(
            DECISION, f"Deferred: {EVIL}", NOW, 4, (rule,), (Objection(Reason.PRESSURE, EVIL),), 9, "sent"
        )


class FakeOutbox:
    """Twenty held messages and one that failed; remembers what was done."""

    def __init__(self) -> None:
        self.done: list[tuple[object, ...]] = []
        self.asked: list[LogFilter] = []

    def counts(self, cancelled: Cancelled) -> Mapping[Fate, int]:
        return {Fate.WAITS_FOR_APPROVAL: 20, Fate.FAILED: 1}

    def ids(self, wanted: LogFilter, cancelled: Cancelled) -> array[int]:
        self.asked.append(wanted)
        return array("q", range(1, 22))

    def rows(self, ids: Sequence[int], cancelled: Cancelled) -> Mapping[int, ListedMessage]:
        failed = replace(MESSAGE, state="failed", reason="CHANNEL_ERROR", error=EVIL)
        return {
            row: replace(MESSAGE if row < 21 else failed, id=row, name=HOSTILE[row % len(HOSTILE)])
            for row in ids
        }

    def effect(self, action: Act, ids: Sequence[int], cancelled: Cancelled) -> ActEffect:
        held = [row for row in ids if row < 21]
        return ActEffect(
            action,
            held,
            len(held),
            {"basket": len(held)},
            {"email": len(held)},
            {"failed": 1},
            0,
            NOW,
            NOW + DAY,
            NOW,
        )

    def act(self, action: Act, ids: Sequence[int], reason: str) -> str:
        self.done.append((action, list(ids), reason))
        return f"{len(ids)} messages {action}d."


class FakeMessages:
    """One message, as it was sent unless asked for anew; remembers what was asked and sent."""

    def __init__(self, proofs: Sequence[str] = ("anna@shop.example",)) -> None:
        self.asked: list[MessageAsked] = []
        self.sent: list[tuple[str, str]] = []
        self.proofs = proofs

    def shown(self, asked: MessageAsked, cancelled: Cancelled) -> ShownMessage:
        self.asked.append(asked)
        is_sample = asked.number is None and asked.decision is None
        form: MessageForm = "sample" if is_sample else "now" if asked.anew else "sent"
        texts = (("email.html, as text", f"Dear {EVIL}\nbye"), ("email.txt", EVIL))
        row = None if is_sample else replace(MESSAGE, id=asked.number or 9)
        return ShownMessage(
            form, f"shown as {form}", f"Message {asked.number or 9}", "C7", 7, "basket", "offer", "email",
            EVIL, texts, None, row,
        )  # fmt: skip

    def save(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        return "/shop/exports/message.html"

    def browse(self, asked: MessageAsked, cancelled: Cancelled) -> str:
        return "There is no browser here."

    def choices(self, cancelled: Cancelled) -> MessageChoices:
        return MessageChoices(("offer", "birthday"), ("email", "sms"), self.proofs)

    def proof(self, asked: MessageAsked, address: str, reason: str) -> str:
        self.sent.append((address, reason))
        return f"A proof went to {address}."
