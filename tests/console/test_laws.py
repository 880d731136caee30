"""The laws of the engine on real databases: replay, live ticks and preview say the same."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from console.forecast.preview import preview
from console.forecast.question import Question
from console.intake.files import IntakeSettings, import_file
from console.playbooks.applied import apply_workspace, changes, load_in_force
from console.runs.replay import replay
from console.runs.tick import tick
from console.workspace.reading import Workspace, read_workspace
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from core.sources.connector import SourceFile
from storage import decisions
from storage.outbox.digests import load
from storage.schema.enrolments import enrolments
from storage.schema.messages import messages
from storage.store import Store

FIRST = parse_instant("2025-03-24T00:00:00Z")  # the week in which Zurich's clocks change
LAST = FIRST + 8 * DAY
CUSTOMERS = ("anna", "beat", "cora")

FILES = {
    "manometer.toml": """
[workspace]
name = "laws"
time_zone = "Europe/Zurich"
currency = "CHF"
[consent]
policy = "assumed"
[engine]
tick = "30s"
grace = "10m"
[preference]
learn = true
least = 2
[channels.email]
kind = "file"
send_window = ["Mon-Sat 07:00-21:00"]
[channels.sms]
kind = "file"
""",
    "pressure.toml": """
[weights]
sms = 2
[[rule]]
name = "two-in-three-days"
limit = 2
window = "3 days"
[[rule]]
name = "points"
limit = 4
unit = "points"
window = "calendar week"
[[rule]]
name = "gap"
gap = "5h"
""",
    "segments.toml": '[segments.buyers]\ntitle = "Buyers"\nwhere = "orders >= 1"\n',
    "templates/note/email.txt": "Hello {{ customer.first_name }}",
    "templates/note/sms.txt": "Hello",
    "triggers/basket.toml": """
title = "Basket"
status = "active"
purpose = "marketing"
priority = 80
[when]
kind = "transactional"
event = "Checkout Started"
per = "cart_id"
after = "1h"
unless = ["Order Completed"]
[exit]
on = ["Order Completed"]
[[steps]]
channels = ["email", "sms"]
template = "note"
on_limit = "fallback"
expires = "1d"
prefer = true
digest = true
[[steps]]
after = "2d"
channels = ["email"]
template = "note"
expires = "2d"
digest = true
only_if = "not clicked"
""",
    "triggers/second.toml": """
title = "Second order"
status = "active"
purpose = "marketing"
[when]
kind = "threshold"
metric = "orders"
reaches = 2
[[steps]]
channels = ["sms", "email"]
template = "note"
digest = true
prefer = true
""",
    "triggers/browse.toml": """
title = "Browsed"
status = "active"
purpose = "marketing"
reentry = "1d"
audience = "not segment('buyers')"
[when]
kind = "behavioural"
event = "Product Viewed"
at_least = 2
within = "2d"
[[steps]]
channels = ["email"]
template = "note"
on_limit = "drop"
digest = true
[[steps]]
after = "6h"
channels = ["sms"]
template = "note"
only_if = "clicked"
""",
    "triggers/silent.toml": """
title = "Silent"
status = "active"
purpose = "service"
[when]
kind = "threshold"
inactive_for = "3d"
[[steps]]
channels = ["email", "sms"]
mode = "all"
template = "note"
""",
    "triggers/care.toml": """
title = "After the order"
status = "active"
purpose = "service"
[when]
kind = "transactional"
event = "Order Completed"
[goal]
on = ["Product Viewed", "Order Completed"]
within = "2d"
exit = false
[split]
short = 0.4
long = 0.6
[[steps]]
after = "3h"
wait_for = ["Product Viewed"]
where = "revenue >= 10"
timeout = "1d"
on_timeout = "last"
channels = ["sms"]
template = "note"
only_if = "variant == 'long'"
else = { template = "note", channels = ["email"], then = "end" }
[[steps]]
variant = "long"
channels = ["email"]
template = "note"
after = "2h"
[[steps]]
name = "last"
after = "6h"
channels = ["email"]
template = "note"
[steps.variants.short]
channels = ["sms"]
""",
    "triggers/birthday.toml": """
