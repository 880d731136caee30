"""Predicted against actual on real databases: what came as foretold, and why the rest did not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.forecast.drift import Drifting, drift
from console.forecast.preview import preview
from console.forecast.preview_result import about, answer
from console.forecast.question import Question
from console.playbooks.applied import apply_workspace, load_in_force
from console.runs.replay import replay
from console.runs.tick import tick
from console.workspace.reading import read_workspace
from core.forecast.drift import Drift
from core.forecast.preview import Totals
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from core.model.pauses import Pause, parse_target
from storage import pauses
from storage.forecasts.drift import reached
from storage.forecasts.saved_previews import SavedPreview, Saving
from storage.store import Store
from tests.console.lives import BASKET, act, person, run, trigger, workspace
from tests.console.test_laws import ACT, FIRST, calls, made, take

Output = pytest.CaptureFixture[str]
Acts = list[tuple[str, str, int, str | None]]
SPAN = 3 * DAY
Deed = Callable[[Path, Store, Instant], None]


def keep(folder: Path, store: Store, now: Instant, name: str = "kept") -> None:
    """Keep a preview of the coming days under a name."""
    playbook = load_in_force(store, folder).playbook
    question = Question(folder, folder / "manometer.db", now, now, now + SPAN, with_details=True)
    with store.reading() as connection:
        mark = reached(connection)
    totals = Totals()
    with Saving(folder / "previews", name) as saving:
        for part, _, _ in preview(question, store, playbook, 1):
            totals.merge(part.totals)
            saving.add(part.details)
        saving.finish(about(answer(question, playbook, playbook.version, totals), None, "test", mark), totals)


def live(
    folder: Path,
    store: Store,
    lines: Sequence[Any],
    first: Instant,
    deed: Deed | None,
    rhythm: int = 10 * MINUTE,
) -> None:
    """Three days of passes, in which the lines arrive and something is done in the middle."""
    waiting, playbook = list(lines), load_in_force(store, folder).playbook
    for at in range(first + rhythm, first + SPAN + 1, rhythm):
        if deed is not None and at == first + SPAN // 3:
            deed(folder, store, at)
            playbook = load_in_force(store, folder).playbook
        while waiting and parse_instant(waiting[0]["timestamp"]) <= at:
            line = waiting.pop(0)
            take(folder, store, [line], parse_instant(line["timestamp"]), concerns=playbook.index.concerns)
        list(tick(store, playbook, at))


def drifted(folder: Path, store: Store, until: Instant, name: str = "kept") -> list[Drifting]:
    with store.reading() as connection, SavedPreview(folder / "previews", name) as saved:
        return list(drift(connection, saved, load_in_force(store, folder).playbook, until))


def pause(_: Path, store: Store, at: Instant) -> None:
    with store.writing() as connection:
        pauses.pause(connection, Pause(parse_target("silent"), at), "test", None)


def pause_channel(_: Path, store: Store, at: Instant) -> None:
    with store.writing() as connection:
        pauses.pause(connection, Pause(parse_target("channel:sms"), at), "test", None)


def stop(_: Path, store: Store, at: Instant) -> None:
    with store.writing() as connection:
        pauses.pause(connection, Pause(parse_target("*"), at), "test", None)


def tighten(folder: Path, store: Store, at: Instant) -> None:
    path = folder / "pressure.toml"
    path.write_text(path.read_text().replace("limit = 2", "limit = 1"))
    apply_workspace(store, read_workspace(folder), at, "test")


def merge(folder: Path, store: Store, at: Instant) -> None:
    call = {
        "type": "alias",
        "messageId": "a1",
        "previousId": "beat",
        "userId": "anna",
        "timestamp": format_instant(at),
    }
    take(folder, store, [call], at, concerns=load_in_force(store, folder).playbook.index.concerns)


DEEDS: dict[str, Deed | None] = {
    "nothing": None,
    "a merge": merge,
    "a pause": pause,
    "a stop": stop,
    "a channel": pause_channel,
    "another limit": tighten,
}


@settings(max_examples=4, derandomize=True, deadline=None)
@given(
    acts=st.lists(ACT, min_size=8, max_size=24),
    middle=st.integers(12, 4 * 24),
    deed=st.sampled_from(list(DEEDS)),
)
def test_every_difference_has_a_cause_and_without_news_there_is_none(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts, middle: int, deed: str
) -> None:
    folder, now = tmp_path_factory.mktemp("drift"), FIRST + middle * HOUR
    lines = calls(acts)
    known = [line for line in lines if line["type"] == "identify" or parse_instant(line["timestamp"]) <= now]
    new = [line for line in lines if line["type"] == "track" and now < parse_instant(line["timestamp"])]
    workspace_, store = made(folder, known)
    with store:
        replay(store, workspace_, FIRST, now, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        keep(folder / "played", into, now)
        live(folder / "played", into, new, now, DEEDS[deed])
        found = drifted(folder / "played", into, now + SPAN)
    sums = Drift()
    for each in found:
        sums.add(each.customer, each.predicted, each.actual, each.found)
    assert not [one for each in found for one in each.found if one.cause == "unknown"]
    assert sums.predicted == sums.matched + sum(
        sums.changes[change] for change in ("missing", "moved", "changed")
    )
    assert sums.actual == sums.matched + sum(
        sums.changes[change] for change in ("unexpected", "moved", "changed")
    )
    if deed == "nothing" and not [line for line in new if parse_instant(line["timestamp"]) <= now + SPAN]:
        assert not sums.changes


def test_with_nothing_new_all_comes_as_foretold(tmp_path: Path) -> None:
    acts: Acts = [
        ("anna", "Checkout Started", 280, "c1"),
        ("beat", "Order Completed", 250, None),
        ("cora", "Product Viewed", 200, None),
    ]
    workspace_, store = made(tmp_path, calls(acts))
    now = FIRST + DAY
    with store:
        replay(store, workspace_, FIRST, now, tmp_path / "played", "test")
    with Store.open(tmp_path / "played" / "manometer.db") as into:
        keep(tmp_path / "played", into, now)
        live(tmp_path / "played", into, (), now, None)
        found = drifted(tmp_path / "played", into, now + SPAN)
    assert sum(len(each.predicted) for each in found) > 3
    assert not [one for each in found for one in each.found]


# ---- the command ----

AT = "2025-03-10T08:00:00Z"
REVIEW = trigger(BASKET, title='"Second"', priority="40").replace("Checkout Started", "Review Wanted")


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Four people with a basket each; the coming day kept as `monday`."""
    people = [person(user) for user in ("anna", "beat", "cora", "dora")]
    folder = workspace(tmp_path / "shop", people, {"basket": BASKET, "review": REVIEW})
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-10T00:00:00Z") == 0
    arrive(
        folder,
        [act(user, "Checkout Started", "2025-03-10T07:30:00Z") for user in ("anna", "beat", "cora", "dora")],
        AT,
    )
    assert run("-w", folder, "tick", "--at", AT) == 0
    assert (
        run("-w", folder, "preview", "--at", AT, "--days", "2", "--save", "monday", "--note", "as it stands")
        == 0
    )
    capsys.readouterr()
    return folder


