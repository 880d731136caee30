"""A message as a page for a browser: the mail's own HTML within a frame in which nothing runs, under a line
that says what is seen. Also where it is put, and whether there is a browser here to open it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from console.private_files import write_new_private_file
from console.viewing.readable import readable_part
from core.errors import ManometerError

POLICY: Final = (
    "default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline' https:; font-src https: data:"
)
"""Pictures and styles are loaded, as a mail program does; scripts, forms and frames of others are not."""
PATIENCE: Final = 5.0
"""Seconds after which a program that was to open a page and goes on has opened it."""
_PAGE: Final = """<!doctype html>
<html><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; }}
body {{ display: flex; flex-direction: column; font: 14px/1.4 system-ui, sans-serif; }}
header {{ padding: 8px 16px; background: #333; color: #fff; }}
header b {{ display: block; }}
iframe {{ flex: 1; border: 0; width: 100%; background: #fff; }}
pre {{ margin: 16px; white-space: pre-wrap; }}
</style></head>
<body><header><b>{subject}</b>{said}</header>
{body}
</body></html>
"""


def message_page(subject: str, parts: Mapping[str, str], title: str, said: str) -> str:
    """The page of a message; `title` names it, `said` says as of when it is."""
    html = parts.get("email.html")
    if html is not None:
        rights = "allow-popups allow-popups-to-escape-sandbox"
        framed = f'<base target="_blank">{html}'
        body = f'<iframe sandbox="{rights}" srcdoc="{escape(framed)}"></iframe>'
    else:
        texts = "\n\n".join(readable_part(name, text) for name, text in parts.items())
        body = f"<pre>{escape(texts)}</pre>"
    return _PAGE.format(
        policy=escape(POLICY), title=escape(title), subject=escape(subject), said=escape(said), body=body
    )


def write_message_page(path: Path, page: str) -> None:
    """Write it to a new file that only this account can read; ManometerError where there is one of that
    name, or it cannot be written.
    """
    try:
        write_new_private_file(path, page.encode("utf-8", "replace"))
    except FileExistsError:
        raise ManometerError(f"{path} exists already. Name another file, or remove it.") from None
    except OSError as error:
        raise ManometerError(f"{path}: cannot be written: {error.strerror}.") from None


def opened_in_browser(path: Path, environment: Mapping[str, str] = os.environ) -> bool:
    """Open a file in the browser of whoever sits here; False where there is none, as over a line."""
    is_far = "SSH_CONNECTION" in environment or "SSH_TTY" in environment
    has_desktop = sys.platform == "darwin" or bool(
        environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")
    )
    if is_far or not has_desktop:
        return False
    opener = shutil.which("open" if sys.platform == "darwin" else "xdg-open")
    return opener is not None and _started([opener, path.absolute().as_uri()])


def _started(command: Sequence[str]) -> bool:
    """Whether a program could be started and has not failed by then; what it says reaches no terminal."""
    try:
        process = subprocess.Popen(  # noqa: S603 - the desktop's own opener, and the name of a file of ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return process.wait(PATIENCE) == 0
    except subprocess.TimeoutExpired:  # it is the browser itself
        return True
    except OSError:
        return False
