"""The file channel: one line a message, whole, once."""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from console.channels import adapter_class, adapter_kinds, open_adapter
from console.messages.handover import hand_over
from core.errors import ManometerError
from core.limits.quiet_hours import parse_send_windows
from core.model.delivery import Accepted, Outbound, Retry, Uncertain
from core.playbook.playbook import Channel

EMAIL = Channel("email", "file", "email", parse_send_windows([]))
MESSAGE = Outbound(
    "k1",
    7,
    "c-1",
    "email",
    "email",
    "a@example.org",
    "basket",
    1,
    "marketing",
    "Hi\u2028",
    {"email.txt": "Ä\n"},
    999,
    61_000,
)


def lines(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "outbox" / "email.ndjson").read_text().splitlines()]


def send(folder: Path, *messages: Outbound) -> None:
    with open_adapter(EMAIL, folder) as adapter:
        assert [adapter.send(message) for message in messages] == [Accepted()] * len(messages)
        adapter.flush()


def test_kinds_are_found_by_their_files_without_importing_them() -> None:
    code = (
        "import sys, console.channels as c; print(c.adapter_kinds()); assert 'console.channels.file' not in "
        "sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'file'" in shown


@pytest.mark.parametrize("kind", adapter_kinds())
def test_every_kind_has_its_class(kind: str) -> None:
    assert adapter_class(kind).kind == kind


def test_every_kind_and_state_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "channels.md").read_text()
    states = [
        "planned",
        "held",
        "due",
        "claimed",
        "sent",
        "delivered",
        "bounced",
        "complained",
        "cancelled",
        "failed",
        "expired",
        "uncertain",
    ]
    assert [word for word in (*adapter_kinds(), *states) if f"`{word}`" not in text] == []


def test_an_unknown_kind_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ManometerError, match=r"kind 'fil'. Did you mean 'file'\?"):
        open_adapter(replace(EMAIL, kind="fil"), Path())


@pytest.mark.parametrize("name", ["../evil", "a/b", ".hidden", ".."])
def test_a_channel_cannot_write_outside_the_outbox(name: str, tmp_path: Path) -> None:
    with pytest.raises(ManometerError, match="cannot be the name of a file"):
        open_adapter(replace(EMAIL, name=name), tmp_path)


def test_one_line_holds_the_whole_message(tmp_path: Path) -> None:
    send(tmp_path, MESSAGE)
    assert lines(tmp_path) == [
        {
            "id": 7, "key": "k1", "customer": "c-1", "channel": "email", "medium": "email",
            "address": "a@example.org", "trigger": "basket",
            "step": 1, "subject": "Hi\u2028", "parts": {"email.txt": "Ä\n"},
            "planned_at": "1970-01-01T00:00:00Z",
            "sent_at": "1970-01-01T00:01:01Z",
        }
    ]  # fmt: skip


def test_addresses_are_not_for_everybody_to_read(tmp_path: Path) -> None:
    send(tmp_path, MESSAGE)
    assert stat.S_IMODE((tmp_path / "outbox" / "email.ndjson").stat().st_mode) & 0o007 == 0


def test_a_repeated_attempt_is_written_once(tmp_path: Path) -> None:
    send(tmp_path, MESSAGE, replace(MESSAGE, key="k2"))
    send(
        tmp_path,
        replace(MESSAGE, attempt=2),
        replace(MESSAGE, key="k3", attempt=2),
        replace(MESSAGE, key="k3", attempt=3),
    )
    assert [line["key"] for line in lines(tmp_path)] == ["k1", "k2", "k3"]


def test_a_repeated_attempt_sees_what_another_process_wrote_meanwhile(tmp_path: Path) -> None:
    with open_adapter(EMAIL, tmp_path) as mine:
        assert mine.send(replace(MESSAGE, attempt=2)) == Accepted()
        send(tmp_path, replace(MESSAGE, key="theirs"))
        assert mine.send(replace(MESSAGE, key="theirs", attempt=2)) == Accepted()
    assert [line["key"] for line in lines(tmp_path)] == ["k1", "theirs"]


