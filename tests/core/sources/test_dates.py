"""Days, instants and times of day as files have them: each is what it says in its column, or refused."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.instants import format_instant
from core.sources.cells import CellError, ColumnError
from core.sources.dates import (
    DateStyle,
    DayOrder,
    day_order_column,
    day_orders_of,
    read_birthday,
    read_clock,
    read_day,
    read_instant,
    read_instant_of,
)

ZURICH = ZoneInfo("Europe/Zurich")
STRICT = DateStyle(ZURICH)
DAY_FIRST = DateStyle(ZURICH, "day first")
MONTH_FIRST = DateStyle(ZURICH, "month first")
SHORT_YEARS = DateStyle(ZURICH, "day first", latest_short_year=date(2026, 6, 1))
SPREADSHEET = DateStyle(ZURICH, "month first", date(2026, 6, 1), has_serial_days=True)


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2024-06-09T22:00:00Z", "2024-06-09T22:00:00Z"), ("2024-06-09t22:00:00z", "2024-06-09T22:00:00Z"),
        ("2024-06-09 22:00:00.123456789 UTC", "2024-06-09T22:00:00Z"), ("2024-06-09", "2024-06-08T22:00:00Z"),
        ("2025-03-01 12:30:00 +0100", "2025-03-01T11:30:00Z"),
        ("2025-03-01 12:30:00+01", "2025-03-01T11:30:00Z"),
        ("2025-03-01T12:30:00\u221205:00", "2025-03-01T17:30:00Z"),
        ("2024-03-31 02:30", "2024-03-31T01:00:00Z"), ("20240609", "2024-06-08T22:00:00Z"),
        ("20240609140500", "2024-06-09T12:05:00Z"), ("2024/6/9 14:05", "2024-06-09T12:05:00Z"),
        ("09.06.2024 14:05:33", "2024-06-09T12:05:33Z"), ("9. 6. 2024", "2024-06-08T22:00:00Z"),
        ("Mo, 03.03.2025 14:05", "2025-03-03T13:05:00Z"), ("09.06.2024 14:05 Uhr", "2024-06-09T12:05:00Z"),
        ("15/06/2024 2:05 PM", "2024-06-15T12:05:00Z"), ("06/15/2024 12:05 am", "2024-06-14T22:05:00Z"),
        ("9. Juni 2024", "2024-06-08T22:00:00Z"), ("3. März 2024", "2024-03-02T23:00:00Z"),
        ("3. Maerz 2024", "2024-03-02T23:00:00Z"), ("4 mars 2024", "2024-03-03T23:00:00Z"),
        ("Mar 4, 2024 2:05 PM", "2024-03-04T13:05:00Z"), ("04-Mar-2024", "2024-03-03T23:00:00Z"),
        ("1er mai 2024", "2024-04-30T22:00:00Z"), ("9 de junio de 2024", "2024-06-08T22:00:00Z"),
        ("May 1, 2025 14:05:00 PM", "2025-05-01T12:05:00Z"),
        ("May 1, 2025 00:05:00 AM", "2025-04-30T22:05:00Z"),
        ("May 1, 2025 12:05:00 PM", "2025-05-01T10:05:00Z"),
        ("Mon, 06 May 2024 18:11:58 UTC", "2024-05-06T18:11:58Z"), ("5/5/2024", "2024-05-04T22:00:00Z"),
        ("'2024-06-09", "2024-06-08T22:00:00Z"), ("2024-02-29", "2024-02-28T23:00:00Z"),
    ],
)  # fmt: skip
def test_an_instant_is_read_as_it_is_written(cell: str, instant: str) -> None:
    assert format_instant(read_instant(cell, STRICT)) == instant


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("", "there is no day"), ("abc", "no day"), ("0000-00-00", "does not exist"),
        ("2023-02-29", "does not exist"),
        ("30.02.2024", "does not exist"), ("13.13.2024", "does not exist"),
        ("2024-06-09 24:00", "does not exist"),
        ("2024-06-09 10:61", "does not exist"), ("2024-06-09 13:05 AM", "half of the day"),
        ("2024-06-09 0:05 PM", "half of the day"),
        ("2024-06-09T10:00:00+25:00", "no place has"), ("1900-01-01", "stands for no value"),
        ("1970-01-01T00:00:00Z", "stands for no value"), ("1970-01-01", "stands for no value"),
        ("01.01.1970 01:00", "stands for no value"), ("0001-01-01 00:00:00", "stands for no value"),
        ("9999-12-31", "stands for no value"), ("30.12.1899", "stands for no value"),
        ("0800-05-05", "out of range"),
        ("9500-05-05", "out of range"), ("06/09/2024", "two days"), ("06-09-2024 10:00", "two days"),
        ("09.06.24", "two digits"), ("24/06/2099999", "no day"), ("45352", "a number"),
        ("45352,5", "a number"),
        ("1709251200", "a number"), ("2005", "a number"), ("May 2024", "no day"), ("12 2024", "no day"),
        ("2024-06-09T", "no day"), ("2024-06-09 10", "no day"), ("2024-06-09 10:00 CET", "no day"),
        ("2024-W10-5", "no day"), ("9.6/2024", "no day"), ("x" * 5_000, "no day"),
        ("00000000", "does not exist"),
        ("20240230", "does not exist"), ("20240609250000", "does not exist"),
    ],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_its_reason(cell: str, reason: str) -> None:
    with pytest.raises(CellError, match=reason):
        read_instant(cell, STRICT)


@pytest.mark.parametrize(
    ("cell", "zone", "day"),
    [
        ("1993-01-11T23:00:00.000Z", "Europe/Zurich", date(1993, 1, 12)),  # DoSomething/legacy-website#5840
        ("2024-06-09T22:00:00Z", "Europe/Zurich", date(2024, 6, 10)),  # CityOfBoston/digital#368
        ("2024-06-09T22:00:00", "Europe/Zurich", date(2024, 6, 9)),
        ("2024-06-10T03:00:00Z", "America/New_York", date(2024, 6, 9)),
        ("2024-06-09", "Asia/Tokyo", date(2024, 6, 9)),
        ("2024-06-09T22:00:00+02:00", "Europe/Zurich", date(2024, 6, 9)),
    ],
)  # fmt: skip
def test_a_day_with_a_time_is_the_local_day_of_its_instant(cell: str, zone: str, day: date) -> None:
    assert read_day(cell, DateStyle(ZoneInfo(zone))) == day


@pytest.mark.parametrize(
    ("cell", "style", "day"),
    [
        ("06/09/2024", DAY_FIRST, date(2024, 9, 6)), ("06/09/2024", MONTH_FIRST, date(2024, 6, 9)),
        ("12/01/2026", MONTH_FIRST, date(2026, 12, 1)),  # dannymcc/may#250
        ("03/04/1991", DAY_FIRST, date(1991, 4, 3)),
        ("15/04/1991", DAY_FIRST, date(1991, 4, 15)),  # submersion#1828
        ("15/06/2018", DAY_FIRST, date(2018, 6, 15)),  # collec-science#225
        ("4/5/2014", MONTH_FIRST, date(2014, 4, 5)),  # dilshod/xlsx2csv#43
        ("09.06.24", SHORT_YEARS, date(2024, 6, 9)), ("09.06.27", SHORT_YEARS, date(1927, 6, 9)),
        ("01.06.26", SHORT_YEARS, date(2026, 6, 1)), ("02.06.26", SHORT_YEARS, date(1926, 6, 2)),
        ("2/20/49", SPREADSHEET, date(1949, 2, 20)),  # SheetJS/sheetjs#2301
        ("45352", SPREADSHEET, date(2024, 3, 1)), ("45383", SPREADSHEET, date(2024, 4, 1)),  # ribbondz/rsv#8
        ("45581", SPREADSHEET, date(2024, 10, 16)),  # tableflowhq/csv-import#243
        ("61", SPREADSHEET, date(1900, 3, 1)),
    ],
)  # fmt: skip
def test_a_day_is_read_in_the_style_of_its_column(cell: str, style: DateStyle, day: date) -> None:
    assert read_day(cell, style) == day


@pytest.mark.parametrize(
    ("cell", "style"),
    [
        ("06/15/2024", DAY_FIRST), ("15/06/2024", MONTH_FIRST), ("2/29/23", SPREADSHEET),
        ("2005", SPREADSHEET),  # a year, not 27 June 1905: ArctosDB/documentation-wiki#278
        ("60", SPREADSHEET), ("99999", SPREADSHEET), ("1709251200", SPREADSHEET), ("May 2024", SPREADSHEET),
    ],
)  # fmt: skip
def test_a_day_of_another_style_is_refused(cell: str, style: DateStyle) -> None:
    with pytest.raises(CellError):
        read_day(cell, style)


@pytest.mark.parametrize(
    ("cell", "style", "birthday"),
    [
        ("1993-01-11T23:00:00.000Z", STRICT, "1993-01-12"), ("11.01.1993", STRICT, "1993-01-11"),
        ("--02-29", STRICT, "--02-29"), ("24.12.", STRICT, "--12-24"), ("24.12", STRICT, "--12-24"),
        ("12/24", STRICT, "--12-24"), ("3/4", MONTH_FIRST, "--03-04"), ("3/4", DAY_FIRST, "--04-03"),
        ("1970-01-01", STRICT, "1970-01-01"), ("29.2.1992", STRICT, "1992-02-29"), ("1/1", STRICT, "--01-01"),
        ("2/20/49", SPREADSHEET, "1949-02-20"), ("1900-05-05", STRICT, "1900-05-05"),
    ],
)  # fmt: skip
def test_a_birthday_is_a_day_with_or_without_its_year(cell: str, style: DateStyle, birthday: str) -> None:
    assert read_birthday(cell, style, today=date(2026, 6, 1)) == birthday


@pytest.mark.parametrize(
    "cell",
    [
        "1900-01-01",
        "1899-05-05",
        "0000-00-00",
        "--02-30",
        "3/4",
        "2026-06-02",
        "",
        "1.13.",
        "n/a",
        "29.2.1993",
    ],
)
def test_what_is_no_birthday_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        read_birthday(cell, STRICT, today=date(2026, 6, 1))


@pytest.mark.parametrize(
    ("cell", "clock"),
    [
        ("14:05", time(14, 5)), ("14:05:33", time(14, 5, 33)), ("2:05 PM", time(14, 5)),
        ("2:05pm", time(14, 5)),
        ("12:05 a.m.", time(0, 5)), ("12:00 PM", time(12)), ("14.05 Uhr", time(14, 5)),
        ("14h05", time(14, 5)),
        ("1405", time(14, 5)), ("140533", time(14, 5, 33)), ("14:05:33.5", time(14, 5, 33, 500_000)),
        ("1899-12-30 14:05:00", time(14, 5)), ("30.12.1899 14:05:00", time(14, 5)), ("0:00", time()),
        ("13:05 PM", time(13, 5)), ("0:05 AM", time(0, 5)),
        ("25:00", None), ("24:00", None), ("905", None), ("", None), ("abc", None), ("13:05 AM", None),
        ("0:05 PM", None), ("0,586805556", None), ("14:60", None),
    ],
)  # fmt: skip
def test_a_time_of_day_is_read_from_a_cell_of_its_own(cell: str, clock: time | None) -> None:
    if clock is None:
        with pytest.raises(CellError):
            read_clock(cell)
    else:
        assert read_clock(cell) == clock


def test_a_fraction_of_a_day_is_a_time_only_where_the_profile_allows_spreadsheets_numbers() -> None:
    assert read_clock("0,586805556", has_serial_days=True) == time(14, 5)
    assert read_clock("0.999999", has_serial_days=True) == time(23, 59, 59)
    assert format_instant(read_instant("45352.5868055556", SPREADSHEET)) == "2024-03-01T13:05:00Z"


@pytest.mark.parametrize(
    ("day", "clock", "instant"),
    [
        ("03.03.2025", "14:05", "2025-03-03T13:05:00Z"),
        ("2025-03-03 00:00:00", "1899-12-30 14:05", "2025-03-03T13:05:00Z"),
        ("2025-03-03 14:05", "14:05", "2025-03-03T13:05:00Z"), ("2025-03-03", "", None),
        ("2025-03-03 10:00", "14:05", None), ("", "14:05", None), ("03/04/2025", "14:05", None),
    ],
)  # fmt: skip
def test_a_day_and_a_time_in_two_cells_are_one_instant_or_refused(
    day: str, clock: str, instant: str | None
) -> None:
    if instant is None:
        with pytest.raises(CellError):
            read_instant_of(day, clock, STRICT)
    else:
        assert format_instant(read_instant_of(day, clock, STRICT)) == instant


# ---- the order of a column ----


@pytest.mark.parametrize(
    ("cells", "order"),
    [
        (["06/09/2024", "13/09/2024"], "day first"), (["06/09/2024", "09/13/2024"], "month first"),
        (["01.02.2024", "03.04.2024"], "day first"), (["01.02.2024", "12.31.2024"], "month first"),
        (["2024-06-09", ""], "day first"), (["5/5/2024"], "day first"), (["3/4", "12/24"], "month first"),
        (["06/09/2024 10:00", "24/09/2024 11:00"], "day first"), (["Mon, 09/23/2024"], "month first"),
    ],
)  # fmt: skip
def test_the_whole_column_shows_the_order_of_day_and_month(cells: list[str], order: str) -> None:
    column = day_order_column("Datum")
    for line, cell in enumerate(cells, 2):
        column.see(line, cell)
    assert column.decide() == order


def test_a_column_with_both_orders_is_refused_and_names_two_lines() -> None:
    column = day_order_column("Datum")
    for line, cell in enumerate(["01/02/2024", "13/02/2024", "02/13/2024"], 2):
        column.see(line, cell)
    with pytest.raises(ColumnError, match=r"line 3 \('13/02/2024'\) has the day first and line 4 \('02/13"):
        column.decide()


def test_a_column_in_which_nothing_shows_the_order_is_refused_and_names_a_line() -> None:
    column = day_order_column("Datum")
    for line, cell in enumerate(["05/05/2024", "01/02/2024"], 2):
        column.see(line, cell)
    with pytest.raises(ColumnError, match=r"line 3 \('01/02/2024'\) would mean two different.*%d/%m/%Y"):
        column.decide()


# ---- laws ----

_FORMATS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d.%m.%Y", "%d/%m/%Y", "%d-%m-%Y", "%d-%b-%Y", "%b %d, %Y", "%d %B %Y",
)  # fmt: skip


@given(
    st.datetimes(datetime(1901, 1, 2), datetime(2200, 1, 1)),  # noqa: DTZ001 - as a local clock shows it
    st.sampled_from(_FORMATS),
    st.sampled_from(["", " %H:%M:%S", ", %H:%M", " %I:%M:%S %p"]),
)  # fmt: skip
def test_a_day_in_any_format_reads_back_to_itself(moment: datetime, day: str, clock: str) -> None:
    if day == "%Y%m%d":
        clock = ""
    if (moment.year, moment.month, moment.day) != (1970, 1, 1):
        assert read_day(moment.strftime(day + clock), DAY_FIRST) == moment.date()


@given(st.dates(date(1901, 1, 2), date(2200, 1, 1)), st.sampled_from(["/", "-", "."]))
def test_where_the_order_is_not_known_a_day_is_right_or_refused(day: date, sign: str) -> None:
    cell = day.strftime(f"%m{sign}%d{sign}%Y")
    orders: tuple[DayOrder, ...] = day_orders_of(cell)
    if (sign == "." and day.day <= 12) or len(orders) == 2:
        return
    try:
        assert read_day(cell, STRICT) == day
    except CellError:
        assert sign == "."


@given(
    st.text(max_size=60) | st.text(alphabet="0123456789/-.: TZ+apm,Junie", max_size=30),
    st.sampled_from([STRICT, DAY_FIRST, MONTH_FIRST, SHORT_YEARS, SPREADSHEET]),
)
def test_any_text_is_a_day_or_refused(cell: str, style: DateStyle) -> None:
    for read in (read_instant, read_day, read_birthday, lambda text, _: read_clock(text)):
        try:
            read(cell, style)
        except CellError:
            continue
    assert set(day_orders_of(cell)) <= {"day first", "month first"}
