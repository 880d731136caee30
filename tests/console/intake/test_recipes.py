"""The recipes of the page on intake, as they stand there."""

from __future__ import annotations

import gzip
import json
import re
import sqlite3
import tomllib
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from console.connectors.folder import STILL
from console.intake.dropfolder import DropFolder
from console.intake.files import IntakeSettings, files_of, import_file
from core.instants import parse_instant
from core.sources.connector import SourceFile, SourceSettings
from storage.schema.events import events
from storage.store import Store

PAGE = (Path(__file__).parents[3] / "docs" / "intake.md").read_text("utf-8")
EXPORTS = Path(__file__).parents[2] / "fixtures" / "exports"
NOW = parse_instant("2025-06-01T12:00:00Z")


def test_a_query_to_ndjson(tmp_path: Path) -> None:
    (query,) = re.findall(r'sqlite3 shop.db "(.*?)" > orders.ndjson', PAGE, re.DOTALL)
    with sqlite3.connect(":memory:") as shop:
        shop.execute("CREATE TABLE orders (id, customer_id, created_at, total)")
        shop.execute("INSERT INTO orders VALUES (7, 'u1', '2025-05-01 10:00:00', 49.9)")
        lines = [line for (line,) in shop.execute(query)]
    path = tmp_path / "orders.ndjson"
    path.write_text("\n".join(lines))
    with Store.create(tmp_path / "m.db") as store:
        taken = import_file(store, SourceFile(path, "shop"), settings=_settings(tmp_path), arrived_at=NOW)
        with store.reading() as connection:
            found = connection.execute(select(events.c.name, events.c.amount, events.c.occurred_at)).all()
    assert taken.taken == 1
    assert [tuple(row) for row in found] == [
        ("Order Completed", 4_990, parse_instant("2025-05-01T10:00:00Z"))
    ]


def test_stored_dumps_are_gzip_files_of_lines(tmp_path: Path) -> None:
    call = {
        "type": "track", "event": "Signed Up", "userId": "u", "messageId": "m",
        "timestamp": "2025-05-01T10:00:00Z", "receivedAt": "2025-05-01T10:00:01Z", "writeKey": "k",
    }  # fmt: skip
    path = tmp_path / "dumps" / "1746057600000" / "a.s.b.1.c.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(json.dumps(call).encode() + b"\n"))
    with Store.create(tmp_path / "m.db") as store:
        (file,) = files_of([path])
        taken = import_file(
            store, SourceFile(file, "segment"), settings=_settings(tmp_path), arrived_at=NOW, history=True
        )
    assert (taken.read, taken.taken) == (1, 1)


def test_a_folder_fed_by_sftp(tmp_path: Path) -> None:
    """What the commands of the recipe do to the folder, step by step, as a scheduler sees it."""
    ((local, part),) = re.findall(r"put (\S+) (\S+?)\\n", PAGE)
    assert re.findall(r"rename (\S+) (\S+)'", PAGE) == [(part, local)]
    (settings,) = re.findall(r"```toml\n\[sources.till\]\n(.*?)```", PAGE, re.DOTALL)
    given = tomllib.loads(settings)
    source = SourceSettings(
        "till", "folder", channel=given["channel"], settings={**given, "path": str(tmp_path)}
    )
    steady = 0
    drop_folder = DropFolder(tmp_path, lambda: steady)
    export = (EXPORTS / f"{given['profile']}.csv").read_bytes()

    def taken() -> list[int]:
        nonlocal steady
        steady += STILL
        with Store.open(tmp_path / "m.db") as store:
            return [
                done.result.taken
                for connector, file in drop_folder.ready({"till": source}, NOW).files
                if (
                    done := drop_folder.take(store, connector, file, _settings(tmp_path), NOW, lambda: False)
                ).result
            ]

    Store.create(tmp_path / "m.db").close()
    for size in (10, len(export)):
        (tmp_path / part).write_bytes(export[:size])
        assert [taken(), taken()] == [[], []]
    (tmp_path / part).rename(tmp_path / local)
    assert [*taken(), *taken()] == [4]
    assert [path.name for path in (tmp_path / "done").iterdir()] == [local]


def _settings(folder: Path) -> IntakeSettings:
    return IntakeSettings(ZoneInfo("Europe/Zurich"), folder / "rejects")
