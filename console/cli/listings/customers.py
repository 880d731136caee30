"""A customer as a line of a listing."""

from __future__ import annotations

from console.cli.output import ListingField

FIELDS = (
    ListingField("customer"),
    ListingField("name"),
    ListingField("email"),
    ListingField("phone"),
    ListingField("country"),
    ListingField("orders", "number"),
    ListingField("revenue", "money"),
    ListingField("last_activity", "instant"),
    ListingField("next_due", "instant"),
)
