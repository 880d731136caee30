"""What commands print: JSON lines for scripts, aligned columns for people; either way as a stream."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from textwrap import fill, wrap
from typing import Final, Literal, TextIO
from zoneinfo import ZoneInfo

import orjson

from core.errors import ManometerError
from core.instants import Instant, format_instant, local, rounded_up
from screens.cells.safe_text import display_width, fitted, safe_json, safe_lines, safe_text

FieldKind = Literal["text", "number", "instant", "until", "money", "json"]
INSTANTS: Final = ("instant", "until")
MEASURED = 100
"""So many rows are looked at before the first is printed, to find the widths of the columns."""
LEAST = 10
"""No column of text is cut to fewer columns of the terminal; before that the last ones are left out, and
named.
"""
TO_THE_MINUTE = len("2025-11-01 15:00")
NARROWEST = 40
"""Columns of a terminal below which words are not kept whole."""
WIDEST = 120
"""Longer lines of words are hard to read, however wide the terminal."""


@dataclass(frozen=True, slots=True)
class ListingField:
    """One field of a listing, for JSON and table alike. Rows carry instants as ms UTC, money as minor units,
    `json` as JSON text. Instants are shown to the second, of kind `until` the first that is not before.
    """

    name: str
    kind: FieldKind = "text"
    title: str | None = None
    shown: bool = True  # in the table for people; JSON has every field
    widest: int = 40
    in_json: bool = True

    @property
    def heading(self) -> str:
        """The column's head."""
        return (self.title if self.title is not None else self.name.replace("_", " ")).upper()


Row = Mapping[str, object]


class NotConfirmedError(ManometerError):
    """The question was answered with no, or nobody was there to answer it."""


class Output:
    """Where a command's results and questions go."""

    def __init__(
        self, json: bool, zone: ZoneInfo | None = None, out: TextIO | None = None, err: TextIO | None = None
    ) -> None:
        self.json = json
        self.zone = zone or ZoneInfo("UTC")
        self.out = out or sys.stdout
        self.err = err or sys.stderr

    # ---- results ----

    def listing(self, fields: Sequence[ListingField], rows: Iterable[Row], empty: str) -> None:
        """Print the rows as they come: a JSON object a line, or a table; `empty` is what people read where
        there are none.
        """
        if self.json:
            for row in rows:
                self._write_json(as_json(fields, row))
        elif not self._table([field for field in fields if field.shown], rows):
            self.say(empty)

    def record(
        self, fields: Sequence[ListingField], row: Row, said: Mapping[str, str | None] | None = None
    ) -> None:
        """Print one thing: a JSON object, or one line a field; `said` has what people read in place of the
        row's own value.
        """
        if self.json:
            self._write_json(as_json(fields, row))
            return
        said = said or {}
        width = max(display_width(field.heading) for field in fields)
        for field in fields:
            told = (
                [safe_text(said[field.name] or "", 10_000)]
                if field.name in said
                else self._in_lines(field, row.get(field.name))
            )
            first, *more = [part for line in told for part in self._broken(line, width + 2)]
            self.out.write(f"{self._dim(field.heading.lower().ljust(width))}  {first}\n")
            self.out.writelines(f"{'':{width}}  {line}\n" for line in more)

    def value(self, value: object) -> None:
        """Print one JSON value as it is, for commands whose JSON has a shape of its own."""
        self._write_json(value)

    def say(self, sentence: str) -> None:
        """A line for people; nothing where JSON was asked for."""
        if not self.json:
            self.out.write(safe_lines(sentence) + "\n")

    def wrapped(self, sentence: str, indent: int) -> None:
        """A line for people that goes on below itself where it is longer than the terminal is wide."""
        width = min(shutil.get_terminal_size().columns, WIDEST)
        first, hanging = " " * indent, " " * (indent + 2)
        self.say(
            fill(
                safe_text(sentence, 10_000),
                width,
                initial_indent=first,
                subsequent_indent=hanging,
                break_on_hyphens=False,
            )
        )

    def complain(self, sentence: str) -> None:
        """A line on standard error."""
        self.out.flush()
        self.err.write(safe_lines(sentence) + "\n")

    def _write_json(self, value: object) -> None:
        self.out.write(safe_json(orjson.dumps(value).decode()) + "\n")

    # ---- questions ----

    def confirm(self, numbers: str, question: str, yes: bool, shown: bool = False) -> None:
        """Ask before something that is hard to undo; NotConfirmedError unless answered with yes or `--yes`
        was given.

        Whoever is at the terminal reads the numbers once: with `shown` they stand above already, unless JSON
        was asked for.
        """
        if yes:
            return
        if not (sys.stdin.isatty() and self.err.isatty()):
            raise NotConfirmedError(f"{numbers} Nobody is at a terminal to be asked; add --yes to go ahead.")
        self.out.flush()
        if self.json or not shown:
            self.err.write(f"{safe_lines(numbers)}\n")
        self.err.write(f"{safe_text(question)} [y/N] ")
        self.err.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise NotConfirmedError("Nothing was changed.")

    # ---- tables ----

    def _table(self, fields: Sequence[ListingField], rows: Iterable[Row]) -> bool:
        """Print a table; False where there was no row."""
        texts = ([self._cell(field, row.get(field.name)) for field in fields] for row in rows)
        first = list(islice(texts, MEASURED))
        if not first:
            return False
        heads = [field.heading for field in fields]
        columns = self._columns(fields, [heads, *first])
        self.out.write(self._dim(_line(columns, heads)) + "\n")
        for row in chain(first, texts):
            self.out.write(_line(columns, row) + "\n")
        seen = {each.place for each in columns}
        left_out = [
            head for place, head in enumerate(heads) if place not in seen and any(row[place] for row in first)
        ]
        if left_out:
            for line in self._broken(f"Left out for want of room: {', '.join(left_out)}. --json has all."):
                self.out.write(self._dim(line) + "\n")
        return True

    def _columns(self, fields: Sequence[ListingField], sample: Sequence[Sequence[str]]) -> list[_Column]:
        """Every column at full width where nobody looks or there is room; else as many as can be read."""
        every = [
            _Column(place, field, max(display_width(row[place]) for row in sample))
            for place, field in enumerate(fields)
        ]
        if not self.out.isatty():
            return every
        for each in every:
            each.width = min(each.width, each.field.widest)
        return _fitted(every, sample, shutil.get_terminal_size().columns)

    def _broken(self, text: str, indent: int = 0) -> list[str]:
        """A value in lines of whole words, where a terminal would break it anywhere."""
        room = shutil.get_terminal_size().columns - indent
        if not self.out.isatty() or room < NARROWEST or display_width(text) <= room:
            return [text]
        return wrap(text, room, break_on_hyphens=False) or [text]

    def _cell(self, field: ListingField, value: object) -> str:
        if value is None:
            return ""
        if field.kind in INSTANTS:
            return f"{local(_shown_instant(field, value), self.zone):%Y-%m-%d %H:%M:%S}"
        if field.kind == "money":
            return _money(int(str(value)))
        if field.kind == "json" and self.out.isatty():
            return safe_text(
                _in_words(orjson.loads(value) if isinstance(value, str) else value, as_is=True), 10_000
            )
        if value is True or value is False:
            return "yes" if value else ""
        return safe_text(value, 10_000)

    def _in_lines(self, field: ListingField, value: object) -> list[str]:
        """A field of a record: one line, or one for each thing of a list."""
        if field.kind != "json" or value is None:
            return [self._cell(field, value)]
        known = orjson.loads(value) if isinstance(value, str) else value
        return (
            [safe_text(_in_words(each), 10_000) for each in known] or [""]
            if isinstance(known, list)
            else [safe_text(_in_words(known), 10_000)]
        )

    # ---- colour ----

    @property
    def colours(self) -> bool:
        """Whether standard output understands and wants them."""
        return self.out.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"

    def _dim(self, text: str) -> str:
        return f"\x1b[2m{text}\x1b[0m" if self.colours else text


