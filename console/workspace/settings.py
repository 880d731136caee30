"""manometer.toml: the workspace itself, its engine, channels and sources."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo, available_timezones

from console.channels import adapter_class, adapter_kinds
from console.connectors import connector_class
from console.messages.tokens import LENGTH as TOKEN_LENGTH
from console.messages.unsubscribe_links import UnsubscribeSettings
from console.secrets import is_reference
from console.workspace.faults import did_you_mean
from console.workspace.kinds import time_of_day
from console.workspace.layout import DATABASE, REASONS
from console.workspace.toml_reader import Document, TomlTable, shown
from console.workspace.watch import WatchSettings, read_watch
from core.clock_trust import USUAL_LIMITS, ClockLimits
from core.instants import MINUTE, SECOND, Millis, find_zone, format_duration, parse_duration
from core.limits.brake import USUAL_BRAKE, BrakeLimits
from core.limits.capacity import parse_capacity
from core.limits.quiet_hours import SendWindows, parse_send_windows
from core.limits.surge import USUAL_SURGE, SurgeLimits
from core.limits.windows import WEEKDAYS
from core.model.backups import BackupSettings
from core.model.bounces import USUAL_LIMIT, BounceLimit
from core.model.configurable import Configurable, Setting
from core.model.customer import MEDIA
from core.model.delivery import ChannelAdapter
from core.model.retention import RetentionSettings
from core.model.triggers import Trigger
from core.people import RESERVED_NAMESPACES, IdentityRules
from core.placeholders import ignored_words
from core.playbook.playbook import Channel, ConsentPolicy, Holdout, Purpose
from core.playbook.preference import Preference
from core.sources.connector import SourceSettings
from core.sources.countries import country_code
from core.sources.currencies import DECIMALS
from core.sources.identities import IdentitySettings
from core.sources.order_fields import HUNDREDTHS

POLICIES = get_args(ConsentPolicy)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NAME_RULE = "Use letters, digits, - and _, beginning with a letter or digit; at most 64."

_OTHER_FILES = {
    **dict.fromkeys(("purposes", "weights", "rule"), "It belongs into pressure.toml."),
    "segments": "It belongs into segments.toml.",
}
_LONGEST_LOCAL_PART = 64
"""Octets before the @ of a mail address, by RFC 5321."""
_CURRENCY = re.compile(r"[A-Z]{3}")
_SECRET = re.compile(r"(.*_)?(password|secret|token|api_key|write_key)", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?(MB|GB|TB)")
_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_URL = re.compile(r"([a-z][a-z0-9+]*)://(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Settings:
    """manometer.toml, checked."""

    name: str
    database: Path
    zone: ZoneInfo
    currency: str
    rates: str | None  # path of the table of exchange rates, relative to the workspace
    links: Mapping[str, str]
    week_starts: str
    locales: tuple[str, ...]
    consent_policy: ConsentPolicy
    tick: Millis
    grace: Millis
    look_ahead: bool
    preference: Preference
    bounces: BounceLimit
    surge: SurgeLimits
    keep_free: int | None
    clock: ClockLimits
    watch: WatchSettings
    backups: BackupSettings | None  # None: the scheduler makes none
    retention: RetentionSettings
    proofs: tuple[str, ...]  # addresses of operators that proofs may go to
    channels: Mapping[str, Channel]
    unsubscribe: UnsubscribeSettings
    survey_secret: object
    sources: Mapping[str, SourceSettings]
    identities: IdentitySettings
    profiles: Mapping[str, Any]
    roles: Mapping[str, tuple[str, ...]]
    holdout: TomlTable


def read_settings(document: Document, folder: Path, channel_kinds: Collection[str]) -> Settings:
    """The settings of manometer.toml; where a fault was noted the value is a stand-in."""
    root = document.root
    workspace = root.table("workspace")
    tick, grace, look_ahead, keep_free, clock = _engine(root.table("engine"))
    sources = {name: _source(name, table) for name, table in root.tables("sources")}
    settings = Settings(
        name=workspace.text("name") or folder.resolve().name or "workspace",
        database=_database(workspace, folder),
        zone=_zone(workspace),
        currency=workspace.parsed("currency", _currency) or "CHF",
        rates=workspace.parsed("rates", _rates_path),
        links=_links(workspace.table("links")),
        week_starts=workspace.choice("week_starts", WEEKDAYS, "monday"),
        locales=workspace.texts("locales") or (),
        consent_policy=_policy(root.table("consent")),
        tick=tick,
        grace=grace,
        look_ahead=look_ahead,
        preference=_preference(root.table("preference")),
        bounces=_bounces(root.table("bounces")),
        surge=_surge(root.table("surge")),
        keep_free=keep_free,
        clock=clock,
        watch=read_watch(root.table("notify"), root.table("metrics")),
        backups=_backups(root.table("backups")) if "backups" in document.root else None,
        retention=_retention(root.table("retention")),
        proofs=_proofs(root.table("proofs")),
        channels={name: _channel(name, table, channel_kinds) for name, table in root.tables("channels")},
        unsubscribe=_unsubscribe(root.table("unsubscribe")),
        survey_secret=_survey(root.table("survey")),
        sources=sources,
        identities=_identities(root.table("identities"), workspace.parsed("country", _country), sources),
        profiles={name: _profile(table) for name, table in root.tables("profiles")},
        roles=_roles(root.table("roles")),
        holdout=root.table("holdout"),
    )
    workspace.choice("reasons", REASONS, REASONS[0])  # whoever acts reads it from the table itself
    workspace.done()
    if "country" not in workspace and _reads_phones(settings):
        workspace.warn(
            "country",
            "a profile reads phones, and no country says what 079 123 45 67 is: only numbers with + or 00 "
            "are read",
            'Write the ISO code of most customers, such as country = "CH".',
        )
    if not settings.channels:
        root.missing("channels", 'Add a channel: [channels.email] with kind = "file".')
    root.done(_OTHER_FILES)
    return settings


def _reads_phones(settings: Settings) -> bool:
    """Whether a profile of the workspace reads phones."""
    return any(
        isinstance(table := profile.get(part), dict) and "phone" in table
        for profile in settings.profiles.values()
        for part in ("identities", "traits")
    )


# ---- [workspace] ----


def _zone(workspace: TomlTable) -> ZoneInfo:
    name = workspace.required(
        "time_zone", 'Write the zone of the workspace, such as time_zone = "Europe/Zurich".'
    )
    zone = find_zone(name)
    if zone is None and name is not None:
        workspace.fault("time_zone", f"there is no time zone {shown(name)}", _zone_like(name))
    return zone or ZoneInfo("UTC")


def _zone_like(name: str) -> str:
    zones = available_timezones()
    name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    by_city = [
        zone
        for zone in sorted(zones)
        if zone.rpartition("/")[2].lower() == name.rpartition("/")[2].strip().replace(" ", "_").lower()
    ]
    return (
        f"Did you mean `{by_city[0]}`?"
        if by_city
        else did_you_mean(name, zones, "Write an IANA name, such as Europe/Zurich.")
    )


def _links(table: TomlTable) -> Mapping[str, str]:
    """Addresses of pages by name: `shop`, `survey`, or any other."""
    found = {name: address for name in table.values if (address := table.parsed(name, _address)) is not None}
    table.done()
    return found


def _address(text: str) -> str:
    if not text.startswith(("https://", "http://")):
        raise ValueError(
            f'{shown(text)} is no address of a page. Write one such as "https://www.example.ch".'
        )
    return text


def _currency(text: str) -> str:
    if not _CURRENCY.fullmatch(text):
        raise ValueError(
            f'{shown(text)} is not a currency. Write three capital letters, such as "CHF" or "EUR".'
        )
    if DECIMALS.get(text, 0) > HUNDREDTHS:
        raise ValueError(
            f"{shown(text)} has more than two decimals, and sums are kept in hundredths. Write another "
            "currency; orders in this one are converted by a table of rates."
        )
    return text


def _country(text: str) -> str:
    code = country_code(text)
    if code is None or code != text:
        wanted = "Write its ISO code of two letters, such as CH." if code is None else f"Write `{code}`."
        raise ValueError(f"{shown(text)} is not the code of a country. {wanted}")
    return code


def _rates_path(text: str) -> str:
    path = PurePosixPath(text)
    if path.is_absolute() or ".." in path.parts or path.suffix != ".csv":
        raise ValueError(f'{shown(text)} is no .csv file of the workspace. Write rates = "rates.csv".')
    return path.as_posix()


def _database(workspace: TomlTable, folder: Path) -> Path:
    return workspace.parsed("database", lambda text: _database_path(text, folder)) or folder / DATABASE


def _database_path(text: str, folder: Path) -> Path:
    url = _URL.fullmatch(text)
    if url is None:
        return folder / text
    if url[1] != "sqlite":
        raise ValueError(
            f'a database of kind {shown(url[1])} is not supported. Write "sqlite:///manometer.db" or the '
            "path of a file."
        )
    path = url[2].removeprefix("/")
    if path == url[2] or path in ("", ":memory:"):
        raise ValueError(
            'the address names no file. Write "sqlite:///manometer.db", or "sqlite:////" and an absolute '
            "path."
        )
    return folder / path


# ---- [engine], [consent], [roles] ----


def _engine(engine: TomlTable) -> tuple[Millis, Millis, bool, int | None, ClockLimits]:
    tick = engine.duration("tick")
    grace = engine.duration("grace")
    look_ahead = engine.switch("look_ahead", True)
    keep_free = engine.parsed("keep_free", _size)
    jump, gap = engine.duration("clock_jump"), engine.duration("clock_gap")
    engine.done()
    if tick == 0:
        engine.fault("tick", "`tick` is 0", 'Write how often the engine looks, such as "30s".')
    for name, value in (("clock_jump", jump), ("clock_gap", gap)):
        if value is not None and value < MINUTE:
            engine.fault(name, f"`{name}` is shorter than a minute", f'Write {name} = "5m" or longer.')
    clock = ClockLimits(USUAL_LIMITS.jump if jump is None else jump, USUAL_LIMITS.gap if gap is None else gap)
    tick, grace = tick or 30 * SECOND, 5 * MINUTE if grace is None else grace
    if grace < 2 * tick:
        message = (
            f"`grace` ({format_duration(grace)}) is shorter than two ticks ({format_duration(2 * tick)})"
        )
        engine.fault(
            "grace" if "grace" in engine else "tick",
            message,
            f'Write at least grace = "{format_duration(2 * tick)}".',
        )
    return tick, grace, look_ahead, keep_free, clock


def _backups(table: TomlTable) -> BackupSettings:
    usual = BackupSettings("")
    folder = table.required("folder", 'Write where, such as folder = "/backup/shop".')
    settings = BackupSettings(
        folder or "backups",
        table.parsed("at", time_of_day) or usual.at,
        table.whole("keep", usual.keep, 1, 3_650),
    )
    table.done()
    return settings


def _retention(table: TomlTable) -> RetentionSettings:
    texts = table.duration("texts")
    table.done()
    return RetentionSettings() if texts is None else RetentionSettings(texts)


def _proofs(table: TomlTable) -> tuple[str, ...]:
    addresses = table.texts("to", or_one=True) or ()
    table.done()
    return addresses


def _size(text: str) -> int:
    """Bytes of a size such as "500MB"."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'{shown(text)} is not a size. Write a number of MB, GB or TB, such as "1GB".')
    return int(Decimal(found[1]) * _BYTES[found[2]])


