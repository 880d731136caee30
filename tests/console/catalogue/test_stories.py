"""Each campaign of the catalogue played on a small life, in four languages: what is decided and what is said,
word for word.

The stories stand in tests/catalogue; `python -m tests.console.catalogue.test_stories` writes them anew, to be
read before they are kept.
"""

from __future__ import annotations

import contextlib
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.catalogue import campaigns
from console.main import main
from tests.console.catalogue_lives import LIVES, PEOPLE, played

STORIES = Path(__file__).parents[2] / "catalogue"


def listed(folder: Path, *words: str) -> list[dict[str, Any]]:
    """What a command prints with --json."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["-w", str(folder), "--json", *words]) == 0
    return [json.loads(line) for line in out.getvalue().splitlines()]


def rows(folder: Path, customer: str) -> list[str]:
    """Her decisions, one line each, with the variant and the step in whose message another goes."""
    carriers: dict[int, str] = {}
    found = listed(folder, "decisions", "--customer", customer, "--evidence")
    return [" ".join(words(row, carriers.setdefault(row["message"] or 0, named(row)))) for row in found]


def named(row: dict[str, Any]) -> str:
    """The step of a decision."""
    return f"{row['trigger']}/{row['step']}"


def words(row: dict[str, Any], carrier: str) -> Iterator[str]:
    """What is said of one decision."""
    yield from (row["at"], named(row), row["channel"], row["outcome"])
    yield from (word for word in (row["reason"], row["variant"] and f"({row['variant']})") if word)
    if row["message"] is not None and carrier != named(row):
        yield f"(with {carrier})"


def messages(folder: Path, customer: str) -> Iterator[dict[str, Any]]:
    """What was handed over to her, in order of time."""
    lines = [
        json.loads(line)
        for file in (folder / "outbox").glob("*.ndjson")
        for line in file.read_text(encoding="utf-8").splitlines()
    ]
    yield from sorted(
        (line for line in lines if line["customer"] == customer),
        key=lambda line: (line["sent_at"], line["channel"]),
    )


def said(message: dict[str, Any]) -> str:
    """A message as people read it."""
    parts = message["parts"]
    text = parts.get("email.txt") or parts.get("sms.txt") or next(iter(parts.values()))
    subject = f"{message['subject']}\n" if "email.txt" in parts else ""
    return f"[{message['trigger']}/{message['step']} {message['channel']}]\n{subject}{text}".strip()


def story(folder: Path) -> str:
    """All of it as one text."""
    left = ["", "= left alone", *rows(folder, "left"), *(said(each) for each in messages(folder, "left"))]
    parts = ["= decided", *rows(folder, "de"), *left]
    for language in ("de", "fr", "it", "en"):
        parts += ["", f"= {language}", *(f"{said(each)}\n" for each in messages(folder, language))]
    return "\n".join(parts).rstrip() + "\n"


@pytest.fixture(scope="module", params=sorted(LIVES))
def campaign(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    return request.param, played(tmp_path_factory.mktemp(request.param), request.param)


def test_every_campaign_has_a_life_and_a_story() -> None:
    assert set(LIVES) == {path.stem for path in STORIES.glob("*.txt")}
    assert {campaign for name, life in LIVES.items() for campaign in life.of or (name,)} == set(campaigns())


def test_the_story_is_told_word_for_word(campaign: tuple[str, Path]) -> None:
    name, folder = campaign
    assert story(folder) == (STORIES / f"{name}.txt").read_text(encoding="utf-8")


def test_each_language_gets_the_same_messages_in_its_own_words(campaign: tuple[str, Path]) -> None:
    _, folder = campaign
    assert rows(folder, "de") == rows(folder, "fr") == rows(folder, "it") == rows(folder, "en") != []
    said_by_all = [
        [said(each) for each in messages(folder, language)] for language in ("de", "fr", "it", "en")
    ]
    assert all(len(set(same)) == 4 for same in zip(*said_by_all, strict=True))


def test_messages_read_well(campaign: tuple[str, Path]) -> None:
    _, folder = campaign
    for language in PEOPLE:
        for message in messages(folder, language):
            whole = " ".join([message["subject"], *message["parts"].values()])
            assert not [
                fragment
                for fragment in ("{{", "{%", "None", "ß", "  ,", " .", "()", "\n\n\n")
                if fragment in whole
            ], whole


def write() -> None:
    """The stories anew."""
    STORIES.mkdir(exist_ok=True)
    for name in LIVES:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            text = story(played(Path(folder) / name, name))
        (STORIES / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
