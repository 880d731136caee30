"""Previews that are kept under a name: shown as they were, compared, deleted; and the page for a browser."""

from __future__ import annotations

import csv
import json
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from storage.forecasts import saved_previews
from storage.forecasts.saved_previews import Saving
from tests.console.lives import BASKET, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
AT = "2025-03-10T08:00:00Z"
HOSTILE = "<script>alert(1)</script>"
BROWSE = trigger(BASKET, title='"Browsed"', priority="40").replace("Checkout Started", "Product Viewed")


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Path:
    """Two triggers that compete for one contact a day; one customer's key is no harmless text."""
    people = [person(user) for user in ("anna", "beat", "cora")]
    people.append({**person("eve"), "userId": HOSTILE, "messageId": "hostile"})
    done = [
        act(user, name, "2025-03-10T07:30:00Z")
        for user in ("anna", "beat", HOSTILE)
        for name in ("Checkout Started", "Product Viewed")
    ]
    folder = workspace(tmp_path / "shop", people, {"basket": BASKET, "browse": BROWSE})
    assert run("-w", folder, "apply", "--yes", "--at", "2025-03-10T00:00:00Z") == 0
    file = folder / "done.ndjson"
    file.write_text("".join(json.dumps(line) + "\n" for line in done))
    assert run("-w", folder, "import", file, "--at", AT) == 0
    assert run("-w", folder, "tick", "--at", AT) == 0
    capsys.readouterr()
    return folder


def asked(capsys: Output, *words: str | Path) -> str:
    capsys.readouterr()
    assert run(*words) == 0
    return capsys.readouterr().out


def rows(capsys: Output, *words: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in asked(capsys, *words, "--json").splitlines()]


def keep(folder: Path, name: str, *words: str) -> int:
    return run("-w", folder, "preview", "--at", AT, "--days", "3", "--save", name, *words)


def test_a_kept_preview_is_shown_as_it_was_made(shop: Path, capsys: Output) -> None:
    live = rows(capsys, "-w", shop, "preview", "--at", AT, "--days", "3")
    shown = asked(capsys, "-w", shop, "preview", "--at", AT, "--days", "3")
    assert keep(shop, "monday", "--note", "before the sale") == 0
    assert (
        run("-w", shop, "tick", "--at", "2025-03-12T12:00:00Z") == 0
    )  # what comes later changes nothing in it
    assert len(live) > 3
    assert rows(capsys, "-w", shop, "previews", "show", "monday") == live
    assert asked(capsys, "-w", shop, "previews", "show", "monday").split("\n", 1)[1] == shown


def test_the_list_names_question_author_and_note(shop: Path, capsys: Output) -> None:
    assert keep(shop, "monday", "--note", "before the sale", "--set", "rule.one-a-day.limit=2") == 0
    (row,) = rows(capsys, "-w", shop, "previews")
    assert (row["name"], row["now"], row["last"], row["version"]) == ("monday", AT, "2025-03-13T08:00:00Z", 1)
    assert (row["note"], row["changes"], row["future"]) == (
        "before the sale",
        "rule.one-a-day.limit=2",
        "known",
    )
    assert row["author"]
    assert row["bytes"] > 0


def test_two_kept_previews_differ_as_the_diff_says(shop: Path, capsys: Output) -> None:
    change = ("--set", "rule.one-a-day.limit=2")
    assert keep(shop, "before") == 0
    assert keep(shop, "after", *change) == 0
    expected = rows(capsys, "-w", shop, "diff", "--at", AT, "--days", "3", *change)
    found = rows(capsys, "-w", shop, "previews", "compare", "before", "after")
    assert expected
    assert sorted(found, key=str) == sorted(expected, key=str)
    live = asked(capsys, "-w", shop, "diff", "--at", AT, "--days", "3", *change).split(
        "Messages that go out:"
    )[1]
    kept = asked(capsys, "-w", shop, "previews", "compare", "before", "after").split("Messages that go out:")[
        1
    ]
    assert kept.split("Where most changes")[0] == live.split("Where most changes")[0]


