"""Handing a message over: what goes to a channel, and the five ways it can end. Instants and durations are
milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import ClassVar, Final, Protocol, Self, TypeAlias, runtime_checkable
from uuid import NAMESPACE_URL, uuid5

from core.instants import Instant, Millis
from core.model.configurable import Configurable


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the message; its own name for it where it gives one."""

    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """Nothing went out and a later try may succeed; `after` is the least wait where the provider names one.

    `whole_channel`: it lies with the channel and not with this message, so that the others need not be tried
    either.
    """

    reason: str
    after: Millis | None = None
    whole_channel: bool = False


@dataclass(frozen=True, slots=True)
class Permanent:
    """Nothing went out and no later try will succeed; with `suppress_address` the address is dead, with
    `is_soft_bounce` it did not take the message for a reason that may pass.

    `before_asking`: the other side had no part in it. What it says itself of a message and not of an address
    is believed once it has taken another message; until then it may refuse everybody.
    """

    reason: str
    suppress_address: bool = False
    is_soft_bounce: bool = False
    before_asking: bool = False


@dataclass(frozen=True, slots=True)
class ConfigError:
    """The channel itself is set up wrongly: it halts and keeps its queue until a person has put it right.

    `of_message`: perhaps it is this message alone that was refused so: it is an attempt, and others are tried
    before the channel is left alone.
    """

    reason: str
    of_message: bool = False


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Nobody can tell whether it went out; it is looked up before any other try."""

    reason: str


PROOF_KEY: Final = "proof-"
"""How the key of a proof begins, which is no message of the outbox."""
Result: TypeAlias = Accepted | Retry | Permanent | ConfigError | Uncertain


@dataclass(frozen=True, slots=True)
class Outbound:
    """One finished message. `key` is the same on every attempt; `parts` are its texts by the name of the
    template file.
    """

    key: str
    message_id: int | None
    customer: str  # the customer's key
    channel: str
    medium: str
    address: str
    trigger: str
    step: int  # from 1
    purpose: str
    subject: str
    parts: Mapping[str, str]
    planned_at: Instant
    sent_at: Instant  # the instant of handing over
    attempt: int = 1  # above 1: an earlier attempt may have got through
    workspace: str = ""
    unsubscribe_url: str = ""  # empty too where the purpose needs no consent
    unsubscribe_mail: str = ""  # an address that takes an unsubscription by mail
    also: tuple[tuple[str, int], ...] = ()  # trigger and step of what it carries beside its own


@runtime_checkable
class Interruptible(Protocol):
    """An adapter whose conversation can be ended from another thread, so that a stop need not wait for the
    other side.
    """

    def interrupt(self) -> None:
        """End what is under way as a broken line would, and begin nothing more."""
        ...


@runtime_checkable
class Checkable(Protocol):
    """An adapter that can be asked whether its other side is there and lets it in, without sending."""

    def check(self) -> Result:
        """Reach the other side and sign in, within a batch; `Accepted` where a message could be handed over
        now.
        """
        ...


class ChannelAdapter(Configurable, Protocol):
    """A way out. As a context manager it holds one connection or file for a batch of messages."""

    idempotent_by_key: ClassVar[bool]
    """Whether sending the same key twice has the effect of once, so that a try with unknown end can be
    repeated.
    """
    is_remote: ClassVar[bool]
    """Whether sending is mostly waiting for another machine, so that the next message is made meanwhile;
    `send` then runs in a thread.
    """
    offers_unsubscribe: ClassVar[bool]
    """Whether it reaches people who must be able to unsubscribe by what `Outbound` says of it, so that a
    workspace that names no way is warned.
    """

    def __enter__(self) -> Self:
        """Open what a batch needs."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        ...

    def send(self, outbound: Outbound) -> Result:
        """Hand one message over."""
        ...

    def flush(self) -> None:
        """Once it returns, what was accepted survives a crash of the machine; OSError where it may not."""
        ...


def mail_number(key: str) -> str:
    """What stands before the @ of the Message-ID of a message's mail: the same for the same key."""
    return str(uuid5(NAMESPACE_URL, f"manometer:{key}"))
