"""Files of addresses: one a line, or a CSV whose header names the column that holds them."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

from console.intake.physical_lines import PhysicalLine, open_source, text_lines_of
from console.intake.watched_bytes import MAX_RATIO, go_on
from core.sources.listed_addresses import ListedAddress, listed_address, no_address

_ADDRESS_HEADERS: Final = frozenset(
    {
        "email", "e-mail", "mail", "email address", "email_address", "e-mail-adresse", "emailadresse",
        "address", "adresse", "recipient", "phone", "telefon", "telephone", "mobile", "phone number",
        "phone_number",
    }
)  # fmt: skip
_MEDIUM_HEADERS: Final = frozenset({"medium", "channel", "kanal"})
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line of which no address could be read, with the reason."""

    line: int
    reason: str
    text: str


def addresses_in(
    path: Path, stopping: Callable[[], bool] = go_on, max_ratio: int = MAX_RATIO
) -> Iterator[ListedAddress | RefusedLine]:
    """The addresses of a file, gzipped or not, in its order; blank lines are passed over. ManometerError
    where it cannot be read, or comes to more than `max_ratio` times its length; ReadingStopped once
    `stopping` says so.
    """
    with open_source(path.resolve(), stopping, max_ratio) as opened:
        lines = text_lines_of(opened.content)
        first = next(lines, None)
        if first is None:
            return
        head = _text(first)
        delimiter = _delimiter(head)
        columns = _columns(_cells(head, delimiter))
        for line in lines if columns is not None else chain([first], lines):
            if not line.is_whole:
                yield RefusedLine(line.number, "longer than 1 MiB", _text(line)[:_LONGEST])
                continue
            text = _text(line)
            cells = [text] if columns is None else _cells(text, delimiter)
            yield _read(line.number, text, cells, columns or (0, None))


def _text(line: PhysicalLine) -> str:
    content = line.content.rstrip(b"\r\n")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def _delimiter(head: str) -> str:
    return max(";\t,", key=head.count)


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=delimiter), [])
    except csv.Error:  # a cell beyond the reader's 128 KiB, which is no address anyway
        return [line]


def _columns(names: Sequence[str]) -> tuple[int, int | None] | None:
    """Where the address and the medium stand, by a header; None where the line is none."""
    small = [name.strip().strip('"').lower() for name in names]
    place = next((place for place, name in enumerate(small) if name in _ADDRESS_HEADERS), None)
    if place is None:
        return None
    return place, next((place for place, name in enumerate(small) if name in _MEDIUM_HEADERS), None)


def _read(
    number: int, line: str, cells: Sequence[str], columns: tuple[int, int | None]
) -> ListedAddress | RefusedLine:
    place, medium_place = columns
    value = cells[place] if place < len(cells) else ""
    named = cells[medium_place] if medium_place is not None and medium_place < len(cells) else ""
    address = listed_address(value, named)
    return RefusedLine(number, no_address(value, named), line[:_LONGEST]) if address is None else address
