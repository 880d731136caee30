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
from console.selftest.turns import Turns
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

MOODS: Final = ("well", "moody", "slow", "down", "misconfigured", "lost", "mute", "raising")
SLOWEST: Final = 20 * MINUTE
"""How long a slow provider takes for a message at most; a claim lasts for fifteen minutes."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One message that was offered to a provider, at an instant in ms UTC, what it said, and whether it took
    it.
    """

    channel: str
    key: str
    customer: str
    trigger: str
    step: int
    purpose: str
    at: Instant
    address: str
    said: str
    is_taken: bool


@dataclass(slots=True)
class OutsideWorld:
    """What the providers know, and the mood of each channel's."""

    log: Path
    seed: int
    moods: dict[str, str]
    turns: Turns | None = None
    """Of the process that hands over."""
    ends_after: int = 0
    """The process ends once it has handed over so many messages; 0: it does not."""

    def offers(self) -> list[Offer]:
        """All that was offered, in its order."""
        if not self.log.exists():
            return []
        return [Offer(*json.loads(line)) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def known(self) -> list[Offer]:
        """All that was taken, in its order."""
        return [each for each in self.offers() if each.is_taken]

    def answer(self, outbound: Outbound) -> Result:
        """What the provider says to a message; whether it takes it is another thing."""
        dice = Random(f"{self.seed} {outbound.key} {outbound.attempt}")  # noqa: S311 - to be repeated
        said = self._said(dice, self.moods.get(outbound.channel, "well"))
        self._pause()
        if said == "slow" and self.turns is not None:
            self.turns.take(dice.randrange(SLOWEST))
        is_taken = said in ("well", "slow", "mute") or (said == "lost" and dice.random() < 0.5)
        self._note(outbound, said, is_taken)
        self._pause()
        match said:
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
            case "lost" | "mute":
                return Uncertain("the line was lost after the message was sent")
        return Accepted()

    def _said(self, dice: Random, mood: str) -> str:
        if mood != "moody":
            return mood
        answers = ("well", "slow", "later", "refused", "dead", "lost", "mute", "raising")
        return dice.choices(answers, (52, 8, 12, 10, 3, 5, 5, 5))[0]

    def _note(self, outbound: Outbound, said: str, is_taken: bool) -> None:
        """It is out, whatever becomes of the process that handed it over."""
        line = json.dumps(
            [
                outbound.channel, outbound.key, outbound.customer, outbound.trigger, outbound.step,
                outbound.purpose, outbound.sent_at, outbound.address, said, is_taken,
            ]
        )  # fmt: skip
        file = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(file, f"{line}\n".encode())
        finally:
            os.close(file)
        if is_taken and self.ends_after > 0:
            self.ends_after -= 1
            if self.ends_after == 0:
                os._exit(KILLED)

    def _pause(self) -> None:
        if self.turns is not None:
            self.turns.pause()


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
