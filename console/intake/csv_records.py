"""Records of a CSV file, of one line or several, read strictly: a line that cannot be read is a reject with
its text, and every line belongs to exactly one record.

A quote that never closes must not swallow the file: where a record with an open quote does not come to the
number of columns, or one of the lines within it is plausibly a record of its own, the quote is taken for a
fault, and the record ends before the next plausible line.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from console.intake.physical_lines import LONGEST_LINE, PhysicalLine

State = Literal["closed", "open", "broken"]

_MOST_LINES: Final = 10_000
"""Lines that one record may run over."""


class Reject(NamedTuple):
    """A line that was not taken: its number in the file, the reason, and the line."""

    line: int
    reason: str
    text: str


class Row(NamedTuple):
    """One record of the file: the number of its first line, its fields, and its text as it stands there."""

    line: int
    fields: list[str]
    text: str


class _Line(NamedTuple):
    number: int
    text: str


class CsvRecords:
    """Reads records from physical lines; `width` is the number of columns, None until the header is read."""

    def __init__(self, lines: Iterator[PhysicalLine], encodings: Sequence[str], delimiter: str = ",") -> None:
        self._lines = lines
        self._encodings = encodings
        self._waiting: deque[_Line | Reject] = deque()
        self.delimiter = delimiter
        self.width: int | None = None
        self.is_plausible: Callable[[list[str]], bool] = lambda _: True

    def first_line(self) -> _Line | Reject | None:
        """The next physical line, which is read again as part of the next record."""
        line = self._next_line()
        if line is not None:
            self._waiting.appendleft(line)
        return line

    def drop_line(self) -> None:
        """Pass over the next physical line."""
        self._next_line()

    def __iter__(self) -> Iterator[Row | Reject]:
        while (line := self._next_line()) is not None:
            yield line if isinstance(line, Reject) else self._record(line)

    def header(self) -> Row | Reject | None:
        """The first record, of whatever width."""
        line = self._next_line()
        return line if line is None or isinstance(line, Reject) else self._record(line)

    # ---- physical lines ----

    def _next_line(self) -> _Line | Reject | None:
        if self._waiting:
            return self._waiting.popleft()
        line = next(self._lines, None)
        return None if line is None else self._decoded(line)

    def _decoded(self, line: PhysicalLine) -> _Line | Reject:
        if not line.is_whole:
            return Reject(line.number, "longer than 1 MiB", line.content.decode("utf-8", "replace"))
        for encoding in self._encodings:
            try:
                return _Line(line.number, line.content.decode(encoding))
            except UnicodeDecodeError:
                continue
        reason = f"cannot be read as {' or '.join(self._encodings)}"
        return Reject(line.number, reason, line.content.decode("utf-8", "replace"))

    # ---- records ----

    def _record(self, line: _Line) -> Row | Reject:
        text = line.text.rstrip("\r\n")
        if '"' not in text:
            return self._checked(line.number, text.split(self.delimiter), text)
        fields: list[str] = []
        state, held = scan(text, self.delimiter, fields)
        if state == "closed":
            return self._checked(line.number, fields, text)
        if state == "open":
            row = self._over_lines(line, fields, held)
            if row is not None:
                return row
        reason = "a quote does not close" if state == "open" else "a quote stands within a quoted field"
        return Reject(line.number, reason, text + self._rest_of_broken(len(text)))

    def _checked(self, number: int, fields: list[str], text: str) -> Row | Reject:
        width = self.width
        if width is not None and len(fields) != width:
            if len(fields) < width or any(field.strip() for field in fields[width:]):
                return Reject(number, f"{len(fields)} fields instead of {width}", text)
            del fields[width:]
        if "\0" in text:
            fields = [field.strip("\0") for field in fields]
            if any("\0" in field for field in fields):
                return Reject(number, "a field holds the sign NUL", text)
        return Row(number, fields, text)

    def _over_lines(self, line: _Line, fields: list[str], held: str) -> Row | None:
        """The record whose quote closes in a later line; None, with all lines still to come, where none
        closes it plausibly.
        """
        taken: list[_Line | Reject] = []
        texts, size = [line.text], len(line.text)
        parts = [f"{held}{_end_of(line.text)}"]
        row = None
        while len(taken) < _MOST_LINES and size <= LONGEST_LINE:
            following = self._next_line()
            if following is None:
                break
            taken.append(following)
            if isinstance(following, Reject) or (self.width is not None and self._stands_alone(following)):
                break
            texts.append(following.text)
            size += len(following.text)
            before = len(fields)
            state, held = scan(following.text.rstrip("\r\n"), self.delimiter, fields, parts)
            if state != "open":
                row = self._closed(line.number, fields, texts) if state == "closed" else None
                break
            if len(fields) > before:
                parts = []
            parts.append(f"{held}{_end_of(following.text)}")
        if row is None:
            self._waiting.extendleft(reversed(taken))
        return row

    def _closed(self, number: int, fields: list[str], texts: list[str]) -> Row | None:
        row = self._checked(number, fields, "".join(texts).rstrip("\r\n"))
        return row if isinstance(row, Row) else None

    def _stands_alone(self, line: _Line) -> bool:
        """Whether a line within an open quote is a record by itself."""
        text = line.text.rstrip("\r\n")
        fields: list[str] = []
        state, _ = scan(text, self.delimiter, fields)
        return (
            state == "closed"
            and len(fields) == self.width
            and text.count('"') % 2 == 0
            and self.is_plausible(fields)
        )

    def _rest_of_broken(self, size: int) -> str:
        """The text up to the next line that can begin a record."""
        rest: list[str] = []
        while len(rest) < _MOST_LINES and size <= LONGEST_LINE:
            line = self._next_line()
            if line is None:
                break
            if isinstance(line, Reject) or self._can_begin(line):
                self._waiting.appendleft(line)
                break
            rest.append("\n" + line.text.rstrip("\r\n"))
            size += len(line.text)
        return "".join(rest)

    def _can_begin(self, line: _Line) -> bool:
        text = line.text.rstrip("\r\n")
        fields: list[str] = []
        state, _ = scan(text, self.delimiter, fields)
        if state == "closed":
            return len(fields) == self.width and text.count('"') % 2 == 0
        return state == "open" and len(fields) < (self.width or 0)


def scan(
    text: str, delimiter: str, fields: list[str], open_parts: list[str] | None = None
) -> tuple[State, str]:
    """Adds the fields of one line to `fields`; how it ends, and the beginning of a field whose quote is open.
    `open_parts` are the beginning of a quoted field that goes on in this line.
    """
    forms = _forms(delimiter)
    place = 0
    if open_parts is not None:
        rest = forms.inside.match(text)
        assert rest is not None
        if rest.end() == len(text):
            return "open", _unquoted(text)
        after = forms.after.match(text, rest.end() + 1)
        if after is None:
            return "broken", ""
        fields.append("".join(open_parts) + _unquoted(rest.group()))
        if not after.group(1):
            return "closed", ""
        place = after.end()
    while True:
        found = forms.field.match(text, place)
        if found is None:
            quoted = forms.opening.match(text, place)
            assert quoted is not None
            is_open = quoted.end() == len(text)
            return ("open", _unquoted(quoted.group(1))) if is_open else ("broken", "")
        quoted_text, plain, end = found.groups()
        fields.append(_unquoted(quoted_text) if quoted_text is not None else plain)
        if not end:
            return "closed", ""
        place = found.end()


class _Forms(NamedTuple):
    field: re.Pattern[str]
    opening: re.Pattern[str]
    inside: re.Pattern[str]
    after: re.Pattern[str]


@lru_cache(maxsize=16)
def _forms(delimiter: str) -> _Forms:
    sign, blank = re.escape(delimiter), "" if delimiter == " " else " *+"
    quoted = r'((?:[^"]++|"")*+)'
    return _Forms(
        re.compile(rf'(?:{blank}"{quoted}"{blank}|(?!{blank}")([^{sign}]*+))({sign}|\Z)', re.DOTALL),
        re.compile(rf'{blank}"{quoted}', re.DOTALL),
        re.compile(quoted, re.DOTALL),
        re.compile(rf"{blank}({sign}|\Z)"),
    )


def _unquoted(text: str) -> str:
    return text.replace('""', '"') if '""' in text else text


def _end_of(line: str) -> str:
    return line[len(line.rstrip("\r\n")) :]
