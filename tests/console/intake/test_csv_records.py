"""Records of CSV files: every line belongs to exactly one, and no fault swallows what follows it."""

from __future__ import annotations

from io import BufferedReader, BytesIO
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.intake.csv_records import CsvRecords, Reject, Row
from console.intake.physical_lines import text_lines_of


def read(text: str | bytes, delimiter: str = ",") -> list[Row | Reject]:
    content = text.encode() if isinstance(text, str) else text
    lines = text_lines_of(BufferedReader(cast(Any, BytesIO(content))))
    records = CsvRecords(lines, ("utf-8", "cp1252"), delimiter)
    header = records.header()
    assert isinstance(header, Row)
    records.width = len(header.fields)
    return list(records)


def fields(text: str | bytes, delimiter: str = ",") -> list[list[str] | str]:
    return [one.fields if isinstance(one, Row) else one.text for one in read(text, delimiter)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("1,2,3", ["1", "2", "3"]),
        (",,", ["", "", ""]),
        ('"a,b", "c ""d""" ,', ["a,b", 'c "d"', ""]),
        ('5" pipe,x,', ['5" pipe', "x", ""]),
        ('"",,""', ["", "", ""]),
        ("1,2,3,,", ["1", "2", "3"]),
        ("1,2\0\0,3", ["1", "2", "3"]),
    ],
)
def test_a_line_is_parted_where_its_delimiters_stand(line: str, found: list[str]) -> None:
    assert fields(f"a,b,c\n{line}\n") == [found]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,2", "2 fields instead of 3"),
        ("1,2,3,4", "4 fields instead of 3"),
        ('1,"a" b,3', "a quote stands within a quoted field"),
        ('1,"he said "hi" to me",3', "a quote stands within a quoted field"),
        ("1,a\0b,3", "a field holds the sign NUL"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_whole_text(line: str, reason: str) -> None:
    assert read(f"a,b,c\n{line}\n4,5,6\n") == [Reject(2, reason, line), Row(3, ["4", "5", "6"], "4,5,6")]


def test_a_field_may_run_over_lines() -> None:
    text = 'a,b,c\n1,"x\n\ny, ""z""\r\n",3\n4,5,"6\n7"\n"8\n9",0,1\n'
    assert read(text) == [
        Row(2, ["1", 'x\ny, "z"\r\n', "3"], '1,"x\ny, ""z""\r\n",3'),
        Row(6, ["4", "5", "6\n7"], '4,5,"6\n7"'),
        Row(8, ["8\n9", "0", "1"], '"8\n9",0,1'),
    ]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('1,"x,3\n4,5,6\n7,8,9', ['1,"x,3', ["4", "5", "6"], ["7", "8", "9"]]),
        ('1,"x,3\n4,"5",6\n7,8,9', ['1,"x,3', ["4", "5", "6"], ["7", "8", "9"]]),
        ('1,"x,3\n4,5,6\n7,y",9', ['1,"x,3', ["4", "5", "6"], ["7", 'y"', "9"]]),
        ('1,"x\nmore of it\n4,5,6', ['1,"x\nmore of it', ["4", "5", "6"]]),
        ('1,2,"x', ['1,2,"x']),
        ('1,"say "hi"\nand go",3\n4,5,6', ['1,"say "hi"\nand go",3', ["4", "5", "6"]]),
        ('1,"x,3\n4,"5\n6",7\n8,9,0', ['1,"x,3', ["4", "5\n6", "7"], ["8", "9", "0"]]),
    ],
)
def test_a_quote_that_never_closes_ends_before_the_next_plausible_line(text: str, found: list[Any]) -> None:
    assert fields(f"a,b,c\n{text}\n") == found


def test_lines_may_end_with_carriage_returns_alone() -> None:
    assert fields(b"\xef\xbb\xbfa,b\r1,2\r\r3,4") == [["1", "2"], ["3", "4"]]
    assert [one.line for one in read(b"a,b\r1,2\r\r3,4\r")] == [2, 4]


def test_fields_and_headers_may_be_of_any_length() -> None:
    long = "x" * 200_000
    assert fields(f"{long},b\n{long},2\n") == [[long, "2"]]


@given(
    st.lists(st.lists(st.text('ab",;\n\r \0é', max_size=6), min_size=3, max_size=3), min_size=1, max_size=6),
    st.integers(0, 200),
    st.sampled_from(['"', ",", "\n", '"\n', "\0", '","', 'x"']),
)
def test_every_line_belongs_to_exactly_one_record(rows: list[list[str]], at: int, fault: str) -> None:
    lines = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
    text = "\n".join(lines)
    place = at % (len(text) + 1)
    broken = text[:place] + fault + text[place:]
    held = "".join(one.text for one in read(f"a,b,c\n{broken}\n"))
    squeezed = str.maketrans("", "", "\n\r \0")
    assert held.translate(squeezed) == broken.translate(squeezed)
