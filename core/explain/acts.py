"""What an operator did, in words: `approve 87 messages`, `pause channel:sms`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.explain.words import counted
from core.model.audit import OperatorAct
from core.model.pauses import EVERYTHING

NOUNS: Final[Mapping[str, str]] = {"outbox": "message", "lift": "address"}
"""What an act is done to, by the first word of its action; each subject is one of these."""


def act_kind(act: OperatorAct) -> str:
    """What was done, without the noun that `act_subject` says: `approve` of `outbox approve`."""
    first, _, rest = act.action.partition(" ")
    return rest if first in NOUNS and rest else act.action


def act_subject(act: OperatorAct) -> str:
    """To what: the subject, or how many there were; empty where all sending was meant."""
    noun = NOUNS.get(act.action.partition(" ")[0])
    if act.rows > 1:
        return counted(act.rows, noun or "subject")
    if act.is_erased:
        return "(erased)"
    if act.subject == EVERYTHING:
        return ""
    return f"{noun} {act.subject}" if noun == "message" else act.subject


def act_words(act: OperatorAct) -> str:
    """Both: `approve 87 messages`, `stop`."""
    return f"{act_kind(act)} {act_subject(act)}".rstrip()