def _preference(table: TomlTable) -> Preference:
    usual = Preference()
    preference = Preference(
        trait=table.text("trait"),
        learn=table.switch("learn", usual.learn),
        within=table.duration("within") or usual.within,
        least=table.whole("least", usual.least, 1, 1_000),
    )
    table.done()
    return preference


def _bounces(table: TomlTable) -> BounceLimit:
    within = table.duration("within")
    limit = BounceLimit(
        table.whole("soft_limit", USUAL_LIMIT.soft_limit, 1, 1_000),
        USUAL_LIMIT.within if within is None else within,
    )
    if within == 0:
        table.fault("within", "`within` is 0", 'Write the span in which bounces are counted: within = "30d".')
    table.done()
    return limit


def _surge(table: TomlTable) -> SurgeLimits:
    times = table.number("times")
    if times is not None and times < 1:
        table.fault("times", f"{table.quoted('times')} is {shown(times)}", "Write at least 1: times = 5.")
        times = None
    per_hour = table.whole("per_hour", 0, 1, 1_000_000_000) or None
    triggers = table.table("per_hour_of")
    limits = SurgeLimits(
        USUAL_SURGE.times if times is None else float(times),
        table.whole("least", USUAL_SURGE.least, 0, 1_000_000_000),
        per_hour,
        {name: triggers.whole(name, 1, 1, 1_000_000_000) for name in triggers.values},
    )
    table.done()
    return limits


