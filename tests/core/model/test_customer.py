"""A profile is the same whatever the order in which its events came to be known."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.customer import Profile, address_of
from core.model.events import NO_ACTIVITY, ORDER_COMPLETED, ORDER_REFUNDED, ORDER_RETURNED, Event
from core.model.orders import units_of


def event(
    name: str, at: int, *, amount: int | None = None, channel: str | None = None, **properties: object
) -> Event:
    order = properties.get("order_id")
    assert order is None or isinstance(order, str)
    tie = f"{amount}".encode()
    return Event(1, "track", name, at, at, "shop", channel, amount, properties, order=order, tie=tie)


def identify(at: int, **traits: object) -> Event:
    return Event(1, "identify", "identify", at, at, "shop", None, None, traits)


def folded(*events: Event) -> Profile:
    profile = Profile()
    for one in events:
        profile.fold(one)
    return profile


def state(profile: Profile) -> dict[str, object]:
    return {name: getattr(profile, name) for name in Profile.__slots__ if name != "told"}


names = st.sampled_from(
    [ORDER_COMPLETED, ORDER_RETURNED, ORDER_REFUNDED, "Product Viewed", "Email Opened", "identify"]
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Events, some of them at the same instant."""
    instants = draw(st.lists(st.integers(0, 10) | st.integers(0, 10**12), max_size=12))
    return [
        draw(
            st.builds(
                one_event, names, st.just(at), st.integers(0, 10_000), st.sampled_from(["o1", "o2", None])
            )
        )
        for at in instants
    ]


def one_event(name: str, at: int, amount: int, order: str | None) -> Event:
    if name == "identify":
        return identify(at, city="Bern" if amount % 2 else None, email=f"{amount}@example.com")
    return event(
        name,
        at,
        amount=amount,
        channel="store" if amount % 3 else "web",
        order_id=order,
        products=[{"quantity": 2}],
    )


@given(histories(), st.randoms())
def test_the_order_of_arrival_does_not_change_a_profile(events: list[Event], random: object) -> None:
    shuffled = list(events)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert state(folded(*shuffled)) == state(folded(*events))


@given(histories(), st.integers(0, 12))
def test_two_profiles_merged_are_the_profile_of_all_their_events(events: list[Event], cut: int) -> None:
    told = {each.order for each in events[:cut]}
    events = [*events[:cut], *(each for each in events[cut:] if each.order is None or each.order not in told)]
    mine, theirs = folded(*events[:cut]), folded(*events[cut:])
    mine.merge(theirs)
    assert state(mine) == state(folded(*events))


@given(histories())
def test_a_copy_is_independent_of_its_model(events: list[Event]) -> None:
    profile = folded(*events)
    before = state(profile.copy())
    twin = profile.copy()
    twin.fold(event(ORDER_RETURNED, 5, amount=1, order_id="o1"))
    twin.fold(identify(10**13, city="Chur"))
    assert state(profile) == before


def test_a_refund_for_a_return_of_the_same_order_subtracts_once() -> None:
    profile = folded(
        event(ORDER_COMPLETED, 1, amount=5_000, order_id="o1"),
        event(ORDER_RETURNED, 2, amount=2_000, order_id="o1"),
        event(ORDER_REFUNDED, 3, amount=2_500, order_id="o1"),
    )
    assert (profile.revenue, profile.returns) == (2_500, 1)


def test_returns_without_an_order_are_added_up() -> None:
    profile = folded(
        event(ORDER_RETURNED, 1, amount=700, return_id="C1"),
        event(ORDER_RETURNED, 2, amount=300, return_id="C2"),
    )
    assert (profile.returned, profile.returns) == (1_000, 2)


@pytest.mark.parametrize("name", ["Email Opened", "Consent Granted", "Unsubscribed"])
def test_feedback_and_consents_are_no_activity(name: str) -> None:
    assert folded(event(name, 5, channel="web")).last_activity is None


def test_a_later_trait_stands_against_an_earlier_one_that_comes_after_it() -> None:
    assert folded(identify(2, city="Bern"), identify(1, city="Chur")).traits == {"city": "Bern"}


@pytest.mark.parametrize(
    ("one", "other", "stands"),
    [
        ("Bern", "Chur", "Chur"),
        (None, "Chur", None),
        (True, 1, True),
        (1, 1.0, 1.0),
        ([1], {"a": 1}, {"a": 1}),
        ({"a": 1, "b": 2}, {"b": 1}, {"b": 1}),
    ],
)
def test_of_two_traits_of_one_instant_the_greater_text_stands_whichever_came_first(
    one: object, other: object, stands: object
) -> None:
    for first, second in ((one, other), (other, one)):
        merged = folded(identify(1, city=first))
        merged.merge(folded(identify(1, city=second)))
        for profile in (folded(identify(1, city=first), identify(1, city=second)), merged):
            assert repr(profile.traits["city"]) == repr(stands)


@pytest.mark.parametrize("kind", ["track", "page", "identify", "alias"])
@pytest.mark.parametrize("name", ["Product Viewed", "identify", *sorted(NO_ACTIVITY)])
def test_an_event_counts_as_activity_exactly_where_it_says_so(kind: str, name: str) -> None:
    act = Event(1, kind, name, 5, 5, "shop", None, None, {})
    assert (folded(act).last_activity is not None) == act.is_activity


@pytest.mark.parametrize(
    ("properties", "pieces"),
    [
        ({}, 0),
        ({"products": "x"}, 0),
        ({"products": [{}]}, 1),
        ({"products": [{"quantity": 3}, {"quantity": "?"}, 7]}, 3),
    ],
)
def test_units_count_the_pieces_of_an_order(properties: dict[str, object], pieces: int) -> None:
    assert units_of(properties.get("products")) == pieces


@pytest.mark.parametrize(
    ("traits", "zone"),
    [
        ({"timezone": "Asia/Tokyo", "address.country": "CH"}, "Asia/Tokyo"),
        ({"timezone": "Mars/Base", "address.country": "Japan"}, "Asia/Tokyo"),
        ({"address.country": "USA"}, "Europe/Zurich"),
        ({}, "Europe/Zurich"),
    ],
)
def test_her_zone_is_her_own_else_her_countrys_else_the_workspaces(
    traits: dict[str, object], zone: str
) -> None:
    assert folded(identify(1, **traits)).zone(ZoneInfo("Europe/Zurich")).key == zone


@pytest.mark.parametrize(
    ("medium", "address"),
    [
        ("email", "a@b.ch"), ("sms", "+41"), ("whatsapp", "+41"), ("webpush", "https://push/1"),
        ("print", "Ann Muster, Gasse 1, 3000 Bern, CH"), ("webhook", "webhook:"), ("fax", None),
    ],
)  # fmt: skip
def test_each_medium_has_its_address(medium: str, address: str | None) -> None:
    traits = {
        "email": "a@b.ch", "phone": "+41", "webpush": {"endpoint": "https://push/1"}, "firstName": "Ann",
        "lastName": "Muster",
        "address.street": "Gasse 1", "address.postalCode": "3000", "address.city": "Bern",
        "address.country": "CH",
    }  # fmt: skip
    assert address_of(folded(identify(1, **traits)), medium) == address
    assert address_of(Profile(), "print") is None
