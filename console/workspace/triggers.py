"""triggers/NAME.toml: one trigger a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import cast

from console.workspace.conditions import Conditions
from console.workspace.event_names import event_names
from console.workspace.faults import did_you_mean
from console.workspace.journeys import (
    DEEPEST_ELSE,
    JOURNEY_KEYS,
    OF_ALL_VARIANTS,
    ONLY_IN_STEP,
    Route,
    read_goal,
    read_split,
    step_names,
    warn_of_dead_ends,
)
from console.workspace.kinds import keys_of_kinds, read_when
from console.workspace.settings import NAME, NAME_RULE
from console.workspace.templates import TemplateFiles
from console.workspace.toml_reader import Document, TomlTable, shown
from core.engine.digest import DIGEST_MEDIA
from core.instants import DAY, Millis, parse_duration
from core.kinds import kinds
from core.language import ConditionContext
from core.model.triggers import ALWAYS, NEVER, Mode, OnChange, OnLimit, Status, Step, Trigger
from core.model.when import When
from core.playbook.playbook import Channel

TRIGGER_KEYS = (
    *(
        "title",
        "status",
        "purpose",
        "priority",
        "audience",
        "holdout",
        "reentry",
        "max_age",
        "tags",
        "approval",
        "prefer",
    ),
    "on_change",
)
STEP_KEYS = (
    *(
        "channels",
        "template",
        "after",
        "expires",
        "only_if",
        "on_limit",
        "mode",
        "approval",
        "weight",
        "prefer",
        "digest",
    ),
    *JOURNEY_KEYS,
)
STATUSES = ("draft", "active", "retired")
ON_LIMIT = ("defer", "drop", "fallback")
MODES = ("first", "all")
ON_CHANGE = ("finish", "move", "leave")

_CHANNEL = "Did you mean `channels`? It is a list: the first that is allowed and free is taken."
_AT_TOP = dict.fromkeys(TRIGGER_KEYS, "It belongs to the top of the file, above the first [table].")
_IN_STEP = dict.fromkeys(STEP_KEYS, "It belongs into a [[steps]] table.")
_IN_WHEN = dict.fromkeys(keys_of_kinds(), "It belongs into [when].")


@dataclass(frozen=True, slots=True)
class TriggerContext:
    """What a trigger may name."""

    channels: Mapping[str, Channel]
    purposes: Collection[str]
    templates: TemplateFiles
    weights: Mapping[str, int]  # thousandths of a point, by template
    conditions: Conditions


def read_trigger(document: Document, name: str, context: TriggerContext) -> Trigger:
    """The trigger of a file; where a fault was noted the value is a stand-in."""
    root = document.root
    if not NAME.fullmatch(name):
        root.document.fault((), f"the file name {shown(name)} is no name for a trigger", NAME_RULE)
    when = (
        read_when(root.table("when"), context.conditions, {**_IN_STEP, **_AT_TOP})
        if _has_when(root)
        else None
    )
    split = read_split(root.table("split"))
    tables = root.list_of_tables("steps", "step")
    names = step_names(tables)
    prefers = root.switch("prefer", False)
    routes = [
        Route(number, names, tuple(name for name, _ in split), prefers)
        for number in range(1, len(tables) + 1)
    ]
    steps = tuple(_step(table, route, context) for table, route in zip(tables, routes))
    if "steps" not in root or root.values["steps"] == []:
        root.missing("steps", "A trigger needs at least one [[steps]] table with `channels` and `template`.")
    trigger = replace(_trigger(root, name, when or When(), steps, context), split=split)
    warn_of_dead_ends(tables, trigger)
    root.done({**_IN_STEP, **_IN_WHEN, "on": "It belongs into [exit]."})
    return trigger


def _has_when(root: TomlTable) -> bool:
    if "when" not in root:
        root.known.add("when")
        root.missing("when", f"Add [when] with kind = one of {', '.join(kinds())}.")
    return "when" in root


def _trigger(
    root: TomlTable, name: str, when: When, steps: tuple[Step, ...], context: TriggerContext
) -> Trigger:
    return Trigger(
        name=name,
        title=root.text("title") or name,
        purpose=_purpose(root, context.purposes),
        when=when,
        steps=steps,
        status=cast(Status, root.choice("status", STATUSES, "draft")),
        priority=root.whole("priority", 50, 0, 100),
        audience=context.conditions.read(root, "audience", ConditionContext.AUDIENCE),
        holdout=_holdout(root),
        reentry=_reentry(root),
        max_age=_or(root.duration("max_age"), DAY),
        tags=frozenset(root.texts("tags", or_one=True) or ()),
        exits=_exits(root.table("exit")),
        approval=root.approval(),
        goal=read_goal(root.table("goal"), context.conditions, {**_IN_STEP, **_AT_TOP}),
        on_change=cast(OnChange, root.choice("on_change", ON_CHANGE, "move")),
    )


def _or(value: Millis | None, default: Millis) -> Millis:
    return default if value is None else value


def _purpose(root: TomlTable, purposes: Collection[str]) -> str:
    purpose = root.required("purpose", f"Say what the messages are for: {', '.join(sorted(purposes))}.")
    if purpose is not None and purpose not in purposes:
        root.fault("purpose", f"there is no purpose {shown(purpose)}", did_you_mean(purpose, purposes))
    return purpose or ""


def _holdout(root: TomlTable) -> float:
    share = root.number("holdout")
    if share is None:
        return 0.0
    if not 0 <= share <= 1:
        root.fault(
            "holdout",
            f"{root.quoted('holdout')} is {shown(share)}",
            "Write a share from 0 to 1: a tenth is 0.10.",
        )
        return 0.0
    return float(share)


def _reentry(root: TomlTable) -> Millis:
    return _or(root.parsed("reentry", _reentry_of), ALWAYS)


def _reentry_of(text: str) -> Millis:
    if text in ("never", "always"):
        return NEVER if text == "never" else ALWAYS
    try:
        return parse_duration(text)
    except ValueError:
        raise ValueError(f'{shown(text)} is neither "never", "always" nor a duration such as "7d"') from None


def _exits(table: TomlTable) -> frozenset[str]:
    if table.values and "on" not in table:
        table.missing("on", 'Name the events that end the journey: on = ["Order Completed"].')
    exits = event_names(table, "on")
    table.done({**_IN_STEP, **_AT_TOP})
    return exits


# ---- steps ----


def _step(table: TomlTable, route: Route, context: TriggerContext) -> Step:
    """One [[steps]] table with all that hangs on it."""
    step = replace(
        _content(table, route, context, ()),
        after=table.duration("after") or 0,
        name=table.text("name"),
        wait=route.wait(table, context.conditions),
        variants=route.variants_of(table),
    )
    variants = tuple((name, _of_variant(own, step, context)) for name, own in route.by_variant(table))
    table.done({**_AT_TOP, **_IN_WHEN, "channel": _CHANNEL})
    return replace(step, by_variant=variants)


def _content(
    table: TomlTable, route: Route, context: TriggerContext, channels: tuple[str, ...], level: int = 1
) -> Step:
    """What is sent, over `channels` where the table names none, and what is sent in its place or where the
    journey goes on.
    """
    own = _channels(table, context.channels) if "channels" in table or not channels else channels
    table.known.add("channels")
    template = _template(
        table, [context.channels[name] for name in own if name in context.channels], context.templates
    )
    step = Step(
        channels=own,
        template=template,
        expires=_or(table.duration("expires"), 7 * DAY),
        only_if=context.conditions.read(table, "only_if", ConditionContext.ONLY_IF, route.variants),
        on_limit=cast(OnLimit, table.choice("on_limit", ON_LIMIT, "defer")),
        mode=cast(Mode, table.choice("mode", MODES, "first")),
        approval=table.approval(),
        weight=_weight(table, template, context),
        prefer=table.switch("prefer", route.prefers),
        digest=table.switch("digest", False),
        then=route.to(table, "then"),
    )
    _check_sharing(table, step, context)
    return _with_else(table, step, route, context, level)


def _with_else(table: TomlTable, step: Step, route: Route, context: TriggerContext, level: int) -> Step:
    value = table.raw("else")
    if value is None:
        return step
    if "only_if" not in table:
        table.fault(
            "else",
            f"{table.quoted('else')} stands without `only_if`",
            "Write the condition that it is the alternative to.",
        )
    if isinstance(value, str):
        return replace(step, else_to=route.to(table, "else"))
    inner = table.table("else", f"the else of {table.name}")
    if level > DEEPEST_ELSE:
        table.fault(
            "else",
            f"`else` stands within `else` more than {DEEPEST_ELSE} times",
            "Make steps of it, with `name` and `then`.",
        )
        return step
    other = _content(inner, route, context, step.channels, level + 1)
    inner.done({**_AT_TOP, **_IN_WHEN, **ONLY_IN_STEP, "channel": _CHANNEL})
    return replace(step, otherwise=other if "then" in inner else other.going_to(step.then))


def _of_variant(table: TomlTable, step: Step, context: TriggerContext) -> Step:
    """The step as it is for one variant: what its table says, else what the step says."""
    channels = _channels(table, context.channels) if "channels" in table else step.channels
    table.known.update(("channels", "template"))
    template = step.template
    if "template" in table or "channels" in table:
        named = table if "template" in table else table.with_value("template", template)
        template = _template(
            named,
            [context.channels[name] for name in channels if name in context.channels],
            context.templates,
        )
    has_weight = "weight" in table or "template" in table
    other = replace(
        step,
        channels=channels,
        template=template,
        expires=_or(table.duration("expires"), step.expires),
        on_limit=cast(OnLimit, table.choice("on_limit", ON_LIMIT, step.on_limit)),
        weight=_weight(table, template, context) if has_weight else step.weight,
    )
    table.known.add("weight")
    table.done({**_AT_TOP, **_IN_WHEN, **OF_ALL_VARIANTS, "channel": _CHANNEL})
    return other


def _weight(table: TomlTable, template: str, context: TriggerContext) -> int | None:
    own = table.thousandths("weight")
    return context.weights.get(template) if own is None else own


def _check_sharing(table: TomlTable, step: Step, context: TriggerContext) -> None:
    """What `prefer` and `digest` cannot do."""
    media = {context.channels[name].medium for name in step.channels if name in context.channels}
    if step.digest and media and not media & DIGEST_MEDIA:
        table.fault(
            "digest",
            f"{table.quoted('digest')}: none of the channels can carry several texts",
            "It needs an e-mail or webhook channel.",
        )
    if step.digest and step.mode == "all":
        table.fault(
            "digest",
            f'{table.quoted("digest")} and mode = "all" exclude each other',
            "Leave one of them out.",
        )
    if step.digest and step.approval:
        table.warn("digest", f"{table.quoted('digest')} has no effect where `approval` is asked for")
    if step.mode == "all" and "prefer" in table and step.prefer:
        table.warn("prefer", f'{table.quoted("prefer")} has no effect with mode = "all"')


def _channels(table: TomlTable, channels: Mapping[str, Channel]) -> tuple[str, ...]:
    if not table.values.get("channels"):
        table.known.add("channels")
        table.missing("channels", 'Name at least one: channels = ["email"].')
        return ()
    named = table.texts("channels", or_one=True) or ()
    for name in named:
        if name not in channels:
            table.fault(
                "channels",
                f"{table.quoted('channels')}: there is no channel {shown(name)} in manometer.toml",
                did_you_mean(name, channels),
            )
    return named


def _template(table: TomlTable, channels: list[Channel], templates: TemplateFiles) -> str:
    name = table.required("template", "Name a folder of templates/.")
    if name is None:
        return ""
    if name not in templates.names:
        remedy = did_you_mean(name, templates.names, f"Make the folder templates/{name}/.")
        table.fault("template", f"{table.quoted('template')}: there is no template {shown(name)}", remedy)
        return name
    for channel in channels:
        lacking = templates.lacks(name, channel.medium)
        if lacking is not None:
            found = f"the template {shown(name)} has no {lacking} for the channel {shown(channel.name)}"
            table.fault(
                "template",
                f"{table.quoted('template')}: {found}",
                f"Write templates/{name}/{lacking.partition(' ')[0]}, or leave the channel out.",
            )
    return name