title = "Birthday"
status = "active"
purpose = "marketing"
[when]
kind = "recurring"
date = "birthday"
at = "02:30"
[[steps]]
channels = ["sms"]
template = "note"
""",
}

ACT = st.tuples(
    st.sampled_from(CUSTOMERS),
    st.sampled_from(
        [
            "Checkout Started",
            "Order Completed",
            "Order Returned",
            "Product Viewed",
            "Product Viewed",
            "Email Link Clicked",
        ]
    ),
    st.integers(0, 7 * 24 * 12),  # five minutes each
    st.sampled_from(["c1", "c2", None]),
)


def calls(acts: list[tuple[str, str, int, str | None]]) -> list[dict[str, Any]]:
    """People who were known before, then what they did."""
    people = [
        {
            "type": "identify",
            "messageId": f"i{name}",
            "userId": name,
            "timestamp": "2025-01-01T00:00:00Z",
            "traits": {
                "email": f"{name}@example.ch",
                "phone": f"+4179{number:07d}",
                "firstName": name,
                "birthday": "1980-03-30",
            },
        }
        for number, name in enumerate(CUSTOMERS)
    ]
    done = [
        {
            "type": "track",
            "messageId": f"m{number}",
            "userId": who,
            "event": name,
            "timestamp": format_instant(FIRST + when * 5 * MINUTE),
            "properties": {"revenue": 20} | ({"cart_id": cart, "trigger": "basket"} if cart else {}),
        }
        for number, (who, name, when, cart) in enumerate(sorted(acts, key=lambda act: act[2]))
    ]
    return people + done


def made(folder: Path, lines: list[dict[str, Any]]) -> tuple[Workspace, Store]:
    """A workspace whose database holds the calls as history."""
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    store = Store.create(folder / "manometer.db")
    workspace = read_workspace(folder)
    take(folder, store, lines, FIRST, history=True)
    return workspace, store


def take(
    folder: Path,
    store: Store,
    lines: list[dict[str, Any]],
    at: Instant,
    *,
    history: bool = False,
    concerns: Any = None,
) -> None:
    """Import calls as of an instant."""
    file = folder / "calls.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    import_file(
        store,
        SourceFile(file),
        settings=IntakeSettings(ZoneInfo("Europe/Zurich"), folder / "rejects", concerns=concerns),
        arrived_at=at,
        history=history,
    )


EVIDENCE = ("version", "variant", "planned_at", "objections")


def rows(store: Store, *, evidence: bool = False) -> list[dict[str, Any]]:
    """The decisions, without what names them in one database only."""
    left_out = {"message"} if evidence else {"message", *EVIDENCE}
    with store.reading() as connection:
        found = decisions.listing(connection, decisions.DecisionFilter())
        return [{key: value for key, value in row.items() if key not in left_out} for row in found]


def journeys(store: Store) -> list[dict[str, Any]]:
    """Where each journey stands, or how it ended."""
    columns = enrolments.c
    shown = (columns.customer_id, columns.trigger, columns.cause_at, columns.state, columns.step,
        columns.planned_at, columns.due_at,
             columns.variant, columns.goal_at, columns.waited)  # fmt: skip
    with store.reading() as connection:
        return [
            dict(row)
            for row in connection.execute(select(*shown).order_by(*shown[:3], columns.cause_key)).mappings()
        ]


def played(folder: Path, workspace: Workspace, store: Store) -> list[dict[str, Any]]:
    replay(store, workspace, FIRST, LAST, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        return rows(into) + journeys(into)


def lived(folder: Path, lines: list[dict[str, Any]], rhythm: int) -> list[dict[str, Any]]:
    """The same events, each arriving when it occurred, under passes at a rhythm."""
    folder.mkdir()
    workspace, store = made(folder, [line for line in lines if line["type"] == "identify"])
    with store:
        apply_workspace(store, workspace, FIRST, "test")
        playbook = load_in_force(store, workspace.folder).playbook
        acts = [line for line in lines if line["type"] == "track"]
        for now in [*range(FIRST, LAST, rhythm), LAST]:
            while acts and parse_instant(acts[0]["timestamp"]) <= now:
                act = acts.pop(0)
                take(folder, store, [act], parse_instant(act["timestamp"]), concerns=playbook.index.concerns)
            list(tick(store, playbook, now))
        return rows(store) + journeys(store)


FEW = settings(max_examples=4, derandomize=True)


@FEW
@given(acts=st.lists(ACT, max_size=14), rhythm=st.sampled_from([5 * MINUTE, 10 * MINUTE]))
def test_a_replay_gives_the_rows_of_the_live_run_at_any_rhythm(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int, str | None]], rhythm: int
) -> None:
    folder = tmp_path_factory.mktemp("replay")
    lines = calls(acts)
    workspace, store = made(folder, lines)
    with store:
        expected = played(folder, workspace, store)
    assert lived(folder / "live", lines, rhythm) == expected


def looked_ahead(
    store: Store, folder: Path, now: Instant, days: int, workers: int = 1
) -> list[dict[str, Any]]:
    workspace = load_in_force(store, folder)
    question = Question(folder, folder / "manometer.db", now, now, now + days * DAY, with_rows=True)
    found = [row for part, _, _ in preview(question, store, workspace.playbook, workers) for row in part.rows]
    told = [json.loads(row[3]) for row in sorted(found)]
    # what waits in the outbox was decided already, and is told with its message
    return [
        {key: value for key, value in row.items() if key != "message"}
        for row in told
        if row["message"] is None
    ]


@FEW
@given(acts=st.lists(ACT, min_size=3, max_size=14), middle=st.integers(1, 6 * 24))
def test_a_preview_gives_the_rows_of_the_ticks_that_follow(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, str, int, str | None]], middle: int
) -> None:
    folder = tmp_path_factory.mktemp("preview")
    now = FIRST + middle * HOUR
    workspace, store = made(folder, calls(acts))
    with store:
        replay(store, workspace, FIRST, now, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        expected = looked_ahead(into, folder / "played", now, 4)
        assert rows(into) == [row for row in rows(into) if row["at"] <= now]  # nothing was written
        playbook = load_in_force(into, folder / "played").playbook
        for at in range(now + 10 * MINUTE, now + 4 * DAY + 1, 10 * MINUTE):
            list(tick(into, playbook, at))
        assert [row | {"rules": json.loads(row["rules"])} for row in rows(into) if row["at"] > now] == [
            row | {"rules": json.loads(row["rules"])} for row in expected
        ]


SHORTER = FILES["triggers/basket.toml"].rpartition("[[steps]]")[0].replace('after = "1h"', 'after = "2h"')
LATER = (
    FILES["triggers/basket.toml"]
    .replace('after = "2d"', 'after = "30h"')
    .replace('on = ["Order Completed"]', 'on = ["Order Returned"]')
)
RETIRED = FILES["triggers/basket.toml"].replace('"active"', '"retired"')
DOES = st.sampled_from(["finish", "move", "leave"])
CHANGE = st.tuples(
    st.integers(0, 7 * 24),
    st.sampled_from([SHORTER, LATER, RETIRED, None, FILES["triggers/basket.toml"]]),
    DOES,
)


def changed(folder: Path, store: Store, at: Instant, text: str | None, does: Any) -> None:
    """Put another basket trigger in force, or none; those under way finish, move or leave."""
    place = folder / "triggers/basket.toml"
    place.unlink(missing_ok=True)
    if text is not None:
        place.write_text(text)
    workspace = read_workspace(folder)
    found = changes(store, workspace)
    if found:
        asked = (
            {"basket": does}
            if "basket" in (found.changed if does == "move" else found.changed + found.removed)
            else {}
        )
        apply_workspace(store, workspace, at, "test", asked)


def lived_through(
    folder: Path, lines: list[dict[str, Any]], rhythm: int, coming: list[Any]
) -> tuple[list[Any], list[Any], list[Any]]:
    """The rows of passes at a rhythm while playbooks change; then those after the last change, as told ahead
    and as they were.
    """
    folder.mkdir()
    _, store = made(folder, [line for line in lines if line["type"] == "identify"])
    (folder / "manometer.toml").write_text(FILES["manometer.toml"].replace('"10m"', '"6h"'))
    before, ahead = 0, list[dict[str, Any]]()
    with store:
        apply_workspace(store, read_workspace(folder), FIRST, "test")
        for begin, end, change in zip(
            [FIRST, *(each[0] for each in coming)], [*(each[0] for each in coming), LAST], [None, *coming]
        ):
            if change is not None:
                changed(folder, store, *change)
            playbook = load_in_force(store, folder).playbook
            if end == LAST:  # what is known by now is told; no more arrives
                before, ahead = len(rows(store)), looked_ahead(store, folder, begin, 8)
                list(tick(store, playbook, begin))
            for now in [*range(begin, end, rhythm), end]:
                known = [
                    each
                    for each in lines
                    if each["type"] == "track" and begin < parse_instant(each["timestamp"]) <= end < LAST
                ]
                for each in [
                    each for each in known if now - rhythm < parse_instant(each["timestamp"]) <= now
                ]:
                    take(
                        folder,
                        store,
                        [each],
                        parse_instant(each["timestamp"]),
                        concerns=playbook.index.concerns,
                    )
                list(tick(store, playbook, now))
        after = [row for row in rows(store)[before:] if row["at"] > coming[-1][0]]
        return rows(store, evidence=True), _read([row for row in ahead if row["at"] <= LAST]), _read(after)


def _read(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "rules": json.loads(row["rules"])} for row in found]


@settings(max_examples=3, derandomize=True, deadline=None)
@given(acts=st.lists(ACT, min_size=4, max_size=14), coming=st.lists(CHANGE, min_size=1, max_size=3))
def test_playbooks_that_change_give_the_same_rows_at_any_rhythm_and_as_previewed(
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[tuple[str, str, int, str | None]],
    coming: list[tuple[int, str | None, str]],
) -> None:
    folder = tmp_path_factory.mktemp("changes")
    lines = calls(acts)
    applied = [
        (FIRST + hour // 6 * 6 * HOUR, text, does)
        for hour, text, does in sorted(coming, key=lambda each: each[0])
    ]
    often, ahead, after = lived_through(folder / "often", lines, HOUR, applied)
    seldom, _, _ = lived_through(folder / "seldom", lines, 6 * HOUR, applied)
    assert often == seldom
    assert after == ahead


@FEW
@given(
    acts=st.lists(ACT, min_size=3, max_size=14, unique_by=lambda act: (act[0], act[2])),
    first=st.integers(0, 13),
    lot=st.randoms(use_true_random=False),
)
def test_the_order_of_lines_that_arrive_together_changes_nothing_nor_does_their_coming_twice(
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[tuple[str, str, int, str | None]],
    first: int,
    lot: Random,
) -> None:
    lines = [line for line in calls(acts) if line["type"] == "track"]
    batches = [lines[:first], lines[first:]]
    tidy = untidily(tmp_path_factory.mktemp("tidy"), batches)
    shuffled = [lot.sample(batch + batch[:3], len(batch + batch[:3])) for batch in batches]
    assert untidily(tmp_path_factory.mktemp("untidy"), [*shuffled, lines]) == tidy


def untidily(folder: Path, batches: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Batches that arrive two days apart, whatever their lines are dated, with a visitor who turns out to be
    known in between.
    """
    workspace, store = made(folder, [line for line in calls([]) if line["type"] == "identify"])
    with store:
        apply_workspace(store, workspace, FIRST, "test")
        playbook = load_in_force(store, workspace.folder).playbook
        for number, batch in enumerate(batches):
            at = FIRST + (1 + 2 * number) * DAY
            take(
                folder, store, [*batch, *(SIGNED_IN if number else ())], at, concerns=playbook.index.concerns
            )
            for now in range(at, at + 2 * DAY, 3 * HOUR):
                list(tick(store, playbook, now))
        for now in range(FIRST + (1 + 2 * len(batches)) * DAY, LAST + 3 * DAY, 3 * HOUR):
            list(tick(store, playbook, now))
        assert not [step for step, number in waiting(store).items() if number > 1]
        return [row for row in rows(store) + journeys(store) if row.get("at", 0) <= LAST]


