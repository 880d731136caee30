"""How the steps of a trigger file follow each other: names and jumps, waits, the split, the goal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from console.workspace.conditions import Conditions
from console.workspace.event_names import event_names
from console.workspace.faults import did_you_mean
from console.workspace.settings import NAME, NAME_RULE
from console.workspace.toml_reader import TomlTable, shown
from core.engine.branches import following
from core.instants import DAY, Millis
from core.language import ConditionContext
from core.model.triggers import OVER, Goal, Step, Trigger, Wait

WAIT_KEYS: Final = ("where", "timeout", "on_timeout")
ONLY_IN_STEP: Final = dict.fromkeys(
    ("after", "name", "wait_for", *WAIT_KEYS, "variant", "variants"),
    "It belongs to the step itself; an `else` is sent at the same instant.",
)
OF_ALL_VARIANTS: Final = dict.fromkeys(
    ("after", "name", "only_if", "else", "then", "mode", "approval", "wait_for", *WAIT_KEYS, "variant"),
    "It is the same for all variants of the step; write a step with `variant` where it is not.",
)
JOURNEY_KEYS: Final = ("name", "else", "then", "wait_for", *WAIT_KEYS, "variant", "variants")
DEEPEST_ELSE: Final = 5
GOAL_WITHIN: Final[Millis] = 14 * DAY
END: Final = "end"
_WORDS: Final = (END, "send", "skip")
_HUNDREDTH: Final = Decimal("0.005")


def step_names(tables: Sequence[TomlTable]) -> dict[str, int]:
    """The numbers of the steps that have a name, by name."""
    names: dict[str, int] = {}
    for number, table in enumerate(tables, 1):
        name = table.text("name")
        if name is None:
            continue
        if name in _WORDS or not NAME.fullmatch(name):
            remedy = f"{', '.join(_WORDS)} have a meaning of their own." if name in _WORDS else NAME_RULE
            table.fault("name", f"{shown(name)} is no name for a step", remedy)
        elif name in names:
            table.fault(
                "name",
                f"step {number} is named {shown(name)} like step {names[name]}",
                "Give each step a name of its own.",
            )
        else:
            names[name] = number
    return names


def read_split(table: TomlTable) -> tuple[tuple[str, float], ...]:
    """The variants of [split] with their shares; none where a fault was noted."""
    shares: list[tuple[str, float]] = []
    total = Decimal(0)
    for name in table.values:
        share = table.number(name)
        if not NAME.fullmatch(name):
            table.fault(name, f"{shown(name)} is no name for a variant", NAME_RULE)
        elif share is not None and not 0 <= share <= 1:
            table.fault(
                name, f"{table.quoted(name)} is {shown(share)}", "Write a share from 0 to 1: a half is 0.5."
            )
        total += share or 0
        shares.append((name, float(share or 0)))
    if shares and abs(total - 1) > _HUNDREDTH:
        table.document.fault(
            table.path,
            f"the shares of [split] add up to {total}",
            "Make them add up to 1; `holdout` keeps customers out.",
        )
    return tuple(shares)


def read_goal(table: TomlTable, conditions: Conditions, elsewhere: Mapping[str, str]) -> Goal | None:
    """The [goal] table, None where there is none."""
    if not table.values:
        return None
    if not table.values.get("on"):
        table.known.add("on")
        table.missing("on", 'Name the events that reach it: on = ["Order Completed"].')
    within = table.duration("within")
    goal = Goal(
        events=event_names(table, "on"),
        within=GOAL_WITHIN if within is None else within,
        where=conditions.read(table, "where", ConditionContext.WHERE),
        exit=table.switch("exit", True),
    )
    table.done(elsewhere)
    return goal


@dataclass(frozen=True, slots=True)
class Route:
    """What a step may name, the later steps by name and the variants of the split, and what holds for all
    steps.
    """

    number: int
    names: Mapping[str, int]
    variants: tuple[str, ...]
    prefers: bool = False
    """What the head says of the customer's preferred channel."""

    def to(self, table: TomlTable, key: str) -> int | None:
        """The number of the step under a key, or OVER; None where the key is missing or, a fault noted, leads
        nowhere.
        """
        name = table.text(key)
        if name is None:
            return None
        if name == END:
            return OVER
        if name not in self.names:
            remedy = did_you_mean(
                name, [*self.names, END], 'Write name = "..." in the step that is meant, or "end".'
            )
            table.fault(key, f"{table.quoted(key)}: there is no step named {shown(name)}", remedy)
            return None
        if self.names[name] <= self.number:
            message = f"{table.quoted(key)} leads back to {shown(name)}, step {self.names[name]}"
            table.fault(key, message, "A journey only goes forward: name a later step.")
            return None
        return self.names[name]

    def wait(self, table: TomlTable, conditions: Conditions) -> Wait | None:
        """What the step waits for, None where for nothing."""
        if "wait_for" not in table:
            table.known.add("wait_for")
            for key in WAIT_KEYS[1:]:
                if table.raw(key) is not None:
                    table.fault(
                        key,
                        f"{table.quoted(key)} stands without `wait_for`",
                        'Name the events: wait_for = ["Product Reviewed"].',
                    )
            return None
        events = event_names(table, "wait_for")
        if table.values["wait_for"] == []:
            table.fault(
                "wait_for",
                f"{table.quoted('wait_for')} is empty",
                "Name at least one event, or leave the key out.",
            )
        on_timeout = table.text("on_timeout", "skip")
        is_jump = on_timeout not in ("send", "skip")
        return Wait(
            events=events,
            timeout=self._timeout(table),
            where=conditions.read(table, "where", ConditionContext.WHERE),
            sends=on_timeout == "send",
            goes_to=self.to(table, "on_timeout") if is_jump else None,
        )

    def _timeout(self, table: TomlTable) -> Millis:
        if "timeout" not in table:
            table.known.add("timeout")
            table.missing("timeout", 'Say how long the step waits: timeout = "3d".')
        timeout = table.duration("timeout")
        if timeout == 0:
            table.fault(
                "timeout", f"{table.quoted('timeout')} is 0", 'Write how long the step waits, such as "3d".'
            )
        return timeout or 0

    def variants_of(self, table: TomlTable) -> frozenset[str]:
        """The variants that a step is for; empty: for all."""
        names = table.texts("variant", or_one=True) or ()
        for name in names:
            self._check(table, "variant", name)
        return frozenset(names)

    def by_variant(self, table: TomlTable) -> Iterator[tuple[str, TomlTable]]:
        """The tables [steps.variants.NAME]."""
        for name, own in table.table("variants").inner(f"{table.name}, variant"):
            self._check(table, "variants", name)
            yield name, own

    def _check(self, table: TomlTable, key: str, name: str) -> None:
        if name in self.variants:
            return
        remedy = did_you_mean(
            name,
            self.variants,
            f"It has {', '.join(self.variants)}." if self.variants else "Declare them in [split].",
        )
        table.fault(key, f"{table.quoted(key)}: the split has no variant {shown(name)}", remedy)


