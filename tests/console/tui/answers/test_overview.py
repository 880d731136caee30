"""The figures of the first screen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert

from console import clock
from console.main import main
from console.safeguards.clock_guard import HELD
from console.tui.answers.local_service import LocalService
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.overview import OverviewAnswers, for_everybody
from console.tui.answers.triggers import TriggersAnswers
from core.instants import DAY, HOUR, parse_instant
from core.limits.pressure import PressureRule
from core.limits.quiet_hours import ALWAYS_OPEN
from core.limits.windows import Span, parse_window
from core.model.pauses import EVERYTHING
from core.playbook.playbook import Channel, Playbook
from storage import overview, pauses
from storage.schema.messages import messages
from storage.status import CLOCK_KNOWN
from storage.store import Store, meta, set_meta
from tests.console.furniture import NOON
from tests.console.lives import act, going, person, played, run, workspace
from tests.core.builders import ZURICH

TEN = parse_instant("2025-03-03T10:30:00Z")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A replayed workspace half an hour after two people left their baskets."""
    people = ("anna", "bea")
    calls = [person(name) for name in (*people, "carl")] + [
        act(name, "Checkout Started", "2025-03-03T10:00:00Z") for name in people
    ]
    return played(tmp_path, calls)


@pytest.fixture
def service(folder: Path) -> Iterator[LocalService]:
    service = LocalService(folder)
    yield service
    service.close()


