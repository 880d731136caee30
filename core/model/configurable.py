"""What a channel or a connector says of the settings that it alone reads, so that they are checked with all
others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, Literal, NamedTuple, Protocol


class Setting(NamedTuple):
    """A setting that only a channel or a connector reads. A `length` is a duration such as `30s`; `secret`
    and `secrets` name where secrets are.
    """

    name: str
    kind: Literal["text", "texts", "number", "switch", "length", "choice", "secret", "secrets"]
    meaning: str
    required: bool = False
    choices: tuple[str, ...] = ()
    range: tuple[int, int] = (0, 0)  # of a number, both ends included


class SettingFault(NamedTuple):
    """What is wrong with the settings: at which of them, what, and what to do."""

    setting: str
    message: str
    remedy: str
    is_warning: bool = False


class Configurable(Protocol):
    """A class of a kind that is named in the settings."""

    kind: ClassVar[str]
    known_settings: ClassVar[tuple[Setting, ...] | None]
    """The settings it reads; None where it leaves any as they stand."""

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:
        """What is wrong with settings that are each of their kind; looks at values only, opens nothing."""
        ...
