"""The command line as a whole: finding commands, common options, exit codes, and what people read when
something goes wrong.
"""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from console import __main__ as entry
from console.cli import commands
from console.cli.help_text import filled
from console.main import _read, main, parsed

HEAVY = ("textual", "rich", "httpx", "jinja2", "apscheduler")
LISTINGS = ("audit", "customers", "decisions", "outbox", "segments", "status", "triggers")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    assert main(["init", str(folder)]) == 0
    return folder


def test_every_command_has_a_summary_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    for module in pkgutil.iter_modules(commands.__path__):
        name = module.name.rstrip("_")
        (line,) = [line for line in overview.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split(maxsplit=1)) == 2, name
        assert main([name, "--help"]) == 0
        assert f"usage: manometer {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["desicions"], "Did you mean `decisions`?"),
        (["xyzzy"], "`manometer --help` lists the commands."),
        (["../main"], "There is no command"),
        (["--nonsense"], "There is no option --nonsense"),
        (["-w"], "-w needs a folder"),
        (["--workspace="], "--workspace needs a folder"),
    ],
)
def test_wrong_usage_is_said_and_is_exit_code_2(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert said in capsys.readouterr().err


def test_an_unknown_option_of_a_command_is_wrong_usage(workspace: Path) -> None:
    assert main(["-w", str(workspace), "decisions", "--costumer", "u1"]) == 2


@pytest.mark.parametrize("at", ["yesterday", "2024-13-01T00:00:00Z", ""])
def test_an_instant_that_is_none_is_wrong_usage(
    workspace: Path, at: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(workspace), "triggers", "--at", at]) == 2
    assert "--at" in capsys.readouterr().err


def test_a_folder_that_is_no_workspace_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-w", str(tmp_path), "customers"]) == 1
    assert "is no workspace" in capsys.readouterr().err


def test_the_common_options_stand_before_or_after_the_command(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = []
    for argv in (
        ["-w", str(workspace), "--json", "triggers"],
        ["triggers", "--json", f"--workspace={workspace}"],
        ["triggers", f"-w{workspace}", "--json"],
    ):
        assert main(argv) == 0
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1] == outputs[2]
    assert json.loads(outputs[0].splitlines()[0])["name"]


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (["triggers", "pause", "birthday", "--yes"], 1, "opened for reading only"),
        (["stop", "--yes"], 2, "--read-only lets nothing be changed"),
        (["preview", "--save", "x"], 2, "--read-only lets nothing be changed"),
        (["triggers", "--json"], 0, ""),
    ],
)
def test_read_only_stands_before_or_after_any_command_and_nothing_is_changed(
    workspace: Path,
    capsys: pytest.CaptureFixture[str],
    before: bool,
    command: list[str],
    code: int,
    told: str,
) -> None:
    assert main(["-w", str(workspace), "apply", "--yes"]) == 0
    kept = _files(workspace)
    capsys.readouterr()
    argv = ["--read-only", *command] if before else [*command, "--read-only"]
    assert main(["-w", str(workspace), *argv]) == code
    assert told in capsys.readouterr().err
    assert _files(workspace) == kept


def _files(folder: Path) -> dict[Path, bytes]:
    """All files but those in which SQLite notes who reads."""
    return {
        path: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".db-shm", ".db-wal")
    }


@pytest.mark.parametrize("argv", [["--read-only"], ["-w", "x", "--read-only"], ["console", "--read-only"]])
def test_the_console_is_opened_for_reading_wherever_the_option_stands(argv: list[str]) -> None:
    line = _read(argv)
    assert line.read_only
    assert line.words == (["console"] if "console" in argv else [])


