"""A preview's answer: what was asked, under which rules, and the sums. Of a preview just made, or of one that
was kept under a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from console.forecast.question import Future, Question
from core.errors import ManometerError
from core.forecast.preview import ChannelDemand, PreviewLimit, Totals, limits_of
from core.instants import Instant, find_zone
from core.playbook.playbook import Playbook
from storage.forecasts.saved_previews import SavedPreview

FOLDER = "previews"
"""Where in the workspace previews are kept."""


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """What a preview found, with all that is said of it; `changes` say under which other rules than those in
    force it was made.
    """

    now: Instant
    first: Instant
    last: Instant
    future: Future
    weeks: int
    trigger: str | None
    version: int
    changes: tuple[str, ...]
    totals: Totals
    asked: tuple[ChannelDemand, ...]
    limits: tuple[PreviewLimit, ...]
    zone: ZoneInfo


def answer(question: Question, playbook: Playbook, version: int, totals: Totals) -> PreviewResult:
    """The answer to a question; `version` is that of the playbook in force."""
    return PreviewResult(
        question.now, question.first, question.last, question.future, question.weeks, question.trigger,
        version,
        tuple(_changes(question)), totals, tuple(totals.asked(playbook.channels)), limits_of(playbook.rules),
        playbook.zone,
    )  # fmt: skip


def _changes(question: Question) -> Iterator[str]:
    if question.playbook_folder is not None:
        yield f"the files of {question.playbook_folder}"
    yield from (
        f"{Path(path).stem} as if active" for path, _ in question.drafts if path.startswith("triggers/")
    )
    yield from map(str, question.changes)


# ---- kept ----


def about(found: PreviewResult, note: str | None, author: str, mark: Mapping[str, int]) -> dict[str, Any]:
    """What is kept beside the decisions and the sums; `mark` says how far the database had come."""
    return {
        "now": found.now,
        "first": found.first,
        "last": found.last,
        "future": found.future,
        "weeks": found.weeks,
        "trigger": found.trigger,
        "version": found.version,
        "changes": list(found.changes),
        "asked": [list(each) for each in found.asked],
        "limits": [list(each) for each in found.limits],
        "zone": found.zone.key,
        "note": note,
        "author": author,
        "mark": dict(mark),
    }


def kept_answer(saved: SavedPreview) -> PreviewResult:
    """The answer as it was kept; ManometerError where the file is not whole."""
    said = saved.about
    try:
        return PreviewResult(
            said["now"], said["first"], said["last"], said["future"], said["weeks"], said["trigger"],
            said["version"],
            tuple(said["changes"]), saved.totals, tuple(ChannelDemand(*each) for each in said["asked"]),
            tuple(PreviewLimit(*each) for each in said["limits"]), find_zone(said["zone"]) or ZoneInfo("UTC"),
        )  # fmt: skip
    except (KeyError, TypeError):
        raise ManometerError(
            f"{saved.path} is damaged. Delete it: `manometer previews delete {saved.name}`."
        ) from None
