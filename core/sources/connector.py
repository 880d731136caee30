"""Where events come from: what a source hands out, and how it learns what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol, Self

from core.instants import Instant, Millis
from core.model.configurable import Configurable


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """A source as [sources.NAME] says; `channel` marks all its events, `settings` are what only its connector
    reads. `orders` is the namespace of its order numbers, where these are its own.
    """

    name: str
    kind: str
    channel: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    ids: str = ""
    """The namespace of its user ids; the default one has no name."""
    orders: str | None = None
    silent_after: Millis | None = None
    """Its silence for longer is a fault."""


class SourceFile(NamedTuple):
    """A file of calls or lines that a source hands out; source and profile are as the options of `import`."""

    path: Path
    source: str | None = None
    profile: str | None = None


class Connector(Configurable, Protocol):
    """One source, asked again and again. A file is handed out until it was acknowledged or rejected, so that
    a crash in between loses nothing; taking its lines in twice changes nothing.
    """

    place: str
    """Where it looks, as it is named to people."""

    @classmethod
    def of(cls, source: SourceSettings, workspace: Path, steady: Callable[[], Millis]) -> Self | None:
        """The connector of a source of the workspace in that folder; None where there is nothing to ask.

        `steady` is a clock in ms that never goes back.
        """
        ...

    def ready(self, now: Instant) -> Sequence[SourceFile]:
        """The files to take in now, in their order; OSError where the source cannot be reached."""
        ...

    def begin(self, file: SourceFile) -> None:
        """The file is about to be read."""
        ...

    def acknowledge(self, file: SourceFile) -> None:
        """The whole file is in the database, and is not to be handed out again; OSError where that cannot be
        noted.
        """
        ...

    def reject(self, file: SourceFile, reason: str) -> Path | None:
        """The file cannot be read, and is put aside with the reason; where it lies now, if that is another
        file. OSError where it cannot be put aside.
        """
        ...
