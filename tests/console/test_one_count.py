"""Every number of what becomes of messages, added up over all commands, screens and pages of one workspace:
no two of them disagree.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from console.tui.answers.local_service import LocalService
from core.instants import DAY, HOUR, Instant, parse_instant
from core.model.counts import fates_of
from core.model.fates import Fate, fate_of_message, state_code
from screens.cells import heat_map
from screens.cells import outbox as outbox_cells
from screens.cells.line import as_cell
from screens.ports.terms import LogFilter
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.store import Store
from tests.console.lives import BASKET, going, nobody, person, run, trigger, workspace

NOW: Instant = parse_instant("2025-03-03T10:30:00Z")
Output = pytest.CaptureFixture[str]

MESSAGES: dict[str, tuple[str, str | None, Fate]] = {
    "approval": ("held", "APPROVAL", Fate.WAITS_FOR_APPROVAL),
    "due": ("planned", None, Fate.DUE),
    "approved": ("due", None, Fate.DUE),
    "claimed": ("claimed", None, Fate.ON_ITS_WAY),
    "sent": ("sent", None, Fate.SENT),
    "delivered": ("delivered", None, Fate.SENT),
    "bounced": ("bounced", None, Fate.SENT),
    "complained": ("complained", None, Fate.SENT),
    "failed": ("failed", "CHANNEL_ERROR", Fate.FAILED),
    "uncertain": ("uncertain", "CHANNEL_ERROR", Fate.UNCERTAIN),
    "expired": ("expired", "EXPIRED", Fate.NEVER),
    "cancelled": ("cancelled", "NO_CONSENT", Fate.NEVER),
    "rejected": ("cancelled", "REJECTED", Fate.NEVER),
    "bought": ("cancelled", "GOAL_REACHED", Fate.GOAL_REACHED),
    "surge": ("held", "SURGE", Fate.HELD),
}
"""Messages that were decided to be sent: state, reason, and what becomes of them."""
OTHERS: dict[str, tuple[str, str | None, Fate]] = {
    "deferred": ("defer", "PRESSURE", Fate.LATER),
    "quiet": ("defer", "QUIET_HOURS", Fate.LATER),
    "suppressed": ("suppress", "ADDRESS_SUPPRESSED", Fate.NEVER),
    "goal": ("suppress", "GOAL_REACHED", Fate.GOAL_REACHED),
    "holdout": ("suppress", "HOLDOUT", Fate.NEVER),
}
"""Decisions of which no message came."""


def add(store: Store, trigger_name: str, first: int) -> None:
    """One customer's journey of each sort in a trigger."""
    with store.writing() as connection:
        for number, (name, (state, reason, fate)) in enumerate(MESSAGES.items(), first):
            _journey(connection, number, name, trigger_name, "send", None, state, reason, fate)
        for number, (name, (outcome, reason, fate)) in enumerate(OTHERS.items(), first + len(MESSAGES)):
            _journey(connection, number, name, trigger_name, outcome, reason, None, None, fate)


def _journey(
    connection: Any, number: int, name: str, of: str, outcome: str, reason: str | None, state: str | None,
    why: str | None, fate: Fate,
) -> None:  # fmt: skip
    customer = [*MESSAGES, *OTHERS].index(name) + 1
    connection.execute(
        insert(enrolments).values(
            id=number, customer_id=customer, trigger=of, cause_key=f"c{number}", cause_at=NOW - HOUR,
            entered_at=NOW - HOUR, step=2, planned_at=NOW - HOUR // 2, version=1, state="done",
            ended_at=NOW - HOUR // 2,
        )
    )  # fmt: skip
    if state is not None:
        connection.execute(
            insert(messages).values(
                id=number, key=f"k{number}", customer_id=customer, enrolment_id=number, trigger=of, step=1,
                channel="email", template="note", address="x@example.ch", state=state, reason=why,
                planned_at=NOW - HOUR // 2, expires_at=NOW + DAY, lands_at=NOW - HOUR // 2,
                purpose="marketing", weight=1000, counts=1, claimed_by="host:1:1", claimed_until=NOW + HOUR,
                sent_at=NOW - HOUR // 4 if fate is Fate.SENT else None,
                released_at=NOW if fate in (Fate.NEVER, Fate.GOAL_REACHED, Fate.FAILED) else None,
            )
        )  # fmt: skip
    connection.execute(
        insert(decisions).values(
            at=NOW - HOUR // 2, customer_id=customer, enrolment_id=number, trigger=of, step=1,
            channel="email", outcome=outcome, reason=reason, late=0, planned_at=NOW - HOUR // 2, version=1,
            message_id=None if state is None else number,
            until=NOW + DAY if outcome == "defer" else None,
        )
    )  # fmt: skip