# ---- what nobody comes to ----


def warn_of_dead_ends(tables: Sequence[TomlTable], trigger: Trigger) -> None:
    """Warns of steps that nothing leads to, and of variants for which there is no step at all."""
    if any(table.document.faults.faults for table in tables[:1]):
        return  # a name that was not understood would make its step look unreachable
    variants: list[str | None] = [name for name, _ in trigger.split] or [None]
    reached = {variant: _reached(trigger, variant) for variant in variants}
    for number, table in enumerate(tables, 1):
        if not any(number in places for places in reached.values()):
            table.document.warn(
                table.path,
                f"nothing leads to step {number}",
                "Let an earlier step go on to it, or take it out.",
            )
    for variant, places in reached.items():
        if not places and tables and variant is not None:
            message = f"there is no step for the variant {shown(variant)}"
            tables[0].document.warn(
                ("split", variant), message, "Nobody in it gets anything; `holdout` measures that."
            )


def _reached(trigger: Trigger, variant: str | None) -> set[int]:
    pending, found = [following(trigger, 0, variant)], set[int]()
    while pending:
        number = pending.pop()
        if number is not None and number not in found and number <= len(trigger.steps):
            found.add(number)
            pending += [
                following(trigger, number, variant, to) for to in _ways(trigger.steps[number - 1], variant)
            ]
    return found


def _ways(step: Step, variant: str | None) -> Iterator[int | None]:
    """Where the journey may go on: after the step was decided, was passed over, or has waited long enough."""
    own = dict(step.by_variant).get(variant or "", step)
    while True:
        yield own.then
        if own.otherwise is None:
            break
        own = own.otherwise
    if own.only_if is not None:
        yield own.else_to
    if step.wait is not None and not step.wait.sends:
        yield step.wait.goes_to
