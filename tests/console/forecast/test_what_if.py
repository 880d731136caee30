"""What if, diff, the imagined future and the backtest: on real databases they say the same as what they are
made of.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.cli.listings.decisions import FIELDS
from console.forecast.asked_playbook import asked_playbook
from console.forecast.backtest import Backtest, backtest
from console.forecast.diff import Comparison, compare
from console.forecast.preview import preview
from console.forecast.question import Question
from console.runs.replay import replay
from console.workspace.reading import Workspace, read_workspace
from core.forecast.backtest import Backtested
from core.forecast.diff import Diff
from core.forecast.preview import Totals
from core.forecast.what_if import parse_change
from core.instants import DAY, HOUR, Instant
from storage.store import Store
from tests.console.lives import BASKET, act, person, run, trigger, workspace
from tests.console.test_laws import ACT, CUSTOMERS, FEW, FILES, FIRST, LAST, calls, made, rows
from tests.fixtures import ONLINE_RETAIL

Output = pytest.CaptureFixture[str]
Acts = list[tuple[str, str, int, str | None]]
CHANGES = (
    "rule.two-in-three-days.limit=1",
    "rule.gap.off=true",
    "rule.gap.gap=30h",
    "rule.quiet.new=true rule.quiet.limit=0 rule.quiet.window=1d rule.quiet.channels=sms",
    "rule.two-in-three-days.audience=orders>=1",
    "channel.email.capacity=1/day",
    "trigger.basket.priority=10",
    "trigger.basket.paused=true",
    "trigger.silent.status=retired",
    "trigger.browse.holdout=1",
    "channel.sms.weight=3",
    "channel.email.send_window=always",
    "engine.look_ahead=false",
)
Key = tuple[Any, ...]


def key(row: Mapping[str, Any]) -> Key:
    return tuple(
        row[name] for name in ("customer", "at", "trigger", "step", "channel", "outcome", "reason", "until")
    )


def asked(folder: Path, now: Instant, **fields: Any) -> Question:
    """Four days from an instant on, with rows."""
    return Question(folder, folder / "manometer.db", now, now, now + 4 * DAY, with_rows=True, **fields)


def changes(text: str) -> dict[str, Any]:
    """Changes parted by blanks."""
    return {"changes": tuple(parse_change(word) for word in text.split(" "))}


def looked_ahead(store: Store, question: Question, workers: int = 1) -> list[dict[str, Any]]:
    found = [
        row
        for part, _, _ in preview(question, store, asked_playbook(store, question), workers)
        for row in part.rows
    ]
    return [json.loads(row[3]) for row in sorted(found)]


def compared(store: Store, question: Question, workers: int = 1) -> tuple[Diff, list[dict[str, Any]]]:
    sums, found = Diff(), []
    for part, _, _ in compare(Comparison(question), store, workers):
        sums.merge(part.diff)
        found += part.rows
    return sums, [json.loads(row[3]) for row in sorted(found)]


def replayed(folder: Path, workspace: Workspace, store: Store) -> list[dict[str, Any]]:
    replay(store, workspace, FIRST, LAST, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        return rows(into)


def sides(found: list[dict[str, Any]]) -> tuple[Counter[Key], Counter[Key]]:
    before, after = ([row[side] for row in found if row[side] is not None] for side in ("before", "after"))
    return Counter(map(key, before)), Counter(map(key, after))


@FEW
@given(
    acts=st.lists(ACT, min_size=6, max_size=20),
    middle=st.integers(12, 6 * 24),
    change=st.sampled_from(CHANGES),
)
def test_a_diff_is_the_difference_of_two_previews(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts, middle: int, change: str
) -> None:
    folder, now = tmp_path_factory.mktemp("diff"), FIRST + middle * HOUR
    workspace, store = made(folder, calls(acts))
    with store:
        replay(store, workspace, FIRST, now, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        plain, changed = asked(folder / "played", now), asked(folder / "played", now, **changes(change))
        before, after = (
            Counter(map(key, looked_ahead(into, plain))),
            Counter(map(key, looked_ahead(into, changed))),
        )
        sums, found = compared(into, changed)
        assert sides(found) == (before - after, after - before)
        assert (sums.before.decisions, sums.after.decisions) == (before.total(), after.total())
        assert compared(into, plain)[1] == []


@FEW
@given(
    acts=st.lists(ACT, min_size=6, max_size=20),
    middle=st.integers(12, 6 * 24),
    change=st.sampled_from(CHANGES),
)
def test_nobody_is_left_out_who_could_be_touched(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts, middle: int, change: str
) -> None:
    """The previews of whom a change can reach and of everybody are the same."""
    folder, now = tmp_path_factory.mktemp("reach"), FIRST + middle * HOUR
    workspace, store = made(folder, calls(acts))
    with store:
        replay(store, workspace, FIRST, now, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into, pytest.MonkeyPatch.context() as patch:
        question = asked(folder / "played", now, **changes(change))
        few = looked_ahead(into, question)
        patch.setattr("console.forecast.projection.reach", lambda *_: "all")
        assert looked_ahead(into, question) == few


AS_FILES: list[tuple[str, str, str, str]] = [
    ("rule.two-in-three-days.limit=1", "pressure.toml", "limit = 2", "limit = 1"),
    (
        "rule.two-in-three-days.audience=orders==0",
        "pressure.toml",
        '"3 days"',
        '"3 days"\naudience = "orders==0"',
    ),
    ("rule.gap.gap=30h", "pressure.toml", '"5h"', '"30h"'),
    ("channel.sms.weight=3", "pressure.toml", "sms = 2", "sms = 3"),
    ("trigger.basket.priority=10", "triggers/basket.toml", "priority = 80", "priority = 10"),
    ("trigger.silent.status=retired", "triggers/silent.toml", '"active"', '"retired"'),
    ("channel.email.send_window=always", "manometer.toml", 'send_window = ["Mon-Sat 07:00-21:00"]', ""),
    ("engine.look_ahead=false", "manometer.toml", "[engine]", "[engine]\nlook_ahead = false"),
]
WAYS = ("Product Viewed", "Checkout Started", "Product Viewed", "Order Completed", "Checkout Started")
BUSY: Acts = [
    (
        CUSTOMERS[number % len(CUSTOMERS)],
        WAYS[(number + number // len(CUSTOMERS)) % len(WAYS)],
        number * 20,
        f"c{number}",
    )
    for number in range(60)
]
MIDDLE = FIRST + 4 * DAY


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in the middle of what people do."""
    folder = tmp_path_factory.mktemp("lived")
    workspace, store = made(folder, calls(BUSY))
    with store:
        replay(store, workspace, FIRST, MIDDLE, folder / "played", "test")
    return folder / "played"


