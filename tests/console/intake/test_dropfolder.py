"""The drop folder: whole files are taken once and moved away, half-written ones are waited for, unreadable
ones are set aside.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from console import clock
from console.connectors.folder import STILL, STILL_UNENDED, WATCHED
from console.intake.dropfolder import DropFolder, ImportedFile
from console.intake.files import IntakeSettings
from console.operating.quarantine import release
from console.quarantine.work_notes import WorkNote, path_of
from core.model.quarantine import SetAside, Suspect
from core.sources.connector import Connector, SourceFile, SourceSettings
from storage import quarantine
from storage.schema.events import events
from storage.store import Store
from tests.console.lives import act, person

CALLS = [person("anna"), act("anna", "Product Viewed", "2025-03-01T10:00:00Z")]


class Inbox:
    """A drop folder with a clock of its own."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        self.steady = 0
        self.sources: dict[str, SourceSettings] = {}
        self.drop_folder = DropFolder(folder, lambda: self.steady)
        self.settings = IntakeSettings(ZoneInfo("UTC"), folder / "rejects")
        self.stops_after: int | None = None  # events

    def put(self, name: str, content: str | bytes = "", age: float = 60) -> Path:
        path = self.folder / "inbox" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        at = time.time() - age
        os.utime(path, (at, at))
        return path

    def ready(self) -> list[tuple[Connector, SourceFile]]:
        return list(self.drop_folder.ready(self.sources, clock.now()).files)

    def names(self) -> list[str]:
        return [file.path.name for _, file in self.ready()]

    def take(self) -> list[ImportedFile]:
        return [
            self.drop_folder.take(self.store, connector, file, self.settings, clock.now(), self.is_stopping)
            for connector, file in self.ready()
        ]

    def is_stopping(self) -> bool:
        return self.stops_after is not None and len(self.sources_of_events()) >= self.stops_after

    def listed(self, name: str) -> list[str]:
        return sorted(path.name for path in (self.folder / "inbox" / name).iterdir())

    def sources_of_events(self) -> list[str]:
        with self.store.reading() as connection:
            return [row[0] for row in connection.execute(select(events.c.source).order_by(events.c.id))]


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[Inbox]:
    with Store.create(tmp_path / "manometer.db") as store:
        yield Inbox(tmp_path, store)


def ndjson(calls: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(call) + "\n" for call in calls)


def test_a_file_that_was_renamed_in_is_taken_at_once_and_moved_to_done(inbox: Inbox) -> None:
    inbox.put("day.ndjson", ndjson(CALLS))
    (taken,) = inbox.take()
    assert taken.result is not None
    assert (taken.result.taken, inbox.listed("done")) == (2, ["day.ndjson"])
    assert inbox.take() == []


def test_a_file_that_is_being_written_is_waited_for(inbox: Inbox) -> None:
    path = inbox.put("day.ndjson", "half", age=-60)
    assert inbox.names() == []
    path.write_text("half and more\n")
    os.utime(path, (time.time() + 60,) * 2)
    inbox.steady += STILL
    assert inbox.names() == []
    inbox.steady += STILL
    assert inbox.names() == ["day.ndjson"]


def test_hidden_unfinished_and_other_files_are_left_alone(inbox: Inbox) -> None:
    for name in (
        ".day.ndjson", "day.ndjson.part", "day.ndjson.tmp", "day.ndjson.filepart", ".day.ndjson.a1B2c3",
        ".in.day.ndjson", "~$day.csv", "day.ndjson~", "notes.txt", "done/old.ndjson",
    ):  # fmt: skip
        inbox.put(name)
    assert inbox.names() == []