def arrive(folder: Path, lines: list[dict[str, Any]], at: str) -> None:
    file = folder / "new.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert run("-w", folder, "import", file, "--at", at) == 0


def differences(folder: Path, capsys: Output, *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert run("-w", folder, "drift", "monday", "--json", *words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_each_difference_names_what_happened(shop: Path, capsys: Output) -> None:
    arrive(
        shop,
        [act("anna", "Order Completed", "2025-03-10T08:10:00Z", channel="store")],
        "2025-03-10T08:12:00Z",
    )
    assert run("-w", shop, "tick", "--at", "2025-03-10T08:15:00Z") == 0
    withdrawn = act("beat", "Consent Withdrawn", "2025-03-10T08:14:00Z")
    arrive(shop, [{**withdrawn, "properties": {"channel": "email"}}], "2025-03-10T08:16:00Z")
    assert run("-w", shop, "tick", "--at", "2025-03-10T08:31:00Z") == 0
    found = {row["customer"]: row for row in differences(shop, capsys, "--at", "2025-03-10T09:00:00Z")}
    anna = found["anna"]
    assert (anna["change"], anna["cause"]) == ("changed", "event")
    assert anna["detail"].startswith("Order Completed over store, Mon 2025-03-10 08:10")
    assert (anna["predicted"]["outcome"], anna["actual"]["reason"]) == ("send", "GOAL_REACHED")
    assert (found["beat"]["actual"]["reason"], found["beat"]["cause"]) == ("NO_CONSENT", "consent")
    assert found["beat"]["detail"].startswith("consent withdrawn: email")
    assert found.keys() == {"anna", "beat"}


def test_a_pause_is_named_with_its_author_and_reason(shop: Path, capsys: Output) -> None:
    assert (
        run(
            "-w",
            shop,
            "triggers",
            "pause",
            "basket",
            "--reason",
            "no stock",
            "--at",
            "2025-03-10T08:20:00Z",
            "--yes",
        )
        == 0
    )
    assert run("-w", shop, "tick", "--at", "2025-03-10T08:31:00Z") == 0
    found = differences(shop, capsys, "--at", "2025-03-10T09:00:00Z")
    assert {row["cause"] for row in found} == {"operator"}
    assert len(found) == 4
    assert "pause basket" in found[0]["detail"]
    assert "no stock" in found[0]["detail"]


def test_what_operators_do_with_a_message_explains_nothing_of_other_customers(
    shop: Path, capsys: Output
) -> None:
    (shop / "triggers" / "basket.toml").write_text(trigger(BASKET, approval="true"))
    assert run("-w", shop, "apply", "--yes", "--at", "2025-03-10T08:05:00Z") == 0
    arrive(
        shop,
        [act(user, "Review Wanted", "2025-03-10T08:05:00Z", channel="web") for user in ("anna", "beat")],
        "2025-03-10T08:05:00Z",
    )
    wider = (
        "--set",
        "rule.one-a-day.limit=2",
        "--at",
        "2025-03-10T08:06:00Z",
        "--days",
        "2",
        "--save",
        "monday",
        "--force",
    )
    assert run("-w", shop, "preview", *wider) == 0
    assert run("-w", shop, "tick", "--at", "2025-03-10T08:31:00Z") == 0
    assert (
        run("-w", shop, "outbox", "reject", "1", "--reason", "wrong text", "--at", "2025-03-10T08:40:00Z")
        == 0
    )
    assert run("-w", shop, "tick", "--at", "2025-03-10T09:06:00Z") == 0
    found = differences(shop, capsys, "--at", "2025-03-10T09:30:00Z")
    assert [(row["customer"], row["trigger"], row["cause"]) for row in found] == [("beat", "review", "rules")]


def test_what_nobody_decided_yet_is_the_schedulers(shop: Path, capsys: Output) -> None:
    found = differences(shop, capsys, "--at", "2025-03-10T09:00:00Z")
    assert {(row["change"], row["cause"]) for row in found} == {("missing", "scheduler")}


def test_a_journey_nobody_foretold_is_begun_by_its_event(shop: Path, capsys: Output) -> None:
    arrive(
        shop, [act("anna", "Review Wanted", "2025-03-11T09:00:00Z", channel="web")], "2025-03-11T09:00:00Z"
    )
    for at in ("2025-03-10T08:31:00Z", "2025-03-11T09:01:00Z", "2025-03-11T10:01:00Z"):
        assert run("-w", shop, "tick", "--at", at) == 0
    found = differences(shop, capsys, "--at", "2025-03-11T10:30:00Z")
    assert [(row["customer"], row["trigger"], row["change"], row["cause"]) for row in found] == [
        ("anna", "review", "unexpected", "event")
    ]
    assert found[0]["predicted"] is None


def test_what_has_not_passed_is_not_judged(shop: Path, capsys: Output) -> None:
    assert differences(shop, capsys, "--at", "2025-03-10T08:20:00Z") == []
    assert run("-w", shop, "drift", "monday", "--at", AT) == 1
    said = capsys.readouterr().err
    assert "they begin at Mon 10 Mar 2025 08:00 UTC, and now it is Mon 10 Mar 2025 08:00 UTC." in said


def test_the_table_says_how_much_came_and_why_the_rest_did_not(
    shop: Path, capsys: Output, tmp_path: Path
) -> None:
    arrive(shop, [act("anna", "Order Completed", "2025-03-10T08:10:00Z")], "2025-03-10T08:12:00Z")
    assert run("-w", shop, "tick", "--at", "2025-03-10T08:31:00Z") == 0
    capsys.readouterr()
    assert (
        run("-w", shop, "drift", "monday", "--at", "2025-03-10T09:00:00Z", "--csv", tmp_path / "drift.csv")
        == 0
    )
    said = capsys.readouterr().out
    assert "3 of 4 decisions came as foretold (75.0%); 1 changed." in said
    assert "event" in said
    assert len((tmp_path / "drift.csv").read_text().splitlines()) == 2
    assert run("-w", shop, "drift", "monday", "--at", "2025-03-10T09:00:00Z", "--customer", "anna") == 0
    assert "Order Completed" in capsys.readouterr().out
    assert run("-w", shop, "drift", "mondey") == 1
    assert "Did you mean 'monday'" in capsys.readouterr().err