def _policy(consent: TomlTable) -> ConsentPolicy:
    policy = consent.choice("policy", POLICIES, "strict")
    consent.done()
    if policy == "assumed":
        consent.warn(
            "policy",
            "consent is assumed, not recorded: for test data only",
            'Write policy = "strict" before anybody real gets mail.',
        )
    return cast(ConsentPolicy, policy)


def _roles(roles: TomlTable) -> dict[str, tuple[str, ...]]:
    return {role: roles.texts(role, or_one=True) or () for role in roles.values}


def read_holdout(table: TomlTable, purposes: Mapping[str, Purpose]) -> Holdout:
    """[holdout]: the share that is kept out of every trigger of some purposes, those that obey the limits
    unless named.
    """
    share = table.number("share")
    if table.values and "share" not in table:
        table.missing("share", "Write the share of all customers that is kept out: share = 0.05.")
    if share is not None and not 0 <= share <= 1:
        table.fault(
            "share",
            f"{table.quoted('share')} is {shown(share)}",
            "Write a share from 0 to 1: a twentieth is 0.05.",
        )
    named = table.texts("purposes", or_one=True)
    for name in named or ():
        if name not in purposes:
            table.fault("purposes", f"there is no purpose {shown(name)}", did_you_mean(name, purposes))
    salt = table.text("salt") or ""
    table.done()
    return Holdout(
        float(share or 0),
        frozenset(name for name, each in purposes.items() if each.obeys)
        if named is None
        else frozenset(named),
        salt,
    )