def test_a_link_and_a_pipe_with_the_name_of_a_file_fail_with_their_reason_and_a_folder_is_named(
    inbox: Inbox,
) -> None:
    inbox.put("later.ndjson", ndjson(CALLS))
    place = inbox.folder / "inbox"
    (place / "dangling.ndjson").symlink_to(place / "nowhere")
    (place / "link.ndjson").symlink_to("/etc/passwd")
    os.mkfifo(place / "pipe.ndjson")
    (place / "folder.ndjson").mkdir()
    inbox.ready()
    inbox.steady += STILL_UNENDED
    passed_over = inbox.drop_folder.ready(inbox.sources, clock.now()).passed_over
    assert {path.name: reason.partition(".")[0] for path, reason in passed_over.items()} == {
        "folder.ndjson": "it is a folder with the name of a file"
    }
    taken = {each.file: each.reason or "" for each in inbox.take()}
    assert {name: reason.rpartition("it is ")[2].partition(".")[0] for name, reason in taken.items()} == {
        "dangling.ndjson": "a link", "later.ndjson": "", "link.ndjson": "a link",
        "pipe.ndjson": "no plain file",
    }  # fmt: skip
    assert inbox.names() == []
    with inbox.store.reading() as connection:
        aside = [Path(each.what).name for each in quarantine.listing(connection)]
    assert sorted(aside) == ["dangling.ndjson", "link.ndjson", "pipe.ndjson"]


def test_a_file_whose_name_is_as_long_as_names_may_be_is_taken_or_fails_like_any_other(inbox: Inbox) -> None:
    good, bad, torn = (f"{letter * 240}.ndjson" for letter in "abc")
    inbox.put(good, ndjson(CALLS))
    inbox.put(bad, '{"type": "nonsense"}\n')
    inbox.put(torn, "half".encode("utf-16"))
    taken = inbox.take()
    assert [each.reason is None for each in taken] == [True, True, False]
    assert taken[1].result is not None
    assert (taken[0].result and taken[0].result.taken, taken[1].result.rejected) == (2, 1)
    assert len(inbox.listed("failed")) == 2
    inbox.put(torn, "half".encode("utf-16"))
    inbox.take()
    assert len(inbox.listed("failed")) == 4


def test_a_file_that_was_swapped_for_a_link_before_it_was_opened_is_not_read(inbox: Inbox) -> None:
    private = inbox.folder / "private.json"
    private.write_text("the key of something else\n")
    private.chmod(0o600)
    path = inbox.put("day.ndjson", ndjson(CALLS))
    ((connector, file),) = inbox.ready()
    path.unlink()
    path.symlink_to(private)
    taken = inbox.drop_folder.take(
        inbox.store, connector, file, inbox.settings, clock.now(), inbox.is_stopping
    )
    assert taken.reason is not None
    assert "it is a link" in taken.reason
    assert not (inbox.folder / "rejects").exists()
    assert inbox.listed("failed") == ["day.ndjson", "day.ndjson.reason.txt"]
    assert private.read_text() == "the key of something else\n"


def test_a_second_name_of_a_private_file_is_not_read(inbox: Inbox) -> None:
    private = inbox.folder / "private.json"
    private.write_text("the key of something else\n")
    os.link(private, inbox.put("gone.ndjson").with_name("day.ndjson"))
    (inbox.folder / "inbox" / "gone.ndjson").unlink()
    os.utime(private, (0, 0))
    (taken,) = inbox.take()
    assert "it goes by 2 names" in str(taken.reason)
    assert not (inbox.folder / "rejects").exists()


def test_a_folder_of_a_source_that_is_a_link_is_named_and_the_others_go_on(inbox: Inbox) -> None:
    (inbox.folder / "elsewhere").mkdir()
    (inbox.folder / "inbox").mkdir()
    (inbox.folder / "inbox" / "till").symlink_to(inbox.folder / "elsewhere")
    inbox.sources = {"till": SourceSettings("till", "folder")}
    inbox.put("day.ndjson", ndjson(CALLS))
    contents = inbox.drop_folder.ready(inbox.sources, clock.now())
    assert [file.path.name for _, file in contents.files] == ["day.ndjson"]
    assert list(contents.refused.values()) == ["it is a link. Name the other folder as `path` of its source"]


def test_a_compressed_file_that_is_all_emptiness_is_set_aside(inbox: Inbox) -> None:
    inbox.put("day.ndjson.gz", gzip.compress(b"\n" * (70 << 20)))
    (taken,) = inbox.take()
    assert "more than 200 times its length" in str(taken.reason)