def waiting(store: Store) -> Counter[tuple[Any, ...]]:
    """How often each step of a cause waits to go to a customer over a channel, by itself or with others."""
    columns, found = messages.c, Counter[tuple[Any, ...]]()
    query = select(
        columns.customer_id,
        columns.channel,
        columns.trigger,
        columns.step,
        columns.digest,
        enrolments.c.cause_key,
    )
    with store.reading() as connection:
        known = query.join(enrolments, enrolments.c.id == columns.enrolment_id).where(
            columns.state == "planned"
        )
        for customer, channel, trigger, step, digest, cause in connection.execute(known):
            parts = [
                (each.trigger, each.step, each.cause_key) for each in load(digest) if each.left_out is None
            ]
            found.update((customer, channel, *part) for part in parts or [(trigger, step, cause)])
    return found


SIGNED_IN: list[dict[str, Any]] = [
    {
        "type": "track",
        "messageId": "v1",
        "anonymousId": "d",
        "event": "Checkout Started",
        "timestamp": "2025-03-26T10:00:00Z",
    },
    {
        "type": "alias",
        "messageId": "v2",
        "previousId": "cora",
        "userId": "beat",
        "timestamp": "2025-03-26T11:00:00Z",
    },
    {
        "type": "alias",
        "messageId": "v3",
        "previousId": "d",
        "userId": "beat",
        "timestamp": "2025-03-26T12:00:00Z",
    },
]


