"""From the files of a workspace to a playbook: every fault at once, or a value that can be trusted."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from console.messages.unsubscribe_links import UnsubscribeSettings
from console.private_files import opened_within
from console.workspace.conditions import read_segments
from console.workspace.faults import Fault, Faults, in_order
from console.workspace.intake_faults import check_intake
from console.workspace.layout import SETTINGS
from console.workspace.pressure import RuleNames, read_purposes, read_rules, read_weights
from console.workspace.readable_secrets import warn_of_readable_secrets, warn_of_writable_files
from console.workspace.settings import (
    Settings,
    read_holdout,
    read_settings,
    warn_of_missing_unsubscribe,
    warn_of_unsigned_answers,
)
from console.workspace.templates import TemplateFiles, check_layout, check_texts
from console.workspace.toml_reader import Document
from console.workspace.triggers import TriggerContext, read_trigger
from console.workspace.watch import WatchSettings
from core.clock_trust import ClockLimits
from core.instants import Millis
from core.limits.pressure import PressureRule
from core.model.backups import BackupSettings
from core.model.predicate import Predicate
from core.model.retention import RetentionSettings
from core.model.triggers import Trigger
from core.playbook.playbook import Channel, Playbook, Purpose
from core.sources.connector import SourceSettings
from core.sources.identities import IdentitySettings
from core.sources.order_terms import OrderTerms
from core.sources.rates import RateError, Rates, read_rates

PRESSURE = "pressure.toml"
SEGMENTS = "segments.toml"
CHANNEL_KINDS = ("file",)
LARGEST = 2 * 1024 * 1024

_TEMPLATE_SUFFIXES = (".txt", ".html", ".json")


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace whose files hold no fault; `files` are the texts the playbook was read from, by relative
    path.
    """

    folder: Path
    name: str
    database: Path
    tick: Millis
    keep_free: (
        int | None
    )  # bytes of disk below which intake and sending stop; None: `console.health.disk.RESERVE`
    clock: ClockLimits
    watch: WatchSettings
    backups: BackupSettings | None  # None: the scheduler makes none
    retention: RetentionSettings
    proofs: tuple[str, ...]  # addresses of operators that proofs may go to
    playbook: Playbook
    unsubscribe: UnsubscribeSettings
    survey_secret: object  # where the secret is that the links of surveys are signed with
    rates: Rates
    sources: Mapping[str, SourceSettings]
    identities: IdentitySettings
    profiles: Mapping[str, Any]  # tables for reading CSV, as they stand
    locales: tuple[str, ...]
    roles: Mapping[str, tuple[str, ...]]
    segment_titles: Mapping[str, str]
    warnings: tuple[Fault, ...]
    files: Mapping[str, str]
    former_templates: Mapping[str, str] = field(default_factory=dict)
    """Texts that only journeys of earlier versions still need, as `files`."""

    @property
    def order_terms(self) -> OrderTerms:
        """In which namespaces orders count, and what their amounts are worth."""
        namespaces = {
            name: source.orders for name, source in self.sources.items() if source.orders is not None
        }
        book = self.playbook
        return OrderTerms(book.currency, book.zone, self.rates, namespaces, self.identities.ignored)

    @property
    def texts(self) -> Mapping[str, str]:
        """All texts that messages are made from."""
        return {**self.former_templates, **self.files}


def read_workspace(
    folder: Path,
    *,
    channel_kinds: Collection[str] = CHANNEL_KINDS,
    templates: bool = False,
    over: Mapping[str, str] = MappingProxyType({}),
) -> Workspace:
    """The workspace in a folder; WorkspaceError with all faults. `templates` looks into their texts as well,
    which takes longer; `over` are texts by relative path that are read instead of what the files say.
    """
    faults = Faults()
    files = {**_files_of(folder, faults), **over}
    if templates or faults.faults:
        return _read(files, folder, channel_kinds, templates, faults)
    return _known(files, folder, channel_kinds)


def read_files(
    files: Mapping[str, str],
    folder: Path = Path(),
    *,
    channel_kinds: Collection[str] = CHANNEL_KINDS,
    templates: bool = False,
) -> Workspace:
    """The same from texts by relative path, as `Workspace.files` holds them; `folder` is where its database
    lies.
    """
    faults = Faults()
    if SETTINGS not in files:
        faults.add(Fault(SETTINGS, None, "there is no such file", "Every workspace has one."))
    if templates or faults.faults:
        return _read(files, folder, channel_kinds, templates, faults)
    return _known(files, folder, channel_kinds)


