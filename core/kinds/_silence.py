"""Silences: causes that come because nothing happened since an act."""

from __future__ import annotations

from typing import Final

from core.instants import Instant
from core.model.enrolment import Enrolment
from core.model.when import Cause

_SINCE: Final = "since:"
"""Begins the cause key of a silence; the instant of the last act follows."""


def silence(last_act: Instant, at: Instant) -> Cause:
    """The cause that comes at an instant because nothing happened since the last act."""
    return Cause(f"{_SINCE}{last_act}", at)


def last_act_before(enrolment: Enrolment) -> Instant:
    """The last act before the silence that an enrolment entered by; its cause where it entered by something
    else.
    """
    _, is_silence, last = enrolment.cause_key.partition(_SINCE)
    return int(last) if is_silence else enrolment.cause_at