def test_the_workspace_can_be_named_by_the_environment(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MANOMETER_WORKSPACE", str(workspace))
    assert main(["check"]) == 0
    assert "No faults" in capsys.readouterr().out


def test_the_database_is_not_for_everybody_on_the_machine(workspace: Path) -> None:
    assert main(["-w", str(workspace), "customers"]) == 0
    assert (workspace / "manometer.db").stat().st_mode & 0o007 == 0


def test_an_unexpected_error_is_one_sentence_without_a_traceback(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> int:
        raise RuntimeError("\x1b]0;boom\x07")

    monkeypatch.delenv("MANOMETER_DEBUG", raising=False)
    monkeypatch.setattr("console.cli.commands.audit.run", broken)
    assert main(["-w", str(workspace), "audit"]) == 1
    said = capsys.readouterr().err
    assert "RuntimeError" in said
    assert "MANOMETER_DEBUG" in said
    assert "Traceback" not in said
    assert "\x1b" not in said


def test_an_interrupt_is_exit_code_130_with_a_sentence(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("console.cli.commands.audit.run", interrupted)
    assert main(["-w", str(workspace), "audit"]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_an_interrupt_while_the_program_is_being_loaded_is_told_as_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "console.main", Loading("console.main"))
    assert entry.main() == 130
    assert capsys.readouterr().err == "manometer: Interrupted. Nothing was begun.\n"


def _manometer(*argv: str, **more: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **more}
    command = [sys.executable, "-m", "console", *argv]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )


def test_a_reader_that_goes_away_is_no_error(workspace: Path) -> None:
    process = _manometer("-w", str(workspace), "triggers", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    said = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert said == ""


def test_a_real_interrupt_ends_quietly(workspace: Path) -> None:
    source = (
        "import time; from console.cli.commands import audit; audit.run = lambda *_: (print('on', "
        "flush=True), time.sleep(60)); "
    )
    source += "import sys; from console.main import main; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", source, "-w", str(workspace), "audit"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        preexec_fn=lambda: signal.signal(
            signal.SIGINT, signal.SIG_DFL
        ),  # a suite in the background ignores it
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "on\n"
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said


def test_no_listing_imports_anything_heavy(workspace: Path) -> None:
    source = f"""
import sys
from console.cli.help_text import filled
from console.main import main, parsed
codes = [main(["-w", {str(workspace)!r}, command, "--json"]) for command in {LISTINGS!r}]
loaded = {{name.partition(".")[0] for name in sys.modules}}
sys.exit(" ".join(sorted(loaded & set({HEAVY!r}))) or max(codes))
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    run = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, env=environment, check=False
    )
    assert (run.stderr, run.returncode) == ("", 0)


def test_help_and_version_do_not_import_the_database(capsys: pytest.CaptureFixture[str]) -> None:
    source = (
        "import sys; from console.main import main; main(['--help']); main(['--version']); "
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    assert (
        subprocess.run(
            [sys.executable, "-c", source], capture_output=True, env=environment, check=False
        ).returncode
        == 0
    )
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("manometer ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("preview --workers -1", "-1 is too few: one process at least"),
        ("diff --set rule.three-a-week.limit=2 --workers 0", "0 is too few: one process at least"),
        ("triggers backtest birthday --workers -1", "-1 is too few: one process at least"),
        ("outbox approve 99999999999999999999999", "'99999999999999999999999' is too large a number"),
        ("customers --limit 99999999999999999999", "is too large a number"),
        ("playbooks show 99999999999999999999999", "is too large a number"),
        ("merges undo x", "'x' is no whole number"),
        ("tick --at 0001-01-01", "years go from 1000 to 8999"),
        ("tick --at 9999-12-31", "years go from 1000 to 8999"),
    ],
)
def test_a_number_or_date_beyond_all_bounds_is_wrong_usage(
    workspace: Path, words: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(workspace), *words.split()]) == 2
    assert said in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_refused_before_the_work(
    workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-w", str(workspace), "preview", "--html", str(workspace / "nowhere" / "x.html")]) == 1
    told = capsys.readouterr()
    assert "there is no folder" in told.err
    assert told.out == ""


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_command_works_where_its_streams_are_closed(workspace: Path, closed: str) -> None:
    line = f"{sys.executable} -m console -w {workspace} check {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_terminal_that_does_not_speak_utf_8_gets_what_it_can_show(workspace: Path) -> None:
    file = workspace / "triggers" / "birthday.toml"
    file.write_text(file.read_text(encoding="utf-8").replace('"active"', '"grün"'), encoding="utf-8")
    ascii_only = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "",
    }
    line = [sys.executable, "-m", "console", "-w", str(workspace)]
    shown = subprocess.run([*line, "check"], capture_output=True, env=ascii_only, timeout=60, check=False)
    assert b'cannot be "gr?n"' in shown.stdout
    assert shown.stderr == b""
    file.write_text(file.read_text(encoding="utf-8").replace("grün", "active"), encoding="utf-8")
    asked = subprocess.run(
        [*line, "decisions", "--customer", "Zürcher"],
        capture_output=True,
        env=ascii_only,
        timeout=60,
        check=False,
    )
    assert asked.returncode == 1
    assert b"Set LC_ALL=C.UTF-8" in asked.stderr
    assert b"Unexpected" not in asked.stderr


COMMANDS = sorted(found.name for found in pkgutil.iter_modules(commands.__path__))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("columns", [60, 100])
def test_help_fits_the_terminal_and_its_examples_are_understood(
    name: str, columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    command = name.rstrip("_")
    assert main([command, "--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line for line in shown if len(line) > columns] == []
    module = importlib.import_module(f"console.cli.commands.{name}")
    for line, _ in getattr(module, "EXAMPLES", ()):
        assert f"  manometer {line}" in shown
        words = [word for word in shlex.split(line) if word != "--json"]
        parsed(command, module, words[words.index(command) + 1 :])


def test_the_list_of_commands_fits_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown)) <= 60
    assert sum(line.startswith("  ") and not line.startswith("   ") for line in shown) == len(COMMANDS)


def test_a_list_in_a_help_stays_a_list() -> None:
    told = list(
        filled("What it does:\n\nskip    nothing more\n        comes of it\nshift   all of it moves", 24)
    )
    assert told == [
        "What it does:", "", "skip    nothing more", "        comes of it", "shift   all of it moves", "",
    ]  # fmt: skip