# ---- files ----


def _files_of(folder: Path, faults: Faults) -> dict[str, str]:
    if not (folder / SETTINGS).exists():
        remedy = "Make a workspace with `manometer init DIR`, or name one with -w DIR."
        missing = (
            f"{folder} is not a workspace: it has no {SETTINGS}"
            if folder.is_dir()
            else f"there is no folder {folder}"
        )
        faults.add(Fault(SETTINGS, None, missing, remedy))
        faults.raise_if_any()
    texts = {path.relative_to(folder).as_posix(): _text(path, folder, faults) for path in _paths(folder)}
    rates = _rates_named_in(texts.get(SETTINGS) or "")
    if rates is not None and (folder / rates).is_file():
        texts[rates] = _text(folder / rates, folder, faults, within=False)
    return {path: text for path, text in texts.items() if text is not None}


def _rates_named_in(settings: str) -> str | None:
    """The path of the table of exchange rates, where the settings can be read and name one."""
    try:
        workspace = tomllib.loads(settings).get("workspace")
    except ValueError:  # told where the settings themselves are read
        return None
    named = workspace.get("rates") if isinstance(workspace, dict) else None
    return named if isinstance(named, str) and named.endswith(".csv") else None


def _paths(folder: Path) -> Iterator[Path]:
    yield from (folder / name for name in (SETTINGS, PRESSURE, SEGMENTS) if (folder / name).exists())
    yield from sorted(path for path in folder.glob("triggers/*.toml") if not path.name.startswith("."))
    yield from sorted(
        path
        for path in folder.glob("templates/**/*")
        if path.suffix in _TEMPLATE_SUFFIXES and not _is_hidden(path, folder)
    )


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def decoded(content: bytes) -> str:
    """The text of a file, with its lines ended in one way; UnicodeDecodeError where it is not UTF-8."""
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def no_utf8(name: str, error: UnicodeDecodeError) -> Fault:
    """That a file is not UTF-8, and from which line on."""
    line = error.object[: error.start].count(b"\n") + 1
    return Fault(name, line, "the file is not UTF-8", "Save it as UTF-8.")


def _text(path: Path, folder: Path, faults: Faults, *, within: bool = True) -> str | None:
    name = path.relative_to(folder).as_posix()
    try:
        with opened_within(folder if within else Path(path.anchor or "/"), path) as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            faults.add(
                Fault(
                    name,
                    None,
                    f"the file is larger than {LARGEST // 2**20} MiB",
                    "Make it smaller; pictures are linked, not written into it.",
                )
            )
            return None
        return decoded(content)
    except UnicodeDecodeError as error:
        faults.add(no_utf8(name, error))
    except OSError as error:
        faults.add(Fault(name, None, f"the file cannot be read: {error.strerror}", "See to its permissions."))
    return None


# ---- values ----


def _known(files: Mapping[str, str], folder: Path, channel_kinds: Collection[str]) -> Workspace:
    """The workspace of these texts, which are read once: the files on disk and those in force are mostly the
    same.
    """
    return _read_once(tuple(files.items()), folder, folder.resolve(), frozenset(channel_kinds))


@lru_cache(maxsize=4)
def _read_once(
    files: tuple[tuple[str, str], ...], folder: Path, _place: Path, channel_kinds: frozenset[str]
) -> Workspace:
    return _read(dict(files), folder, channel_kinds, False, Faults())