# ---- [channels.NAME] ----


def _channel(name: str, table: TomlTable, kinds: Collection[str]) -> Channel:
    _check_name(table, name, "channel")
    before = len(table.document.faults.faults)
    kind = _kind(table, kinds)
    adapter = _adapter(kind, kinds)
    channel = Channel(
        name=name,
        kind=kind,
        medium=_medium(name, table),
        send_windows=_send_windows(table),
        lead_time=table.duration("lead_time") or 0,
        capacity=table.parsed("capacity", parse_capacity),
        approval=table.approval(),
        brake=_brake(table),
        settings=_own_settings(table, None if adapter is None else adapter.known_settings),
    )
    if adapter is None or adapter.known_settings is None:
        table.check_slips()
    else:
        table.done()
        if len(table.document.faults.faults) == before:
            _check_together(table, adapter, channel.settings)
    return channel


def _check_name(table: TomlTable, name: str, what: str) -> None:
    if not NAME.fullmatch(name):
        table.document.fault(table.path, f"{shown(name)} is no name for a {what}", NAME_RULE)


def _kind(table: TomlTable, kinds: Collection[str]) -> str:
    kind = table.required("kind", f"Write one of: {', '.join(sorted(kinds))}.")
    if kind is not None and kind not in kinds:
        table.fault("kind", f"there is no channel kind {shown(kind)}", did_you_mean(kind, kinds))
    return kind or ""


def _medium(name: str, table: TomlTable) -> str:
    if "medium" in table:
        return table.choice("medium", MEDIA, MEDIA[0])
    table.known.add("medium")
    if name not in MEDIA:
        remedy = f"Say what it carries: medium = one of {', '.join(MEDIA)}."
        table.document.fault(table.path, f"the channel {shown(name)} has no `medium`", remedy)
    return name


def _send_windows(table: TomlTable) -> SendWindows:
    lines = table.texts("send_window", or_one=True)
    try:
        return parse_send_windows(lines or ())
    except ValueError as error:
        table.fault("send_window", f"{table.quoted('send_window')}: {error}")
        return parse_send_windows(())


def _brake(channel: TomlTable) -> BrakeLimits:
    table = channel.table("brake")
    share = table.number("share")
    if share is not None and not 0 < share <= 1:
        remedy = "Write a share above 0, at most 1: half is 0.5."
        table.fault("share", f"{table.quoted('share')} is {shown(share)}", remedy)
        share = None
    limits = BrakeLimits(
        table.whole("refusals", USUAL_BRAKE.refusals, 1, 1_000),
        USUAL_BRAKE.share if share is None else float(share),
        table.whole("suppressions", USUAL_BRAKE.suppressions, 1, 1_000_000),
    )
    table.done()
    return limits


