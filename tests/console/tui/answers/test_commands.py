"""The command of an act in the console: run on a twin of the workspace it gives the same state."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.clock import SIMULATED_AT
from console.main import main
from console.tui.answers.local_service import LocalService
from console.workspace.layout import DATABASE
from core.instants import DAY, HOUR, format_instant
from core.model.quarantine import Suspect
from storage import quarantine
from storage.sqlite import dbapi
from storage.store import set_meta
from tests.console.furniture import NOON, TRIGGER, furnished

SECRET = {"salt", "commitment", "link"}
"""Columns that are drawn anew for each row of the audit."""
ODD = "wrong price: 'half' \"of\" $HOME\nand --yes"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A furnished workspace in force, in a simulated time, with something set aside and a suppressed
    address.
    """
    folder = furnished(tmp_path_factory.mktemp("original") / "shop")
    assert main(["-w", str(folder), "apply", "--at", format_instant(NOON - 30 * DAY), "--yes"]) == 0
    service = LocalService(folder)
    with service.store.writing() as connection:
        set_meta(connection, SIMULATED_AT, str(NOON))
        suspect = Suspect("event", "7", "7 of customer anna")
        quarantine.note_failure(connection, suspect, "it cannot be read", "ab", NOON, most=1)
    for address in ("bob@example.ch", "eve@example.ch"):
        service.suppressions.add(address, "asked by phone")
    service.close()
    return folder


@pytest.fixture
def twins(original: Path, tmp_path: Path) -> Iterator[tuple[LocalService, Path]]:
    """The workspace for the console, and another that is equal to it."""
    for name in ("shop", "twin"):
        shutil.copytree(original, tmp_path / name)
    service = LocalService(tmp_path / "shop")
    yield service, tmp_path / "twin"
    service.close()


def state(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """All that the database holds."""
    raw: Any = dbapi.connect(str(folder / DATABASE))
    raw.row_factory = dbapi.Row
    names = [
        row["name"]
        for row in raw.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'")
        if row["type"] == "table" and not row["name"].startswith("sqlite_")
    ]
    found = {
        name: [
            {key: row[key] for key in row.keys() if key not in SECRET}  # noqa: SIM118 - of a row, not a dict
            for row in raw.execute(f'SELECT * FROM "{name}"')
        ]
        for name in names
    }
    raw.close()
    return found


def held(service: LocalService) -> list[int]:
    with service.store.reading() as connection:
        rows = connection.exec_driver_sql("SELECT id FROM messages WHERE state = 'held' ORDER BY id")
        return [row[0] for row in rows]


def suppressed(service: LocalService) -> list[int]:
    return list(service.suppressions.ids("", lambda: False))


def set_aside(service: LocalService) -> Any:
    (thing,) = service.quarantine.listing(lambda: False)
    return thing


ACTS: dict[str, Callable[[LocalService], object]] = {
    "pause a trigger": lambda s: s.triggers.pause(TRIGGER, NOON + HOUR, ODD),
    "pause a channel": lambda s: s.triggers.pause("channel:email", None, "", transactional=True),
    "approve": lambda s: s.outbox.act("approve", held(s), ODD),
    "reject": lambda s: s.outbox.act("reject", held(s), "not now"),
    "cancel": lambda s: s.outbox.act("cancel", held(s), ""),
    "suppress": lambda s: s.suppressions.add("new@example.ch", ODD),
    "lift two": lambda s: s.suppressions.lift(suppressed(s), "it works again"),
    "release": lambda s: s.quarantine.release(set_aside(s), None),
    "drop": lambda s: s.quarantine.drop(set_aside(s).thing, "lost"),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=list(ACTS))
def test_running_the_command_gives_the_same_state(
    twins: tuple[LocalService, Path], act: Callable[[LocalService], object]
) -> None:
    service, twin = twins
    act(service)
    (command,) = service.take_commands()
    assert service.take_commands() == ()
    assert rerun(command, twin) == 0
    assert state(twin) == state(service.context.folder)


def test_the_commands_of_several_acts_are_told_in_their_order(twins: tuple[LocalService, Path]) -> None:
    service, twin = twins
    service.triggers.pause("channel:email", None, "a")
    service.triggers.resume("channel:email", "shift", "b")
    service.triggers.pause(TRIGGER, None, "c")
    service.triggers.undo_pause(TRIGGER)
    commands = service.take_commands()
    assert len(commands) == 4
    assert [rerun(command, twin) for command in commands] == [0] * 4
    assert state(twin) == state(service.context.folder)


def test_the_emergency_stop_and_its_end_have_commands(twins: tuple[LocalService, Path]) -> None:
    service, twin = twins
    service.triggers.stop(True, "storm")
    service.triggers.go("overdue", "over")
    stop, go = service.take_commands()
    assert rerun(stop, twin) == 0
    assert (twin / "STOP").exists()
    assert rerun(go, twin) == 0
    assert not (twin / "STOP").exists()
    acts = [(row["action"], row["subject"], row["reason"]) for row in state(twin)["audit"]]
    assert acts == [
        (row["action"], row["subject"], row["reason"]) for row in state(service.context.folder)["audit"]
    ]


def test_what_is_refused_has_no_command(twins: tuple[LocalService, Path]) -> None:
    service, _ = twins
    with pytest.raises(Exception, match="nothing was changed"):
        service.triggers.pause(TRIGGER, NOON - HOUR, "")
    assert service.take_commands() == ()


def rerun(command: str, twin: Path) -> int:
    program, option, _, *words = shlex.split(command)
    assert (program, option) == ("manometer", "-w")
    return main(["-w", str(twin), *words])
