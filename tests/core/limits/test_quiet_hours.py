"""Send windows and the quiet hours between them."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import HOUR, MINUTE, format_instant, parse_instant
from core.limits.quiet_hours import ALWAYS_OPEN, parse_send_windows

ZURICH = ZoneInfo("Europe/Zurich")


def at(text: str) -> int:
    return parse_instant(text, ZURICH)


OPENINGS = [
    # windows, asked, opens (local time; 2024-05-13 is a Monday)
    (["Mon-Fri 08:00-18:00"], "2024-05-13T08:00", "2024-05-13T08:00"),
    (["Mon-Fri 08:00-18:00"], "2024-05-13T07:59:59.999", "2024-05-13T08:00"),
    (["Mon-Fri 08:00-18:00"], "2024-05-13T17:59:59.999", "2024-05-13T17:59:59.999"),
    (["Mon-Fri 08:00-18:00"], "2024-05-13T18:00", "2024-05-14T08:00"),
    (["Mon-Fri 08:00-18:00"], "2024-05-17T18:00", "2024-05-20T08:00"),
    (["Sat 22:00-06:00"], "2024-05-19T05:59", "2024-05-19T05:59"),
    (["Sat 22:00-06:00"], "2024-05-19T06:00", "2024-05-25T22:00"),
    (["Sat 22:00-06:00"], "2024-05-18T05:00", "2024-05-18T22:00"),
    (["Mon,Wed 09:00-12:00"], "2024-05-14T10:00", "2024-05-15T09:00"),
    (["Fri-Mon 09:00-12:00"], "2024-05-13T12:00", "2024-05-17T09:00"),
    (["Mon-Sun 00:00-24:00"], "2024-05-13T03:00", "2024-05-13T03:00"),
    (["Mon 20:00-24:00", "Tue 00:00-01:00"], "2024-05-14T00:00", "2024-05-14T00:00"),
    (["Sunday 10:00-11:00"], "2024-05-19T11:00", "2024-05-26T10:00"),
    (["Mon-Sun 10:00-12:00", "Mon-Sun 08:00-09:00"], "2024-05-13T07:00", "2024-05-13T08:00"),
    (["Mon-Sun 10:00-12:00", "Mon-Sun 08:00-09:00"], "2024-05-13T09:00", "2024-05-13T10:00"),
    # spring: the clock jumps from 02:00 to 03:00 on 31 March
    (["Mon-Sun 02:15-02:45"], "2024-03-31T01:00", "2024-04-01T02:15"),
    (["Mon-Sun 02:30-06:00"], "2024-03-31T01:00", "2024-03-31T03:00"),
    (["Mon-Sun 22:00-02:30"], "2024-03-31T03:00", "2024-03-31T22:00"),
    # autumn: 02:00 to 03:00 comes twice on 27 October
    (["Mon-Sun 02:15-02:45"], "2024-10-27T02:45", "2024-10-28T02:15"),
    (["Mon-Sun 02:15-02:45"], "2024-10-27T02:20+01:00", "2024-10-28T02:15"),
    (["Mon-Sun 01:00-04:00"], "2024-10-27T02:20+01:00", "2024-10-27T02:20+01:00"),
    (["Mon-Sun 02:30-06:00"], "2024-10-27T02:00+01:00", "2024-10-27T02:00+01:00"),
]


@pytest.mark.parametrize(("lines", "asked", "expected"), OPENINGS)
def test_a_message_moves_to_the_next_opening(lines: list[str], asked: str, expected: str) -> None:
    assert format_instant(parse_send_windows(lines).opens(at(asked), ZURICH)) == format_instant(at(expected))


def test_no_windows_are_always_open() -> None:
    assert parse_send_windows([]) == ALWAYS_OPEN
    assert parse_send_windows([]).always_open


@pytest.mark.parametrize(
    "lines",
    [
        ["Mon-Sun 00:00-24:00"],
        ["Mon-Fri 00:00-24:00", "sat-sun 0:00-24:00"],
        ["Mon-Sun 20:00-08:00", "Mon-Sun 08:00-20:00"],
    ],
)
def test_windows_that_cover_the_week_are_always_open(lines: list[str]) -> None:
    assert parse_send_windows(lines).always_open


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Mno 08:00-09:00", "Did you mean 'Mon'"),
        ("Mon 8-9", "is not a send window"),
        ("08:00-09:00", "is not a send window"),
        ("Mon 08:00-08:00", "never opens"),
        ("Mon 24:00-02:00", "cannot begin at 24:00"),
        ("Mon 08:00-25:00", "there is no 25:00"),
        ("Mon 08:60-09:00", "there is no 08:60"),
        ("Mon, 08:00-09:00", "is not a weekday"),
        (8, "is not a send window"),
    ],
)
def test_what_is_no_send_window_is_refused_with_an_example(line: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_send_windows([line])


def test_a_day_left_out_of_the_calendar_has_no_hours() -> None:
    apia = ZoneInfo("Pacific/Apia")
    fridays = parse_send_windows(["Fri 09:00-17:00"])
    assert (
        format_instant(fridays.opens(parse_instant("2011-12-29T12:00:00-10:00"), apia))
        == "2012-01-05T19:00:00Z"
    )


CLOCKS = ["00:00", "01:00", "02:30", "07:00", "12:00", "21:00", "23:30"]
WINDOWS = st.builds(
    lambda day, ends: f"{day} {ends[0]}-{ends[1]}",
    st.sampled_from(["Mon", "Sun", "Sat-Sun", "Mon-Sun", "Wed,Fri"]),
    st.tuples(st.sampled_from(CLOCKS), st.sampled_from(CLOCKS)).filter(lambda ends: ends[0] != ends[1]),
)
ZONES = ["Europe/Zurich", "America/Sao_Paulo", "America/St_Johns", "Africa/Cairo", "Pacific/Apia"]
CHANGES = [
    "2024-03-31T01:00:00Z",
    "2024-10-27T01:00:00Z",
    "2018-11-04T03:00:00Z",
    "2010-11-07T02:31:00Z",
    "2024-04-25T22:00:00Z",
    "2011-12-30T10:00:00Z",
]


@given(
    st.lists(WINDOWS, min_size=1, max_size=3),
    st.sampled_from(ZONES),
    st.sampled_from(CHANGES),
    st.integers(-200, 200),
)
def test_the_next_opening_is_the_first_open_instant(
    lines: list[str], name: str, change: str, half_hours: int
) -> None:
    windows, zone = parse_send_windows(lines), ZoneInfo(name)
    asked = parse_instant(change) + half_hours * 30 * MINUTE
    opens = windows.opens(asked, zone)
    assert windows.is_open(opens, zone)
    assert windows.opens(opens, zone) == opens
    grid = range(asked, min(opens, asked + 200 * HOUR), 30 * MINUTE)
    assert not any(windows.is_open(instant, zone) for instant in grid)
    assert opens == asked or not windows.is_open(opens - 1, zone)