def _own_settings(table: TomlTable, declared: Sequence[Setting] | None = None) -> dict[str, Any]:
    """What only the adapter or connector reads, as it stands; where it declares what it knows, checked
    against that.
    """
    settings = table.rest()
    for key, value in settings.items():
        if _SECRET.fullmatch(key) and not all(
            map(is_reference, value if isinstance(value, list) else [value])
        ):
            name = f"{table.path[-1]}_{key}".upper().replace("-", "_")
            remedy = f'Name where it is: {key} = {{ env = "{name}" }} or {{ file = "PATH" }}.'
            table.fault(key, f"{table.quoted(key)} holds a secret in plain text", remedy)
    for setting in declared or ():
        _READERS[setting.kind](table, setting)
        if setting.required and setting.name not in table:
            table.missing(setting.name, f"It is {setting.meaning}.")
    return settings


def _adapter(kind: str, kinds: Collection[str]) -> type[ChannelAdapter] | None:
    return adapter_class(kind) if kind in kinds and kind in adapter_kinds() else None


def _check_together(table: TomlTable, configured: type[Configurable], settings: Mapping[str, object]) -> None:
    for setting, message, remedy, is_warning in configured.setting_faults(settings):
        (table.warn if is_warning else table.fault)(setting, f"{message} in {table.name}", remedy)


def _secrets(table: TomlTable, setting: Setting) -> None:
    """A secret in plain text was reported before, whatever the setting is called."""
    value = table.raw(setting.name)
    several = value if isinstance(value, list) and setting.kind == "secrets" else [value]
    if value is not None and not all(map(is_reference, several)) and not _SECRET.fullmatch(setting.name):
        table.wrong(setting.name, '{ env = "NAME" } or { file = "PATH" }')


_READERS: Mapping[str, Callable[[TomlTable, Setting], object]] = {
    "text": lambda table, setting: table.text(setting.name),
    "texts": lambda table, setting: table.texts(setting.name, or_one=True),
    "number": lambda table, setting: table.whole(setting.name, setting.range[0], *setting.range),
    "switch": lambda table, setting: table.switch(setting.name, False),
    "length": lambda table, setting: table.parsed(setting.name, _length),
    "choice": lambda table, setting: table.choice(setting.name, setting.choices, setting.choices[0]),
    "secret": _secrets,
    "secrets": _secrets,
}


def _length(text: str) -> Millis:
    length = parse_duration(text)
    if length == 0:
        raise ValueError('it is 0. Write a duration, such as "30s".')
    return length


# ---- [unsubscribe] ----


def _unsubscribe(table: TomlTable) -> UnsubscribeSettings:
    url = table.parsed("url", _url_with_token) or ""
    mail = table.parsed("mail", _mail_with_token) or ""
    secret = _signing_secret(table, "UNSUBSCRIBE_SECRET")
    if secret is None and ("url" in table or "mail" in table):
        table.missing("secret", 'Name what tokens are signed with: secret = { env = "UNSUBSCRIBE_SECRET" }.')
    table.done()
    return UnsubscribeSettings(url, mail, secret)


def _survey(table: TomlTable) -> object:
    """Where the secret is that the links of surveys are signed with; None: they are not."""
    secret = _signing_secret(table, "SURVEY_SECRET")
    table.done()
    return secret


def warn_of_unsigned_answers(document: Document, settings: Settings, files: Mapping[str, str]) -> None:
    """Warns of templates whose answers would be refused, since their links carry no token."""
    unsigned = [
        path
        for path, text in sorted(files.items())
        if "workspace.links.survey" in text and "answer_token" not in text
    ]
    if settings.survey_secret is not None and unsigned:
        more = f" and {len(unsigned) - 1} more" if len(unsigned) > 1 else ""
        message = f"answers are taken with a token only, and the links in {unsigned[0]}{more} have none"
        document.warn(
            ("survey",), message, "Add {% if answer_token %}&token={{ answer_token }}{% endif %} to them."
        )


def _signing_secret(table: TomlTable, name: str) -> object:
    secret = table.raw("secret")
    several = secret if isinstance(secret, list) and secret else [secret]
    if secret is not None and not all(map(is_reference, several)):
        table.fault(
            "secret",
            f"{table.quoted('secret')} holds a secret in plain text",
            f'Write secret = {{ env = "{name}" }}.',
        )
    return secret


