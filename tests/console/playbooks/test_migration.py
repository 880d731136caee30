"""A version put in force while customers are under way: told before it is asked for, and done to the
letter.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.console.lives import BASKET, PRESSURE, act, person, run, workspace

Output = pytest.CaptureFixture[str]
SECOND = '[[steps]]\nchannels = ["email"]\ntemplate = "note"\nafter = "2d"\n'
LONG = BASKET + SECOND
EARLIER = '\n[[steps]]\nchannels = ["email"]\ntemplate = "note"\nafter = "1d"\n'
SHORT = BASKET + EARLIER
ENTERED, NOON = "2025-03-03T10:00:00Z", "2025-03-03T12:00:00Z"
AFTER_TWO_DAYS, AFTER_ONE_DAY = "2025-03-05T11:00:00Z", "2025-03-04T11:00:00Z"


def lines(output: Output) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.readouterr().out.splitlines()]


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Anna has had the first of two mails; the second is due in two days."""
    calls = [person("anna"), act("anna", "Checkout Started", ENTERED)]
    folder = workspace(tmp_path, calls, {"basket": LONG})
    assert (
        run("-w", folder, "replay", "--from", "2025-03-03T00:00:00Z", "--to", NOON, "--into", folder / "p")
        == 0
    )
    capsys.readouterr()
    return folder / "p"


def edit(folder: Path, text: str | None) -> None:
    place = folder / "triggers/basket.toml"
    place.unlink(missing_ok=True)
    if text is not None:
        place.write_text(text)


def ahead(folder: Path, output: Output, *words: str | Path) -> list[tuple[object, ...]]:
    output.readouterr()
    assert run("-w", folder, *words, "--json") == 0
    return [(row["at"], row["step"], row["outcome"], row["reason"]) for row in lines(output)]


def played(folder: Path, output: Output) -> list[tuple[object, ...]]:
    return ahead(folder, output, "tick", "--at", AFTER_TWO_DAYS, "--no-dispatch")


FINISHES = [(AFTER_TWO_DAYS, 2, "send", None)]
LEAVES = [(NOON, 2, "suppress", "TRIGGER_RETIRED")]


@pytest.mark.parametrize(
    ("text", "asked", "told", "expected"),
    [
        (BASKET, "finish", "basket: 1 under way finish on version 1", FINISHES),
        (BASKET, "leave", "basket: 1 under way leave now", LEAVES),
        (
            BASKET,
            "move",
            "1 of them leave when it falls due, as their step is gone",
            [(AFTER_TWO_DAYS, 2, "suppress", "TRIGGER_RETIRED")],
        ),
        (None, "finish", "basket: 1 under way finish on version 1", FINISHES),
        (None, "leave", "basket: 1 under way leave now", LEAVES),
        (
            None,
            None,
            "leave when their next step falls due",
            [(AFTER_TWO_DAYS, 2, "suppress", "TRIGGER_RETIRED")],
        ),
        ('on_change = "finish"\n' + SHORT, None, "basket: 1 under way finish on version 1", FINISHES),
        (
            SHORT.replace('"active"', '"retired"'),
            "finish",
            "basket: 1 under way finish on version 1",
            FINISHES,
        ),
    ],
)
def test_an_apply_tells_what_happens_and_a_preview_and_the_ticks_do_it(
    shop: Path,
    capsys: Output,
    text: str | None,
    asked: str | None,
    told: str,
    expected: list[tuple[object, ...]],
) -> None:
    edit(shop, text)
    words = () if asked is None else ("--under-way", f"basket={asked}")
    assert run("-w", shop, "apply", *words) == 1
    assert told in capsys.readouterr().err
    assert run("-w", shop, "apply", "--yes", "--at", NOON, *words) == 0
    assert told in capsys.readouterr().out
    assert ahead(shop, capsys, "preview", "--from", "2025-03-03T11:30:00Z", "--days", "6")[-1:] == expected
    assert played(shop, capsys) == expected


def test_a_draft_folder_is_previewed_by_what_its_files_say(
    shop: Path, capsys: Output, tmp_path: Path
) -> None:
    import shutil

    draft = tmp_path / "draft"
    shutil.copytree(shop, draft, ignore=shutil.ignore_patterns("*.db*", "outbox"))
    for says, expected in (
        ("finish", FINISHES),
        ("leave", LEAVES),
        ("move", [(AFTER_TWO_DAYS, 2, "suppress", "TRIGGER_RETIRED")]),
    ):
        edit(draft, f'on_change = "{says}"\n{BASKET}')
        assert ahead(shop, capsys, "preview", "--playbook", draft, "--days", "6") == expected


def test_two_changes_in_a_row_are_followed_one_after_the_other(shop: Path, capsys: Output) -> None:
    edit(shop, SHORT)
    run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish")
    edit(shop, SHORT.replace('"1d"', '"3d"'))
    capsys.readouterr()
    assert run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish", "--json") == 0
    (answer,) = lines(capsys)
    assert answer["under_way"] == [
        {"trigger": "basket", "does": "finish", "customers": 1, "versions": {"1": 1}, "stranded": 0}
    ]
    edit(shop, BASKET)
    run("-w", shop, "apply", "--yes", "--at", "2025-03-03T13:00:00Z", "--under-way", "basket=leave")
    assert played(shop, capsys) == [("2025-03-03T13:00:00Z", 2, "suppress", "TRIGGER_RETIRED")]


