"""Files of addresses: one a line, or a CSV whose header names the column that holds them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from console.private_files import opened_safely
from core.errors import ManometerError
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


def addresses_in(path: Path) -> Iterator[ListedAddress | RefusedLine]:
    """The addresses of a file, gzipped or not, in its order; blank lines are passed over. ManometerError
    where it cannot be read.
    """
    lines = _text(path).splitlines()
    first = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    delimiter = _delimiter(lines[first]) if first < len(lines) else ","
    columns = _columns(_cells(lines[first], delimiter)) if first < len(lines) else None
    start = first if columns is None else first + 1
    for number, line in enumerate(lines[start:], start + 1):
        if line.strip():
            cells = [line] if columns is None else _cells(line, delimiter)
            yield _read(number, line, cells, columns or (0, None))


def _text(path: Path) -> str:
    try:
        with opened_safely(path.resolve()) as file:
            content = file.read()
        raw = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
    except (OSError, EOFError) as error:
        why = getattr(error, "strerror", None) or error
        remedy = "Check the path, and that the file is whole."
        raise ManometerError(f"{path}: cannot be read: {why}. {remedy}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _delimiter(head: str) -> str:
    return max(";\t,", key=head.count)


def _cells(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


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
