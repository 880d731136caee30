"""The reasons a decision can have, in order of precedence: of several that apply, the first is the primary
one.
"""

from enum import StrEnum
from typing import Final


class Reason(StrEnum):
    """Why a contact did not go out at its instant; the members stand in order of precedence."""

    TRIGGER_PAUSED = "TRIGGER_PAUSED"
    TRIGGER_RETIRED = "TRIGGER_RETIRED"
    STOPPED = "STOPPED"
    CUSTOMER_ERASED = "CUSTOMER_ERASED"
    CUSTOMER_MERGED = "CUSTOMER_MERGED"
    GOAL_REACHED = "GOAL_REACHED"
    LEFT_AUDIENCE = "LEFT_AUDIENCE"
    HOLDOUT = "HOLDOUT"
    REENTRY = "REENTRY"
    DUPLICATE = "DUPLICATE"
    NO_ADDRESS = "NO_ADDRESS"
    ADDRESS_SUPPRESSED = "ADDRESS_SUPPRESSED"
    NO_CONSENT = "NO_CONSENT"
    OBJECTED = "OBJECTED"
    EXPIRED = "EXPIRED"
    QUIET_HOURS = "QUIET_HOURS"
    PRESSURE = "PRESSURE"
    LOWER_PRIORITY = "LOWER_PRIORITY"
    APPROVAL = "APPROVAL"
    SURGE = "SURGE"
    REJECTED = "REJECTED"
    CAPACITY = "CAPACITY"
    TEMPLATE_ERROR = "TEMPLATE_ERROR"
    CHANNEL_ERROR = "CHANNEL_ERROR"
    SET_ASIDE = "SET_ASIDE"


HOLDING: Final = frozenset({Reason.TRIGGER_PAUSED, Reason.STOPPED})
"""The reasons that hold a step until an operator, or the end of a pause, lets it go."""