def test_a_trigger_removed_and_added_again_does_not_take_back_who_left(shop: Path, capsys: Output) -> None:
    edit(shop, None)
    run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=leave")
    edit(shop, LONG)
    run("-w", shop, "apply", "--yes", "--at", NOON)
    assert played(shop, capsys) == LEAVES


def test_a_message_of_an_earlier_version_goes_out_with_the_template_that_only_it_has(
    shop: Path, capsys: Output
) -> None:
    other = shop / "templates/other"
    (shop / "templates/note").rename(other)
    edit(shop, BASKET.replace('"note"', '"other"'))
    assert run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish") == 0
    assert run("-w", shop, "tick", "--at", AFTER_TWO_DAYS) == 0
    capsys.readouterr()
    run("-w", shop, "outbox", "--json")
    assert [(row["step"], row["state"], row["template"]) for row in lines(capsys)] == [
        (1, "sent", "note"),
        (2, "sent", "note"),
    ]


def test_a_channel_that_is_gone_is_told_before_anybody_finishes_over_it(shop: Path, capsys: Output) -> None:
    settings = (shop / "manometer.toml").read_text()
    (shop / "manometer.toml").write_text(
        settings.replace("[channels.email]", '[channels.mail]\nmedium = "email"', 1)
    )
    edit(shop, BASKET.replace('"email"', '"sms"'))
    assert run("-w", shop, "apply", "--under-way", "basket=finish") == 1
    assert (
        "1 of them leave when it falls due, as the playbook no longer has what they need"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("basket", "write TRIGGER=finish"),
        ("basket=finsh", "Did you mean"),
        ("baskt=finish", "Did you mean 'basket'?"),
    ],
)
def test_an_answer_that_fits_nothing_is_refused_with_a_remedy(
    shop: Path, capsys: Output, asked: str, said: str
) -> None:
    edit(shop, BASKET)
    assert run("-w", shop, "apply", "--yes", "--under-way", asked) == 1
    assert said in capsys.readouterr().err


def test_a_removed_trigger_has_nothing_to_move_to(shop: Path, capsys: Output) -> None:
    edit(shop, None)
    assert run("-w", shop, "apply", "--yes", "--under-way", "basket=move") == 1
    assert "basket=finish or basket=leave" in capsys.readouterr().err


def test_the_versions_are_listed_compared_and_written_out(shop: Path, capsys: Output, tmp_path: Path) -> None:
    edit(shop, BASKET)
    run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish")
    capsys.readouterr()
    assert run("-w", shop, "playbooks", "--json") == 0
    newest, first = lines(capsys)
    assert (newest["version"], newest["applied_at"], newest["under_way"]) == (2, NOON, {"basket": "finish"})
    assert (first["version"], first["under_way"]) == (1, {})
    assert run("-w", shop, "playbooks", "show", "2") == 0
    assert '-after = "2d"' in capsys.readouterr().out
    assert run("-w", shop, "playbooks", "files", "1", "--into", tmp_path / "back") == 0
    assert (tmp_path / "back/triggers/basket.toml").read_text() == LONG
    assert run("-w", shop, "playbooks", "files", "1", "--into", tmp_path / "back") == 1
    assert run("-w", shop, "playbooks", "show", "7") == 1
    assert "There are 1 to 2." in capsys.readouterr().err


def test_the_versions_are_readable_in_80_columns(
    shop: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("welcome-series", "reactivation", "coupon-reminder", "third-anniversary", "tenth-purchase"):
        (shop / f"triggers/{name}.toml").write_text(BASKET)
    run("-w", shop, "apply", "--yes", "--at", NOON)
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    assert run("-w", shop, "playbooks") == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[0].split()[0] == "2"
    assert (
        "new triggers: coupon-reminder, reactivation, tenth-purchase, third-anniversary, welcome-series"
        in " ".join(" ".join(shown).split())
    )


def test_decisions_and_why_name_the_version(shop: Path, capsys: Output) -> None:
    edit(shop, BASKET)
    (shop / "pressure.toml").write_text(PRESSURE.replace("1d", "2d"))
    run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish")
    capsys.readouterr()
    assert run("-w", shop, "why", "anna", "basket", "--json") == 0
    (answer,) = lines(capsys)
    trace = {check["check"]: check["detail"] for check in answer["trace"]}  # type: ignore[attr-defined]
    assert trace["last decision"] == "decided under playbook 1"
    assert trace["definition"] == "under way on version 1; version 2 is in force"
    run("-w", shop, "tick", "--at", "2025-03-08T00:00:00Z", "--no-dispatch")
    capsys.readouterr()
    assert run("-w", shop, "decisions", "--json", "--evidence") == 0
    assert [(row["version"], row["variant"], row["planned_at"],
        row["objections"]) for row in lines(capsys)] == [
        (1, None, "2025-03-03T11:00:00Z", []), (1, None, AFTER_TWO_DAYS, []),
    ]  # fmt: skip
    assert run("-w", shop, "decisions", "--json") == 0
    assert all("version" not in row for row in lines(capsys))


def test_the_audit_tells_what_happened_to_those_under_way(shop: Path, capsys: Output) -> None:
    edit(shop, BASKET)
    run("-w", shop, "apply", "--yes", "--at", NOON, "--under-way", "basket=finish")
    capsys.readouterr()
    run("-w", shop, "audit", "--json")
    assert "basket: 1 under way finish on version 1" in capsys.readouterr().out