def test_it_says_what_is_coming_and_what_nobody_does(service: LocalService) -> None:
    page = service.overview.page(going)
    assert (page.at, page.engine.leader, page.engine.last_tick, page.engine.version) == (TEN, None, TEN, 1)
    assert [(each.trigger, each.at, each.within_a_day) for each in page.soon] == [
        ("basket", TEN + HOUR // 2, 2)
    ]
    assert [(each.channel, each.sent, each.waiting, each.held) for each in page.today] == [
        ("email", 0, 0, 0),
        ("sms", 0, 0, 0),
    ]
    assert page.acts[0].action == "apply"


def test_what_comes_before_a_clock_that_stands_is_due_and_nobody_is_behind(
    folder: Path, service: LocalService, capsys: pytest.CaptureFixture[str]
) -> None:
    late = folder / "late.ndjson"
    late.write_text(json.dumps(act("carl", "Checkout Started", "2025-03-03T08:00:00Z")) + "\n")
    assert run("-w", folder, "import", late, "--at", "2025-03-03T09:00:00Z") == 0
    page = service.overview.page(going)
    assert (page.engine.due, page.health.findings) == (1, ())
    for at, state, overdue in ((None, "healthy", 0), ("2025-03-03T12:00:00Z", "down", 3)):
        capsys.readouterr()
        run("-w", folder, "status", "--json", *(() if at is None else ("--at", at)))
        told = json.loads(capsys.readouterr().out)
        assert (told["state"], told["overdue"]) == (state, overdue)


def test_a_day_ahead_is_what_the_preview_says(service: LocalService) -> None:
    ahead = service.overview.ahead(going)
    assert ahead.sends == {"email": (TEN + HOUR // 2, TEN + HOUR // 2)}
    assert ahead.first == {"basket": (TEN + HOUR // 2, 2)}


def test_where_too_many_are_due_nobody_is_looked_ahead_at(
    service: LocalService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.tui.answers.overview.FEW", 1)
    ahead = service.overview.ahead(going)
    assert (ahead.customers, ahead.sends) == (2, None)


def test_after_the_tick_it_has_gone_out_and_the_gauge_has_risen(service: LocalService, folder: Path) -> None:
    assert run("-w", folder, "tick", "--at", "2025-03-03T11:00:00Z") == 0
    page, gauge = service.overview.page(going), service.overview.gauge(None, going)
    assert [(each.channel, each.sent) for each in page.today] == [("email", 2), ("sms", 0)]
    assert gauge is not None
    assert (gauge.rule, gauge.limit, gauge.customers, dict(gauge.contacts)) == ("one-a-day", 1, 3, {1: 2})
    assert service.overview.books(going).balance


def test_every_number_of_today_and_of_the_gauge_is_as_long_as_its_list(
    service: LocalService, folder: Path
) -> None:
    assert run("-w", folder, "tick", "--at", "2025-03-03T11:00:00Z") == 0
    for each in service.overview.page(going).today:
        numbers = {"sent": each.sent, "waiting": each.waiting, "held": each.held}
        for figure, number in numbers.items():
            assert len(service.overview.messages(each.channel, figure, going)) == number  # type: ignore[arg-type]
    gauge = service.overview.gauge(None, going)
    assert gauge is not None
    with_one = service.overview.customers_with(gauge.rule, range(1, 2), going)
    with_none = service.overview.customers_with(gauge.rule, range(1), going)
    assert (len(with_one), len(with_none)) == (2, 1)
    assert not set(with_one) & set(with_none)
    assert not len(service.overview.customers_with("no-such-rule", range(9), going))


def test_pauses_and_the_emergency_stop_are_told_with_who_and_why(service: LocalService, folder: Path) -> None:
    assert run("-w", folder, "triggers", "pause", "basket", "--reason", "too loud", "--yes") == 0
    assert run("-w", folder, "stop", "--reason", "fire", "--yes") == 0
    page = service.overview.page(going)
    assert [(name, each.reason) for name, each in page.paused.items()] == [("basket", "too loud")]
    assert page.engine.stopped is not None
    assert page.engine.stopped.reason == "fire"


def test_what_scheduler_and_dispatcher_left_word_of_is_told(service: LocalService, folder: Path) -> None:
    with Store.open(folder / "manometer.db") as store, store.writing() as connection:
        set_meta(connection, "halted", json.dumps({"email": {"reason": "no such host", "since": NOON}}))
        set_meta(connection, "troubles", json.dumps({"disk": {"reason": "full", "since": NOON}}))
    page = service.overview.page(going)
    assert [(each.words, each.why) for each in page.health.findings] == [
        ("disk", "full"),
        ("email halted", "no such host"),
    ]


def test_what_waits_for_a_decision_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    order = act("ann", "Order Completed", "2025-01-03T00:00:00Z", order_id="7", revenue=10, currency="USD")
    folder = workspace(
        tmp_path / "shop",
        [
            person("ann", email="a@example.ch"),
            person("bob", "2025-01-02T00:00:00Z", email="a@example.ch"),
            order,
        ],
    )
    service = LocalService(folder)
    undecided = service.overview.undecided(going)
    service.close()
    assert (undecided.conflicts, undecided.unconverted) == (1, {"USD": 1})
    capsys.readouterr()
    assert run("-w", folder, "status", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["conflicts"], told["set_aside"]) == (1, {"USD": 1})
    assert run("-w", folder, "status") == 0
    assert "1; `manometer merges --conflicts` lists them" in capsys.readouterr().out


def test_a_workspace_where_nothing_was_applied_is_shown_too(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "w")]) == 0
    service = LocalService(tmp_path / "w")
    page = service.overview.page(going)
    assert (page.engine.version, page.engine.due, page.acts) == (0, 0, ())
    assert service.overview.ahead(going).sends is None
    service.close()


def test_the_channels_of_one_dispatch_are_one_contact(folder: Path) -> None:
    with Store.open(folder / "manometer.db") as store:
        with store.writing() as connection:
            connection.execute(
                insert(messages),
                [
                    _message(n, *where)
                    for n, where in enumerate(((1, 7, "email"), (1, 7, "sms"), (2, 8, "sms")))
                ],
            )
        with store.reading() as connection:
            span = Span(NOON - DAY, NOON)
            assert overview.contacts_of_base(connection, span, None, {"both"}, going) == {1: 2}
            assert overview.contacts_of_base(connection, span, None, (), going) == {1: 1, 2: 1}
            assert overview.contacts_of_base(connection, span, {"email"}, (), going) == {1: 1}


def _message(number: int, customer: int, enrolment: int, channel: str) -> dict[str, object]:
    return {
        "key": f"k{number}", "customer_id": customer, "enrolment_id": enrolment, "trigger": "both",
        "step": 1, "channel": channel,
        "template": "note", "state": "sent", "planned_at": NOON, "expires_at": NOON + DAY, "sent_at": NOON,
        "lands_at": NOON,
        "purpose": "marketing", "weight": 1000, "counts": 1,
    }  # fmt: skip


def test_the_gauge_shows_the_tightest_rule_for_everybody() -> None:
    def rule(name: str, limit: int, window: str, **more: object) -> PressureRule:
        return PressureRule(name, limit=limit, window=parse_window(window), **more)  # type: ignore[arg-type]

    rules = (
        rule("monthly", 4, "calendar month"), rule("sms", 1, "30d", channels=frozenset({"sms"})),
        rule("daily", 1, "1d"),
        rule("weekly", 3, "7d"), rule("points", 3000, "7d", unit="points"),
        rule("some", 1, "7d", triggers=frozenset({"basket"})),
        PressureRule("gap", gap=HOUR),
    )  # fmt: skip
    channels = {name: Channel(name, "file", name, ALWAYS_OPEN) for name in ("email", "sms")}
    assert [each.name for each in for_everybody(Playbook(ZURICH, rules=rules, channels=channels))] == [
        "weekly",
        "daily",
        "monthly",
        "sms",
    ]


def test_the_first_screen_and_the_command_judge_by_the_same_numbers(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "segments.toml").write_text('[segments.buyers]\ntitle = "Buyers"\nwhere = "orders > 0"\n')
    with (folder / "manometer.toml").open("a") as settings:
        settings.write('\n[engine]\nkeep_free = "900000 GB"\n')
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-03T10:30:00Z") == 0
    service = LocalService(folder)
    page = service.overview.page(going)
    service.close()
    capsys.readouterr()
    code = run("-w", folder, "status", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (page.engine.due, page.health.state) == (told["due"], told["state"]) == (3, "degraded")
    assert (code, page.engine.to_plan_anew) == (1, 3)
    assert [each.sort for each in page.health.findings] == ["disk"]


def badges_of(local: LocalWorkspace) -> tuple[bool, bool]:
    return local.place.stopped, local.place.clock_held


def test_a_stop_by_file_is_on_every_screen_at_once_and_reaches_the_audit(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "shop", [])
    assert run("-w", folder, "tick") == 0
    local = LocalWorkspace(folder)
    try:
        before = local.version()
        assert badges_of(local) == (False, False)
        (folder / "STOP").touch()
        assert badges_of(local) == (True, False)
        assert local.version() > before
        with local.store.reading() as connection:
            assert pauses.current(connection, local.now()).keys() == {EVERYTHING}
        answers = TriggersAnswers(local)
        assert answers.go("skip", "over").startswith("Sending goes on.")
        assert not (folder / "STOP").exists()
        assert answers.stop(False, "fire").endswith("waiting.")
        assert (folder / "STOP").exists()
    finally:
        local.close()


def test_a_clock_that_is_not_trusted_is_said_and_confirmed(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "shop", [])
    assert run("-w", folder, "tick") == 0
    local = LocalWorkspace(folder)
    try:
        with local.store.writing() as connection:
            known = json.loads(meta(connection, CLOCK_KNOWN) or "{}")
            known["offset"] -= 20 * DAY
            set_meta(connection, CLOCK_KNOWN, json.dumps(known))
            set_meta(connection, HELD, json.dumps({"reason": "it was set", "since": clock.now()}))
        local.version()
        assert badges_of(local) == (False, True)
        answers = OverviewAnswers(local)
        assert "clock" in {each.sort for each in answers.page(lambda: False).health.findings}
        assert answers.confirm_clock("the battery was empty").startswith("The clock is trusted.")
        local.version()
        assert badges_of(local) == (False, False)
        assert answers.page(lambda: False).health.findings == ()
    finally:
        local.close()