FREE, PAUSED = "basket", "paused"


@pytest.fixture(params=["going", "stopped"])
def folder(tmp_path: Path, request: pytest.FixtureRequest, capsys: Output) -> Path:
    """A workspace with a journey of each sort in a trigger, and in one that is paused; also in an emergency
    stop.
    """
    people = [person(name) for name in (*MESSAGES, *OTHERS)]
    place = workspace(tmp_path, people, {FREE: BASKET, PAUSED: trigger(title='"Paused"')})
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-03T10:30:00Z")
    assert run("-w", place, "replay", *span, "--into", place / "p") == 0
    with Store.open(place / "p" / "manometer.db") as store:
        add(store, FREE, 1)
        add(store, PAUSED, 101)
    assert run("-w", place / "p", "triggers", "pause", PAUSED, "--reason", "wrong price", "--yes") == 0
    if request.param == "stopped":
        assert run("-w", place / "p", "stop", "--reason", "wrong price", "--yes") == 0
    capsys.readouterr()
    return place / "p"


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    opened = LocalService(folder)
    yield opened
    opened.close()


def expected(service: LocalService, name: str) -> Counter[Fate]:
    """What was put in, with what would go out held where something is paused."""
    is_paused = name == PAUSED or service.place.stopped
    found = Counter(fate_of_message(s, r, is_paused=is_paused) for s, r, _ in MESSAGES.values())
    if not is_paused:
        assert found == Counter(fate for *_, fate in MESSAGES.values())
    return found + Counter(fate for *_, fate in OTHERS.values())


def lines(output: Output, *words: str | Path) -> list[dict[str, Any]]:
    """The rows that a command prints as JSON."""
    assert run(*words, "--json") in (0, 1)
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


WAITING = (Fate.WAITS_FOR_APPROVAL, Fate.DUE, Fate.ON_ITS_WAY, Fate.HELD)


