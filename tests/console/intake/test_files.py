"""Importing files: what is taken, what is set aside, and what happens when it is cut short."""

from __future__ import annotations

import gc
import gzip
import io
import itertools
import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from console.intake.csv_profiles import find_profile, shipped_profiles
from console.intake.files import (
    ImportResult,
    IntakeSettings,
    files_of,
    import_file,
    progress_bar,
)
from console.intake.interrupts import termination_interrupts
from console.intake.physical_lines import LONGEST_LINE
from core.errors import ManometerError
from core.instants import parse_instant
from core.sources.connector import SourceFile
from core.sources.csv_profile import read_profile
from core.sources.feedback import Unread
from storage.schema.consents import consents
from storage.schema.customers import customers
from storage.schema.events import events
from storage.schema.intake import imports
from storage.store import Store
from tests.fixtures import ONLINE_RETAIL

NOW = parse_instant("2026-03-01T12:00:00Z")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.create(tmp_path / "shop.db") as store:
        yield store


def line(number: int, **fields: Any) -> bytes:
    record = {"type": "track", "event": "Product Viewed", "userId": f"u{number % 3}",
        "messageId": f"m{number}",
              "timestamp": "2026-02-01T10:00:00Z"}  # fmt: skip
    return json.dumps(record | fields).encode()


def settings(tmp_path: Path, **fields: Any) -> IntakeSettings:
    return IntakeSettings(ZoneInfo("Europe/Zurich"), tmp_path / "rejects", **fields)


def run(store: Store, path: Path, **options: Any) -> ImportResult:
    chosen = options.pop("settings", settings(path.parent))
    reading = {name: options.pop(name) for name in ("profile", "source") if name in options}
    return import_file(store, SourceFile(path, **reading), settings=chosen, arrived_at=NOW, **options)


def written(tmp_path: Path, content: bytes | str, name: str = "events.ndjson") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.read, result.taken, result.duplicate, result.rejected


def rejected(result: ImportResult) -> list[tuple[int, str]]:
    assert result.rejects is not None
    found = [json.loads(row) for row in result.rejects.read_bytes().splitlines()]
    assert all(list(row) == ["line", "reason", "text"] for row in found)
    return [(row["line"], row["reason"]) for row in found]


def rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [tuple(row) for row in connection.execute(select(*columns))]


@pytest.mark.parametrize("packed", [False, True])
def test_marks_blank_lines_and_line_ends_of_windows_are_fine(
    store: Store, tmp_path: Path, packed: bool
) -> None:
    content = b"\xef\xbb\xbf" + line(1) + b"\r\n\r\n  \n" + line(2) + b"\r\n\n" + line(3)
    path = written(tmp_path, gzip.compress(content) if packed else content)
    assert counts(run(store, path)) == (3, 3, 0, 0)


def test_bad_lines_are_set_aside_with_their_physical_line_and_reason(store: Store, tmp_path: Path) -> None:
    content = [
        line(1), b"", b"{not json", line(2, userId=None), line(3, timestamp=None),
        line(4, timestamp="2026-13-01T00:00:00Z"),
        line(5, type="batch"), b'{"type": "track", "event": "\xff"}', b'"' + b"x" * (LONGEST_LINE + 1),
        b"[1]", line(6),
    ]  # fmt: skip
    result = run(store, written(tmp_path, b"\n".join(content)))
    assert counts(result) == (10, 2, 0, 8)
    found = rejected(result)
    assert [number for number, _ in found] == [3, 4, 5, 6, 7, 8, 9, 10]
    starts = [
        "not JSON",
        "no identity",
        "no time",
        "impossible time",
        "unknown call",
        "broken UTF-8",
        "longer than 1 MiB",
        "not a JSON",
    ]
    assert all(reason.startswith(start) for (_, reason), start in zip(found, starts)), found