def test_two_kept_previews_are_compared_by_rule_over_the_same_days(shop: Path, capsys: Output) -> None:
    change = ("--set", "rule.one-a-day.limit=2")
    assert keep(shop, "before") == 0
    assert keep(shop, "after", *change) == 0
    expected = rows(capsys, "-w", shop, "diff", "--at", AT, "--days", "3", *change, "--by-rule")
    assert [(row["full_before"], row["held_before"], row["held_after"]) for row in expected] == [(3, 3, 0)]
    assert rows(capsys, "-w", shop, "previews", "compare", "before", "after", "--by-rule") == expected
    assert run("-w", shop, "preview", "--at", AT, "--days", "2", "--save", "shorter") == 0
    (row,) = rows(capsys, "-w", shop, "previews", "compare", "shorter", "after", "--by-rule")
    assert (row["limit_before"], row["full_before"], row["held_before"]) == (
        None,
        None,
        3,
    )  # windows were counted over other days


def test_previews_with_no_day_in_common_cannot_be_compared(shop: Path, capsys: Output) -> None:
    assert keep(shop, "monday") == 0
    assert keep(shop, "april", "--from", "2025-04-01T00:00:00Z") == 0
    assert run("-w", shop, "previews", "compare", "monday", "april") == 1
    assert "no day in common" in capsys.readouterr().err


def test_a_name_is_not_taken_twice_unless_that_is_meant(shop: Path, capsys: Output) -> None:
    assert keep(shop, "monday", "--note", "first") == 0
    assert keep(shop, "monday") == 1
    assert "--force" in capsys.readouterr().err
    assert keep(shop, "monday", "--note", "second", "--force") == 0
    assert [row["note"] for row in rows(capsys, "-w", shop, "previews")] == ["second"]


def test_of_two_that_are_kept_under_one_name_at_once_the_first_stays(
    shop: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = Saving.finish

    def finish_late(saving: Saving, about: Any, totals: Any) -> None:
        monkeypatch.setattr(Saving, "finish", finish)
        assert keep(shop, "monday", "--note", "first") == 0
        finish(saving, about, totals)

    monkeypatch.setattr(Saving, "finish", finish_late)
    assert keep(shop, "monday", "--note", "second") == 1
    assert "There is a preview 'monday' already" in capsys.readouterr().err
    assert [row["note"] for row in rows(capsys, "-w", shop, "previews")] == ["first"]
    assert not list((shop / "previews").glob(".*"))


@pytest.mark.parametrize("name", ["../out", ".hidden", "a/b", "", "x" * 61, "-w"])
def test_a_name_that_is_no_file_name_is_refused(shop: Path, capsys: Output, name: str) -> None:
    assert run("-w", shop, "preview", "--at", AT, f"--save={name}") == 1
    assert "is no name for a preview" in capsys.readouterr().err
    assert not list((shop / "previews").glob("*"))


def test_only_who_may_read_the_database_may_read_a_kept_preview(shop: Path) -> None:
    assert keep(shop, "monday") == 0
    (path,) = (shop / "previews").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) & 0o007 == 0


def test_deleting_asks_and_then_it_is_gone(shop: Path, capsys: Output) -> None:
    assert keep(shop, "monday") == 0
    assert run("-w", shop, "previews", "delete", "monday") == 1
    assert "Nobody is at a terminal to be asked" in capsys.readouterr().err
    assert run("-w", shop, "previews", "delete", "monday", "--yes") == 0
    assert asked(capsys, "-w", shop, "previews").startswith("No preview is kept yet")
    assert run("-w", shop, "previews", "show", "monday") == 1


def test_a_damaged_file_is_named_and_hides_no_other(shop: Path, capsys: Output) -> None:
    assert keep(shop, "monday") == 0
    saved_previews.path_of(shop / "previews", "broken").write_bytes(b"nothing that could be read")
    assert run("-w", shop, "previews") == 0
    found = capsys.readouterr()
    assert "monday" in found.out
    assert "broken.preview is damaged" in found.err
    assert run("-w", shop, "previews", "delete", "broken", "--yes") == 0


def test_the_room_of_all_kept_previews_is_bounded(
    shop: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_previews, "MOST_BYTES", 1_000)
    assert keep(shop, "monday") == 1
    assert "Delete one" in capsys.readouterr().err
    monkeypatch.undo()
    monkeypatch.setattr(saved_previews, "MOST", 0)
    assert keep(shop, "monday") == 1
    assert not list((shop / "previews").glob("*"))