def _in_words(value: object, *, as_is: bool = False) -> str:
    """A JSON value for people: `channels email webpush, template basket`; what is empty or says no is left
    out.

    Names are told with blanks for `_`, or, of data that has names of its own, `as_is`.
    """
    if isinstance(value, dict):
        said = {
            name: each
            for name, each in value.items()
            if each is not None and each is not False and each not in ("", [], {})
        }
        named = ((name if as_is else name.replace("_", " "), each) for name, each in said.items())
        return ", ".join(name if each is True else f"{name} {_inside(each, as_is)}" for name, each in named)
    return " ".join(_in_words(each, as_is=as_is) for each in value) if isinstance(value, list) else str(value)


def _inside(value: object, as_is: bool) -> str:
    return f"({_in_words(value, as_is=as_is)})" if isinstance(value, dict) else _in_words(value, as_is=as_is)


@dataclass(slots=True)
class _Column:
    """A column of a table: the place of its texts in a row, and how wide it is."""

    place: int
    field: ListingField
    width: int


def _fitted(columns: Sequence[_Column], sample: Sequence[Sequence[str]], room: int) -> list[_Column]:
    """The columns so that a line has room: without those that are empty, instants to the minute, texts cut,
    the last ones left out.
    """
    if _wide(columns) <= room:
        return list(columns)
    is_all = len(sample) <= MEASURED  # one of them is the head
    left = [each for each in columns if not is_all or any(row[each.place] for row in sample[1:])]
    for each in left:
        if each.field.kind in INSTANTS:
            each.width = min(each.width, max(TO_THE_MINUTE, display_width(sample[0][each.place])))
    texts = [each for each in left if each.field.kind in ("text", "json")][1:]
    while (
        len(left) > 2
        and _wide(left) - sum(max(0, each.width - LEAST) for each in texts if each in left) > room
    ):
        left.pop()
    while _wide(left) > room:
        widest = max((each for each in texts if each in left), key=lambda each: each.width, default=None)
        if widest is None or widest.width <= LEAST:
            break
        widest.width -= 1
    return left


def _wide(columns: Sequence[_Column]) -> int:
    return sum(each.width for each in columns) + 2 * (len(columns) - 1)


def _line(columns: Sequence[_Column], row: Sequence[str]) -> str:
    return "  ".join(_padded(each.field, row[each.place], each.width) for each in columns).rstrip()


def _padded(field: ListingField, text: str, width: int) -> str:
    shown = text[:width] if field.kind in INSTANTS else fitted(text, width)
    room = " " * (width - display_width(shown))
    return room + shown if field.kind in ("number", "money") else shown + room


def _money(minor: int) -> str:
    """Minor units as a decimal number of major ones, always with two places."""
    sign, minor = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{minor // 100}.{minor % 100:02d}"


def as_json(fields: Sequence[ListingField], row: Row) -> dict[str, object]:
    """The fields of a row as JSON shows them."""
    return {field.name: _json_value(field, row.get(field.name)) for field in fields if field.in_json}


def _shown_instant(field: ListingField, value: object) -> Instant:
    at = int(str(value))
    return rounded_up(at) if field.kind == "until" else at


def _json_value(field: ListingField, value: object) -> object:
    if value is None:
        return None
    if field.kind in INSTANTS:
        return format_instant(_shown_instant(field, value))
    if field.kind == "money":
        return orjson.Fragment(_money(int(str(value))))
    if field.kind == "json" and isinstance(value, str):
        return orjson.Fragment(value)
    return value