def test_a_file_that_stops_within_a_line_is_waited_for_longer(inbox: Inbox) -> None:
    path = inbox.put("day.csv", "id,total\n1,12", age=-600)
    assert inbox.names() == []
    inbox.steady += STILL_UNENDED - 1
    assert inbox.names() == []
    path.write_bytes(b"id,total\n1,123.45\n")
    os.utime(path, (time.time() + 600,) * 2)
    assert inbox.names() == []
    inbox.steady += STILL
    assert inbox.names() == ["day.csv"]


def test_a_file_whose_last_line_has_no_end_is_taken_in_the_end(inbox: Inbox) -> None:
    inbox.put("day.csv", "id,total\n1,12", age=-600)
    assert inbox.names() == []
    inbox.steady += STILL_UNENDED
    assert inbox.names() == ["day.csv"]


@pytest.mark.parametrize("cut", [True, False], ids=["within a compressed file", "behind a line"])
def test_an_upload_that_goes_on_after_the_file_was_moved_is_taken_too(inbox: Inbox, cut: bool) -> None:
    """Who writes keeps writing to the same file, wherever it was moved."""
    content = gzip.compress(ndjson(CALLS).encode()) if cut else ndjson(CALLS).encode()
    name = "day.ndjson.gz" if cut else "day.ndjson"
    begin = 40 if cut else len(ndjson(CALLS[:1]))
    with inbox.put(name, content[:begin]).open("ab") as upload:
        (first,) = inbox.take()
        assert (first.result is None) == cut
        upload.write(content[begin:])
    assert inbox.take() == []
    inbox.steady += STILL
    (second,) = inbox.take()
    assert second.result is not None
    assert (second.result.read, second.result.rejected) == (2, 0)
    assert (len(inbox.sources_of_events()), inbox.listed("done")) == (2, [name])
    assert not cut or inbox.listed("failed") == []


def test_a_file_in_done_is_watched_for_a_while_and_left_alone_where_nothing_changes(inbox: Inbox) -> None:
    inbox.put("day.ndjson", ndjson(CALLS))
    inbox.take()
    inbox.steady += WATCHED
    assert inbox.names() == []
    (inbox.folder / "inbox" / "done" / "day.ndjson").write_text("touched later\n")
    assert (inbox.names(), inbox.listed("done")) == ([], ["day.ndjson"])


def test_nothing_in_done_is_ever_overwritten(inbox: Inbox) -> None:
    for _ in range(3):
        inbox.put("day.ndjson", ndjson(CALLS))
        inbox.take()
    assert inbox.listed("done") == ["day-2.ndjson", "day-3.ndjson", "day.ndjson"]
    assert len(inbox.sources_of_events()) == 2


def test_an_unreadable_file_is_set_aside_with_the_reason(inbox: Inbox) -> None:
    inbox.put("day.ndjson.gz", b"\x1f\x8bnot gzip at all")
    inbox.put("list.csv", "name\n")
    reasons = [taken.reason for taken in inbox.take()]
    assert all(reasons)
    assert inbox.listed("failed") == [
        "day.ndjson.gz",
        "day.ndjson.gz.reason.txt",
        "list.csv",
        "list.csv.reason.txt",
    ]
    assert "damaged" in (inbox.folder / "inbox" / "failed" / "day.ndjson.gz.reason.txt").read_text()


def test_bad_lines_go_to_the_rejects_and_the_file_to_done(inbox: Inbox) -> None:
    inbox.put("day.ndjson", ndjson(CALLS) + "no json\n")
    (taken,) = inbox.take()
    assert taken.result is not None
    assert (taken.result.taken, taken.result.rejected, inbox.listed("done")) == (2, 1, ["day.ndjson"])


def test_a_file_in_the_folder_of_a_source_has_its_name_and_profile(inbox: Inbox) -> None:
    inbox.sources = {
        "till": SourceSettings("till", "folder", settings={"profile": "customers"}),
        "crm": SourceSettings("crm", "folder", settings={"path": "from-crm"}),
        "hook": SourceSettings("hook", "webhook"),
    }
    inbox.put("till/list.csv")
    inbox.put("hook/day.ndjson")
    crm = inbox.put("../from-crm/day.ndjson", ndjson(CALLS))
    assert [(file.source, file.profile, file.path.name) for _, file in inbox.ready()] == [
        ("till", "customers", "list.csv"), ("crm", None, "day.ndjson"),
    ]  # fmt: skip
    inbox.take()
    assert set(inbox.sources_of_events()) == {"crm"}
    assert (inbox.folder / "from-crm" / "done" / crm.name).exists()


