"""manometer.toml: the workspace itself, its engine, channels and sources."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from console.workspace.faults import did_you_mean
from console.workspace.toml_reader import Document, Table, shown
from core.customer import MEDIA
from core.instants import MINUTE, SECOND, Millis, find_zone, format_duration
from core.playbook import Channel, ConsentPolicy
from core.quiet_hours import SendWindows, parse_send_windows
from core.windows import WEEKDAYS

POLICIES = get_args(ConsentPolicy)
DATABASE = "manometer.db"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NAME_RULE = "Use letters, digits, - and _, beginning with a letter or digit; at most 64."

_OTHER_FILES = {
    **dict.fromkeys(("purposes", "weights", "rule"), "It belongs into pressure.toml."),
    "segments": "It belongs into segments.toml.",
}
_CURRENCY = re.compile(r"[A-Z]{3}")
_CAPACITY = re.compile(r"([0-9]{1,9}) ?/ ?(day|hour|minute)")
_SECRET = re.compile(r"(.*_)?(password|secret|token|api_key|write_key)", re.IGNORECASE)
_URL = re.compile(r"([a-z][a-z0-9+]*)://(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Source:
    """Where events come from; `channel` marks all its events, `settings` are what only the connector reads."""

    name: str
    kind: str
    channel: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """manometer.toml, checked."""

    name: str
    database: Path
    zone: ZoneInfo
    currency: str
    week_starts: str
    locales: tuple[str, ...]
    consent_policy: ConsentPolicy
    tick: Millis
    grace: Millis
    look_ahead: bool
    channels: Mapping[str, Channel]
    sources: Mapping[str, Source]
    profiles: Mapping[str, Any]
    roles: Mapping[str, tuple[str, ...]]


def read_settings(document: Document, folder: Path, channel_kinds: Collection[str]) -> Settings:
    """The settings of manometer.toml; where a fault was noted the value is a stand-in."""
    root = document.root
    workspace = root.table("workspace")
    tick, grace, look_ahead = _engine(root.table("engine"))
    settings = Settings(
        name=workspace.text("name") or folder.resolve().name or "workspace",
        database=_database(workspace, folder),
        zone=_zone(workspace),
        currency=workspace.parsed("currency", _currency) or "CHF",
        week_starts=workspace.choice("week_starts", WEEKDAYS, "monday"),
        locales=workspace.texts("locales") or (),
        consent_policy=_policy(root.table("consent")),
        tick=tick,
        grace=grace,
        look_ahead=look_ahead,
        channels={name: _channel(name, table, channel_kinds) for name, table in root.tables("channels")},
        sources={name: _source(name, table) for name, table in root.tables("sources")},
        profiles={name: _profile(table) for name, table in root.tables("profiles")},
        roles=_roles(root.table("roles")),
    )
    workspace.done()
    if not settings.channels:
        root.missing("channels", 'Add a channel: [channels.email] with kind = "file".')
    root.done(_OTHER_FILES)
    return settings


# ---- [workspace] ----


def _zone(workspace: Table) -> ZoneInfo:
    name = workspace.required("time_zone", 'Write the zone of the workspace, such as time_zone = "Europe/Zurich".')
    zone = find_zone(name)
    if zone is None and name is not None:
        workspace.fault("time_zone", f"there is no time zone {shown(name)}", _zone_like(name))
    return zone or ZoneInfo("UTC")


def _zone_like(name: str) -> str:
    zones = available_timezones()
    name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    by_city = [
        zone for zone in sorted(zones) if zone.rpartition("/")[2].lower() == name.rpartition("/")[2].strip().replace(" ", "_").lower()
    ]
    return f"Did you mean `{by_city[0]}`?" if by_city else did_you_mean(name, zones, "Write an IANA name, such as Europe/Zurich.")


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError(f'{shown(text)} is not a currency. Write three capital letters, such as "CHF" or "EUR".')
    return text


def _database(workspace: Table, folder: Path) -> Path:
    return workspace.parsed("database", lambda text: _database_path(text, folder)) or folder / DATABASE


def _database_path(text: str, folder: Path) -> Path:
    url = _URL.fullmatch(text)
    if url is None:
        return folder / text
    if url[1] != "sqlite":
        raise ValueError(f'a database of kind {shown(url[1])} is not supported. Write "sqlite:///manometer.db" or the path of a file.')
    path = url[2].removeprefix("/")
    if path == url[2] or path in ("", ":memory:"):
        raise ValueError('the address names no file. Write "sqlite:///manometer.db", or "sqlite:////" and an absolute path.')
    return folder / path


# ---- [engine], [consent], [roles] ----


def _engine(engine: Table) -> tuple[Millis, Millis, bool]:
    tick = engine.duration("tick")
    grace = engine.duration("grace")
    look_ahead = engine.switch("look_ahead", False)
    engine.done()
    if tick == 0:
        engine.fault("tick", "`tick` is 0", 'Write how often the engine looks, such as "30s".')
    tick, grace = tick or 30 * SECOND, 5 * MINUTE if grace is None else grace
    if grace < 2 * tick:
        message = f"`grace` ({format_duration(grace)}) is shorter than two ticks ({format_duration(2 * tick)})"
        engine.fault("grace" if "grace" in engine else "tick", message, f'Write at least grace = "{format_duration(2 * tick)}".')
    return tick, grace, look_ahead


def _policy(consent: Table) -> ConsentPolicy:
    policy = consent.choice("policy", POLICIES, "strict")
    consent.done()
    if policy == "assumed":
        consent.warn(
            "policy", "consent is assumed, not recorded: for test data only", 'Write policy = "strict" before anybody real gets mail.'
        )
    return cast(ConsentPolicy, policy)


def _roles(roles: Table) -> dict[str, tuple[str, ...]]:
    return {role: roles.texts(role, or_one=True) or () for role in roles.values}


# ---- [channels.NAME] ----


def _channel(name: str, table: Table, kinds: Collection[str]) -> Channel:
    _check_name(table, name, "channel")
    channel = Channel(
        name=name,
        kind=_kind(table, kinds),
        medium=_medium(name, table),
        send_windows=_send_windows(table),
        lead_time=table.duration("lead_time") or 0,
        capacity=table.parsed("capacity", _capacity),
        approval=table.approval(),
        settings=_own_settings(table),
    )
    table.check_slips()
    return channel


def _check_name(table: Table, name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        table.document.fault(table.path, f"{shown(name)} is no name for a {what}", NAME_RULE)


def _kind(table: Table, kinds: Collection[str]) -> str:
    kind = table.required("kind", f"Write one of: {', '.join(sorted(kinds))}.")
    if kind is not None and kind not in kinds:
        table.fault("kind", f"there is no channel kind {shown(kind)}", did_you_mean(kind, kinds))
    return kind or ""


def _medium(name: str, table: Table) -> str:
    if "medium" in table:
        return table.choice("medium", MEDIA, MEDIA[0])
    table.known.add("medium")
    if name not in MEDIA:
        remedy = f"Say what it carries: medium = one of {', '.join(MEDIA)}."
        table.document.fault(table.path, f"the channel {shown(name)} has no `medium`", remedy)
    return name


def _send_windows(table: Table) -> SendWindows:
    lines = table.texts("send_window", or_one=True)
    try:
        return parse_send_windows(lines or ())
    except ValueError as error:
        table.fault("send_window", f"{table.quoted('send_window')}: {error}")
        return parse_send_windows(())


def _capacity(text: str) -> tuple[int, str]:
    found = _CAPACITY.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise ValueError(f'{shown(text)} is not a capacity. Write a number per day, hour or minute, such as "20000/day".')
    return int(found[1]), found[2]


def _own_settings(table: Table) -> dict[str, Any]:
    settings = table.rest()
    for key, value in settings.items():
        if _SECRET.fullmatch(key) and not _is_named(value):
            name = f"{table.path[-1]}_{key}".upper().replace("-", "_")
            remedy = f'Name where it is: {key} = {{ env = "{name}" }} or {{ file = "PATH" }}.'
            table.fault(key, f"{table.quoted(key)} holds a secret in plain text", remedy)
    return settings


def _is_named(secret: object) -> bool:
    return (
        isinstance(secret, dict)
        and len(secret) == 1
        and all(key in ("env", "file") and isinstance(text, str) and text for key, text in secret.items())
    )


# ---- [sources.NAME], [profiles.NAME] ----


def _source(name: str, table: Table) -> Source:
    _check_name(table, name, "source")
    return Source(name, table.text("kind", "folder") or "folder", table.text("channel"), _own_settings(table))


def _profile(table: Table) -> dict[str, Any]:
    return table.rest()
