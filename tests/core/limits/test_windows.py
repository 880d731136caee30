"""Windows: which contacts are counted for a candidate, and from when on one no longer is."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import DAY, HOUR, format_instant, parse_instant
from core.limits.windows import RollingWindow, parse_window

ZURICH = ZoneInfo("Europe/Zurich")


def at(text: str) -> int:
    return parse_instant(text, ZURICH)


SPANS = [
    # window, extend, candidate, first counted, first no longer counted (local times)
    ("7d", None, "2024-05-17T10:00", "2024-05-10T10:00:00.001", "2024-05-17T10:00:00.001"),
    ("16h", None, "2024-03-31T12:00", "2024-03-30T19:00:00.001", "2024-03-31T12:00:00.001"),
    ("3 days", None, "2024-05-16T10:00", "2024-05-14", "2024-05-17"),
    ("1 day", None, "2024-03-31T12:00", "2024-03-31", "2024-04-01"),
    ("1 day", None, "2024-10-27T00:00", "2024-10-27", "2024-10-28"),
    ("calendar day", None, "2024-05-16T23:59:59.999", "2024-05-16", "2024-05-17"),
    ("calendar week", None, "2024-03-31T23:00", "2024-03-25", "2024-04-01"),
    ("calendar month", None, "2024-02-29T12:00", "2024-02-01", "2024-03-01"),
    ("calendar quarter", None, "2024-12-31T12:00", "2024-10-01", "2025-01-01"),
    ("calendar year", None, "2024-07-01T00:00", "2024-01-01", "2025-01-01"),
    ("7d", "calendar day", "2024-05-17T10:00", "2024-05-10", "2024-05-18"),
    ("7d", "calendar month", "2024-02-08T00:00", "2024-02-01", "2024-03-01"),
    ("7d", "calendar month", "2024-02-07T23:59:59.999", "2024-01-01", "2024-03-01"),
    ("3 days", "calendar week", "2024-05-14T10:00", "2024-05-06", "2024-05-20"),
    ("calendar week", "calendar month", "2024-05-02T10:00", "2024-04-01", "2024-06-01"),
    ("calendar month", "calendar week", "2024-05-16T10:00", "2024-04-29", "2024-06-03"),
]


@pytest.mark.parametrize(("window", "extend", "candidate", "first", "after"), SPANS)
def test_a_window_counts_this_span(
    window: str, extend: str | None, candidate: str, first: str, after: str
) -> None:
    span = parse_window(window, extend).span(at(candidate), ZURICH)
    assert (format_instant(span.first), span.first, span.last) == (
        format_instant(at(first)),
        at(first),
        at(after) - 1,
    )


FREES = [
    ("7d", None, "2024-05-10T10:00", "2024-05-17T10:00"),
    ("1d", None, "2024-03-30T10:00", "2024-03-31T11:00"),
    ("3 days", None, "2024-05-13T10:00", "2024-05-16"),
    ("1 day", None, "2024-10-26T23:59:59.999", "2024-10-27"),
    ("2 days", None, "2024-03-30T10:00", "2024-04-01"),
    ("calendar day", None, "2024-05-13T23:00", "2024-05-14"),
    ("calendar week", None, "2024-05-13T00:00", "2024-05-20"),
    ("calendar month", None, "2024-01-31T23:59", "2024-02-01"),
    ("31 days", None, "2024-07-31T09:00", "2024-08-31"),
    ("calendar quarter", None, "2024-11-30T00:00", "2025-01-01"),
    ("calendar year", None, "2024-02-29T00:00", "2025-01-01"),
    ("7d", "calendar month", "2024-01-10T10:00", "2024-02-08"),
    ("7d", "calendar day", "2024-05-10T10:00", "2024-05-18"),
    ("3 days", "calendar week", "2024-05-15T10:00", "2024-05-22"),
    ("calendar week", "calendar month", "2024-04-10T10:00", "2024-05-06"),
    ("calendar week", "calendar month", "2024-03-10T10:00", "2024-04-01"),
]


@pytest.mark.parametrize(("window", "extend", "contact", "free"), FREES)
def test_a_contact_leaves_its_window_at_this_instant(
    window: str, extend: str | None, contact: str, free: str
) -> None:
    assert format_instant(parse_window(window, extend).frees(at(contact), ZURICH)) == format_instant(at(free))


def test_weeks_begin_on_the_configured_day() -> None:
    span = parse_window("calendar week", week_starts="sunday").span(at("2024-05-18T10:00"), ZURICH)
    assert span == (at("2024-05-12"), at("2024-05-19") - 1)


@pytest.mark.parametrize(
    ("window", "extend", "reason"),
    [
        ("week", None, "Did you mean 'calendar week'"),
        ("calender month", None, "Did you mean 'calendar month'"),
        ("0d", None, "is empty"),
        ("0 days", None, "1 to 3660"),
        ("-3d", None, "not a window"),
        ("3", None, "not a window"),
        ("", None, "not a window"),
        (7, None, "must be a text"),
        ("7d", "7d", "not a calendar period"),
        ("7d", "calendar fortnight", "not a window"),
    ],
)
def test_what_is_no_window_is_refused_with_a_suggestion(window: str, extend: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_window(window, extend)


def test_an_unknown_first_weekday_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ValueError, match="Did you mean 'monday'"):
        parse_window("7d", week_starts="mondya")


def test_windows_are_values_that_know_their_text() -> None:
    assert parse_window("7d") == parse_window(" 7d ") == RollingWindow("7d", 7 * DAY)
    assert len({parse_window("3 days"), parse_window("3  days"), parse_window("3d")}) == 2
    assert parse_window("7d", "calendar month").text == "7d extended to calendar month"


BASES = [
    "1d",
    "7d",
    "16h",
    "1 day",
    "3 days",
    "31 days",
    "calendar day",
    "calendar week",
    "calendar month",
    "calendar quarter",
    "calendar year",
]
EXTENDS = [None, "calendar day", "calendar week", "calendar month", "calendar quarter", "calendar year"]
ZONES = ["Europe/Zurich", "America/Sao_Paulo", "America/St_Johns", "Africa/Cairo", "Pacific/Apia", "UTC"]


@given(
    st.sampled_from(BASES),
    st.sampled_from(EXTENDS),
    st.sampled_from(ZONES),
    st.integers(1_200_000_000, 1_800_000_000),
    st.integers(0, 40 * 86_400),
)
def test_a_window_holds_its_candidate_and_never_moves_back(
    base: str, extend: str | None, name: str, seconds: int, later: int
) -> None:
    window, zone, instant = parse_window(base, extend), ZoneInfo(name), seconds * 1_000
    span, after = window.span(instant, zone), window.span(instant + later * 1_000, zone)
    assert span.first <= instant <= span.last
    assert span.first <= after.first
    assert span.last <= after.last


@given(
    st.sampled_from(BASES),
    st.sampled_from(EXTENDS),
    st.sampled_from(ZONES),
    st.integers(1_200_000_000, 1_800_000_000),
)
def test_a_contact_is_free_at_the_earliest_instant_whose_span_begins_after_it(
    base: str, extend: str | None, name: str, seconds: int
) -> None:
    window, zone, contact = parse_window(base, extend), ZoneInfo(name), seconds * 1_000
    free = window.frees(contact, zone)
    assert free > contact
    assert window.span(free, zone).first > contact
    assert window.span(free - 1, zone).first <= contact


@given(st.integers(0, 2_000 * 24), st.sampled_from(EXTENDS[1:]))
def test_an_extended_window_covers_the_window_it_extends(hours: int, extend: str) -> None:
    instant = at("2023-01-01") + hours * HOUR
    inner, outer = (
        parse_window("3 days").span(instant, ZURICH),
        parse_window("3 days", extend).span(instant, ZURICH),
    )
    assert outer.first <= inner.first
    assert inner.last <= outer.last
