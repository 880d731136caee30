"""The retailer's past as files of Segment calls, one a source, drawn from a seed: equal arguments give equal
files.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Final

import orjson

from console.demo.retailer.calendar import DAYS, Minute
from console.demo.retailer.crowd import ordinary
from console.demo.retailer.named import FIRST_NUMBER, named
from console.demo.retailer.people import Call, RetailerCustomer
from console.private_files import made_folder, write_file

SOURCES: Final = ("crm", "mail", "shop", "till")
"""In this order they are taken in: the CRM first, for it knows whose card the till has seen."""
SEED: Final = 1848
FEWEST: Final = 50
MOST: Final = 50_000
LEAST_DETAIL: Final = 90


def write_past(
    folder: Path, customers: int, days: int, seed: int, progress: Callable[[int, int], None] | None = None
) -> int:
    """Write `SOURCE.ndjson.gz` for each source and return how many calls there are; what was merely looked at
    is kept for `days`.

    `progress` is told how many customers of how many are done.
    """
    calls: dict[str, list[tuple[Minute, Call]]] = {source: [] for source in SOURCES}
    for done, person in enumerate(people(customers, days, seed), 1):
        for source, said in zip(SOURCES, (person.crm, person.mail, person.shop, person.till)):
            calls[source] += said
        if progress is not None and done % 100 == 0:
            progress(done, customers)
    made_folder(folder)
    for source, said in calls.items():
        _write(folder / f"{source}.ndjson.gz", said)
    return sum(map(len, calls.values()))


def people(customers: int, days: int, seed: int) -> Iterator[RetailerCustomer]:
    """The named customers and then the crowd, each drawn from dice of their own."""
    count = 0
    for person in named():
        count += 1
        yield person
    since = DAYS - max(days, LEAST_DETAIL)
    for number in range(FIRST_NUMBER + count, FIRST_NUMBER + customers):
        yield ordinary(Random(f"{seed}/{number}"), number, since)  # noqa: S311 - a picture, no secret


def _write(path: Path, said: list[tuple[Minute, Call]]) -> None:
    said.sort(key=lambda one: one[0])
    content = b"".join(orjson.dumps(call, option=orjson.OPT_APPEND_NEWLINE) for _, call in said)
    write_file(path, gzip.compress(content, compresslevel=1, mtime=0))
