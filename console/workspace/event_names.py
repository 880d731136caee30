"""Names of events in the files: the usual ones, and slips of the pen."""

from __future__ import annotations

from console.workspace.toml_reader import TomlTable, shown
from core.model.events import FORMER_NAMES
from core.suggestions import nearest

# Names of Segment's e-commerce specification and of our own records; only to find slips of the pen, others
# may be used freely.
USUAL_EVENTS = frozenset(
    {
        "Products Searched", "Product List Viewed", "Product List Filtered", "Product Clicked",
        "Product Viewed", "Product Added",
        "Product Removed", "Cart Viewed", "Checkout Started", "Checkout Step Viewed",
        "Checkout Step Completed", "Payment Info Entered",
        "Order Completed", "Order Updated", "Order Shipped", "Order Cancelled", "Order Refunded",
        "Order Returned", "Coupon Entered",
        "Coupon Applied", "Coupon Denied", "Coupon Removed", "Coupon Issued", "Coupon Redeemed",
        "Product Added to Wishlist",
        "Product Removed from Wishlist", "Wishlist Product Added to Cart", "Product Shared", "Cart Shared",
        "Product Reviewed",
        "Account Created", "Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced",
        "Email Marked as Spam", "Unsubscribed",
        "Message Delivered", "Message Opened", "Message Clicked", "Message Bounced", "Message Complained",
        "Consent Granted",
        "Consent Withdrawn", "Store Visited", "Order Delivered", "Wishlist Price Dropped",
        "Product Back in Stock", "Support Case Closed",
        "Survey Answered",
    }
)  # fmt: skip

_ALIKE = 0.85


def event_names(table: TomlTable, key: str) -> frozenset[str]:
    """Names of events in today's spelling; one that is nearly a usual name is a warning."""
    return frozenset(usual_spelling(table, key, name) for name in table.texts(key, or_one=True) or ())


def usual_spelling(table: TomlTable, key: str, name: str) -> str:
    """The name of an event in today's spelling; one that is nearly a usual name is a warning at the key."""
    _warn_of_slip(table, key, name)
    return FORMER_NAMES.get(name, name)


def _warn_of_slip(table: TomlTable, key: str, name: str) -> None:
    if name in USUAL_EVENTS or name in FORMER_NAMES:
        return
    usual = {event.lower(): event for event in USUAL_EVENTS}
    meant = nearest(name.lower(), usual, _ALIKE)
    if meant is not None:
        table.warn(
            key,
            f"{table.quoted(key)}: the event {shown(name)} is not a usual one",
            f"Did you mean `{usual[meant]}`?",
        )
