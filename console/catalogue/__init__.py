"""The campaigns of the trade, ready to be put into a workspace: one folder each under campaigns/.

campaign.toml says what it is for and what it needs, triggers/ holds its triggers as drafts, copy.toml the
words of its messages in four languages, from which `composing` makes the template files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from console.catalogue.composing import LANGUAGES, compose
from core.errors import ManometerError
from core.suggestions import near

TRANSACTIONAL: Final = ("transactional", "service")
"""Purposes whose messages need no consent, and so offer no way to withdraw one."""
CURRENCY: Final = "CHF"
"""Of the amounts in its words where no workspace says another."""


@dataclass(frozen=True, slots=True)
class Needed:
    """An event a campaign lives on, why, and one line of NDJSON as a source sends it."""

    name: str
    why: str
    example: str


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign; `triggers` are the texts of its files by name, `copy` the words of its templates by name
    and language.
    """

    name: str
    title: str
    aim: str
    effort: str  # small | medium | large
    work: str
    legal: str
    events: tuple[Needed, ...]
    traits: tuple[str, ...]
    links: tuple[str, ...]
    triggers: Mapping[str, str]
    copy: Mapping[str, Mapping[str, Any]]

    @property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """The triggers as TOML tables."""
        return {name: tomllib.loads(text) for name, text in self.triggers.items()}

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its triggers."""
        return tuple(dict.fromkeys(str(table["when"]["kind"]) for table in self.tables.values()))

    @property
    def purposes(self) -> tuple[str, ...]:
        """The purposes of its triggers."""
        return tuple(dict.fromkeys(str(table["purpose"]) for table in self.tables.values()))

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that its steps name, the first ones first."""
        return tuple(
            dict.fromkeys(
                name for table in self.tables.values() for name in named(table["steps"], "channels")
            )
        )

    @property
    def first_channels(self) -> tuple[tuple[str, str], ...]:
        """The purpose of each trigger, and the channel its first step would rather take."""
        return tuple(
            (str(table["purpose"]), str(table["steps"][0]["channels"][0])) for table in self.tables.values()
        )

    @property
    def alternatives(self) -> tuple[tuple[str, ...], ...]:
        """The channels of each step, any of which is enough; each by itself where it goes over all of
        them.
        """
        steps = [step for table in self.tables.values() for step in table["steps"]]
        together = [(name,) for step in steps if step.get("mode") == "all" for name in step["channels"]]
        return tuple(
            dict.fromkeys(
                [*together, *(tuple(step["channels"]) for step in steps if step.get("mode") != "all")]
            )
        )

    def templates(self, root: str, languages: Sequence[str] = LANGUAGES) -> Mapping[str, str]:
        """Its template files by path below templates/; the language `root` stands in each template's own
        folder.
        """
        made: dict[str, str] = {}
        for table in self.tables.values():
            shared = {step["template"] for step in table["steps"] if step.get("digest")}
            for name in dict.fromkeys(named(table["steps"], "template")):
                asks = table["purpose"] not in TRANSACTIONAL
                files = compose(
                    name,
                    self.copy[name],
                    with_unsubscribe=asks,
                    shares=name in shared,
                    root=root,
                    languages=languages,
                )
                made.update(files)
        return made


def named(value: object, key: str) -> Iterator[str]:
    """Every text under a key, however deep: steps hold steps."""
    if isinstance(value, Mapping):
        found = value.get(key)
        yield from [found] if isinstance(found, str) else found or ()
        for inner in value.values():
            yield from named(inner, key)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            yield from named(inner, key)


@cache
def campaigns() -> Mapping[str, Campaign]:
    """All campaigns by name, in order of their names."""
    folders = (
        folder for folder in files("console.catalogue").joinpath("campaigns").iterdir() if folder.is_dir()
    )
    return {folder.name: _read(folder) for folder in sorted(folders, key=lambda folder: folder.name)}


def campaign(name: str) -> Campaign:
    """The campaign of a name; ManometerError with the nearest name where there is none."""
    known = campaigns()
    if name not in known:
        raise ManometerError(
            f"There is no campaign {name[:60]!r}. {near(name, known) or '`manometer catalogue` lists them.'}"
        )
    return known[name]


def _read(folder: Any) -> Campaign:
    said = tomllib.loads(folder.joinpath("campaign.toml").read_text(encoding="utf-8"))
    triggers = sorted(folder.joinpath("triggers").iterdir(), key=lambda file: file.name)
    return Campaign(
        name=folder.name,
        title=said["title"],
        aim=said["aim"],
        effort=said["effort"],
        work=said["work"],
        legal=said["legal"],
        events=tuple(Needed(**each) for each in said.get("events", ())),
        traits=tuple(said.get("traits", ())),
        links=tuple(said.get("links", ())),
        triggers={file.name.removesuffix(".toml"): file.read_text(encoding="utf-8") for file in triggers},
        copy=tomllib.loads(folder.joinpath("copy.toml").read_text(encoding="utf-8")),
    )