@pytest.mark.parametrize(("change", "path", "old", "new"), AS_FILES, ids=[case[0] for case in AS_FILES])
def test_a_change_on_the_command_line_is_the_same_change_in_the_files(
    lived: Path, tmp_path: Path, change: str, path: str, old: str, new: str
) -> None:
    shutil.copytree(lived, tmp_path / "draft", ignore=shutil.ignore_patterns("manometer.db*", "outbox"))
    text = (tmp_path / "draft" / path).read_text()
    assert old in text
    (tmp_path / "draft" / path).write_text(text.replace(old, new))
    with Store.open(lived / "manometer.db") as store:
        plain = looked_ahead(store, asked(lived, MIDDLE))
        set_, edited = (
            asked(lived, MIDDLE, **changes(change)),
            asked(lived, MIDDLE, playbook_folder=tmp_path / "draft"),
        )
        found = looked_ahead(store, set_)
        assert found == looked_ahead(store, edited)
        assert found != plain


def test_several_processes_find_the_differences_of_one(lived: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.forecast.shards.LARGE", 1)
    monkeypatch.setattr("console.forecast.shards.CHUNK", 1)
    question = asked(lived, MIDDLE, **changes("rule.two-in-three-days.limit=1"))
    with Store.open(lived / "manometer.db") as store:
        assert compared(store, question, 2) == compared(store, question, 1) != (Diff(), [])


# ---- the imagined future ----


def imagined(store: Store, question: Question) -> tuple[Totals, list[dict[str, Any]]]:
    totals = Totals()
    for part, _, _ in preview(question, store, asked_playbook(store, question), 1):
        totals.merge(part.totals)
    return totals, looked_ahead(store, question)


@FEW
@given(acts=st.lists(ACT, min_size=3, max_size=14))
def test_in_an_imagined_future_what_is_known_anyway_is_kept_apart(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts
) -> None:
    folder, now = tmp_path_factory.mktemp("again"), FIRST + 6 * DAY
    workspace, store = made(folder, calls([each for each in acts if each[2] <= 6 * 24 * 12]))
    with store:
        replay(store, workspace, FIRST, now, folder / "played", "test")
    with Store.open(folder / "played" / "manometer.db") as into:
        known = Counter(map(key, looked_ahead(into, asked(folder / "played", now))))
        totals, found = imagined(into, asked(folder / "played", now, future="replay"))
        assert Counter(key(row) for row in found if not row["imagined"]) == known & Counter(map(key, found))
        assert totals.imagined.total() == sum(row["imagined"] for row in found)


def test_last_weeks_baskets_are_left_again_at_the_same_hour(tmp_path: Path, capsys: Output) -> None:
    calls = [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z", cart_id="c1")]
    folder = workspace(tmp_path, calls, {"basket": BASKET.replace("after =", 'per = "cart_id"\nafter =')})
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-05T00:00:00Z")
    assert run("-w", folder, "replay", *span, "--into", folder / "p") == 0
    capsys.readouterr()
    assert run("-w", folder / "p", "preview", "--future", "replay", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["at"], row["imagined"]) for row in found] == [
        ("2025-03-10T11:00:00Z", True),
        ("2025-03-17T11:00:00Z", True),
    ]
    assert run("-w", folder / "p", "preview", "--future", "replay", "--weeks", "2", "--json") == 0
    assert [json.loads(line)["at"] for line in capsys.readouterr().out.splitlines()] == [
        "2025-03-17T11:00:00Z"
    ]
    assert run("-w", folder / "p", "preview", "--future", "replay") == 0
    assert "imagined, and counted apart" in capsys.readouterr().out


# ---- the past ----


def tried(store: Store, folder: Path, name: str, workers: int = 1) -> tuple[Backtested, list[dict[str, Any]]]:
    question = Question(folder, folder / "manometer.db", LAST + DAY, FIRST, LAST, "as-it-was", with_rows=True)
    sums, found = Backtested(), []
    for part, _, _ in backtest(Backtest(question, name), store, workers):
        sums.merge(part.sums)
        found += part.rows
    return sums, [json.loads(row[3]) for row in sorted(found)]


@FEW
@given(acts=st.lists(ACT, max_size=20), name=st.sampled_from(["basket", "browse", "silent", "birthday"]))
def test_a_backtest_gives_the_rows_of_the_replay_and_pushes_aside_what_differs_without_it(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts, name: str
) -> None:
    folder = tmp_path_factory.mktemp("backtest")
    workspace, store = made(folder, calls(acts))
    with store:
        with_it = replayed(folder, workspace, store)
        sums, found = tried(store, folder, name)
        assert [key(row) for row in found] == [key(row) for row in with_it if row["trigger"] == name]
        (folder / f"triggers/{name}.toml").write_text(
            FILES[f"triggers/{name}.toml"].replace('"active"', '"draft"')
        )
        assert tried(store, folder, name) == (sums, found)  # whether it runs today does not matter
        shutil.rmtree(folder / "played")
        without = replayed(folder, read_workspace(folder), store)
        others = Counter(key(row) for row in with_it if row["trigger"] != name)
        assert sums.aside.after.decisions == others.total()
        assert sums.aside.before.decisions == len(without)
        assert (sums.aside.customers == 0) == (others == Counter(map(key, without)))


@FEW
@given(acts=st.lists(ACT, max_size=14))
def test_a_preview_of_the_past_as_it_was_gives_the_rows_of_the_replay(
    tmp_path_factory: pytest.TempPathFactory, acts: Acts
) -> None:
    folder = tmp_path_factory.mktemp("past")
    workspace, store = made(folder, calls(acts))
    with store:
        question = Question(
            folder, folder / "manometer.db", LAST + DAY, FIRST - 1, LAST, "as-it-was", with_rows=True
        )
        assert [key(row) for row in looked_ahead(store, question)] == [
            key(row) for row in replayed(folder, workspace, store)
        ]


def test_a_backtest_says_what_those_it_would_have_reached_did_anyway(tmp_path: Path, capsys: Output) -> None:
    ordered = {"anna": "2025-03-09T10:00:00Z", "beat": "2025-03-10T11:00:01Z", "cora": "2025-03-03T10:30:00Z"}
    calls = [person(name) for name in ordered]
    calls += [act(name, "Checkout Started", "2025-03-03T10:00:00Z") for name in ordered]
    calls += [act(name, "Order Completed", when, revenue=80) for name, when in ordered.items()]
    folder = workspace(tmp_path, calls, {"basket": trigger(status='"draft"')})
    capsys.readouterr()
    words = (
        "triggers",
        "backtest",
        "basket",
        "--from",
        "2025-03-03T00:00:00Z",
        "--to",
        "2025-03-05T00:00:00Z",
    )
    assert run("-w", folder, *words) == 0
    shown = capsys.readouterr().out
    assert "entered 3 times: 2 messages to 2 customers" in shown
    assert "Of the 2 customers it would have reached, 1 (50%) ordered within 7d" in shown
    assert "1 order, CHF 80.00" in shown
    assert "says nothing about what it would have caused" in shown
    assert run("-w", folder, *words, "--json", "--csv", folder / "rows.csv") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["customer"], row["outcome"]) for row in found] == [
        ("cora", "suppress"),
        ("anna", "send"),
        ("beat", "send"),
    ]
    assert [row["customer"] for row in csv.DictReader((folder / "rows.csv").read_text().splitlines())] == [
        "cora",
        "anna",
        "beat",
    ]


