"""What was done in this session of the console, with the command that does the same. Instants are ms UTC."""

from __future__ import annotations

from dataclasses import dataclass

from core.instants import Instant


@dataclass(frozen=True, slots=True)
class SessionAct:
    """One act: what happened, and the command line of it."""

    at: Instant
    sentence: str
    command: str