def test_no_two_numbers_disagree(service: LocalService, folder: Path, capsys: Output) -> None:
    both = expected(service, FREE) + expected(service, PAUSED)
    waiting = Counter({fate: both[fate] for fate in WAITING})

    # triggers: the list, one of them, the command
    listed = {row["name"]: row for row in lines(capsys, "-w", folder, "triggers")}
    for line in service.triggers.lines(going):
        view = service.triggers.view(line.name, going)
        wanted = expected(service, line.name)
        assert Counter(line.lately) == fates_of(view.outcomes) == wanted
        assert (line.goal_reached_lately, line.later_lately, line.never_lately) == (
            wanted[Fate.GOAL_REACHED], wanted[Fate.LATER], wanted[Fate.NEVER],
        )  # fmt: skip
        assert line.sent == line.sent_lately == view.sent == wanted[Fate.SENT]
        assert listed[line.name]["sent"] == wanted[Fate.SENT]

    # the log of decisions, and its words
    logged = service.decisions.ids(LogFilter(), going).ids
    rows = service.decisions.rows(logged, going).values()
    assert Counter(row.fate for row in rows) == both
    assert len(lines(capsys, "-w", folder, "decisions")) == both.total()

    # the outbox: the screen, the command
    ids = service.outbox.ids(LogFilter(), going)
    shown = Counter(
        as_cell(outbox_cells.cells(row, NOW, service.place.zone)[0]).text.partition(" ")[2].split(",")[0]
        for row in service.outbox.rows(ids, going).values()
    )
    of_messages = (
        both - Counter(fate for *_, fate in OTHERS.values()) - Counter(fate for *_, fate in OTHERS.values())
    )
    assert shown == Counter({str(fate).replace("_", " "): number for fate, number in of_messages.items()})
    states = Counter(row["state"] for row in lines(capsys, "-w", folder, "outbox"))
    assert states["held"] == waiting[Fate.WAITS_FOR_APPROVAL] + 2  # and the two of the surge
    assert sum(states[state] for state in ("sent", "delivered", "bounced", "complained")) == both[Fate.SENT]

    # the overview
    page = service.overview.page(going)
    (email, *_) = page.today
    assert email.sent == both[Fate.SENT]
    assert email.waiting == waiting[Fate.DUE] + waiting[Fate.ON_ITS_WAY]
    assert (email.to_approve, email.held) == (waiting[Fate.WAITS_FOR_APPROVAL], waiting[Fate.HELD])

    # status
    (status,) = lines(capsys, "-w", folder, "status")
    assert (status["failed"], status["uncertain"]) == (both[Fate.FAILED], both[Fate.UNCERTAIN])
    fates = status["conservation"]["fates"]
    assert fates["sent"] == both[Fate.SENT]
    assert fates["pending"] == waiting.total()
    assert fates["suppressed"] == both[Fate.NEVER] + both[Fate.GOAL_REACHED]
    assert fates["deferred"] == both[Fate.LATER]

    # the preview: the command, the heat map, a page
    ahead = lines(capsys, "-w", folder, "preview", "--days", "1")
    goes = waiting[Fate.DUE] + waiting[Fate.ON_ITS_WAY]
    assert Counter(row["outcome"] for row in ahead) == {
        "send": goes, "hold": waiting[Fate.HELD] + waiting[Fate.WAITS_FOR_APPROVAL],
    }  # fmt: skip
    assert len({row["message"] for row in ahead}) == waiting.total()
    forecast = service.pressure.run(1, going, nobody)
    assert heat_map.table(forecast, "sent", None, service.place.zone).grid.values[-1][0] == goes
    assert forecast.totals.already.total() == waiting.total() == forecast.totals.decisions
    looked = service.overview.ahead(going)
    assert not any((looked.sends or {}).values())  # to come is what the outbox holds, counted once
    page_file = folder / "page.html"
    assert run("-w", folder, "preview", "--days", "1", "--html", page_file) == 0
    capsys.readouterr()
    facts = re.sub(r"<[^>]+>", "\n", page_file.read_text())
    assert re.search(rf"waits for approval\s*{waiting[Fate.WAITS_FOR_APPROVAL]}\b", facts)
    assert re.search(rf"decided already\s*{waiting.total()}\b", facts)


def test_why_says_of_each_what_all_others_say(service: LocalService, folder: Path, capsys: Output) -> None:
    both: Counter[str | None] = Counter()
    for name, (*_, fate) in {**MESSAGES, **OTHERS}.items():
        for row in lines(capsys, "-w", folder, "why", name):
            is_paused = row["trigger"] == PAUSED or service.place.stopped
            state, reason, _ = MESSAGES.get(name, ("", None, None))
            wanted = fate_of_message(state, reason, is_paused=is_paused) if name in MESSAGES else fate
            assert (name, row["trigger"], row["state"]) == (name, row["trigger"], state_code(wanted))
            both[row["state"]] += 1
        for each in service.why.explanations(name, going).explanations:
            assert state_code(each.explanation.fate) in both
    assert both == Counter(
        str(fate) for name in (FREE, PAUSED) for fate in expected(service, name).elements()
    )


def test_what_is_approved_under_a_pause_is_said_to_be_held(service: LocalService, folder: Path) -> None:
    effect = service.outbox.effect("approve", [101], going)
    assert effect.held == 1
    said = " ".join(outbox_cells.act_deed(effect, "olga", service.place.zone).lines)
    assert "It is then held and not sent: paused is paused since Mon 03 Mar 2025 10:30 UTC" in said
    assert "wrong price" in said
    assert "as soon as" not in said
    free = service.outbox.effect("approve", [1], going)
    assert free.held == int(service.place.stopped)