def test_a_file_is_tried_on_the_past_under_a_name_that_nothing_has(tmp_path: Path, capsys: Output) -> None:
    calls = [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z")]
    folder = workspace(tmp_path, calls)
    draft = tmp_path / "elsewhere" / "triggers" / "nudge.toml"
    draft.parent.mkdir(parents=True)
    draft.write_text(
        trigger(status='"draft"', priority="90", title='"Nudge"').replace(
            'template = "note"', 'template = "poke"'
        )
    )
    words = (
        "triggers",
        "backtest",
        "nudge",
        "--from",
        "2025-03-03T00:00:00Z",
        "--to",
        "2025-03-05T00:00:00Z",
        "--file",
        draft,
    )
    capsys.readouterr()
    assert run("-w", folder, *words) == 1
    assert "there is no template 'poke'" in capsys.readouterr().err.replace('"', "'").replace("`", "'")
    (tmp_path / "elsewhere/templates/poke").mkdir(parents=True)
    (tmp_path / "elsewhere/templates/poke/email.txt").write_text("Hello")
    assert run("-w", folder, *words) == 0
    shown = capsys.readouterr().out
    assert "1 message to 1 customer" in shown
    assert "pushed aside: other triggers' decisions on 1 customer" in shown
    assert "basket" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--to", "2999-01-01T00:00:00Z"), "looks at the past"),
        (("--from", "2025-03-05", "--to", "2025-03-03"), "before it begins"),
        (("--from", "2025-03-01", "--to", "2025-03-03", "--days", "3"), "name two of them"),
        (("--days", "0"), "above 0"),
        (("--set", "rule.on-a-day.limit=2"), "Did you mean 'one-a-day'?"),
        (("--file", "nudge.txt"), "no trigger file"),
    ],
)
def test_a_backtest_refuses_nonsense_in_words(
    lived_basket: Path, capsys: Output, words: tuple[str, ...], said: str
) -> None:
    assert run("-w", lived_basket, "triggers", "backtest", "basket", *words) in (1, 2)
    assert said in capsys.readouterr().err