def test_a_rejected_line_is_kept_whole_and_shown_to_its_owner_only(store: Store, tmp_path: Path) -> None:
    result = run(store, written(tmp_path, b" " + b"x" * 50_000 + b" \n"))
    assert result.rejects is not None
    assert json.loads(result.rejects.read_text())["text"] == f" {'x' * 50_000} "
    assert result.rejects.stat().st_mode & 0o077 == 0


def test_a_file_that_begins_with_a_line_that_is_too_long_is_read_on(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, b"x" * (LONGEST_LINE + 1) + b"\n" + line(1))
    assert counts(run(store, path)) == (2, 1, 0, 1)


def test_importing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, b"\n".join(line(number) for number in range(50)))
    run(store, path)
    before = rows(store, customers), rows(store, events)
    assert counts(run(store, path)) == (50, 0, 50, 0)
    assert (rows(store, customers), rows(store, events)) == before


def test_an_empty_file_is_nothing(store: Store, tmp_path: Path) -> None:
    result = run(store, written(tmp_path, b""))
    assert (counts(result), result.rejects) == ((0, 0, 0, 0), None)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(line(1) * 1_000)[:-20], "damaged"),
        ("{}".encode("utf-16"), "UTF-16"),
        (None, "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing(
    store: Store, tmp_path: Path, content: bytes | None, words: str
) -> None:
    path = tmp_path / "none.ndjson" if content is None else written(tmp_path, content)
    with pytest.raises(ManometerError, match=words):
        run(store, path)
    assert rows(store, imports) == []
    assert rows(store, events) == []


def test_the_source_decides_the_channel_where_the_line_names_none(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, line(1) + b"\n" + line(2, context={"channel": "web"}))
    run(store, path, source="till", settings=settings(tmp_path, channels={"till": "POS"}))
    assert rows(store, events.c.source, events.c.channel) == [("till", "store"), ("till", "web")]