def test_a_folder_that_cannot_be_read_is_named_and_the_others_go_on(inbox: Inbox) -> None:
    inbox.sources = {
        "crm": SourceSettings("crm", "folder", settings={"path": "a-file"}),
        "till": SourceSettings("till", "folder"),
    }
    (inbox.folder / "a-file").write_text("no folder")
    inbox.put("till/day.ndjson")
    found = inbox.drop_folder.ready(inbox.sources, clock.now())
    assert [file.path.name for _, file in found.files] == ["day.ndjson"]
    assert found.refused == {str(inbox.folder / "a-file"): "Not a directory"}


def test_a_stopped_import_stays_and_is_finished_by_the_next_pass(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.intake.files.BATCH", 100)
    inbox.put(
        "day.ndjson",
        ndjson(
            [
                act("anna", "Product Viewed", "2025-03-01T10:00:00Z", n=n) | {"messageId": str(n)}
                for n in range(301)
            ]
        ),
    )
    inbox.stops_after = 100
    (taken,) = inbox.take()
    assert taken.result is not None
    assert (taken.result.taken, taken.result.finished) == (100, False)
    inbox.stops_after = None
    (taken,) = inbox.take()
    assert taken.result is not None
    assert (taken.result.taken, taken.result.duplicate) == (201, 100)
    assert len(inbox.sources_of_events()) == 301


def test_a_crash_between_import_and_move_changes_nothing_the_second_time(inbox: Inbox) -> None:
    inbox.put("day.ndjson", ndjson(CALLS))
    (inbox.folder / "inbox" / "done").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="exists"):
        inbox.take()
    assert inbox.take() == []
    (inbox.folder / "inbox" / "done").unlink()
    inbox.drop_folder = DropFolder(inbox.folder, lambda: inbox.steady)
    (taken,) = inbox.take()
    assert taken.result is not None
    assert (taken.result.taken, taken.result.duplicate) == (0, 2)
    assert len(inbox.sources_of_events()) == 2


def test_a_name_that_is_no_text_is_taken_or_refused_like_any_other(inbox: Inbox) -> None:
    calls = "\n".join(map(json.dumps, CALLS))
    inbox.put(os.fsdecode(b"K\xfcnden.ndjson"), calls)
    inbox.put(os.fsdecode(b"K\xfcnden.csv"), "a;b\n")
    refused, taken = inbox.take()
    assert (refused.file, taken.file) == ("K\\xfcnden.csv", "K\\xfcnden.ndjson")
    assert "needs --profile" in str(refused.reason)
    assert taken.result is not None
    assert taken.result.taken == 2
    failed = sorted(path.name for path in (inbox.folder / "inbox" / "failed").iterdir())
    assert len(failed) == 2


# ---- what is set aside ----


def aside(inbox: Inbox) -> list[SetAside]:
    with inbox.store.reading() as connection:
        return list(quarantine.listing(connection))


def test_a_file_that_cannot_be_read_is_listed_and_comes_back_once_it_is_released(inbox: Inbox) -> None:
    for number in range(20):
        inbox.put(f"day-{number:02}.ndjson", ndjson([person(f"c{number}")]))
    inbox.put("day-07.csv", "name\n")
    assert sum(taken.result is not None for taken in inbox.take()) == 20
    (thing,) = aside(inbox)
    assert thing.kind == "file"
    assert thing.what.endswith("inbox/failed/day-07.csv")
    release(inbox.store, thing.id, "ann", clock.now())
    assert (inbox.names(), inbox.listed("failed"), aside(inbox)) == (["day-07.csv"], [], [])