# ---- the commands ----


@pytest.fixture
def lived_basket(tmp_path: Path, capsys: Output) -> Path:
    """Half an hour after two people left baskets, in a workspace with two reminders; one may go out a day."""
    calls = [
        each
        for name in ("anna", "beat")
        for each in (person(name), act(name, "Checkout Started", "2025-03-03T10:00:00Z"))
    ]
    folder = workspace(tmp_path, calls, {"basket": BASKET, "nudge": trigger(priority="20", title='"Nudge"')})
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-03T10:30:00Z")
    assert run("-w", folder, "replay", *span, "--into", folder / "p") == 0
    capsys.readouterr()
    return folder / "p"


def test_a_diff_shows_only_what_changes_with_the_rows_before_and_after(
    lived_basket: Path, capsys: Output
) -> None:
    assert run("-w", lived_basket, "diff", "--set", "rule.one-a-day.limit=2", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert list(found[0]) == ["customer", "trigger", "step", "cause", "channel", "change", "before", "after"]
    assert [(row["customer"], row["trigger"], row["change"]) for row in found] == [
        (name, "nudge", change) for name in ("anna", "beat") for change in ("removed", "moved")
    ]
    gone, moved = found[:2]
    assert (gone["before"]["outcome"], gone["after"]) == ("defer", None)
    assert (moved["before"]["at"], moved["after"]["at"]) == ("2025-03-04T11:00:00Z", "2025-03-03T11:00:00Z")
    assert list(moved["before"]) == [field.name for field in FIELDS]


def test_what_a_change_frees_goes_at_once_and_is_not_lost(lived_basket: Path, capsys: Output) -> None:
    asked = ("--set", "rule.one-a-day.limit=2", "--at", "2025-03-03T12:00:00Z", "--json")
    assert run("-w", lived_basket, "tick", "--at", "2025-03-03T11:00:00Z", "--json") == 0
    capsys.readouterr()
    assert run("-w", lived_basket, "preview", *asked) == 0
    assert [
        (row["at"], row["trigger"], row["outcome"])
        for row in map(json.loads, capsys.readouterr().out.splitlines())
    ] == [("2025-03-03T12:00:00Z", "nudge", "send")] * 2
    assert run("-w", lived_basket, "diff", *asked) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["change"], row["before"]["at"], row["after"]["at"]) for row in found] == [
        ("moved", "2025-03-04T11:00:00Z", "2025-03-03T12:00:00Z")
    ] * 2