def test_the_rows_of_a_kept_preview_go_to_a_file(shop: Path, tmp_path: Path) -> None:
    assert keep(shop, "monday") == 0
    assert run("-w", shop, "previews", "show", "monday", "--csv", tmp_path / "rows.csv") == 0
    assert run("-w", shop, "preview", "--at", AT, "--days", "3", "--csv", tmp_path / "live.csv") == 0
    with (tmp_path / "rows.csv").open() as kept, (tmp_path / "live.csv").open() as live:
        assert list(csv.reader(kept)) == list(csv.reader(live))


# ---- pages ----

VOID = {"meta", "rect", "line", "link", "br", "img"}
"""Elements that are written without an end."""


class Page(HTMLParser):
    """What stands in a page: elements, their texts, and whether each is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())

    def headings(self) -> list[str]:
        return [text for text in self.texts if text]


def page(path: Path) -> Page:
    found = Page(path.read_text(encoding="utf-8"))
    assert not found.open
    return found


@pytest.fixture
def pages(shop: Path, tmp_path: Path) -> dict[str, Path]:
    """A page of each kind."""
    limit = ("--set", "rule.one-a-day.limit=2")
    asked_ = ("--at", AT, "--days", "3")
    commands = {
        "preview": ("preview", *asked_),
        "replay": ("preview", "--at", AT, "--days", "9", "--future", "replay"),
        "nothing": ("preview", "--at", "2026-06-01T00:00:00Z", "--days", "1"),
        "diff": ("diff", *asked_, *limit),
        "kept": ("previews", "show", "monday"),
        "compared": ("previews", "compare", "monday", "limited"),
    }
    assert keep(shop, "monday", "--note", HOSTILE) == 0
    assert keep(shop, "limited", *limit) == 0
    for name, words in commands.items():
        assert run("-w", shop, *words, "--html", tmp_path / f"{name}.html") == 0
    return {name: tmp_path / f"{name}.html" for name in commands}


def test_a_page_is_whole_and_asks_nothing_of_the_outside(pages: dict[str, Path]) -> None:
    for path in pages.values():
        found = page(path)
        tags = {tag for tag, _ in found.found}
        assert tags.isdisjoint({"script", "link", "img", "iframe", "a", "object"})
        assert not [
            values for _, values in found.found if {"src", "href", "onclick", "onload"} & values.keys()
        ]
        text = path.read_text(encoding="utf-8")
        assert "http://" not in text
        assert "https://" not in text
        assert "@import" not in text
        assert HOSTILE not in text


def test_the_numbers_of_the_pictures_stand_in_tables_below(pages: dict[str, Path]) -> None:
    found = page(pages["preview"])
    titles = (
        "Messages by day and channel",
        "Decisions by trigger",
        "Pressure against the limits",
        "Held back by which rule",
    )
    for title in (
        *titles,
        "Who beats whom",
        "What is put off, and where it goes",
        "Customers under most pressure",
    ):
        assert title in found.texts
    pictures = [values for tag, values in found.found if tag == "svg" and values.get("role") == "img"]
    assert len(pictures) > 5
    assert all("numbers are in the table below" in str(values["aria-label"]) for values in pictures)
    assert len([tag for tag, _ in found.found if tag == "table"]) >= 7
    assert "one-a-day" in found.texts


def test_what_is_imagined_stands_apart(pages: dict[str, Path]) -> None:
    text = pages["replay"].read_text(encoding="utf-8")
    assert "Imagined: what comes of events that only might happen" in text
    assert 'class="imagined"' in text
    assert "Imagined" not in pages["preview"].read_text(encoding="utf-8")


def test_a_page_of_a_difference_shows_before_and_after(pages: dict[str, Path]) -> None:
    found = page(pages["diff"])
    assert {"Before", "After", "Messages by trigger", "Customers for whom most changes"} <= set(found.texts)
    assert "Changed: rule.one-a-day.limit=2" in found.texts
    compared = page(pages["compared"])
    assert {"Before", "After", "monday against limited"} <= set(compared.texts)


def test_a_page_overwrites_nothing(shop: Path, capsys: Output, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine")
    assert run("-w", shop, "preview", "--at", AT, "--html", tmp_path / "page.html") == 1
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "page.html").read_text() == "mine"
