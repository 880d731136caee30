"""The acts of the last weeks, imagined to happen again."""

from __future__ import annotations

from core.forecast.replayed_future import identifying, replay_acts
from core.instants import DAY
from tests.core.builders import ZURICH, at, event, identify, on, playbook, trigger

KEYS = frozenset({"cart_id", "order_id"})


def test_they_happen_again_on_the_same_weekday_at_the_same_local_time_across_a_change_of_the_clock() -> None:
    viewed = event("Product Viewed", "2025-03-25T20:30:00", id=7)  # the clock goes forward on the 30th
    (again,) = replay_acts([viewed], ZURICH, at("2025-03-27T00:00:00"), at("2025-04-03T00:00:00"), 1, KEYS)
    assert again.occurred_at == again.arrived_at == at("2025-04-01T20:30:00")
    assert again.occurred_at - viewed.occurred_at == 7 * DAY - 3_600_000


def test_a_longer_span_repeats_the_weeks() -> None:
    viewed = event("Product Viewed", "Tue 20:30", id=7, history=True)
    found = replay_acts([viewed], ZURICH, at("Thu 00:00"), at("Thu 00:00") + 21 * DAY, 1, KEYS)
    assert [each.occurred_at - viewed.occurred_at for each in found] == [7 * DAY, 14 * DAY, 21 * DAY]
    assert len({each.id for each in found}) == 3
    assert all(each.id < 0 and not each.history for each in found)


def test_only_what_was_done_within_the_weeks_happens_again() -> None:
    acts = [
        event("Product Viewed", at("Tue 20:30") - 7 * DAY),
        event("Product Viewed", "Thu 00:00"),
        event("Product Viewed", "Thu 00:01"),
    ]
    found = replay_acts(acts, ZURICH, at("Thu 00:00"), at("Thu 00:00") + 7 * DAY, 1, KEYS)
    assert [each.occurred_at for each in found] == [at("Thu 00:00") + 7 * DAY]


def test_reports_and_words_about_a_person_do_not_happen_again() -> None:
    acts = [
        event("Email Opened", "Tue 20:30"),
        event("Consent Withdrawn", "Tue 20:30"),
        identify("Tue 20:30", email="new@example.ch"),
    ]
    assert replay_acts(acts, ZURICH, at("Thu 00:00"), at("Thu 00:00") + 7 * DAY, 1, KEYS) == ()


def test_baskets_and_orders_get_names_of_their_own_the_same_for_all_events_about_them() -> None:
    acts = [
        event("Checkout Started", "Tue 20:30", cart_id="c1", value=3),
        event("Order Completed", "Tue 21:30", cart_id="c1", order_id=9),
    ]
    started, ordered = replay_acts(acts, ZURICH, at("Thu 00:00"), at("Thu 00:00") + 7 * DAY, 1, KEYS)
    assert started.properties == {"cart_id": "c1+1w", "value": 3}
    assert ordered.properties == {"cart_id": "c1+1w", "order_id": "9+1w"}


def test_what_names_a_basket_is_what_the_triggers_say() -> None:
    book = playbook(trigger("basket", on("Checkout Started", per="cart_token")))
    assert identifying(book) == {"cart_token", "order_id", "return_id"}