def test_a_diff_says_what_triggers_gain_and_one_customer_side_by_side(
    lived_basket: Path, capsys: Output
) -> None:
    assert (
        run(
            "-w",
            lived_basket,
            "diff",
            "--set",
            "trigger.nudge.status=retired",
            "--csv",
            lived_basket / "diff.csv",
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "the decisions of 2 change" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith(("nudge", "basket"))] == [
        ["basket", "2", "2"],
        ["nudge", "2", "0", "-2"],
    ]
    assert {
        row["change"] for row in csv.DictReader((lived_basket / "diff.csv").read_text().splitlines())
    } >= {"removed"}
    assert (
        run("-w", lived_basket, "diff", "--set", "rule.one-a-day.limit=2", "--customer", "anna@example.ch")
        == 0
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert any(line[:2] == ["2025-03-03", "11:00:00"] and line[-1] == "removed" for line in lines)
    assert any(line[5:] == ["send", "2025-03-04", "11:00", "send", "moved"] for line in lines)


def test_a_diff_says_by_rule_how_full_it_gets_and_whom_it_holds_back(
    lived_basket: Path, capsys: Output
) -> None:
    words = ("diff", "--set", "rule.one-a-day.limit=2")
    assert run("-w", lived_basket, *words, "--by-rule", "--json", "--csv", lived_basket / "rules.csv") == 0
    (row,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert row == {
        "rule": "one-a-day", "limit_before": 1, "limit_after": 2, "full_before": 2, "full_after": 2,
        "held_before": 2, "held_after": 0, "decisions_before": 2, "decisions_after": 0,
    }  # fmt: skip
    (kept,) = csv.DictReader((lived_basket / "rules.csv").read_text().splitlines())
    assert kept == {name: str(value) for name, value in row.items()}
    assert run("-w", lived_basket, *words) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["RULE", "FULL", "BEFORE", "FULL", "AFTER", "HELD", "BEFORE", "HELD", "AFTER"] in lines
    assert ["one-a-day", "2", "2", "2", "0"] in lines


def test_a_capacity_changes_no_decision_and_is_set_against_what_is_asked(
    lived_basket: Path, capsys: Output
) -> None:
    assert run("-w", lived_basket, "diff", "--set", "channel.email.capacity=1/day") == 0
    shown = capsys.readouterr().out
    assert "the decisions of 0 change" in shown
    assert ["email", "2025-03-03", "2", "1"] in [line.split() for line in shown.splitlines()]
    assert run("-w", lived_basket, "preview", "--set", "channel.email.capacity=1/day") == 0
    assert ["email", "2025-03-03", "2", "1", "200%"] in [
        line.split() for line in capsys.readouterr().out.splitlines()
    ]


def test_a_rule_that_holds_for_others_only_lets_these_go(lived_basket: Path, capsys: Output) -> None:
    assert run("-w", lived_basket, "diff", "--set", "rule.one-a-day.audience=orders >= 5", "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(row["trigger"], row["change"]) for row in found} == {("nudge", "removed"), ("nudge", "moved")}


def test_a_file_put_over_the_rules_in_force_counts_as_active(
    lived_basket: Path, tmp_path: Path, capsys: Output
) -> None:
    draft = tmp_path / "nudge.toml"
    draft.write_text(trigger(status='"draft"', priority="95", title='"Nudge"'))
    assert run("-w", lived_basket, "preview", "--with", draft, "--json") == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["trigger"], row["at"][:10]) for row in found if row["outcome"] == "send"] == [
        (name, day) for name, day in (("nudge", "2025-03-03"), ("basket", "2025-03-04")) for _ in range(2)
    ]


def test_who_beats_whom_is_shown_and_what_the_channels_are_asked_for(
    lived_basket: Path, capsys: Output
) -> None:
    settings = lived_basket / "manometer.toml"
    settings.write_text(
        settings.read_text().replace("[channels.email]", '[channels.email]\ncapacity = "1/day"')
    )
    assert run("-w", lived_basket, "preview", "--playbook", lived_basket) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["basket", "nudge", "2"] in lines
    assert ["email", "2025-03-03", "2", "1", "200%"] in lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Nothing is changed"),
        (("--set", "rule.one-a-dya.limit=2"), "Did you mean 'one-a-day'?"),
        (("--set", "rule.one-a-day.audience=ordrs >= 5"), "Did you mean 'orders'?"),
        (("--set", "one-a-day=2"), "Write it like"),
        (("--with", "nowhere.toml"), "No such file"),
        (("--with", "nowhere"), "no trigger file"),
        (("--set", "rule.one-a-day.limit=2", "--customer", "nobody"), "nobody"),
        (("--set", "rule.one-a-day.limit=2", "--weeks", "2"), "goes with --future replay"),
        (("--set", "rule.one-a-day.limit=2", "--future", "replay", "--weeks", "0"), "from 1"),
        (("--set", "rule.one-a-day.limit=2", "--trigger", "baskte"), "Did you mean 'basket'?"),
    ],
)
def test_a_diff_refuses_nonsense_in_words(
    lived_basket: Path, capsys: Output, words: tuple[str, ...], said: str
) -> None:
    assert run("-w", lived_basket, "diff", *words) in (1, 2)
    assert said in capsys.readouterr().err


