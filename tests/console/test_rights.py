"""Who may use the files of a workspace: whoever may use its folder, under any umask. The table stands in
docs/operations.md.
"""

from __future__ import annotations

import json
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from console.channels import open_adapter
from console.daemon.leadership import LockFile
from console.reports.csv_export import write_csv
from core.limits.quiet_hours import parse_send_windows
from core.playbook.playbook import Channel
from storage.rights import made_folder
from storage.unfinished import remove_left_behind
from tests.console.lives import BASKET, FILES, act, person, run, workspace

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"
ROW = re.compile(r"^\| (`[^|]+) \| (folder's|owner's) \|", re.MULTILINE)
CALLS = [person("ann", email="ann@example.org"), act("ann", "Checkout Started", "2025-03-03T10:00:00Z")]


def table() -> list[tuple[str, str]]:
    """The patterns of names in the documentation, each with whose rights it has."""
    text = PAGE.read_text(encoding="utf-8")
    return [(name, whose) for names, whose in ROW.findall(text) for name in re.findall(r"`([^`]+)`", names)]


@pytest.fixture(params=[0o022, 0o077, 0], ids=lambda mask: f"umask {mask:03o}")
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("mode", [0o2770, 0o750, 0o700], ids=oct)
def test_what_is_made_in_a_workspace_has_the_rights_of_its_folder(
    tmp_path: Path, umask: int, mode: int
) -> None:
    place = tmp_path / "shop"
    place.mkdir()
    place.chmod(mode)
    made = _live(place, tmp_path)
    known = table()
    assert known
    for path in made:
        name = path.relative_to(place).as_posix()
        whose = next((whose for pattern, whose in known if fnmatch(name, pattern.rstrip("/"))), None)
        assert whose is not None, f"{name} stands in no row of docs/operations.md"
        shared = mode & (0o070 if path.is_dir() else 0o060) if whose == "folder's" else 0
        own = 0o700 if path.is_dir() else 0o600
        assert oct(path.stat().st_mode & 0o777) == oct(own | shared), name
        assert not path.is_dir() or path.stat().st_mode & stat.S_ISGID == mode & stat.S_ISGID, name


def _live(place: Path, beside: Path) -> list[Path]:
    """All that a workspace gets to hold, as far as commands make it."""
    assert run("init", place) == 0
    calls = beside / "calls.ndjson"
    calls.write_text(_lines(CALLS) + "no line\n")
    at = ("--at", "2025-03-03T10:00:00Z")
    assert run("-w", place, "import", calls, *at) == 0
    assert run("-w", place, "tick", *at) == 0
    assert run("-w", place, "preview", "--days", "1", "--save", "monday", *at) == 0
    assert run("-w", place, "catalogue", "add", "birthday-card") == 0
    with open_adapter(Channel("email", "file", "email", parse_send_windows([])), place):
        write_csv(made_folder(place / "exports") / "people.csv", ["name"], [["Ann"]])
    lock = LockFile(place / "manometer.db")
    assert lock.take()
    lock.close()
    return list(place.rglob("*"))


def test_a_workspace_that_was_replayed_is_for_whoever_may_use_the_folder_around_it(
    tmp_path: Path, umask: int
) -> None:
    source = workspace(tmp_path / "shop", CALLS)
    around = tmp_path / "around"
    around.mkdir()
    around.chmod(0o2770)
    span = ("--from", "2025-03-03T00:00:00Z", "--to", "2025-03-03T12:00:00Z")
    assert run("-w", source, "replay", *span, "--into", around / "new") == 0
    assert oct(stat.S_IMODE((around / "new").stat().st_mode)) == "0o2770"
    assert oct(stat.S_IMODE((around / "new" / "manometer.db").stat().st_mode)) == "0o660"


def test_where_everybody_may_write_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    workspace(tmp_path / "shop", CALLS)
    tmp_path.chmod(0o1777)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(tmp_path))
        page = tmp_path / "page.html"
        assert run("-w", tmp_path / "shop", "preview", "--days", "1", "--html", page) == 0
    assert oct(stat.S_IMODE(page.stat().st_mode)) == "0o600"
    assert remove_left_behind(tmp_path) == 0


SERVICE, OPERATOR, OPERATORS = 64_001, 64_002, 64_000


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may run commands as two accounts")
@pytest.mark.parametrize("mask", [0o007, 0o022])
def test_the_service_goes_on_with_what_an_operator_has_made_and_the_other_way_round(mask: int) -> None:
    with tempfile.TemporaryDirectory(prefix="shop-", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        _turns(_furnished(Path(folder, "warm")), [0, 0], mask)  # imports what the accounts may not read
        shared = _furnished(Path(folder, "shared"))
        for path in (shared, *shared.rglob("*")):
            os.chown(path, SERVICE, OPERATORS)
            path.chmod(0o2770 if path.is_dir() else 0o660)
        _turns(shared, [OPERATOR, SERVICE, OPERATOR], mask)
        assert len((shared / "outbox" / "email.ndjson").read_text().splitlines()) == 3
        assert sorted(path.name for path in (shared / "previews").iterdir()) == [
            "turn-0.preview", "turn-1.preview", "turn-2.preview",
        ]  # fmt: skip


def _furnished(place: Path) -> Path:
    for path, text in (FILES | {"triggers/basket.toml": BASKET}).items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    for turn in range(3):
        start = act(f"c{turn}", "Checkout Started", f"2025-03-0{turn + 3}T10:00:00Z")
        lines = _lines([person(f"c{turn}", email=f"c{turn}@example.org"), start])
        (place / f"calls-{turn}.ndjson").write_text(lines)
    return place


def _turns(place: Path, accounts: list[int], mask: int) -> None:
    """One day's work of each account in turn."""
    for turn, account in enumerate(accounts):
        day = f"2025-03-0{turn + 3}"
        for words in (
            ("import", place / f"calls-{turn}.ndjson", "--at", f"{day}T10:00:00Z"),
            ("tick", "--at", f"{day}T11:01:00Z"),
            ("preview", "--days", "1", "--save", f"turn-{turn}", "--at", f"{day}T11:01:00Z"),
        ):
            assert _as_account(account, mask, "-w", place, *words) == 0, words


def _as_account(account: int, mask: int, *words: str | Path) -> int:
    """The exit code of a command of another account: in a fork, for its imports may not be readable."""
    if account == 0:
        return run(*words)
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.umask(mask)
            os.setgroups([OPERATORS])
            os.setgid(account)
            os.setuid(account)
            code = run(*words)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _lines(calls: list[dict[str, object]]) -> str:
    return "".join(json.dumps(call) + "\n" for call in calls)
