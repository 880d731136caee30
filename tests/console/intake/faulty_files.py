"""Files with faults in them, made from a seed, and what has to become of each line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

PROFILE = {
    "kind": "events",
    "event": "Order Completed",
    "source": "shop",
    "dates": ["iso"],
    "columns": {"key": "order", "at": "at", "amount": "amount"},
    "identities": {"email": "email"},
    "properties": {"order_id": "order", "note": "note"},
}
HEADER = "order,at,email,amount,note"


@dataclass
class Truth:
    """What a file holds: `sums` are the minor units of each order that is whole, by its number."""

    sums: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    faulty: list[bytes] = field(default_factory=list)
    """Physical lines that cannot be taken, in their order."""


def write_csv(path: Path, size: int, seed: int) -> Truth:
    """A file of orders with about `size` physical lines, one in ten of them with a fault."""
    return _write(path, size, seed, HEADER, _csv_order, CSV_FAULTS)


def write_ndjson(path: Path, size: int, seed: int) -> Truth:
    """The same of Segment calls."""
    return _write(path, size, seed, None, _call, JSON_FAULTS)


def _write(
    path: Path,
    size: int,
    seed: int,
    header: str | None,
    whole: Callable[[Random, str, int], str],
    faults: tuple[Callable[[Random, str, str], Iterator[bytes]], ...],
) -> Truth:
    random, truth, told = Random(seed), Truth(), list[str]()
    lines = 0
    with path.open("wb") as file:
        if header is not None:
            file.write(header.encode() + b"\r\n")
        while lines < size:
            number, dice = f"o{lines}", random.random()
            units = random.randrange(1, 100_000)
            text = whole(random, number, units)
            end = random.choice(("\n", "\r\n"))
            if dice < 0.1:
                for piece in random.choice(faults)(random, number, text):
                    file.write(piece + end.encode())
                    truth.faulty.append(piece)
                    lines += 1
            elif dice < 0.15 and told:
                file.write(random.choice(told).encode() + end.encode())
                truth.duplicates += 1
                lines += 1
            else:
                file.write(text.encode() + end.encode())
                truth.sums[number] = units
                lines += 1 + text.count("\n")
                if "\n" not in text and len(told) < 1_000:
                    told.append(text)
            if dice > 0.99:
                file.write(b" \t\r\n\n")
    return truth


# ---- orders of a table ----


def _csv_order(random: Random, number: str, units: int) -> str:
    note = random.choice(("", "plain", 'says "thanks"', "a, b", "two\nlines", "Grüße", "x" * 300))
    cells = [number, "2025-05-01T10:00:00Z", f"{number}@x.ch", f"{units // 100}.{units % 100:02}", note]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n", quoting=random.choice((csv.QUOTE_MINIMAL, csv.QUOTE_ALL))).writerow(
        cells
    )
    return out.getvalue().removesuffix("\n")


def _sane(number: str) -> list[str]:
    return [number, "2025-05-01T10:00:00Z", f"{number}@x.ch", "5.00", "n"]


def _with(place: int, cell: str) -> Callable[[Random, str, str], Iterator[bytes]]:
    def fault(_: Random, number: str, __: str) -> Iterator[bytes]:
        cells = _sane(number)
        cells[place] = cell
        yield ",".join(cells).encode("utf-8", "surrogateescape")

    return fault


def _too_few(_: Random, number: str, __: str) -> Iterator[bytes]:
    yield ",".join(_sane(number)[:3]).encode()


def _too_many(_: Random, number: str, __: str) -> Iterator[bytes]:
    yield ",".join([*_sane(number), "more"]).encode()


def _no_key_and_nobody(_: Random, __: str, ___: str) -> Iterator[bytes]:
    yield b"o,2025-05-01T10:00:00Z,,5.00,n"


CSV_FAULTS = (
    _with(1, "yesterday"), _with(1, "31.02.2025"), _with(1, ""), _with(2, "nobody"), _with(3, "49,90"),
    _with(3, "free"), _with(3, "1.2.3"), _with(4, '"never closed'), _with(4, '"in" the middle'),
    _with(4, 'x","y'), _with(4, "nul\0here"), _with(2, '"'), _too_few, _too_many, _no_key_and_nobody,
)  # fmt: skip


# ---- calls ----


def _call(random: Random, number: str, units: int) -> str:
    call = {
        "type": "track", "event": "Order Completed", "messageId": number, "userId": f"u{number}",
        "timestamp": "2025-05-01T10:00:00Z",
        "properties": {"order_id": number, "revenue": units / 100, "note": random.choice(("", "é", "x" * 9))},
    }  # fmt: skip
    return json.dumps(call, ensure_ascii=random.random() < 0.5)


def _changed(**fields: object) -> Callable[[Random, str, str], Iterator[bytes]]:
    def fault(_: Random, __: str, text: str) -> Iterator[bytes]:
        yield json.dumps({**json.loads(text), **fields}).encode()

    return fault


def _cut(random: Random, _: str, text: str) -> Iterator[bytes]:
    yield text[: random.randrange(1, len(text) - 1)].encode()


def _two(_: Random, __: str, text: str) -> Iterator[bytes]:
    yield (text + text).encode()


def _bytes(piece: bytes) -> Callable[[Random, str, str], Iterator[bytes]]:
    def fault(_: Random, __: str, ___: str) -> Iterator[bytes]:
        yield piece

    return fault


JSON_FAULTS = (
    _changed(type="tracked"), _changed(userId="null"), _changed(userId=None), _changed(timestamp="soon"),
    _changed(timestamp=None), _changed(properties={"order_id": "7", "revenue": "49,9,0"}), _cut, _two,
    _bytes(b"[]"), _bytes(b"null"), _bytes(b"{}"), _bytes(b'{"type":"track"'), _bytes(b'{"a":"\xff"}'),
    _bytes(b"\xfe\xfe\xfe"), _bytes(b"}{"), _bytes(b'"text"'), _bytes(b"\0"),
)  # fmt: skip
