"""What happened: one immutable record of an act of a customer, or of what a source says of one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple

from core.instants import Instant

ORDER_COMPLETED: Final = "Order Completed"
ORDER_UPDATED: Final = "Order Updated"
ORDER_CANCELLED: Final = "Order Cancelled"
ORDER_RETURNED: Final = "Order Returned"
ORDER_REFUNDED: Final = "Order Refunded"
CONSENT_GRANTED: Final = "Consent Granted"
CONSENT_WITHDRAWN: Final = "Consent Withdrawn"
SURVEY_ANSWERED: Final = "Survey Answered"
ANSWER_TOKEN: Final = "token"  # noqa: S105 - the property by which an answer names the message that asked

# Segment's first e-commerce specification; sources that still speak it are understood.
FORMER_NAMES: Final[Mapping[str, str]] = {
    "Completed Order": ORDER_COMPLETED,
    "Viewed Product": "Product Viewed",
    "Added Product": "Product Added",
    "Removed Product": "Product Removed",
    "Viewed Product Category": "Product List Viewed",
    "Started Order": "Checkout Started",
}

# What mail and message providers report back; no act of the customer in the shop's sense.
MESSAGE_FEEDBACK: Final = frozenset(
    {
        "Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam",
        "Unsubscribed",
        "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced", "Message Complained",
    }
)  # fmt: skip
CONSENT_RECORDS: Final = frozenset({CONSENT_GRANTED, CONSENT_WITHDRAWN})
ACTS_OF_THE_SHOP: Final = frozenset({ORDER_UPDATED, ORDER_CANCELLED, ORDER_REFUNDED})
NO_ACTIVITY: Final = MESSAGE_FEEDBACK | CONSENT_RECORDS | ACTS_OF_THE_SHOP
"""What is told of a customer, or of what became of her order, but is no act of hers."""


OrderStanding = Literal[0, 1, 2, 3]
"""How an event that speaks of an order stands: it counts, it tells again what counts already, the order
counts for another customer, who is known where this one is not, or it tells the order again a day or more
after it was completed first, as a page does that is loaded again: then it is no purchase of its own day.
"""
FIRST: Final = 0
AGAIN: Final = 1
ELSEWHERE: Final = 2
LONG_AFTER: Final = 3


class Event(NamedTuple):
    """One recorded call of a source: what, when it occurred and when it became known (milliseconds UTC)."""

    id: int
    kind: str  # "track" | "page" | "identify" | "alias"
    name: str
    occurred_at: Instant
    arrived_at: Instant
    source: str
    channel: str | None  # "web", "store", ... where the source says so
    amount: int | None  # minor units; always positive, also for returns and refunds
    properties: Mapping[str, Any]  # an identify call carries its traits here
    history: bool = False  # a fact of the past: enrols nobody
    order: str | None = None  # its order's number within the namespace; None: of no order, or without number
    standing: OrderStanding = FIRST
    rate: str | None = "1"  # of the workspace's currency for one unit of the order's; None: not converted
    tie: bytes = b""  # stands for source and message id: parts events that are alike
    traits: Mapping[str, Any] = {}  # what it says of the customer besides, where it is no identify call

    @property
    def is_activity(self) -> bool:
        """Whether this is an act of the customer: not identify, alias, message feedback or a consent
        record.
        """
        return (self.kind == "track" or self.kind == "page") and self.name not in NO_ACTIVITY
