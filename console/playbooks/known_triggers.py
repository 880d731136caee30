"""What is said where somebody names a trigger that there is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import Connection

from core.errors import ManometerError
from core.playbook.playbook import Playbook
from core.suggestions import near
from storage import decisions


def refuse_unknown(trigger: str | None, playbook: Playbook, folder: Path, option: str) -> None:
    """ManometerError where a trigger is named that the playbook does not have; `option` is the command line
    that tries a file before it is applied.
    """
    if trigger is not None and trigger not in playbook.index.by_name:
        raise ManometerError(not_in_force(trigger, playbook.index.by_name, folder, option))


def refuse_never_known(connection: Connection, trigger: str, in_force: Callable[[], Playbook]) -> None:
    """ManometerError for a name that no trigger has, and that none had when something was decided."""
    known = decisions.triggers(connection, trigger)
    if trigger in known:
        return
    known = known | in_force().index.by_name.keys()
    if trigger not in known:
        raise ManometerError(no_such_trigger(trigger, known))


def not_in_force(name: str, known: Iterable[str], folder: Path, option: str | None = None) -> str:
    """The sentence on a trigger that is not in force: its file may lie in the workspace and was never
    applied.
    """
    file = folder / "triggers" / f"{name}.toml"
    if "/" not in name and file.is_file():
        tried = f"`{option} {file}` tries it before, " if option else ""
        return (
            f"Trigger {name} is not in force: its file was never applied. "
            f"{tried}`manometer apply` puts it in force."
        )
    return no_such_trigger(name, known)


def no_such_trigger(name: str, known: Iterable[str]) -> str:
    """The sentence on a name that no trigger has, with a near one where there is one."""
    return f"There is no trigger {name!r}. {near(name, known) or '`manometer triggers` lists them.'}"
