"""Stories: one customer's days, the workspace's files as they are written, and what the engine must say. See
tests/stories.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from console.workspace.reading import read_files
from core.engine import advance
from core.instants import Instant
from core.model.customer import Consent, Suppression
from core.model.decisions import Decision
from core.model.dossier import Dossier
from core.model.events import Event
from core.model.pauses import Pause, parse_target
from core.playbook.playbook import Playbook
from tests.core import builders
from tests.core.builders import at, loadable, settle

STORIES = Path(__file__).parents[2] / "stories"
TEMPLATE = {
    f"templates/note/{name}": "{}" if name.endswith(".json") else "Hello"
    for name in ("subject.txt", "email.html", "email.txt", "sms.txt", "webpush.json", "print.json")
}
MANOMETER = """
[workspace]
time_zone = "Europe/Zurich"
[consent]
policy = "{consent}"
[engine]
look_ahead = {look_ahead}
[holdout]
share = {holdout}
[channels.email]
kind = "file"
[channels.sms]
kind = "file"
[channels.webpush]
kind = "file"
[channels.print]
kind = "file"
"""


@cache
def _story(path: Path) -> Mapping[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def _manometer(story: Mapping[str, Any]) -> str:
    return MANOMETER.format(consent=story.get("consent", "assumed"),
        look_ahead=str(story.get("look_ahead", True)).lower(),
                            holdout=story.get("holdout", 0))  # fmt: skip


def _playbook(story: Mapping[str, Any]) -> Playbook:
    """The story's files, read as a workspace's are; a trigger is in force from `activated` on."""
    files = {"manometer.toml": _manometer(story)} | TEMPLATE
    for name, text in story["files"].items():
        files[name if name.endswith(".toml") else f"triggers/{name}.toml"] = text
    book = read_files(files).playbook
    activated = at(story["activated"]) if "activated" in story else None
    pauses = [{"policy": "skip"} | each for each in story.get("pause", ())]
    return replace(
        book,
        triggers=tuple(replace(each, status="active", activated_at=activated) for each in book.triggers),
        pauses=tuple(
            Pause(
                parse_target(each["trigger"]),
                at(each["since"]),
                at(each["until"]) if "until" in each else None,
                each["policy"],
                each.get("transactional", False),
            )
            for each in pauses
        ),
    )  # fmt: skip


def _event(table: Mapping[str, Any], number: int) -> Event:
    fields = {"id": number} | dict(table)
    name, when = fields.pop("name", ""), fields.pop("at")
    if not name:
        return builders.identify(when, **fields)
    return builders.event(name, when, arrived=fields.pop("arrives", None), **fields)


def _dossier(story: Mapping[str, Any]) -> Dossier:
    begins = at(story.get("from", "Mon 00:00"))
    events = builders.told_apart(
        _event(table, number) for number, table in enumerate(story.get("event", ()), start=1)
    )
    dossier = builders.dossier(
        *(each for each in events if each.arrived_at >= begins),
        traits=story.get("customer"),
        settled_until=begins - 1,
        consents=tuple(_consent(table) for table in story.get("consent_record", ())),
        suppressions=tuple(
            Suppression(s["medium"], s["address"], s["reason"], at(s["at"]))
            for s in story.get("suppression", ())
        ),
    )
    past = tuple(each for each in events if each.arrived_at < begins)
    for each in past:
        dossier.profile.fold(each)
    return replace(dossier, history=past)


def _consent(table: Mapping[str, Any]) -> Consent:
    given = at(table["at"])
    return Consent(
        table["channel"], table.get("purpose", "*"), table["state"], given, given, table.get("address")
    )


def _decisions(story: Mapping[str, Any]) -> list[Decision]:
    """One run to the end; or one tick after the other where the story names them, as the scheduler makes
    them.
    """
    book, dossier, until = _playbook(story), _dossier(story), at(story.get("until", "Sun 23:59"))
    if "ticks" not in story:
        return advance(dossier, book, until).decisions
    decisions: list[Decision] = []
    for tick in (at(text) for text in story["ticks"]):
        found, dossier = _tick(dossier, book, tick)
        decisions += found
    return decisions


def _tick(dossier: Dossier, book: Playbook, now: Instant) -> tuple[list[Decision], Dossier]:
    known = tuple(each for each in dossier.arrivals if each.arrived_at <= now)
    unknown = tuple(each for each in dossier.arrivals if each.arrived_at > now)
    loaded = replace(dossier, arrivals=known)
    plan = advance(loadable(loaded, book), book, now, not_before=now - book.grace)
    return plan.decisions, settle(loaded, plan, book, unknown)


@pytest.mark.parametrize("path", sorted(STORIES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_engine_says_what_the_story_expects(path: Path) -> None:
    story = _story(path)
    said = [builders.in_words(decision) for decision in _decisions(story)]
    assert said == story["expect"]["decisions"]


@pytest.mark.parametrize(
    "path",
    [p for p in sorted(STORIES.glob("*.toml")) if "rules" in _story(p)["expect"]],
    ids=lambda p: p.stem,
)
def test_the_decision_names_the_rules_that_held_it(path: Path) -> None:
    story = _story(path)
    named = [[evidence.rule for evidence in decision.rules] for decision in _decisions(story)]
    assert named == story["expect"]["rules"]


def test_every_story_says_what_it_is_about() -> None:
    assert all(path.read_text(encoding="utf-8").startswith("# ") for path in STORIES.glob("*.toml"))
    assert len(list(STORIES.glob("*.toml"))) >= 25