def test_a_file_that_was_being_read_at_two_crashes_is_set_aside_and_the_one_behind_it_taken(
    inbox: Inbox,
) -> None:
    inbox.put("a.ndjson", ndjson([person("ann")]))
    inbox.put("b.ndjson", ndjson([person("ben")]))
    killed = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from zoneinfo import ZoneInfo\n"
        "from console import clock\n"
        "from console.intake import dropfolder\n"
        "from console.intake.dropfolder import DropFolder\n"
        "from console.intake.files import IntakeSettings\n"
        "from storage.store import Store\n"
        "folder = Path(sys.argv[1])\n"
        "inbox = DropFolder(folder, lambda: 0)\n"
        "connector, file = inbox.ready({}, clock.now()).files[0]\n"
        "settings = IntakeSettings(ZoneInfo('UTC'), folder / 'rejects')\n"
        "dropfolder.import_file = lambda *_, **__: os.kill(os.getpid(), 9)\n"
        "inbox.take(Store(folder / 'manometer.db'), connector, file, settings, clock.now(), bool)\n"
    )
    for _ in range(2):
        ended = subprocess.run([sys.executable, "-c", killed, inbox.folder], check=False)
        assert (ended.returncode, inbox.names()) == (-9, ["a.ndjson", "b.ndjson"])
    taken = inbox.take()
    assert taken[0].reason == "the process ended without a word while it worked on this"
    assert taken[1].result is not None
    (thing,) = aside(inbox)
    assert (thing.kind, inbox.listed("failed")) == ("file", ["a.ndjson", "a.ndjson.reason.txt"])


def test_a_file_that_was_taken_after_one_crash_is_suspected_no_more(inbox: Inbox) -> None:
    path = inbox.put("a.ndjson", ndjson([person("ann")]))
    note = WorkNote.open(inbox.store.path, "inbox")
    note.begin([str(path)])
    os.close(note._file or 0)  # as a killed process leaves it
    (taken,) = inbox.take()
    assert taken.result is not None
    with inbox.store.reading() as connection:
        assert not quarantine.is_known(connection, Suspect("file", str(path), ""))


def test_a_file_that_was_being_read_at_a_crash_comes_after_all_others(inbox: Inbox) -> None:
    for name in ("a", "b", "c"):
        inbox.put(f"{name}.ndjson", ndjson([person(name)]))
    for name in ("b", "a"):  # killed by chance, never twice at the same
        note = WorkNote.open(inbox.store.path, "inbox")
        note.begin([str(inbox.folder / "inbox" / f"{name}.ndjson")])
        os.close(note._file or 0)
        turns = inbox.drop_folder.in_turn(inbox.store, inbox.ready(), clock.now())
    assert [file.path.name for _, file in turns] == ["c.ndjson", "a.ndjson", "b.ndjson"]
    assert all(taken.result is not None for taken in inbox.take())
    assert aside(inbox) == []


def test_a_note_of_an_earlier_boot_accuses_nobody(inbox: Inbox) -> None:
    path = path_of(inbox.store.path, "inbox")
    path.write_text('["another", {"now": ["a"], "suspects": []}]\n')
    with WorkNote.open(inbox.store.path, "inbox") as note:
        assert note.left == ()


def test_what_is_no_file_of_events_is_left_where_it_lies_and_named(inbox: Inbox) -> None:
    inbox.sources = {"till": SourceSettings("till", "folder")}
    for name in ("a.txt", "till/b.XLSX", "c.ndjson.part", "d.csv.filepart", ".e.zip", "unknown/f.csv"):
        inbox.put(name, "x")
    found = inbox.drop_folder.ready(inbox.sources, clock.now())
    place = inbox.folder / "inbox"
    assert found.files == []
    assert set(found.passed_over) == {place / "a.txt", place / "till" / "b.XLSX", place / "unknown"}
    assert "Export it as CSV" in found.passed_over[place / "a.txt"]
    assert "[sources.unknown]" in found.passed_over[place / "unknown"]
    assert (place / "a.txt").exists()


def test_the_folder_that_a_source_names_by_its_path_is_no_stranger(inbox: Inbox) -> None:
    inbox.sources = {"till": SourceSettings("till", "folder", settings={"path": "inbox/kasse"})}
    inbox.put("kasse/a.zip", "x")
    found = inbox.drop_folder.ready(inbox.sources, clock.now())
    assert list(found.passed_over) == [inbox.folder / "inbox" / "kasse" / "a.zip"]