# ---- on real purchases ----


def test_a_year_of_real_purchases_is_backtested_as_it_is_replayed(tmp_path: Path, capsys: Output) -> None:
    folder = workspace(tmp_path, [])
    (folder / "triggers/basket.toml").unlink()
    (folder / "manometer.toml").write_text(
        (folder / "manometer.toml").read_text() + '[channels.hook]\nkind = "file"\nmedium = "webhook"\n'
    )
    (folder / "templates/note/webhook.json").write_text("{}")
    tips = (
        trigger(status='"draft"')
        .replace('["email"]', '["hook"]')
        .replace('["Order Completed"]', '["Order Returned"]')
    )
    (folder / "triggers/tips.toml").write_text(tips.replace('"Checkout Started"', '"Order Completed"'))
    assert run("-w", folder, "import", ONLINE_RETAIL, "--profile", "online-retail", "--history") == 0
    span = ("--from", "2010-12-01T00:00:00Z", "--to", "2011-12-10T00:00:00Z")
    capsys.readouterr()
    assert run("-w", folder, "triggers", "backtest", "tips", *span, "--json") == 0
    tried = capsys.readouterr().out.splitlines()
    (folder / "triggers/tips.toml").write_text(
        (folder / "triggers/tips.toml").read_text().replace('"draft"', '"active"')
    )
    assert run("-w", folder, "replay", *span, "--into", folder / "played") == 0
    capsys.readouterr()
    assert run("-w", folder / "played", "decisions", "--json") == 0
    lived = capsys.readouterr().out.splitlines()
    assert len(tried) > 100
    assert [key(json.loads(line)) for line in tried] == [key(json.loads(line)) for line in lived]


