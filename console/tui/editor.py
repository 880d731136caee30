"""The operator's own editor, which has the terminal while the console waits."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from textual.app import SuspendNotSupported


def edit_in(suspended: Callable[[], AbstractContextManager[None]], path: Path) -> str | None:
    """Run `$VISUAL`, `$EDITOR` or `vi` on the file; what went wrong as a sentence, None where nothing did."""
    named = next(
        (os.environ[name] for name in ("VISUAL", "EDITOR") if os.environ.get(name, "").strip()), "vi"
    )
    try:
        words = shlex.split(named)
    except ValueError:
        return f"The editor {named!r} cannot be understood: a quotation mark is open. Set EDITOR."
    if not words or shutil.which(words[0]) is None:
        return f"There is no editor {named!r}. Set EDITOR to the one you use, such as EDITOR=nano."
    try:
        with suspended(), _interrupts_left_to_it():
            code = subprocess.run([*words, str(path)], check=False).returncode  # noqa: S603 - the operator's own
    except SuspendNotSupported:
        return "This terminal cannot be handed to an editor."
    except OSError as error:
        return f"The editor {named!r} cannot be started: {error.strerror}."
    return None if code == 0 else f"The editor ended with {code}; what it has saved is kept in your copy."


@contextmanager
def _interrupts_left_to_it() -> Iterator[None]:
    """Ctrl+C in the editor reaches the console as well, which goes on."""
    # not SIG_IGN, which the program that is started would inherit
    before = signal.signal(signal.SIGINT, lambda _, __: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
