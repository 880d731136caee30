"""Instants, durations and zones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import (
    COUNTRY_ZONES,
    DAY,
    EARLIEST,
    HOUR,
    LATEST,
    MINUTE,
    SECOND,
    day_start,
    find_zone,
    format_duration,
    format_instant,
    from_local,
    local,
    local_date,
    offset,
    parse_duration,
    parse_instant,
    zone_of_country,
)

ZURICH = ZoneInfo("Europe/Zurich")
ZONES = [
    ZoneInfo(name)
    for name in (
        "Europe/Zurich",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Africa/Cairo",
        "Pacific/Apia",
        "Asia/Kathmandu",
        "Australia/Lord_Howe",
    )
]
NOON = parse_instant("2024-03-31T12:00:00Z")


@pytest.mark.parametrize(
    "text",
    [
        "2024-03-31T12:00:00Z",
        "2024-03-31T14:00:00+02:00",
        "2024-03-31 12:00Z",
        "2024-03-31t12:00:00z",
        " 2024-03-31T12:00:00.0004567Z ",
        "2024-03-31T07:00:00-05:00",
        "20240331T120000Z",
    ],
)
def test_one_instant_has_many_spellings(text: str) -> None:
    assert parse_instant(text) == NOON


def test_fractions_are_kept_to_the_millisecond_and_formatting_floors_them() -> None:
    assert parse_instant("2024-03-31T12:00:00.9876Z") == NOON + 987
    assert format_instant(NOON + 987) == "2024-03-31T12:00:00Z"
    assert format_instant(-1) == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-03-31T12:00:00", "no time zone"),
        ("2024-03-31", "no time zone"),
        ("2024-13-01T00:00:00Z", "month must be in 1..12"),
        ("2024-02-30T00:00:00Z", "day is out of range"),
        ("2024-03-31x12:00:00Z", "parted by a T"),
        ("yesterday", "not an ISO 8601"),
        ("", "not an ISO 8601"),
        ("0001-01-01T00:00:00Z", "years go from 1000"),
        ("9999-12-31T23:59:59Z", "years go from 1000"),
        (1711886400, "not a text"),
    ],
)
def test_what_is_no_instant_is_refused_in_words(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_instant(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-03-31", "2024-03-30T23:00:00Z"),
        ("2024-03-31T02:30:00", "2024-03-31T01:00:00Z"),
        ("2024-10-27 02:30", "2024-10-27T00:30:00Z"),
        ("2024-10-27T02:30:00+01:00", "2024-10-27T01:30:00Z"),
    ],
)
def test_a_text_without_offset_is_local_time_of_the_given_zone(text: str, expected: str) -> None:
    assert format_instant(parse_instant(text, ZURICH)) == expected


@given(st.integers(EARLIEST, LATEST))
def test_formatting_agrees_with_the_standard_library_and_reads_back(at: int) -> None:
    whole = at - at % SECOND
    assert parse_instant(format_instant(at)) == whole
    assert format_instant(at) == (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=whole)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("90s", 90 * SECOND),
        ("15m", 15 * MINUTE),
        ("16h", 16 * HOUR),
        ("7d", 7 * DAY),
        ("2w", 14 * DAY),
        ("0d", 0),
        (" 0m ", 0),
    ],
)
def test_durations_are_elapsed_time(text: str, length: int) -> None:
    assert parse_duration(text) == length


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-3d", "1.5h", "7 d", "1M", "3 days", "7D", "٣d", "99999d", "9" * 30 + "s", 7]
)
def test_what_is_no_duration_is_refused_with_the_allowed_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"Write a"):
        parse_duration(text)


def test_a_leading_minus_is_read_only_where_allowed() -> None:
    assert parse_duration("-3d", signed=True) == -3 * DAY


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (0, "0s"),
        (7 * DAY, "7d"),
        (36 * HOUR, "36h"),
        (90 * MINUTE, "90m"),
        (90 * SECOND, "90s"),
        (1_500, "1.5s"),
        (-3 * DAY, "-3d"),
    ],
)
def test_a_duration_is_written_in_its_largest_exact_unit(length: int, text: str) -> None:
    assert format_duration(length) == text


@given(st.integers(-3_000_000_000, 3_000_000_000))
def test_a_written_duration_reads_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds * SECOND), signed=True) == seconds * SECOND


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "Europe",
        "Nowhere/Town",
        "../x",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
        "zone.tab",
        "right/UTC",
        "a\0b",
        "É",
        "x" * 999,
    ],
)
def test_unknown_and_dangerous_zone_names_are_no_zone(name: str | None) -> None:
    assert find_zone(name) is None


def test_a_known_zone_is_found_once() -> None:
    assert find_zone("Europe/Zurich") is find_zone("Europe/Zurich")
    assert find_zone("UTC") == ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("America/Sao_Paulo", date(2018, 11, 4), "2018-11-04T03:00:00Z"),
        ("Asia/Beirut", date(2022, 3, 27), "2022-03-26T22:00:00Z"),
        ("Africa/Cairo", date(2024, 4, 26), "2024-04-25T22:00:00Z"),
        ("Pacific/Apia", date(2011, 12, 30), "2011-12-30T10:00:00Z"),
        ("Pacific/Apia", date(2011, 12, 31), "2011-12-30T10:00:00Z"),
        ("America/Havana", date(2024, 11, 3), "2024-11-03T04:00:00Z"),
        ("America/St_Johns", date(2010, 11, 7), "2010-11-07T02:30:00Z"),
        ("Europe/Zurich", date(2024, 3, 31), "2024-03-30T23:00:00Z"),
        ("Europe/Zurich", date(2024, 4, 1), "2024-03-31T22:00:00Z"),
    ],
)
def test_a_day_starts_at_its_first_instant_even_without_a_midnight(
    zone: str, day: date, expected: str
) -> None:
    assert format_instant(day_start(day, ZoneInfo(zone))) == expected


@pytest.mark.parametrize(
    ("zone", "shown", "expected"),
    [
        ("Europe/Zurich", "2024-03-31T01:59", "2024-03-31T00:59:00Z"),
        ("Europe/Zurich", "2024-03-31T02:00", "2024-03-31T01:00:00Z"),
        ("Europe/Zurich", "2024-03-31T02:59", "2024-03-31T01:00:00Z"),
        ("Europe/Zurich", "2024-03-31T03:00", "2024-03-31T01:00:00Z"),
        ("Europe/Zurich", "2024-10-27T02:30", "2024-10-27T00:30:00Z"),
        ("Australia/Lord_Howe", "2024-10-06T02:15", "2024-10-05T15:30:00Z"),
        ("Europe/Dublin", "2024-03-31T01:30", "2024-03-31T01:00:00Z"),
    ],
)
def test_a_local_time_in_a_gap_is_its_end_and_an_ambiguous_one_the_first(
    zone: str, shown: str, expected: str
) -> None:
    assert format_instant(from_local(datetime.fromisoformat(shown), ZoneInfo(zone))) == expected


@given(st.integers(0, 2_000_000_000), st.sampled_from(ZONES))
def test_the_local_clock_agrees_with_the_zone(seconds: int, zone: ZoneInfo) -> None:
    at = seconds * SECOND
    moment = datetime.fromtimestamp(seconds, tz=zone)
    assert local(at, zone) == moment
    ahead = moment.utcoffset()
    assert ahead is not None
    assert offset(at, zone) == ahead / timedelta(milliseconds=1)
    assert from_local(moment.replace(tzinfo=None), zone) in (
        at,
        from_local(moment.replace(tzinfo=None, fold=0), zone),
    )


@given(st.integers(0, 2_000_000_000), st.integers(0, 3 * 86_400), st.sampled_from(ZONES))
def test_days_follow_each_other_and_hold_their_instants(seconds: int, later: int, zone: ZoneInfo) -> None:
    at = seconds * SECOND
    day = local_date(at, zone)
    assert day_start(day, zone) <= at < day_start(day + timedelta(days=1), zone)
    assert day <= local_date(at + later * SECOND, zone)


def test_a_clock_set_back_over_midnight_does_not_bring_yesterday_back() -> None:
    st_johns = ZoneInfo("America/St_Johns")
    repeated = parse_instant("2010-11-07T02:40:00Z")
    assert local(repeated, st_johns).date() == date(2010, 11, 6)
    assert local_date(repeated, st_johns) == date(2010, 11, 7)


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("CH", "Europe/Zurich"), ("de", "Europe/Berlin"), (" gb ", "Europe/London"), ("UK", "Europe/London"),
        ("EIRE", "Europe/Dublin"),
        ("United Kingdom", "Europe/London"), ("Germany", "Europe/Berlin"), ("Switzerland", "Europe/Zurich"),
        ("France", "Europe/Paris"),
    ],
)  # fmt: skip
def test_a_country_with_one_zone_has_that_zone(country: str, zone: str) -> None:
    assert zone_of_country(country) == ZoneInfo(zone)


@pytest.mark.parametrize("country", [None, "", "US", "AU", "PT", "ES", "XX", "Atlantis"])
def test_a_country_with_several_zones_or_none_has_no_zone(country: str | None) -> None:
    assert zone_of_country(country) is None


def test_every_zone_of_the_country_table_exists() -> None:
    assert [name for name in COUNTRY_ZONES.values() if find_zone(name) is None] == []
