"""Looking ahead: deciding a message that competes with ten foreseen ones, against deciding it where nothing
else is under way.

Both lives are played up to the same instant. Where there is room for all, one sum says so; where there is
not, the foreseen are admitted one by one, and in the dearest case all of them before it is known that the
candidate goes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from time import process_time

from core.engine import advance
from core.instants import DAY, HOUR
from core.limits.pressure import PressureRule
from core.model.customer import Consent
from core.model.dossier import Dossier
from core.model.enrolment import Enrolment
from core.playbook.playbook import Playbook
from tests.core.builders import (
    MONDAY,
    channel,
    dossier,
    enrolment,
    event,
    on,
    on_crossing,
    on_date,
    order,
    playbook,
    rule,
    trigger,
)

SIZE = 20_000
RIVALS = 10
AIM = 4.0
PARTS = 10
NOW = MONDAY + 10 * HOUR
CASES: dict[str, Sequence[PressureRule]] = {
    "room for all": (
        rule("many", 20, "7d"),
        rule("points", 40_000, "calendar week", unit="points"),
        rule("gap", None, gap=HOUR),
    ),
    "the first of them wins": (rule("one", 1, "7d"), rule("points", 40_000, "calendar week", unit="points")),
    "the last of them wins": (
        rule("ten", RIVALS, "30d"),
        rule("points", 40_000, "calendar month", unit="points"),
    ),
}


def run(size: int = SIZE) -> Iterator[str]:
    """The figures of one run, a line each."""
    for name, rules in CASES.items():
        book = _playbook(rules)
        _, *others = book.triggers[: RIVALS + 1]
        alone = _customer()
        rivals = [enrolment(each, NOW + (2 + 12 * number) * HOUR) for number, each in enumerate(others)]
        without, with_ten = _times(alone, rivals, book, size)
        ratio = with_ten / without
        yield (
            f"contest, {name}: {without:.1f} µs a decision without, {with_ten:.1f} µs with {RIVALS} "
            "foreseen candidates,"
            f" {ratio:.1f} times (aim: {AIM:g})"
        )


def _playbook(rules: Sequence[PressureRule]) -> Playbook:
    weak = trigger("weak", on("News"), priority=10, exits=frozenset({"Order Completed"}))
    strong = [
        trigger(f"strong-{number}", on(f"News {number}"), priority=90 - number) for number in range(RIVALS)
    ]
    others = (trigger("birthday", on_date("birthday")), trigger("silent", on_crossing(inactive_for=90 * DAY)))
    email = channel("email", "Mon-Sun 07:00-21:00")
    return playbook(weak, *strong, *others, rules=rules, channels=[email], consent_policy="strict")


def _customer() -> Dossier:
    """Somebody of whom as much is known as of most: some acts, a consent, a birthday; and the event that the
    message is about.
    """
    acts = tuple(order(MONDAY - number * 7 * DAY, order_id=f"o{number}") for number in range(1, 6))
    consent = Consent("email", "marketing", "granted", MONDAY - 90 * DAY, MONDAY - 90 * DAY)
    news = event("News", NOW)
    return dossier(
        news, settled_until=MONDAY, traits={"birthday": "1980-11-05"}, history=acts, consents=(consent,)
    )


def _times(alone: Dossier, rivals: Sequence[Enrolment], book: Playbook, size: int) -> tuple[float, float]:
    """Microseconds of one decision alone and among the rivals: the best of several turns, for others use the
    machine too.
    """
    among = replace(alone, enrolments=(*alone.enrolments, *rivals))
    turns = [
        (_time(alone, book, max(size // PARTS, 1)), _time(among, book, max(size // PARTS, 1)))
        for _ in range(PARTS)
    ]
    return min(first for first, _ in turns), min(second for _, second in turns)


def _time(known: Dossier, book: Playbook, count: int) -> float:
    began = process_time()
    for _ in range(count):
        advance(known, book, NOW)
    return (process_time() - began) / count * 1_000_000


if __name__ == "__main__":
    for line in run(int(sys.argv[1]) if len(sys.argv) > 1 else SIZE):
        print(line, flush=True)
