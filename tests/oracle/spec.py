"""What a random shop says: its channels, rules and triggers, as the oracle reads them and as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
Policy: TypeAlias = Literal["skip", "overdue", "shift", "restart"]
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def duration(length: int) -> str:
    """Milliseconds as the files write them."""
    return f"{length // MINUTE}m"


@dataclass(frozen=True)
class ChannelSpec:
    """A channel with its send windows: weekdays from and to, hour from and to; none is always open."""

    name: str
    windows: tuple[tuple[int, int, int, int], ...] = ()
    lead_time: int = 0
    weight: int = 1

    def toml(self) -> str:
        """Its table."""
        lines = [f"[channels.{self.name}]", 'kind = "file"']
        if self.windows:
            said = [
                f'"{WEEKDAYS[first]}-{WEEKDAYS[last]} {begin:02d}:00-{end:02d}:00"'
                for first, last, begin, end in self.windows
            ]
            lines.append(f"send_window = [{', '.join(said)}]")
        if self.lead_time:
            lines.append(f'lead_time = "{duration(self.lead_time)}"')
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class RuleSpec:
    """A pressure rule. `window` is as the files have it; None with a gap alone."""

    name: str
    limit: int | None = None
    window: str | None = None
    extend: str | None = None
    gap: int | None = None
    unit: str = "contacts"
    channels: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()

    def toml(self) -> str:
        """Its table."""
        lines = ["[[rule]]", f'name = "{self.name}"']
        if self.limit is not None:
            lines += [f"limit = {self.limit}", f'window = "{self.window}"', f'unit = "{self.unit}"']
        if self.extend is not None:
            lines.append(f'extend = "{self.extend}"')
        if self.gap is not None:
            lines.append(f'gap = "{duration(self.gap)}"')
        for key in ("channels", "purposes", "triggers"):
            if names := getattr(self, key):
                lines.append(f"{key} = [{', '.join(repr(name) for name in names)}]")
        return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class StepSpec:
    """One step; `only_if` is the least number of orders, `skips_to_end` its `else = "end"`, `instead` what is
    sent otherwise, `jumps` the number of the later step that comes instead.
    """

    channels: tuple[str, ...]
    after: int = 0
    expires: int = 2 * DAY
    mode: str = "first"
    on_limit: str = "defer"
    weight: int | None = None
    only_if: int | None = None
    skips_to_end: bool = False
    instead: StepSpec | None = None
    jumps: int | None = None
    then: int | None = None
    """The number of the later step at which the journey goes on; 0 is its end."""
    wait_for: tuple[str, ...] = ()
    timeout: int = 0
    on_timeout: str = "skip"

    def toml(self, number: int | None) -> str:
        """Its table; without a number that of an alternative."""
        lines = [
            "[steps.else]" if number is None else f'[[steps]]\nname = "s{number}"',
            f"channels = [{', '.join(repr(name) for name in self.channels)}]",
            'template = "note"',
            *([] if number is None else [f'after = "{duration(self.after)}"']),
            f'expires = "{duration(self.expires)}"',
            f'on_limit = "{self.on_limit}"',
            f'mode = "{self.mode}"',
        ]
        if self.weight is not None:
            lines.append(f"weight = {self.weight}")
        if self.only_if is not None:
            lines.append(f'only_if = "orders >= {self.only_if}"')
        if self.skips_to_end:
            lines.append('else = "end"')
        if self.jumps is not None:
            lines.append(f'else = "s{self.jumps}"')
        if self.then is not None:
            lines.append(f'then = "{f"s{self.then}" if self.then else "end"}"')
        if self.wait_for:
            lines += [
                f"wait_for = [{', '.join(repr(name) for name in self.wait_for)}]",
                f'timeout = "{duration(self.timeout)}"',
                f'on_timeout = "{self.on_timeout}"',
            ]
        return "\n".join(lines) + "\n" + (self.instead.toml(None) if self.instead is not None else "")


@dataclass(frozen=True)
class TriggerSpec:
    """One trigger of a kind. `most_orders` is its audience: `orders < n`."""

    name: str
    kind: str
    """`transactional`, `behavioural`, `orders`, `revenue`, `silence` or `recurring`."""
    steps: Sequence[StepSpec]
    event: str = ""
    purpose: str = "marketing"
    priority: int = 50
    after: int = 0
    unless: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()
    per: str | None = None
    at_least: int = 1
    within: int | None = None
    threshold: int = 0
    silence: int = 0
    reentry: int | None = 0
    """Milliseconds; 0 is always, None is never."""
    most_orders: int | None = None
    offset: int = 0
    """Of a birthday, in milliseconds: whole days are local, the rest is elapsed time."""
    minute: int = 9 * 60
    """Of the local day of a birthday."""

    def toml(self) -> str:
        """Its file."""
        head = [
            f'title = "{self.name}"', 'status = "active"', f'purpose = "{self.purpose}"',
            f"priority = {self.priority}",
            f'reentry = "{self._again()}"',
        ]  # fmt: skip
        if self.most_orders is not None:
            head.append(f'audience = "orders < {self.most_orders}"')
        lines = [*head, "[when]", *self._when()]
        if self.exits:
            lines += ["[exit]", f"on = [{', '.join(repr(name) for name in self.exits)}]"]
        return (
            "\n".join(lines)
            + "\n"
            + "".join(step.toml(number) for number, step in enumerate(self.steps, start=1))
        )

    def _again(self) -> str:
        if self.reentry is None:
            return "never"
        return duration(self.reentry) if self.reentry else "always"

    def _when(self) -> list[str]:
        if self.kind == "recurring":
            return [
                'kind = "recurring"', 'date = "birthday"', f'offset = "{duration(self.offset)}"',
                f'at = "{self.minute // 60:02d}:{self.minute % 60:02d}"',
            ]  # fmt: skip
        if self.kind == "silence":
            return ['kind = "threshold"', f'inactive_for = "{duration(self.silence)}"']
        if self.kind in ("orders", "revenue"):
            lines = ['kind = "threshold"', f'metric = "{self.kind}"', f"reaches = {self.threshold}"]
            return lines if self.within is None else [*lines, f'within = "{duration(self.within)}"']
        lines = [f'kind = "{self.kind}"', f'event = "{self.event}"', f'after = "{duration(self.after)}"']
        if self.unless:
            lines.append(f"unless = [{', '.join(repr(name) for name in self.unless)}]")
        if self.per is not None:
            lines.append(f'per = "{self.per}"')
        if self.kind == "behavioural":
            lines.append(f"at_least = {self.at_least}")
            if self.within is not None:
                lines.append(f'within = "{duration(self.within)}"')
        return lines


@dataclass(frozen=True)
class PauseSpec:
    """A span, its end not included, in which a trigger is held, or everything (`*`)."""

    target: str
    since: int
    until: int
    policy: Policy


@dataclass(frozen=True)
class ShopSpec:
    """All that is said of one shop. It lies in UTC, assumes consent, and weeks begin on Monday."""

    channels: Mapping[str, ChannelSpec]
    rules: Sequence[RuleSpec]
    triggers: Sequence[TriggerSpec]
    look_ahead: bool = True
    begin: int = 0
    """The instant from which it is played."""
    pauses: Sequence[PauseSpec] = ()

    def files(self) -> dict[str, str]:
        """The shop as files of a workspace."""
        settings = (
            '[workspace]\nname = "oracle"\ntime_zone = "UTC"\ncurrency = "CHF"\n'
            '[consent]\npolicy = "assumed"\n[engine]\n'
            f"look_ahead = {str(self.look_ahead).lower()}\n"
        )
        files = {
            "manometer.toml": settings + "".join(each.toml() for each in self.channels.values()),
            "pressure.toml": "".join(rule.toml() for rule in self.rules)
            + "[weights]\n"
            + "".join(f"{each.name} = {each.weight}\n" for each in self.channels.values()),
            "segments.toml": "",
        }
        files |= {f"triggers/{each.name}.toml": each.toml() for each in self.triggers}
        texts = {"email": "email.txt", "sms": "sms.txt", "print": "print.json"}
        return files | {
            f"templates/note/{texts[name]}": "{}" if name == "print" else "Hello" for name in self.channels
        }


@dataclass(frozen=True)
class Act:
    """One thing that a customer does, at an instant."""

    at: int
    name: str
    properties: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Life:
    """A customer, the media for which there is an address, what the customer does, by instant, the zone, and
    month and day of the birthday.
    """

    key: str
    media: tuple[str, ...]
    acts: Sequence[Act]
    zone: str = "UTC"
    birthday: tuple[int, int] | None = None


@dataclass(frozen=True)
class Row:
    """One decision, as the oracle and the engine are compared."""

    at: int
    trigger: str
    step: int
    channel: str
    outcome: str
    reason: str | None = None
    until: int | None = None
    rules: tuple[tuple[str, bool], ...] = ()
    """The rules that stood in the way, each with whether its limit was broken (else its gap)."""
