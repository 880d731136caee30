"""Dates that come again."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from core.anniversaries import Anniversary, parse_anniversary
from core.instants import HOUR, parse_instant
from core.playbook.index import PlaybookIndex
from tests.core.builders import event, identify, on_crossing, on_date, order, play, playbook, rows, trigger

ZURICH = ZoneInfo("Europe/Zurich")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1990-03-05", Anniversary(1990, 3, 5)),
        ("--03-05", Anniversary(None, 3, 5)),
        ("--02-29", Anniversary(None, 2, 29)),
        ("1990-02-29", None),
        ("1990-13-01", None),
        ("5.3.1990", None),
        ("2024-06-09T22:00:00Z", Anniversary(2024, 6, 10)),
        ("2024-06-09t22:00:00z", Anniversary(2024, 6, 10)),
        ("2024-06-09 23:00", Anniversary(2024, 6, 9)),
        ("2024-06-09 soon", None),
        ("--06-09T22:00:00Z", None),
        ("", None),
    ],
)
def test_a_date_is_a_day_with_or_without_its_year(text: str, found: Anniversary | None) -> None:
    assert parse_anniversary(text, ZURICH) == found


@pytest.mark.parametrize(
    ("anniversary", "year", "when", "zone", "instant"),
    [
        (Anniversary(None, 2, 29), 2025, {}, "Europe/Zurich", "2025-02-28T08:00:00Z"),
        (Anniversary(None, 2, 29), 2028, {}, "Europe/Zurich", "2028-02-29T08:00:00Z"),
        (Anniversary(None, 2, 29), 2100, {}, "Europe/Zurich", "2100-02-28T08:00:00Z"),
        (Anniversary(None, 1, 3), 2025, {"offset_days": -7}, "Europe/Zurich", "2024-12-27T08:00:00Z"),
        (Anniversary(None, 3, 5), 2025, {"offset": 2 * HOUR}, "Europe/Zurich", "2025-03-05T10:00:00Z"),
        (Anniversary(None, 3, 30), 2025, {"at": (2, 30)}, "Europe/Zurich", "2025-03-30T01:00:00Z"),
        (Anniversary(None, 10, 26), 2025, {"at": (2, 30)}, "Europe/Zurich", "2025-10-26T00:30:00Z"),
        (Anniversary(None, 3, 5), 2025, {}, "Pacific/Auckland", "2025-03-04T20:00:00Z"),
        (Anniversary(None, 11, 4), 2018, {"at": (0, 0)}, "America/Sao_Paulo", "2018-11-04T03:00:00Z"),
    ],
)
def test_an_anniversary_is_an_instant_of_local_time(
    anniversary: Anniversary, year: int, when: dict[str, int], zone: str, instant: str
) -> None:
    occurrence = on_date("birthday", **when).occurrence(anniversary, year, ZoneInfo(zone))
    assert occurrence == parse_instant(instant)


@pytest.mark.parametrize(
    ("years", "born", "sent"),
    [
        ([], "2022-03-05", ["Wed 09:00", "2026-03-05 09:00"]),
        ([3], "2022-03-05", ["Wed 09:00"]),
        ([1, 4], "2022-03-05", ["2026-03-05 09:00"]),
        ([], "2025-03-05", ["2026-03-05 09:00"]),
        ([0], "2025-03-05", ["Wed 09:00"]),
        ([], "--03-05", ["Wed 09:00", "2026-03-05 09:00"]),
        ([3], "--03-05", []),
    ],
)
def test_every_year_or_the_years_named_never_the_day_itself_unless_named(
    years: list[int], born: str, sent: list[str]
) -> None:
    book = playbook(trigger("t", on_date("trait.born", years=years)))
    assert rows(play(book, traits={"born": born}, until="2026-12-31 00:00")) == [
        f"{when} t email send" for when in sent
    ]


def test_a_date_learned_on_its_day_after_its_time_is_too_late_and_before_its_time_is_not() -> None:
    book = playbook(trigger("t", on_date("birthday", at=(12, 0))))
    assert rows(play(book, identify("Wed 12:01", birthday="--03-05"))) == []
    assert rows(play(book, identify("Wed 12:00", birthday="--03-05"))) == ["Wed 12:00 t email send"]


def test_a_date_that_is_corrected_after_the_greeting_brings_no_second_one_that_year() -> None:
    book = playbook(trigger("t", on_date("birthday")))
    assert rows(play(book, identify("Wed 10:00", birthday="--03-07"), traits={"birthday": "--03-05"})) == [
        "Wed 09:00 t email send"
    ]


def test_a_move_to_another_zone_moves_the_hour() -> None:
    book = playbook(trigger("t", on_date("birthday")))
    moved = identify("Wed 08:00", timezone="America/New_York")
    assert rows(play(book, moved, traits={"birthday": "--03-05"})) == ["Wed 15:00 t email send"]


def test_the_anniversary_of_the_last_order_moves_with_the_next_order() -> None:
    book = playbook(trigger("t", on_date("last_order", offset_days=-363)))
    plan = play(book, order("Mon 10:00"), order("Tue 10:00"), until="Sat 00:00")
    assert rows(plan) == ["Thu 09:00 t email send"]


def test_an_order_wakes_those_whose_date_it_moves() -> None:
    assert PlaybookIndex(playbook(trigger("t", on_date("last_order")))).concerns("track", "Order Completed")
    assert not PlaybookIndex(playbook(trigger("t", on_date("birthday")))).concerns("track", "Order Completed")
    assert PlaybookIndex(playbook(trigger("t", on_date("birthday")))).concerns("identify", "")
    assert PlaybookIndex(playbook(trigger("t", on_crossing(inactive_for=HOUR)))).concerns(
        "track", event("Anything", "Mon 10:00").name
    )