def test_an_interrupt_keeps_what_was_read_and_the_next_run_goes_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files.BATCH", 10)
    path = written(tmp_path, b"\n".join(line(number) for number in range(35)))

    def interrupt(done: int, total: int, lines: int) -> None:
        if lines == 20:
            raise KeyboardInterrupt

    result = run(store, path, progress=interrupt)
    assert (counts(result), result.finished) == ((20, 20, 0, 0), False)
    assert counts(run(store, path)) == (35, 15, 20, 0)
    assert rows(store, imports.c.lines, imports.c.taken, imports.c.finished) == [(20, 20, 0), (35, 15, 1)]


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """Ctrl-C is heeded as at a terminal, also where the suite runs in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupt_in_the_midst_of_a_batch_waits_until_it_is_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files.BATCH", 10)
    path = written(tmp_path, b"\n".join(line(number, userId=f"u{number}") for number in range(35)))

    def interrupted(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("console.intake.files.checkpoint_after", interrupted)
    result = run(store, path)
    assert (counts(result), result.finished) == ((10, 10, 0, 0), False)
    monkeypatch.undo()
    assert counts(run(store, path)) == (35, 25, 10, 0)
    assert len(rows(store, customers.c.key)) == 35


@pytest.mark.usefixtures("heeded_interrupts")
def test_a_second_interrupt_leaves_the_batch_for_the_next_run(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, b"\n".join(line(number, userId=f"u{number}") for number in range(35)))

    def interrupted(*_: Any) -> None:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("storage.intake.batch._Batch.flush_customers", interrupted)
    result = run(store, path)
    assert (counts(result), result.finished) == ((0, 0, 0, 0), False)
    monkeypatch.undo()
    assert counts(run(store, path)) == (35, 35, 0, 0)


def test_sigterm_ends_an_import_as_ctrl_c_does(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, b"\n".join(line(number) for number in range(35)))

    def terminated() -> bool:
        signal.raise_signal(signal.SIGTERM)
        return False

    before = signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with termination_interrupts():
            result = run(store, path, stopping=terminated)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)
    assert (counts(result), result.finished) == ((0, 0, 0, 0), False)
    assert counts(run(store, path)) == (35, 35, 0, 0)


def test_what_was_read_since_the_last_batch_is_dropped_when_it_is_stopped(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files.BATCH", 100)
    content = b"\n".join(
        b"no call" if number % 90 == 89 else line(number, properties={"text": "x" * 1_000})
        for number in range(350)
    )
    path = written(tmp_path, content)
    taken: list[int] = []

    def stopping() -> bool:  # behind the second batch it is not yet so, with the next piece of the file it is
        taken.append(len(rows(store, events)))
        return taken[-2:] == [198, 198]

    result = run(store, path, stopping=stopping)
    assert (counts(result), result.finished) == ((200, 198, 0, 2), False)
    assert result.rejects is not None
    assert len(result.rejects.read_bytes().splitlines()) == 2
    assert counts(run(store, path)) == (350, 149, 198, 3)


def test_batches_that_take_long_to_write_become_smaller(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files._FEWEST", 10)
    seconds = itertools.count(0.0, 1.0)
    monkeypatch.setattr("console.intake.files.steady", lambda: next(seconds))
    seen: list[int] = []
    path = written(tmp_path, b"\n".join(line(number) for number in range(45)))
    run(store, path, progress=lambda done, total, lines: seen.append(lines))
    assert seen == [20, 30, 40, 45]


BOMBS = (b"\n", b'"', b"[", b'{"a":[', b'{"a":', b" ", b'"\n', b'x;"\n', b"\\", b",", b'[{"a":"', b"\r")


@pytest.mark.parametrize("profile", [None, "customers"])
@pytest.mark.parametrize("piece", BOMBS)
def test_a_compressed_bomb_is_refused_and_changes_nothing(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: bytes, profile: str | None
) -> None:
    monkeypatch.setattr("console.intake.watched_bytes.FREE", 1 << 20)
    path = written(tmp_path, gzip.compress(b"email\n" * (profile is not None) + piece * (3 << 20)))
    with pytest.raises(ManometerError, match=r"200 times its length.*--max-ratio"):
        run(store, path, profile=profile)
    assert rows(store, imports) == []
    assert not (tmp_path / "rejects").exists()


@pytest.mark.parametrize("profile", [None, "customers"])
@pytest.mark.parametrize("is_compressed", [False, True])
@pytest.mark.parametrize(
    "content",
    [Path(sys.executable).read_bytes()[:60_000], random.Random(1).randbytes(20_000), bytes(500)],
    ids=["program", "noise", "zeroes"],
)
def test_what_is_no_text_is_refused_at_once_and_changes_nothing(
    store: Store, tmp_path: Path, content: bytes, is_compressed: bool, profile: str | None
) -> None:
    path = written(tmp_path, gzip.compress(content) if is_compressed else content)
    with pytest.raises(ManometerError, match="this is not text"):
        run(store, path, profile=profile)
    assert rows(store, imports) == []
    assert not (tmp_path / "rejects").exists()


def test_a_few_strange_bytes_are_a_matter_of_their_lines(store: Store, tmp_path: Path) -> None:
    path = written(tmp_path, line(1) + b"\n" + bytes(5) + b"\n" + line(2))
    assert counts(run(store, path)) == (3, 2, 0, 1)


def test_a_compressed_file_within_its_measure_or_allowed_is_taken(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.watched_bytes.FREE", 1 << 20)
    usual = gzip.compress(b"\n".join(line(number) for number in range(10_000)))
    assert counts(run(store, written(tmp_path, usual))) == (10_000, 10_000, 0, 0)
    bomb = written(tmp_path, gzip.compress(b"\n" * (3 << 20) + line(1)))
    allowed = settings(tmp_path, max_ratio=2_000)
    assert counts(run(store, bomb, settings=allowed)) == (1, 0, 1, 0)


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("profile", [None, "customers"])
@pytest.mark.parametrize("piece", BOMBS)
def test_whatever_a_file_holds_it_is_asked_often_whether_to_stop(
    store: Store, tmp_path: Path, piece: bytes, profile: str | None, compressed: bool
) -> None:
    content = b"email\n" * (profile is not None) + (piece * (4 << 20))[: 4 << 20]
    path = written(tmp_path, gzip.compress(content) if compressed else content)
    left = 8 + 130 * compressed  # a compressed file is read once before, to see that it is whole

    def stopping() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    result = run(store, path, profile=profile, stopping=stopping)
    assert (result.finished, left) == (False, -1)


def test_many_empty_members_of_a_compressed_file_do_not_keep_it_from_stopping(
    store: Store, tmp_path: Path
) -> None:
    path = written(tmp_path, gzip.compress(b"") * 50_000)
    asked: list[bool] = []

    def stopping() -> bool:
        asked.append(len(asked) == 5)
        return asked[-1]

    result = run(store, path, stopping=stopping)
    assert (result.finished, len(asked)) == (False, 6)


@pytest.mark.parametrize(
    "content",
    [
        b"[" + b",\n".join(map(line, range(3))) + b"]",
        b'{"batch": [' + b",".join(map(line, range(3))) + b'], "sentAt": "2026-02-01T10:00:00Z"}',
        json.dumps({"batch": [json.loads(line(number)) for number in range(3)]}, indent=2).encode(),
        b"\n".join(json.dumps(json.loads(line(number)), indent=1).encode() for number in range(3)),
    ],
)
def test_json_that_is_no_list_of_lines_is_taken_element_by_element(
    store: Store, tmp_path: Path, content: bytes
) -> None:
    assert counts(run(store, written(tmp_path, content))) == (3, 3, 0, 0)
    assert counts(run(store, written(tmp_path, b"\n".join(map(line, range(3)))))) == (3, 0, 3, 0)


def test_events_stamped_in_the_future_are_counted(store: Store, tmp_path: Path) -> None:
    later = [line(1), line(2, timestamp="2031-02-01T10:00:00Z"), line(3, timestamp="2027-02-01T10:00:00Z")]
    result = run(store, written(tmp_path, b"\n".join(later)))
    assert result.future == (2, parse_instant("2031-02-01T10:00:00Z"))


def test_long_lines_make_small_batches(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.intake.files.BATCH_SIZE", 1_000)
    content = b"\n".join(line(number, properties={"text": "x" * 400}) for number in range(6))
    seen: list[int] = []
    run(store, written(tmp_path, content), progress=lambda done, total, lines: seen.append(lines))
    assert seen == [3, 6, 6]


KILLED = """
import os, signal, sys
from pathlib import Path
from zoneinfo import ZoneInfo
import console.intake.files as intake
from storage.store import Store
intake.BATCH = 10
path = Path(sys.argv[2])
settings = intake.IntakeSettings(ZoneInfo("Europe/Zurich"), path.parent / "rejects")
def kill(done, total, lines):
    if lines == int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
