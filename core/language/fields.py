"""What a condition may name: the customer's fields with their types, the known event properties, and the
reactions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Type(Enum):
    """The type of an operand; its value reads as in "orders is a number"."""

    TEXT = "text"
    NUMBER = "a number"
    MONEY = "an amount of money"
    INSTANT = "a point in time"
    DATE = "a date"
    DYNAMIC = "of any type"


class ConditionContext(Enum):
    """The place a condition stands in, which decides what it may look at."""

    AUDIENCE = "audience"
    WHERE = "where"
    ONLY_IF = "only_if"

    @property
    def has_event(self) -> bool:
        """Is there an event whose properties can be read?"""
        return self is not ConditionContext.AUDIENCE


@dataclass(frozen=True, slots=True)
class CustomerField:
    """One field of the customer: money is in minor units, points in time are instants, dates are ISO text."""

    name: str
    type: Type
    meaning: str


CUSTOMER_FIELDS: Mapping[str, CustomerField] = {
    field.name: field
    for field in (
        CustomerField("key", Type.TEXT, "the customer's key"),
        CustomerField("email", Type.TEXT, "e-mail address"),
        CustomerField("phone", Type.TEXT, "telephone number"),
        CustomerField("first_name", Type.TEXT, "first name"),
        CustomerField("last_name", Type.TEXT, "last name"),
        CustomerField("gender", Type.TEXT, "gender, as the source gives it"),
        CustomerField("locale", Type.TEXT, "language and country, such as 'de-CH'"),
        CustomerField("timezone", Type.TEXT, "time zone, such as 'Europe/Zurich'"),
        CustomerField("country", Type.TEXT, "country, such as 'CH'"),
        CustomerField("city", Type.TEXT, "city"),
        CustomerField("postal_code", Type.TEXT, "postal code"),
        CustomerField("birthday", Type.DATE, "date of birth; the year may be unknown ('--05-21')"),
        CustomerField("registered_at", Type.INSTANT, "when the account was opened"),
        CustomerField("first_order", Type.INSTANT, "when the first order was placed"),
        CustomerField("last_order", Type.INSTANT, "when the latest order was placed"),
        CustomerField("last_activity", Type.INSTANT, "the latest activity over any channel"),
        CustomerField("last_activity_store", Type.INSTANT, "the latest activity in a store"),
        CustomerField("last_activity_web", Type.INSTANT, "the latest activity in the web shop"),
        CustomerField("last_activity_email", Type.INSTANT, "the latest activity by e-mail"),
        CustomerField("orders", Type.NUMBER, "number of orders"),
        CustomerField("returns", Type.NUMBER, "number of returns"),
        CustomerField(
            "basket_items", Type.NUMBER, "number of products in the basket, missing where it is not known"
        ),
        CustomerField("units", Type.NUMBER, "number of units bought"),
        CustomerField("revenue", Type.MONEY, "revenue net of returns"),
        CustomerField("revenue_gross", Type.MONEY, "revenue before returns"),
        CustomerField("returned", Type.MONEY, "amount returned"),
    )
}

REACTIONS: Mapping[str, str] = {
    "clicked": "a link in it was clicked",
    "opened": "it was opened (mail programs open mail by themselves: prefer `clicked`)",
    "delivered": "it was delivered",
    "bounced": "it could not be delivered",
}

VARIANT = "variant"
"""In `only_if` of a trigger with a split: the variant of the journey."""

# The properties of Segment's e-commerce, e-mail and page specifications, and those of our own consent and
# return events.
KNOWN_PROPERTIES = frozenset(
    {
        "affiliation", "brand", "cart_id", "category", "checkout_id", "coupon", "coupon_id", "coupon_name",
        "currency", "discount",
        "image_url", "list_id", "name", "order_id", "payment_method", "position", "price", "product_id",
        "products", "quantity", "query",
        "rating", "reason", "recipient", "revenue", "review_body", "review_id", "share_message", "share_via",
        "shipping",
        "shipping_method", "sku", "step", "subtotal", "tax", "total", "url", "value", "variant",
        "wishlist_id", "wishlist_name", "path",
        "referrer", "search", "title", "email_id", "email_subject", "link_id", "link_url", "campaign_id",
        "campaign_name", "return_id",
        "channel", "purpose", "source", "text", "proof",
    }
)  # fmt: skip