def _read(
    files: Mapping[str, str],
    folder: Path,
    channel_kinds: Collection[str],
    look_into_templates: bool,
    faults: Faults,
) -> Workspace:
    documents = _documents(files, faults)
    templates = TemplateFiles(files)
    settings = read_settings(documents[SETTINGS], folder, channel_kinds)
    conditions, segments, titles = read_segments(documents[SEGMENTS], settings.zone)
    pressure = documents[PRESSURE]
    purposes = read_purposes(pressure)
    by_channel, by_template = read_weights(pressure, settings.channels, templates.names)
    channels = {
        name: replace(channel, weight=by_channel[name]) for name, channel in settings.channels.items()
    }
    triggers, names = _triggers(
        documents, TriggerContext(channels, purposes, templates, by_template, conditions)
    )
    rules = read_rules(pressure, settings.week_starts, purposes, names, conditions)
    pressure.root.done()
    holdout = read_holdout(settings.holdout, purposes)
    warn_of_missing_unsubscribe(documents[SETTINGS], settings, triggers, purposes)
    warn_of_unsigned_answers(documents[SETTINGS], settings, files)
    check_layout(templates, faults)
    rates = _rates(settings.rates, files, documents[SETTINGS])
    if look_into_templates:
        check_texts(templates, settings.links, faults)
        check_intake(documents[SETTINGS], settings)
        warn_of_readable_secrets(documents[SETTINGS], folder)
        warn_of_writable_files(folder, iter(files), faults)
    faults.raise_if_any()
    playbook = replace(_playbook(settings, channels, purposes, rules, triggers, segments), holdout=holdout)
    return _workspace(folder, settings, playbook, rates, titles, faults, files)


def _rates(path: str | None, files: Mapping[str, str], settings: Document) -> Rates:
    """The table of exchange rates; an empty one where the settings name none, or a fault was noted."""
    if path is None:
        return Rates()
    if path not in files:
        settings.fault(
            ("workspace", "rates"),
            f"there is no file {path}",
            "Make it with the columns day,currency,rate, or leave `rates` out.",
        )
        return Rates()
    try:
        return read_rates(files[path])
    except RateError as error:
        settings.faults.add(
            Fault(
                path,
                error.line,
                str(error),
                "Each line is a day, a currency and its rate: 2025-01-31,EUR,0.9431.",
            )
        )
        return Rates()


def _documents(files: Mapping[str, str], faults: Faults) -> dict[str, Document]:
    """All TOML files; where one that others refer to cannot be read, its absence would be blamed on them, so
    reading ends.
    """
    shared = {name: Document(name, files.get(name, ""), faults) for name in (SETTINGS, PRESSURE, SEGMENTS)}
    triggers = {
        path: Document(path, files[path], faults) for path in sorted(files) if path.startswith("triggers/")
    }
    if SETTINGS not in files or not all(document.is_readable for document in shared.values()):
        faults.raise_if_any()
    return shared | triggers


def _triggers(
    documents: Mapping[str, Document], context: TriggerContext
) -> tuple[tuple[Trigger, ...], RuleNames]:
    files = {
        path[len("triggers/") : -len(".toml")]: document
        for path, document in documents.items()
        if path.startswith("triggers/")
    }
    triggers = tuple(
        read_trigger(document, name, context) for name, document in files.items() if document.is_readable
    )
    tags = {tag for trigger in triggers for tag in trigger.tags} if len(triggers) == len(files) else None
    return triggers, RuleNames(context.channels, files, tags)


def _playbook(
    settings: Settings,
    channels: Mapping[str, Channel],
    purposes: Mapping[str, Purpose],
    rules: tuple[PressureRule, ...],
    triggers: tuple[Trigger, ...],
    segments: Mapping[str, Predicate],
) -> Playbook:
    return Playbook(
        zone=settings.zone,
        currency=settings.currency,
        links=settings.links,
        week_starts=settings.week_starts,
        grace=settings.grace,
        look_ahead=settings.look_ahead,
        preference=settings.preference,
        bounces=settings.bounces,
        surge=settings.surge,
        consent_policy=settings.consent_policy,
        channels=channels,
        purposes=purposes,
        rules=rules,
        triggers=triggers,
        segments=segments,
    )


def _workspace(
    folder: Path,
    settings: Settings,
    playbook: Playbook,
    rates: Rates,
    titles: Mapping[str, str],
    faults: Faults,
    files: Mapping[str, str],
) -> Workspace:
    return Workspace(
        folder=folder,
        name=settings.name,
        database=settings.database,
        tick=settings.tick,
        keep_free=settings.keep_free,
        clock=settings.clock,
        watch=settings.watch,
        backups=settings.backups,
        retention=settings.retention,
        proofs=settings.proofs,
        playbook=playbook,
        unsubscribe=settings.unsubscribe,
        survey_secret=settings.survey_secret,
        rates=rates,
        sources=settings.sources,
        identities=settings.identities,
        profiles=settings.profiles,
        locales=settings.locales,
        roles=settings.roles,
        segment_titles=titles,
        warnings=in_order(faults.warnings),
        files=dict(files),
    )
