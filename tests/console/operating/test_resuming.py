"""What is said before a pause ends is what the next pass does, under each of the four policies."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from sqlalchemy import select

from console.operating import pausing
from console.playbooks.applied import load_in_force
from core.engine.pauses import ResumeEffect, affected_triggers
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from core.model.pauses import EVERYTHING, PausePolicy
from storage import pauses
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.enrolments import enrolments
from storage.store import Store
from tests.console.lives import BASKET, BIRTHDAY, SETTINGS, act, person, run, trigger, workspace

HELD = ("TRIGGER_PAUSED", "STOPPED")
FIRST: Instant = parse_instant("2025-03-03T09:00:00Z")
LADDER = BASKET.replace('after = "1h"', 'after = "20h"') + "".join(
    f'[[steps]]\nafter = "{after}"\nchannels = ["email"]\ntemplate = "note"\nexpires = "3d"\n{more}'
    for after, more in (
        ("2h", 'then = "last"\n'),
        ("1h", ""),
        ("1h", 'name = "last"\nwait_for = ["Product Reviewed"]\ntimeout = "2h"\non_timeout = "send"\n'),
        ("2d", ""),
    )
)
GREETINGS = (
    trigger(BIRTHDAY, purpose='"transactional"')
    + """
[[steps]]
after = "6h"
channels = ["sms"]
template = "note"
[[steps]]
after = "4d"
channels = ["sms"]
template = "note"
"""
)
WINDOWS = SETTINGS.replace(
    '[channels.email]\nkind = "file"', '[channels.email]\nkind = "file"\nsend_window = "Mon-Sun 07:00-19:00"'
)
SEGMENTS = '[segments.half]\ntitle = "Half"\nwhere = "phone < \'+41790000020\'"\n'
WHOM = {"segment:half": {f"u{number}" for number in range(20)}, "customer:u7": {"u7"}}
Row = tuple[int, Instant, Instant | None]


def _shop(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    calls = []
    for number in range(40):
        at = format_instant(FIRST + chance.randrange(3 * DAY // MINUTE) * MINUTE)
        calls += [
            person(
                f"u{number}",
                phone=f"+417900000{number:02d}",
                birthday=f"1980-03-{chance.randrange(3, 8):02d}",
            ),
            act(f"u{number}", chance.choice(["Checkout Started", "Page Viewed"]), at),
        ]
    workspace(folder, calls, {"basket": LADDER, "birthday": GREETINGS})
    (folder / "segments.toml").write_text(SEGMENTS)
    (folder / "manometer.toml").write_text(WINDOWS)


def _open(store: Store, names: set[str], whom: set[str] | None = None) -> dict[int, Row]:
    columns = enrolments.c
    query = select(columns.id, columns.step, columns.planned_at, columns.due_at)
    if whom is not None:
        query = query.where(columns.customer_id.in_(select(customers.c.id).where(customers.c.key.in_(whom))))
    with store.reading() as connection:
        rows = connection.execute(query.where(columns.state == "open", columns.trigger.in_(names)))
        return {row.id: (row.step, row.planned_at, row.due_at) for row in rows}


def _did(
    store: Store, policy: PausePolicy, before: dict[int, Row], end: Instant, names: set[str]
) -> ResumeEffect:
    """What the pass at the end of the pause has done to those that were under way."""
    with store.reading() as connection:
        at_end = connection.execute(
            select(decisions.c.enrolment_id, decisions.c.reason, decisions.c.outcome).where(
                decisions.c.at == end
            )
        ).all()
    after = _open(store, names)
    skips = Counter(
        row.enrolment_id
        for row in at_end
        if row.outcome == "suppress" and row.reason in HELD and row.enrolment_id in before
    )
    decided = {row.enrolment_id for row in at_end} & set(before) - set(skips)
    replanned = {
        one
        for one in before
        if one in after and after[one][0] == before[one][0] and after[one][1] != before[one][1]
    }
    rest = len(set(before) - set(skips) - decided - replanned)
    moved, anew = (len(replanned), 0) if policy == "shift" else (0, len(replanned))
    return ResumeEffect(skips.total(), len(decided - replanned), moved, anew, rest)


@pytest.mark.parametrize(
    "name", ["basket", "birthday", EVERYTHING, "channel:email", "channel:sms", "segment:half", "customer:u7"]
)
@pytest.mark.parametrize("policy", pausing.POLICIES)
@pytest.mark.parametrize("looks", [True, False])
def test_the_numbers_of_a_policy_are_what_the_next_pass_does(
    tmp_path: Path, name: str, policy: PausePolicy, looks: bool
) -> None:
    _shop(tmp_path / "s", seed=1 + looks)
    folder, begin = tmp_path / "p", FIRST + 30 * HOUR + 7 * MINUTE
    end = begin + 20 * HOUR + 11 * MINUTE
    to: list[str | Path] = ["--from", format_instant(FIRST), "--to", format_instant(begin), "--into", folder]
    assert run("-w", tmp_path / "s", "replay", *to) == 0
    assert run("-w", folder, *_command(name, "stop", "pause"), "--yes", "--at", format_instant(begin)) == 0
    for at in range(begin, end, 3 * HOUR) if looks else ():
        run("-w", folder, "tick", "--no-dispatch", "--at", format_instant(at))
    with Store.open(folder / "manometer.db") as store:
        playbook = load_in_force(store, folder).playbook
        with store.reading() as connection:
            paused = pauses.current(connection, end)[name]
            said = pausing.effects_of(connection, paused.pause, playbook, end)[policy]
        names = set(affected_triggers(paused.pause, playbook))
        before = _open(store, names, WHOM.get(name))
    assert (
        run(
            "-w",
            folder,
            *_command(name, "go", "resume"),
            "--policy",
            policy,
            "--yes",
            "--at",
            format_instant(end),
        )
        == 0
    )
    assert run("-w", folder, "tick", "--no-dispatch", "--at", format_instant(end)) == 0
    with Store.open(folder / "manometer.db") as store:
        assert _did(store, policy, before, end, names) == said
    assert said != ResumeEffect() or name == "customer:u7"


def _command(name: str, everything: str, one: str) -> list[str]:
    scope, colon, which = name.partition(":")
    if name == EVERYTHING:
        return [everything]
    return (
        [one, f"--{scope}", which, *(["--transactional"] if one == "pause" else [])]
        if colon
        else ["triggers", one, name]
    )


def test_a_stop_that_ends_as_it_begins_leaves_everybody_as_planned(tmp_path: Path) -> None:
    _shop(tmp_path / "s", seed=1)
    at = format_instant(FIRST + 30 * HOUR)
    assert (
        run(
            "-w",
            tmp_path / "s",
            "replay",
            "--from",
            format_instant(FIRST),
            "--to",
            at,
            "--into",
            tmp_path / "p",
        )
        == 0
    )
    for words in (("stop",), ("go",), ("stop",)):
        run("-w", tmp_path / "p", *words, "--yes", "--at", at)
        run("-w", tmp_path / "p", "tick", "--no-dispatch", "--at", at)
    with Store.open(tmp_path / "p/manometer.db") as store, store.reading() as connection:
        playbook = load_in_force(store, tmp_path / "p").playbook
        stop = pauses.current(connection, FIRST + 30 * HOUR)[EVERYTHING].pause
        said = pausing.effects_of(connection, stop, playbook, FIRST + 30 * HOUR)
        number = len(_open(store, set(affected_triggers(stop, playbook))))
    assert number
    assert {policy: does for policy, does in said.items() if does != ResumeEffect(as_planned=number)} == {}


SPLIT = """
title = "Split"
status = "active"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
after = "3d"
[split]
x = 0.5
y = 0.5
[[steps]]
variant = "x"
channels = ["email"]
template = "note"
[[steps]]
variant = "y"
channels = ["email"]
template = "note"
"""


def test_the_delay_of_a_kind_begins_anew_for_every_variant(tmp_path: Path) -> None:
    calls = [person(f"u{number}") for number in range(20)]
    calls += [act(f"u{number}", "Checkout Started", format_instant(FIRST)) for number in range(20)]
    workspace(tmp_path / "s", calls, {"split": SPLIT})
    folder, begin, end = tmp_path / "p", FIRST + DAY, FIRST + 2 * DAY
    to: list[str | Path] = ["--from", format_instant(FIRST), "--to", format_instant(begin), "--into", folder]
    assert run("-w", tmp_path / "s", "replay", *to) == 0
    assert run("-w", folder, "triggers", "pause", "split", "--yes", "--at", format_instant(begin)) == 0
    with Store.open(folder / "manometer.db") as store:
        playbook = load_in_force(store, folder).playbook
        with store.reading() as connection:
            paused = pauses.current(connection, end)["split"].pause
            said = pausing.effects_of(connection, paused, playbook, end)["restart"]
    assert said == ResumeEffect(begun_anew=20)