def dump(store: Store) -> list[str]:
    """Every row of every table."""
    with store.reading() as connection:
        names = [
            name
            for (name,) in connection.exec_driver_sql(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
            )
        ]
        return [
            f"{name}: {row}" for name in names for row in connection.exec_driver_sql(f"SELECT * FROM {name}")
        ]


def test_a_preview_writes_nothing(tmp_path: Path) -> None:
    workspace, store = made(
        tmp_path, calls([("anna", "Checkout Started", 30, "c1"), ("beat", "Order Completed", 50, None)])
    )
    with store:
        apply_workspace(store, workspace, FIRST, "test")
        before = dump(store), (tmp_path / "manometer.db").read_bytes()
        assert looked_ahead(store, tmp_path, FIRST, 8)
        assert (dump(store), (tmp_path / "manometer.db").read_bytes()) == before


def test_several_processes_give_the_rows_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.forecast.shards.LARGE", 1)
    monkeypatch.setattr("console.forecast.shards.CHUNK", 1)
    workspace, store = made(tmp_path, calls([(name, "Order Completed", 5, None) for name in CUSTOMERS]))
    with store:
        apply_workspace(store, workspace, FIRST, "test")
        assert (
            looked_ahead(store, tmp_path, FIRST, 8, workers=2)
            == looked_ahead(store, tmp_path, FIRST, 8)
            != []
        )