def test_a_first_attempt_does_not_read_the_file(tmp_path: Path) -> None:
    with open_adapter(EMAIL, tmp_path) as adapter:
        for number in range(20):
            adapter.send(replace(MESSAGE, key=str(number)))
        assert not vars(adapter)["_written"]


@pytest.mark.parametrize("torn", [1, 20, 150])
def test_a_line_that_a_crash_has_torn_is_cut_off_before_the_next(tmp_path: Path, torn: int) -> None:
    send(tmp_path, MESSAGE, replace(MESSAGE, key="k2", parts={"email.txt": "x" * 100_000}))
    path = tmp_path / "outbox" / "email.ndjson"
    os.truncate(path, path.stat().st_size - torn)
    send(tmp_path, replace(MESSAGE, key="k2", attempt=2))
    assert [line["key"] for line in lines(tmp_path)] == ["k1", "k2"]


def test_a_last_line_that_lacks_only_its_end_counts_as_written(tmp_path: Path) -> None:
    send(tmp_path, MESSAGE)
    path = tmp_path / "outbox" / "email.ndjson"
    os.truncate(path, path.stat().st_size - 1)
    send(tmp_path, replace(MESSAGE, attempt=2), replace(MESSAGE, key="k2"))
    assert [line["key"] for line in lines(tmp_path)] == ["k1", "k2"]


def test_a_file_of_one_torn_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "outbox" / "email.ndjson").write_text('{"id":1,"ke')
    send(tmp_path, MESSAGE)
    assert [line["key"] for line in lines(tmp_path)] == ["k1"]


def test_lone_surrogates_and_control_letters_stay_one_valid_line(tmp_path: Path) -> None:
    send(tmp_path, replace(MESSAGE, subject="\ud800 \x1b\x00 \x85"))
    assert lines(tmp_path)[0]["subject"] == "\ud800 \x1b\x00 \x85"


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file in the way")
    with (
        pytest.raises(ManometerError, match=r"outbox/email.ndjson: cannot be written"),
        open_adapter(EMAIL, tmp_path),
    ):
        pass


def test_a_line_that_has_no_room_is_a_retry_and_leaves_nothing(tmp_path: Path) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    with open_adapter(EMAIL, tmp_path) as adapter:
        adapter.send(MESSAGE)
        before = (tmp_path / "outbox" / "email.ndjson").read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 10, usual[1]))
        try:
            assert adapter.send(replace(MESSAGE, key="second")) == Retry("email.ndjson: the disk is full")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert (tmp_path / "outbox" / "email.ndjson").read_bytes() == before


def test_what_is_no_plain_file_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "outbox").mkdir()
    (tmp_path / "elsewhere").write_text("private")
    (tmp_path / "outbox" / "email.ndjson").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ManometerError, match="it is a link"), open_adapter(EMAIL, tmp_path):
        pass
    assert (tmp_path / "elsewhere").read_text() == "private"


WRITER = """
import sys
from pathlib import Path
from dataclasses import replace
from tests.console.channels.test_file import EMAIL, MESSAGE
from console.channels import open_adapter
with open_adapter(EMAIL, Path(sys.argv[1])) as adapter:
    for number in range(200):
        adapter.send(replace(MESSAGE, key=f"{sys.argv[2]}-{number}", parts={"email.txt": "x" * 5000}))
"""


def test_two_processes_write_whole_lines_side_by_side(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in "ab"]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len({line["key"] for line in lines(tmp_path)}) == 400


class Broken:
    """An adapter that raises what no adapter should."""

    kind = "broken"
    idempotent_by_key = False

    def send(self, outbound: Outbound) -> Accepted:
        raise ConnectionResetError("half way")


def test_an_unforeseen_error_is_uncertain_unless_a_second_try_cannot_double() -> None:
    adapter = Broken()
    assert hand_over(adapter, MESSAGE) == Uncertain("ConnectionResetError: half way")  # type: ignore[arg-type]
    adapter.idempotent_by_key = True
    assert hand_over(adapter, MESSAGE) == Retry("ConnectionResetError: half way")  # type: ignore[arg-type]
