"""Profiles to rows of `customers` and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from sqlalchemy import Connection, select

from core.instants import Instant
from core.model.basket import Basket
from core.model.customer import TRAIT_FIELDS, Profile
from storage.schema.customers import customers
from storage.schema.folded import folded_name, folded_text

AGGREGATES: Final = (
    "orders", "revenue", "revenue_gross", "returned", "returns", "units", "first_order_at", "last_order_at",
    "last_activity_at", "detail",
)  # fmt: skip
"""The columns that any event can change, without the traits, in the order of the table."""
TRAIT_COLUMNS: Final = tuple(
    (column, trait) for column, trait in TRAIT_FIELDS.items() if column != "registered_at"
)
READ_COLUMNS: Final = tuple(customers.c[name] for name in (
    "revenue_gross", "returned", "returns", "units", "last_activity_at", "traits", "detail",
))  # fmt: skip
"""What `profile_from` needs of a row, in its order."""


def profile_from(values: Sequence[Any]) -> Profile:
    """The profile of a customer from the `READ_COLUMNS` of the row; what was told of orders is not in it."""
    profile = Profile.__new__(Profile)  # every field is set here
    (
        profile.revenue_gross, profile.returned, profile.returns, profile.units, profile.last_activity,
        traits, detail,
    ) = values  # fmt: skip
    profile.traits = orjson.loads(traits)
    _take_detail(profile, orjson.loads(detail))
    return profile


def _basket_from(kept: Sequence[Any] | None) -> Basket | None:
    if kept is None:
        return None
    whole_at, whole, changes, unnamed_at = kept
    return Basket(whole_at, whole, [(at, product, pieces) for at, product, pieces in changes], unnamed_at)


def _take_detail(profile: Profile, detail: Mapping[str, Any]) -> None:
    profile.traits_at = detail.get("traits_at", {})
    profile.activity = detail.get("activity", {})
    profile.channels = detail.get("channels", {})
    profile.basket = _basket_from(detail.get("basket"))
    profile.order_instants = detail.get("order_instants", [])
    profile.told, profile.is_whole = {}, False
    profile.lost = frozenset(detail.get("lost", ()))


def _basket_detail(basket: Basket) -> dict[str, Any]:
    """The basket, and the number of its products, which conditions count in SQL."""
    return {
        "basket": [basket.whole_at, basket.whole, basket.changes, basket.unnamed_at],
        "basket_items": basket.count(),
    }


def _detail(profile: Profile) -> dict[str, Any]:
    detail: dict[str, Any] = {
        "traits_at": profile.traits_at,
        "activity": profile.activity,
        "channels": profile.channels,
        "order_instants": profile.order_instants,
    }
    if profile.basket is not None:
        detail |= _basket_detail(profile.basket)
    if profile.lost:
        detail["lost"] = sorted(profile.lost)
    return detail


def aggregate_values(profile: Profile) -> tuple[Any, ...]:
    """The values of the columns `AGGREGATES`: money in minor units, instants in milliseconds UTC."""
    return (
        profile.orders, profile.revenue_gross - profile.returned, profile.revenue_gross, profile.returned,
        profile.returns, profile.units,
        profile.first_order, profile.last_order, profile.last_activity,
        orjson.dumps(_detail(profile)).decode(),
    )  # fmt: skip


def trait_columns(profile: Profile) -> dict[str, Any]:
    """The columns that only an identify call can change."""
    traits = profile.traits
    columns: dict[str, Any] = {column: traits.get(trait) for column, trait in TRAIT_COLUMNS}
    columns["registered_at"] = traits.get("createdAt")
    country = profile.country
    columns["country"] = country if isinstance(country, str) else None
    columns["traits"] = orjson.dumps(traits).decode()
    columns["folded_name"] = folded_name(columns["last_name"], columns["first_name"])
    columns["folded_city"] = folded_text(columns["city"])
    return columns


def profile_columns(profile: Profile) -> dict[str, Any]:
    """Every column of `customers` that comes from the profile."""
    return dict(zip(AGGREGATES, aggregate_values(profile))) | trait_columns(profile)


def new_row(
    customer: int, key: str, profile: Profile, settled: str | None, next_due: Instant | None
) -> tuple[Any, ...]:
    """A whole row of `customers` in the table's order of columns."""
    traits = profile.traits
    country = profile.country
    return (
        customer, key, traits.get("email"), traits.get("phone"), traits.get("firstName"),
        traits.get("lastName"), traits.get("gender"),
        traits.get("locale"), traits.get("timezone"), country if isinstance(country, str) else None,
        traits.get("address.city"),
        traits.get("address.postalCode"), traits.get("birthday"), traits.get("createdAt"),
        *aggregate_values(profile)[:-1],
        orjson.dumps(traits).decode(), orjson.dumps(_detail(profile)).decode(), settled, None, next_due, 0,
        "{}", None, None,
        folded_name(traits.get("lastName"), traits.get("firstName")),
        folded_text(traits.get("address.city")), None,
    )  # fmt: skip


def dump_profile(profile: Profile) -> str:
    """The whole profile as JSON, as the column `settled` keeps it."""
    whole = _detail(profile)
    whole["traits"] = profile.traits
    whole["sums"] = [
        profile.revenue_gross,
        profile.returned,
        profile.returns,
        profile.units,
        profile.last_activity,
    ]
    return orjson.dumps(whole).decode()


def load_profile(text: str) -> Profile:
    """The profile that `dump_profile` wrote."""
    whole = orjson.loads(text)
    profile = Profile.__new__(Profile)  # every field is set here
    (
        profile.revenue_gross, profile.returned, profile.returns, profile.units, profile.last_activity,
    ) = whole["sums"]  # fmt: skip
    profile.traits = whole["traits"]
    _take_detail(profile, whole)
    return profile


def read_profile(connection: Connection, customer: int) -> Profile:
    """The present profile of one customer, by the id of the row."""
    return profile_from(connection.execute(select(*READ_COLUMNS).where(customers.c.id == customer)).one())
