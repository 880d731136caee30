"""The world outside the machine: what was really handed over, and how it answers. What it notes lies on
another disk than the workspace, so that no fault reaches it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import TracebackType
from typing import ClassVar, Final, Self

from console.selftest.disk import KILLED
from core.errors import ManometerError
from core.instants import MINUTE, Instant
from core.model.configurable import Setting, SettingFault
from core.model.delivery import (
    Accepted,
    ChannelAdapter,
    ConfigError,
    Outbound,
    Permanent,
    Result,
    Retry,
    Uncertain,
)
from core.playbook.playbook import Channel

MOODS: Final = ("well", "moody", "down", "misconfigured", "lost", "mute", "raising")


@dataclass(frozen=True, slots=True)
class HandedOver:
    """One message that the provider took, at the instant of its hand-over in ms UTC."""

    channel: str
    key: str
    customer: str
    trigger: str
    step: int
    purpose: str
    at: Instant


@dataclass(slots=True)
class OutsideWorld:
    """What the providers know, and the mood of each channel's."""

    log: Path
    seed: int
    moods: dict[str, str]
    ends_after: int = 0
    """The process ends once it has handed over so many messages; 0: it does not."""

    def note(self, outbound: Outbound) -> None:
        """It is out, whatever becomes of the process that handed it over."""
        line = json.dumps(
            [
                outbound.channel, outbound.key, outbound.customer, outbound.trigger, outbound.step,
                outbound.purpose, outbound.sent_at,
            ]
        )  # fmt: skip
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)
        if self.ends_after > 0:
            self.ends_after -= 1
            if self.ends_after == 0:
                os._exit(KILLED)

    def known(self) -> list[HandedOver]:
        """All that was handed over, in its order."""
        if not self.log.exists():
            return []
        return [HandedOver(*json.loads(line)) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def answer(self, outbound: Outbound) -> Result:
        """What the provider says to a message; that it is taken down where it is said, or not said."""
        dice = Random(f"{self.seed} {outbound.key} {outbound.attempt}")  # noqa: S311 - to be repeated
        mood = self.moods.get(outbound.channel, "well")
        if mood == "moody":
            mood = dice.choices(
                ("well", "later", "refused", "dead", "lost", "raising"), (60, 12, 10, 3, 10, 5)
            )[0]
        match mood:
            case "well":
                self.note(outbound)
                return Accepted()
            case "down":
                return Retry("the provider is down", whole_channel=True)
            case "later":
                return Retry("not now", after=dice.choice((None, MINUTE, 90 * MINUTE)))
            case "refused":
                return Permanent("550 5.7.1 refused")
            case "dead":
                return Permanent("550 5.1.1 no such user", suppress_address=True)
            case "misconfigured":
                return ConfigError("535 no such account")
            case "raising":
                raise RuntimeError("a fault in the adapter")
        if mood == "mute" or dice.random() < 0.5:
            self.note(outbound)
        return Uncertain("the line was lost after the message was sent")


class _OutsideChannel:
    """Hands over to the world outside, in the process that sends, so that the same seed sends in the same
    order.
    """

    known_settings: ClassVar[tuple[Setting, ...] | None] = None
    is_remote: ClassVar[bool] = False
    offers_unsubscribe: ClassVar[bool] = False
    idempotent_by_key: ClassVar[bool]
    world: ClassVar[OutsideWorld]

    def __init__(self, channel: Channel, folder: Path) -> None:  # noqa: ARG002 - the form of adapters
        self.name = channel.name

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:  # noqa: ARG003 - the form
        """Any settings will do."""
        return iter(())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def send(self, outbound: Outbound) -> Result:
        """As the provider's mood is."""
        return self.world.answer(outbound)

    def flush(self) -> None:
        """What is outside is safe."""


def adapters(world: OutsideWorld) -> Callable[[str], type[ChannelAdapter]]:
    """The adapters of both sorts of channels: `file` takes a key twice for once, no other does."""

    class Twice(_OutsideChannel):
        kind: ClassVar[str] = "file"
        idempotent_by_key = True

    class Once(_OutsideChannel):
        kind: ClassVar[str] = "smtp"
        idempotent_by_key = False

    Twice.world = Once.world = world

    def adapter_class(kind: str) -> type[ChannelAdapter]:
        if kind not in ("file", "smtp"):
            raise ManometerError(f"The self-test has no channel of kind '{kind}'.")
        return Twice if kind == "file" else Once

    return adapter_class