def test_a_basket_whose_clock_begins_anew_is_tried_by_a_file(tmp_path: Path, capsys: Output) -> None:
    calls = [person("ann"), *(act("ann", "Checkout Started", f"2025-03-03T10:{m}:00Z") for m in ("00", "40"))]
    folder = workspace(tmp_path / "shop", calls)
    anew = tmp_path / "basket.toml"
    anew.write_text(trigger().replace('after = "1h"', 'after = "1h"\nrestart = true'))
    span = ("--from", "2025-03-03T00:00:00Z", "--days", "2", "--future", "as-it-was", "--json")
    for words, sent in (((), ["03T11:00", "04T11:00"]), (("--with", anew), ["03T11:40"])):
        capsys.readouterr()
        assert run("-w", folder, "preview", *span, *words) == 0
        found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [row["at"][8:16] for row in found if row["outcome"] == "send"] == sent
    assert run("-w", folder, "diff", *span[:-1], "--with", anew) == 0
    told = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["basket", "2", "1", "-1"] in told
    assert run("-w", folder, "preview", "--set", "trigger.basket.restart=true") == 1
    assert "put a changed copy of its file over it: --with basket.toml" in capsys.readouterr().err


BRANCHED = """
title = "Basket"
purpose = "marketing"
[when]
kind = "transactional"
event = "Checkout Started"
after = "1h"
[split]
a = 0.5
b = 0.5
[[steps]]
channels = ["email"]
template = "first"
[steps.variants.b]
template = "second"
[[steps]]
after = "1d"
only_if = "orders == 0"
channels = ["email"]
template = "third"
[steps.else]
template = "fourth"
"""


@pytest.mark.parametrize(
    "words",
    [("preview", "--with", "FILE"), ("triggers", "backtest", "branched", "--file", "FILE")],
    ids=["preview", "backtest"],
)
def test_templates_of_variants_and_of_else_are_found_beside_the_draft(
    tmp_path: Path, capsys: Output, words: tuple[str, ...]
) -> None:
    folder = workspace(tmp_path / "shop", [person("ann")])
    draft = tmp_path / "elsewhere" / "triggers" / "branched.toml"
    draft.parent.mkdir(parents=True)
    draft.write_text(BRANCHED)
    for name in ("first", "second", "third", "fourth"):
        place = tmp_path / "elsewhere" / "templates" / name / "email.txt"
        place.parent.mkdir(parents=True)
        place.write_text("Hello")
    named = [draft if word == "FILE" else word for word in words]
    assert run("-w", folder, *named) == 0, capsys.readouterr().err
    (tmp_path / "elsewhere" / "templates" / "fourth" / "email.txt").unlink()
    assert run("-w", folder, *named) == 1
    assert "fourth" in capsys.readouterr().err
