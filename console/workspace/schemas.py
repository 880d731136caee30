"""The files of a workspace as JSON Schemas (draft 7), for editors.

Where the reader goes by a list, such as the settings of a channel's kind, the schema is made from the same
list. Tests hold that it has just the keys which the reader asks for, and refuses no file that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from console.channels import adapter_class, adapter_kinds
from console.connectors import connector_class, connector_kinds
from console.workspace.layout import REASONS
from console.workspace.settings import NAME, POLICIES
from console.workspace.triggers import MODES, ON_CHANGE, ON_LIMIT, STATUSES
from core.kinds import kinds
from core.limits.windows import WEEKDAYS
from core.model.configurable import Setting
from core.model.customer import MEDIA

Schema = dict[str, Any]
DRAFT: Final = "http://json-schema.org/draft-07/schema#"
DURATION: Final = "^ *[0-9]{1,12}[smhdw] *$"
SIGNED: Final = "^ *-?[0-9]{1,12}[smhdw] *$"


# ---- what values are like ----


def _said(schema: Schema, meaning: str) -> Schema:
    return {**schema, "description": meaning} if meaning else schema


def _text(meaning: str = "", pattern: str = r"\S") -> Schema:
    return _said({"type": "string", "pattern": pattern}, meaning)


def _duration(meaning: str = "") -> Schema:
    return _text(meaning, DURATION)


def _number(meaning: str = "", least: float | None = None, most: float | None = None) -> Schema:
    bounds = {"minimum": least, "maximum": most}
    return _said({"type": "number", **{key: at for key, at in bounds.items() if at is not None}}, meaning)


def _whole(meaning: str = "", least: int | None = None, most: int | None = None) -> Schema:
    return {**_number(meaning, least, most), "type": "integer"}


def _switch(meaning: str = "") -> Schema:
    return _said({"type": "boolean"}, meaning)


def _choice(choices: Sequence[str], meaning: str = "") -> Schema:
    return _said({"type": "string", "enum": list(choices)}, meaning)


def _texts(meaning: str = "") -> Schema:
    """A list of texts, or one."""
    return _said({"anyOf": [_text(), {"type": "array", "items": _text()}]}, meaning)


def _list(meaning: str = "") -> Schema:
    return _said({"type": "array", "items": _text()}, meaning)


def _table(keys: Mapping[str, Schema], required: Sequence[str] = (), meaning: str = "") -> Schema:
    schema: Schema = {"type": "object", "properties": dict(keys), "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    return _said(schema, meaning)


def _named(values: Schema, meaning: str = "", names: str = f"^{NAME.pattern}$") -> Schema:
    """Tables or values under names that the workspace chooses."""
    return _said(
        {"type": "object", "propertyNames": {"pattern": names}, "additionalProperties": values}, meaning
    )


REFERENCE: Final[Schema] = {
    "anyOf": [_table({"env": _text()}, ["env"]), _table({"file": _text()}, ["file"])],
    "description": 'where the secret is: { env = "NAME" } or { file = "PATH" }',
}
REFERENCES: Final[Schema] = {"anyOf": [REFERENCE, {"type": "array", "items": REFERENCE, "minItems": 1}]}
CONDITION: Final = _text("a condition, such as \"country == 'CH' and orders >= 2\"")
APPROVAL: Final[Schema] = {
    "anyOf": [_switch(), _whole("", 0)],
    "description": "true: each message waits for approval; a number: larger batches do",
}


# ---- manometer.toml ----

_SETTINGS: Final[Mapping[str, Callable[[Setting], Schema]]] = {
    "text": lambda one: _text(one.meaning),
    "texts": lambda one: _texts(one.meaning),
    "number": lambda one: _whole(one.meaning, *one.range),
    "switch": lambda one: _switch(one.meaning),
    "length": lambda one: _duration(one.meaning),
    "choice": lambda one: _choice(one.choices, one.meaning),
    "secret": lambda one: {**REFERENCE, "description": one.meaning},
    "secrets": lambda one: {**REFERENCES, "description": one.meaning},
}


def _configured(
    common: Mapping[str, Schema], known: Mapping[str, Sequence[Setting] | None], required: Sequence[str]
) -> Schema:
    """A table that has, beside the common keys, those of its kind."""
    ways = [
        {"if": {"properties": {"kind": {"const": kind}}, "required": ["kind"]}, "then": _of_kind(common, own)}
        for kind, own in known.items()
    ]
    return {"type": "object", "properties": dict(common), "required": list(required), "allOf": ways}


def _of_kind(common: Mapping[str, Schema], own: Sequence[Setting] | None) -> Schema:
    if own is None:  # it leaves any key as it stands
        return {}
    keys = {**{one.name: _SETTINGS[one.kind](one) for one in own}, **common}
    return _table(keys, [one.name for one in own if one.required])


def _channels() -> Schema:
    common = {
        "kind": _choice(adapter_kinds(), "the adapter"),
        "medium": _choice(MEDIA, "which address and template file it uses; the channel's name if left out"),
        "send_window": _texts('when it may go out, local time: "Mon-Fri 08:00-18:00"'),
        "lead_time": _duration("from hand-over until it reaches the customer"),
        "capacity": _text("the most that is handed over", "^ *[0-9]{1,9} ?/ ?(day|hour|minute) *$"),
        "approval": APPROVAL,
        "brake": _table(
            {
                "refusals": _whole("in a row", 1, 1_000), "share": _number("of the last twenty", 0, 1),
                "suppressions": _whole("in an hour", 1, 1_000_000),
            },
            meaning="when the channel is left alone",
        ),
    }  # fmt: skip
    known = {kind: adapter_class(kind).known_settings for kind in adapter_kinds()}
    return _named(_configured(common, known, ["kind"]), "the ways to customers, by the names steps use")


def _sources() -> Schema:
    common = {
        "kind": _text('"folder" (default), or the kind of a connector'),
        "channel": _text("what its events come over where they do not say, such as store"),
        "ids": _text("the namespace of its user ids", f"^{NAME.pattern}$"),
        "orders": _text("the namespace of its order numbers", f"^{NAME.pattern}$"),
        "silent_after": _duration("so long a silence is a fault"),
    }
    found = {kind: connector_class(kind) for kind in connector_kinds()}
    known = {kind: None if each is None else each.known_settings for kind, each in found.items()}
    return _named(_configured(common, known, []), "where events come from")


def _workspace() -> Schema:
    return _table(
        {
            "name": _text("shown on screens and usable in templates"),
            "time_zone": _text("IANA name, for customers whose own is not known"),
            "currency": _text("three capital letters", "^[A-Z]{3}$"),
            "country": _text("ISO code: region of phone numbers", "^[A-Z]{2}$"),
            "reasons": _choice(REASONS, "whether whoever changes something has to say why"),
            "rates": _text("table of exchange rates in the workspace", r"\.csv$"),
            "week_starts": _choice(WEEKDAYS, 'for windows of a "calendar week"'),
            "locales": _list("the languages the templates come in"),
            "links": _named(_text("", "^https?://"), "addresses of pages, for templates", ""),
            "database": _text("an SQLite address or a path"),
        },
        ["time_zone"],
    )


def manometer_toml() -> Schema:
    """manometer.toml."""
    signed = {"secret": {**REFERENCES, "description": "what is signed with, at least 16 letters"}}
    return _table(
        {
            "workspace": _workspace(),
            "consent": _table({"policy": _choice(POLICIES, "which consent is enough")}),
            "engine": _table(
                {
                    "tick": _duration("how often the engine looks"),
                    "grace": _duration("how late an instant may be played as of itself"),
                    "look_ahead": _switch("give way to a stronger message that can be foreseen"),
                    "keep_free": _text("room on the disk", "^ *[0-9]{1,6}(\\.[0-9]{1,3})? ?(MB|GB|TB) *$"),
                    "clock_jump": _duration("a jump of the clock that is not believed"),
                    "clock_gap": _duration("a gap since the newest known instant that is not believed"),
                }
            ),
            "channels": _channels(),
            "sources": _sources(),
            "profiles": _named({"type": "object"}, "how CSV files are read", ""),
            "identities": _table(
                {
                    "ignore": _texts("further values that are no identity"),
                    "max_people": _whole("an identity that more user ids share joins nobody", 1, 1_000),
                }
            ),
            "preference": _table(
                {
                    "trait": _text("where the customer has said it"), "learn": _switch("from clicks"),
                    "within": _duration("how far back"),
                    "least": _whole("fewer clicks say nothing", 1, 1_000),
                }
            ),
            "bounces": _table(
                {
                    "soft_limit": _whole("soft bounces that suppress an address", 1, 1_000),
                    "within": _duration("the span in which they lie"),
                }
            ),
            "surge": _table(
                {
                    "times": _number("more than so many times its forecast holds a trigger", 1),
                    "least": _whole("unless no more than so many", 0, 1_000_000_000),
                    "per_hour": _whole("the same for so many in an hour", 1, 1_000_000_000),
                    "per_hour_of": _named(_whole("", 1, 1_000_000_000), "by trigger", ""),
                }
            ),
            "notify": _table(
                {
                    "command": _list("a program with its arguments"), "webhook": _text("", "^https?://"),
                    "token": REFERENCE, "deadline": _duration("1s to 60s"),
                }
            ),
            "metrics": _table({"file": _text(), "listen": _text("host and port", ":[0-9]{1,5}$")}),
            "backups": _table(
                {
                    "folder": _text("where"), "at": _text("local time", "^([01][0-9]|2[0-3]):[0-5][0-9]$"),
                    "keep": _whole("so many of them", 1, 3_650),
                },
                ["folder"],
            ),
            "retention": _table({"texts": _duration("how long messages can be read as they were sent")}),
            "proofs": _table({"to": _texts("addresses of operators")}),
            "unsubscribe": _table(
                {"url": _text("", r"^https?://.*\{token\}"), "mail": _text("", ".@."), **signed}
            ),
            "survey": _table(signed),
            "holdout": _table(
                {
                    "share": _number("of all customers, kept out of every trigger", 0, 1),
                    "purposes": _texts("for which it holds"), "salt": _text("another one draws anew"),
                },
                ["share"],
            ),
            "roles": _named(_texts(), "accounts by role", ""),
        },
        ["workspace", "channels"],
    )  # fmt: skip


# ---- pressure.toml, segments.toml ----


def pressure_toml() -> Schema:
    """pressure.toml."""
    points = _number("points", 0, 1_000_000)
    purpose = _table(
        {
            "obeys": _switch("the limits hold it back"), "counts": _switch("it fills the limits"),
            "consent": _switch("it needs a consent"),
        }
    )  # fmt: skip
    rule = _table(
        {
            "name": _text("shown wherever the rule holds something back"),
            "limit": _number("the most a window may hold", 0),
            "unit": _choice(("contacts", "points")),
            "window": _text('"7d", "3 days" or "calendar week"'),
            "extend": _text("stretches the window to a whole calendar unit"),
            "gap": _duration("least time between two contacts"),
            "channels": _texts("over these alone"),
            "purposes": _texts("of these alone"),
            "triggers": _texts("of these alone"),
            "tags": _texts("of triggers with one of these"),
            "audience": CONDITION,
        },
        meaning="a limit within a window, a gap, or both",
    )
    weights = {
        "type": "object",
        "properties": {"templates": _named(points, "by template", "")},
        "additionalProperties": points,
        "description": "points of one contact, by channel",
    }
    return _table(
        {
            "purposes": _named(purpose, "what messages are for", ""),
            "weights": weights,
            "rule": {"type": "array", "items": rule},
        }
    )


def segments_toml() -> Schema:
    """segments.toml."""
    segment = _table({"title": _text("for people"), "where": CONDITION}, ["where"])
    return _table({"segments": _named(segment, "named audiences", "")})


# ---- triggers/NAME.toml ----


def _when() -> Schema:
    every = {
        "event": _text("the event that makes a customer enter"),
        "events": _texts("any of these"),
        "where": CONDITION,
        "after": _duration("so long after the cause"),
        "unless": _texts("none of these came meanwhile"),
        "per": _text("a property: each of its values may enter once"),
        "restart": _switch("each further event of the same key begins the clock anew"),
        "at_least": _whole("so many of them", 1, 1_000_000),
        "within": _duration("the span that is looked at"),
        "change": _number("by which factor a rhythm changes"),
        "date": _text("a date of the profile, such as birthday"),
        "offset": _text("before or after it", SIGNED),
        "at": _text("local time", "^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        "years": {
            "anyOf": [_whole("", 0, 150), {"type": "array", "items": _whole("", 0, 150), "minItems": 1}],
            "description": "only these anniversaries",
        },
        "metric": _text("orders, revenue, units, or the sum or count of a property"),
        "reaches": _number("the mark; money in major units"),
        "inactive_for": _duration("a silence of this length"),
        "activity": _texts("what ends it; any event if left out"),
        "on_activation": _choice(("ignore", "enrol"), "those past the mark when it is activated"),
    }
    ways = [
        _table({"kind": {"const": name}, **{key: every.get(key, {}) for key in kind.keys}}, ["kind"])
        for name, kind in kinds().items()
    ]
    known = {"kind": _choice(tuple(kinds()), "what makes a customer enter"), **every}
    return {
        "type": "object",
        "properties": known,
        "required": ["kind"],
        "oneOf": ways,
    }


def _contents() -> dict[str, Schema]:
    """What a step and its `else` have."""
    return {
        "channels": _texts("the first that is allowed and free is taken"),
        "template": _text("a folder of templates/"),
        "expires": _duration("later than this it is not sent at all"),
        "only_if": CONDITION,
        "on_limit": _choice(ON_LIMIT, "what a full window does"),
        "mode": _choice(MODES, "all: over each of the channels"),
        "approval": APPROVAL,
        "weight": _number("points of one contact", 0, 1_000_000),
        "prefer": _switch("the customer's preferred channel first"),
        "digest": _switch("may share a message with others"),
        "then": _text("the step that comes next, or end"),
        "else": {"anyOf": [_text(), {"$ref": "#/definitions/else"}], "description": "what holds otherwise"},
    }


def _step() -> Schema:
    variant = {key: _contents()[key] for key in ("channels", "template", "expires", "on_limit", "weight")}
    return _table(
        {
            **_contents(),
            "after": _duration("since the step before"),
            "name": _text("by which other steps lead here", f"^{NAME.pattern}$"),
            "wait_for": _texts("events that it waits for"),
            "where": CONDITION,
            "timeout": _duration("so long"),
            "on_timeout": _text("send, skip, end, or the name of a step"),
            "variant": _texts("only for these variants"),
            "variants": _named(_table(variant), "what differs by variant", ""),
        },
        ["channels", "template"],
    )


def trigger_toml() -> Schema:
    """A file of triggers/."""
    goal = {
        "on": _texts("events that reach it"), "within": _duration("counted so long after a message"),
        "where": CONDITION, "exit": _switch("reaching it ends the journey"),
    }  # fmt: skip
    schema = _table(
        {
            "title": _text("for people"),
            "status": _choice(STATUSES, "a draft never runs, but can be previewed and backtested"),
            "purpose": _text("as declared in pressure.toml"),
            "priority": _whole("the higher wins", 0, 100),
            "audience": CONDITION,
            "holdout": _number("share kept out", 0, 1),
            "reentry": _text('"never", "always", or a duration', f"^(never|always)$|{DURATION}"),
            "max_age": _duration("an event older than this enrols nobody"),
            "tags": _texts("for rules"),
            "approval": APPROVAL,
            "prefer": _switch("the customer's preferred channel first"),
            "on_change": _choice(ON_CHANGE, "what a change does to those under way"),
            "when": _when(),
            "exit": _table({"on": _texts("events that end the journey")}, ["on"]),
            "goal": _table(goal, ["on"]),
            "split": _named(_number("share", 0, 1), "variants and their shares"),
            "steps": {"type": "array", "items": _step(), "minItems": 1},
        },
        ["purpose", "when", "steps"],
    )
    return {**schema, "definitions": {"else": _table(_contents(), ["template"])}}


SCHEMAS: Final[Mapping[str, tuple[str, Callable[[], Schema]]]] = {
    "workspace": ("manometer.toml", manometer_toml),
    "pressure": ("pressure.toml", pressure_toml),
    "segments": ("segments.toml", segments_toml),
    "trigger": ("triggers/*.toml", trigger_toml),
}
"""By kind: the files it is for, and what makes it."""


def schema_of(kind: str) -> Schema:
    """The schema of a kind of file."""
    files, made = SCHEMAS[kind]
    return {"$schema": DRAFT, "title": f"Manometer: {files}", **made()}