def warn_of_missing_unsubscribe(
    document: Document, settings: Settings, triggers: Iterable[Trigger], purposes: Mapping[str, Purpose]
) -> None:
    """Warns of channels that reach people under a consent and offer no way to withdraw it, or none that
    works.
    """
    local = settings.unsubscribe.mail.rpartition("@")[0].replace("{token}", "x" * TOKEN_LENGTH)
    if len(local) > _LONGEST_LOCAL_PART:
        message = f"the address of `mail` has {len(local)} letters before the @, and mail allows 64"
        document.warn(("unsubscribe", "mail"), message, "Shorten what surrounds {token} to 16 letters.")
    if settings.unsubscribe.url or settings.unsubscribe.mail:
        return
    for name, channel in settings.channels.items():
        using = sorted(
            trigger.name for trigger in triggers if _needs_consent(trigger, purposes) and _uses(trigger, name)
        )
        adapter = _adapter(channel.kind, adapter_kinds())
        if using and adapter is not None and adapter.offers_unsubscribe:
            message = f"[channels.{name}] sends under a consent ({using[0]}), and nobody can unsubscribe"
            document.warn(
                ("channels", name),
                message,
                'Write [unsubscribe] with url = "https://shop.example/u/{token}" and a secret.',
            )


def _needs_consent(trigger: Trigger, purposes: Mapping[str, Purpose]) -> bool:
    return trigger.purpose in purposes and purposes[trigger.purpose].consent and trigger.status != "retired"


def _uses(trigger: Trigger, channel: str) -> bool:
    return any(channel in step.channels for step in trigger.contents())


def _url_with_token(text: str) -> str:
    if not re.fullmatch(r"https?://[^\s<>]+", text) or text.count("{token}") != 1:
        raise ValueError(
            f"{shown(text)} is no address for this. Write one with {{token}} in it: "
            f'"https://shop.example/u/{{token}}".'
        )
    return text


def _mail_with_token(text: str) -> str:
    if not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+", text) or text.count("{token}") > 1:
        raise ValueError(
            f'{shown(text)} is no mail address. Write one such as "unsubscribe+{{token}}@shop.example".'
        )
    return text


# ---- [identities], [sources.NAME], [profiles.NAME] ----


def _identities(
    table: TomlTable, region: str | None, sources: Mapping[str, SourceSettings]
) -> IdentitySettings:
    namespaces = {name: source.ids for name, source in sources.items() if source.ids}
    settings = IdentitySettings(
        rules=IdentityRules(
            max_people=table.whole("max_people", IdentityRules().max_people, 1, 1_000),
            namespaces=tuple(dict.fromkeys(namespaces.values())),
        ),
        region=region,
        ignored=ignored_words(table.texts("ignore", or_one=True) or ()),
        namespaces=namespaces,
    )
    table.done()
    return settings


def _namespace(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{shown(text)} is no name for a namespace of user ids. {NAME_RULE}")
    if text in RESERVED_NAMESPACES:
        raise ValueError(f"{shown(text)} is a word that keys begin with already. Write another name.")
    return text


def _source(name: str, table: TomlTable) -> SourceSettings:
    _check_name(table, name, "source")
    before = len(table.document.faults.faults)
    kind, channel = table.text("kind", "folder") or "folder", table.text("channel")
    orders = table.parsed("orders", _order_namespace)
    connector = connector_class(kind)
    known = None if connector is None else connector.known_settings
    ids = table.parsed("ids", _namespace) or ""
    silent = table.duration("silent_after")
    if silent == 0:
        table.fault("silent_after", "`silent_after` is 0", 'Write how long it may be silent, such as "2d".')
    source = SourceSettings(
        name, kind, channel, _own_settings(table, known), ids, orders, silent_after=silent or None
    )
    if connector is not None and known is not None:
        table.done()
        if len(table.document.faults.faults) == before:
            _check_together(table, connector, source.settings)
    return source


def _order_namespace(text: str) -> str:
    if not NAME.fullmatch(text):
        raise ValueError(f"{shown(text)} is no name of a namespace. {NAME_RULE}")
    return text


def _profile(table: TomlTable) -> dict[str, Any]:
    return table.rest()