file = intake.SourceFile(path)
intake.import_file(Store.open(Path(sys.argv[1])), file, settings=settings, arrived_at=0, progress=kill)
"""


@pytest.mark.parametrize("at", [10, 30])
def test_an_import_that_was_killed_ends_up_like_one_that_was_not(
    store: Store, tmp_path: Path, at: int
) -> None:
    orders = [
        line(number, event="Order Completed", properties={"revenue": number}, anonymousId=f"a{number % 5}")
        for number in range(45)
    ]
    path = written(tmp_path, b"\n".join(orders))
    command = [sys.executable, "-c", KILLED, str(store.path), str(path), str(at)]
    assert subprocess.run(command, cwd=Path(__file__).parents[3], check=False).returncode == -signal.SIGKILL
    assert counts(run(store, path)) == (45, 45 - at, at, 0)
    with Store.create(tmp_path / "whole.db") as whole:
        run(whole, path)
        sums = (customers.c.key, customers.c.orders, customers.c.revenue, customers.c.detail)
        assert sorted(rows(store, *sums)) == sorted(rows(whole, *sums))


def test_progress_tells_bytes_and_lines_up_to_the_end(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files.BATCH", 10)
    path = written(tmp_path, b"\n".join(line(number) for number in range(25)))
    told: list[tuple[int, int, int]] = []
    run(store, path, progress=lambda *said: told.append(said))
    assert [lines for _, _, lines in told] == [10, 20, 25]
    assert told[-1][0] == told[-1][1] == path.stat().st_size


def test_an_import_leaves_the_log_and_the_search_for_cycles_as_they_were(
    store: Store, tmp_path: Path
) -> None:
    during, before = [], gc.get_threshold()

    def note(*_: object) -> None:
        during.append(gc.get_threshold())

    run(store, written(tmp_path, line(1)), progress=note)
    assert (during == [before], gc.get_threshold()) == (False, before)
    with store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA wal_autocheckpoint").scalar_one() == 1_000


def test_without_a_terminal_there_is_no_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", io.StringIO())
    with progress_bar(tmp_path / "x") as bar:
        assert bar is None


def test_a_bar_is_drawn_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    shown = Terminal()
    monkeypatch.setattr("sys.stderr", shown)
    with progress_bar(written(tmp_path, b"0123456789", "[b]x.ndjson")) as bar:
        assert bar is not None
        bar(5, 10, 3)
    assert "[b]x.ndjson" in shown.getvalue()


def test_a_folder_stands_for_the_files_it_holds_by_name(tmp_path: Path) -> None:
    for name in ("b.ndjson", "a.csv.gz", "c.jsonl.gz", "notes.txt"):
        written(tmp_path, b"", name)
    assert [path.name for path in files_of([tmp_path])] == ["a.csv.gz", "b.ndjson", "c.jsonl.gz"]
    with pytest.raises(ManometerError, match="no such file"):
        files_of([tmp_path / "none"])


# ---- CSV ----

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"


def invoices(tmp_path: Path, *lines: str) -> Path:
    return written(tmp_path, HEADER + "".join(f"{one}\n" for one in lines), "invoices.csv")


def test_lines_of_one_invoice_are_one_order(store: Store, tmp_path: Path) -> None:
    path = invoices(
        tmp_path, "1,A,Bowl,2,2011-07-01 08:26:00,1.005,7,Eire", "1,B,,1,2011-07-01 08:27:00,3.39,7,Eire",
        "2,A,Bowl,1,2011-07-01 09:00:00,5,8,France", "1,C,Late line,1,2011-07-01 08:28:00,1,7,Eire",
    )  # fmt: skip
    assert counts(run(store, path, profile="online-retail")) == (4, 4, 0, 0)
    bought = rows(
        store, events.c.name, events.c.amount, events.c.occurred_at, events.c.channel, events.c.source
    )
    assert (
        "Order Completed",
        101 * 2 + 339 + 100,
        parse_instant("2011-07-01T07:26:00Z"),
        "web",
        "online-retail",
    ) in bought
    assert rows(store, customers.c.key, customers.c.orders, customers.c.units, customers.c.country) == [
        ("8", 1, 1, "FR"), ("7", 1, 4, "IE"),
    ]  # fmt: skip
    assert counts(run(store, path, profile="online-retail")) == (4, 0, 4, 0)


def test_a_cancelled_invoice_is_a_return_without_an_order(store: Store, tmp_path: Path) -> None:
    path = invoices(tmp_path, "C1,A,Bowl,-2,2011-07-01 08:26:00,1.50,7,Eire")
    run(store, path, profile="online-retail")
    name, amount, properties = next(
        row
        for row in rows(store, events.c.name, events.c.amount, events.c.properties)
        if row[0] != "identify"
    )
    assert (name, amount) == ("Order Returned", 300)
    assert json.loads(properties) == {
        "return_id": "C1", "revenue": 3.0,
        "products": [{"sku": "A", "name": "Bowl", "price": 1.5, "quantity": 2}]
    }  # fmt: skip
    assert rows(store, customers.c.returned, customers.c.returns, customers.c.orders) == [(300, 1, 0)]


def test_what_is_no_act_of_a_customer_is_set_aside(store: Store, tmp_path: Path) -> None:
    path = invoices(
        tmp_path, "A1,B,Adjust bad debt,1,2011-07-01 "
                  "08:26:00,-11062.06,,Eire", "3,A,,-10,2011-07-01 08:26:00,0,,Eire",
        "4,A,Bowl,1,2011-07-01 08:26:00,5,,Eire", "5,A,Bowl,many,2011-07-01 08:26:00,5,7,Eire",
        "6,A,Bowl,1,1 July,5,7,Eire", "7,A",
    )  # fmt: skip
    result = run(store, path, profile="online-retail")
    assert counts(result) == (6, 1, 0, 5)
    assert sorted(number for number, _ in rejected(result)) == [2, 3, 5, 6, 7]
    assert rows(store, events.c.customer_id, events.c.amount) == [(None, 500)]
    assert rows(store, customers.c.id) == []


def test_an_order_that_goes_on_too_far_away_is_set_aside(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.csv_lines.REACH", 3)
    others = [f"{number},A,Bowl,1,2011-07-01 08:26:00,5,7,Eire" for number in range(10, 16)]
    path = invoices(
        tmp_path,
        "1,A,Bowl,1,2011-07-01 08:26:00,5,7,Eire",
        *others,
        "1,B,Bowl,1,2011-07-01 08:26:00,5,7,Eire",
    )
    result = run(store, path, profile="online-retail")
    assert counts(result) == (8, 7, 0, 1)
    assert "already taken" in rejected(result)[0][1]


def test_the_online_retail_file_is_read_unchanged(store: Store) -> None:
    result = import_file(
        store,
        SourceFile(ONLINE_RETAIL, profile="online-retail"),
        settings=settings(store.path.parent),
        arrived_at=NOW,
        history=True,
    )
    assert counts(result) == (871, 860, 0, 8 + 3)
    kinds = select(events.c.name, func.count(), func.count(events.c.customer_id)).group_by(events.c.name)
    with store.reading() as connection:
        found = {name: (every, known) for name, every, known in connection.execute(kinds)}
        sums = connection.execute(
            select(
                func.count(),
                func.sum(customers.c.orders),
                func.sum(customers.c.returns),
                func.sum(customers.c.revenue_gross),
            )
        ).one()
    assert found["Order Completed"] == (282, 253)
    assert found["Order Returned"] == (39, 36)
    assert tuple(sums) == (47, 253, 36, 12_312_742)


CRM = "customer_id;email;first_name;birthday;registered_at;email_consent;email_consent_at;sms_consent\n"


def test_a_customer_list_gives_traits_and_consents(store: Store, tmp_path: Path) -> None:
    content = (
        CRM + "7;A@x.ch;Änn;17.05.1980;01.02.2020;ja;01.03.2020 "
        "10:00;nein\n8;b@x.ch;Bo;;;;;\n;;;;;;;\n9;c@x.ch;C;;;maybe;;\n"
    )
    path = written(tmp_path, content.encode("cp1252"), "crm.csv")
    result = run(store, path, profile="customers")
    assert counts(result) == (3, 3, 0, 0)
    assert result.unread == {Unread("consent", "maybe"): 1}
    columns = (
        customers.c.key,
        customers.c.email,
        customers.c.first_name,
        customers.c.birthday,
        customers.c.registered_at,
    )
    assert rows(store, *columns) == [
        ("7", "a@x.ch", "Änn", "1980-05-17", parse_instant("2020-01-31T23:00:00Z")),
        ("8", "b@x.ch", "Bo", None, None),
        ("9", "c@x.ch", "C", None, None),
    ]  # fmt: skip
    assert rows(store, consents.c.channel, consents.c.state, consents.c.occurred_at) == [
        ("email", "granted", parse_instant("2020-03-01T09:00:00Z")), ("sms", "withdrawn", NOW),
    ]  # fmt: skip
    assert counts(run(store, path, profile="customers")) == (3, 0, 3, 0)


def test_a_list_of_events_by_a_profile_of_the_workspace(store: Store, tmp_path: Path) -> None:
    own = {"till": {
        "kind": "events", "event": "Order Completed", "channel": "store", "delimiter": ";", "decimal": ",",
        "dates": ["%d.%m.%Y %H:%M"],
        "columns": {"key": "receipt", "at": "time", "amount": "total"}, "identities": {"loyalty": "card"},
        "properties": {"branch": "branch"},
    }}  # fmt: skip
    path = written(
        tmp_path,
        "receipt;time;total;card;branch\n1;01.02.2026 10:00;1.234,50;77;007\n2;01.02.2026 11:00;5;;\n",
        "till.csv",
    )
    result = run(store, path, profile="till", settings=settings(tmp_path, profiles=own))
    assert counts(result) == (2, 1, 0, 1)
    assert rows(store, events.c.name, events.c.amount, events.c.channel, events.c.properties) == [
        ("Order Completed", 123_450, "store", '{"branch":"007"}')
    ]


def test_a_field_over_several_lines_is_one_record(store: Store, tmp_path: Path) -> None:
    path = invoices(
        tmp_path,
        '1,A,"Bowl,\nblue",1,2011-07-01 08:26:00,5,7,Eire',
        "2,A,Bowl,1,2011-07-01 08:26:00,5,7,Eire",
    )
    assert counts(run(store, path, profile="online-retail")) == (2, 2, 0, 0)


@pytest.mark.parametrize(
    ("header", "profile", "words"),
    [
        ("Invoice,StockCode\n", "online-retail", "needs the column 'InvoiceNo'.*Did you mean "
                                                 "'Invoice'"), ("", "online-retail", "is empty"),
        ("a,b\n", "customers", "none of the columns that say who it "
                               "is"), ("a,b\n", "online-retial", "Did you mean 'online-retail'"),
        ("a,b\n", None, "needs --profile"),
    ],
)  # fmt: skip
def test_a_file_that_does_not_fit_its_profile_is_refused(
    store: Store, tmp_path: Path, header: str, profile: str | None, words: str
) -> None:
    with pytest.raises(ManometerError, match=words):
        run(store, written(tmp_path, header, "x.csv"), profile=profile)
    assert rows(store, imports) == []


@pytest.mark.parametrize("name", sorted(shipped_profiles()))
def test_each_shipped_profile_is_sound(name: str) -> None:
    assert find_profile(name, {}).name == name


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "order"}, "`kind` has to be one of"), ({"zone": "Mars/Base"}, "no time zone 'Mars/Base'"),
        ({"delimeter": ";"}, "unknown key `delimeter` .did you mean "
                             "`delimiter`"), ({"dates": "iso"}, "`dates` has the wrong type"),
        ({"columns": {"at": "t"}}, "`columns.key` is "
                                   "missing"), ({"identities": {}}, "`identities` has to name"),
        ({"encodings": ["utf-9"]}, "no encoding "
                                   "'utf-9'"), ({"set_aside": [{"column": "x"}]}, "with a reason"),
        ({"returns": {"column": "x"}}, "one of starts_with"), ({"consents": {"email": {}}}, "needs a column"),
        ({"delimiter": "ab"}, "one sign"), ({"traits": {"email": 5}}, "has to be a column's name"),
    ],
)  # fmt: skip
def test_a_fault_in_a_profile_is_named(change: dict[str, Any], words: str) -> None:
    sound = {"kind": "orders", "columns": {"key": "k", "at": "t"}, "identities": {"user": "u"}}
    read_profile("mine", sound)
    with pytest.raises(ManometerError, match=words):
        read_profile("mine", sound | change)
