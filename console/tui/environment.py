"""What Textual reads of the environment, once, when it is imported: this module is imported before it."""

from __future__ import annotations

import os
from typing import Final

_OVER_SSH: Final = "SSH_CONNECTION" in os.environ or "SSH_TTY" in os.environ


def _prepare() -> None:
    """Fewer frames and no animation over a line."""
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    os.environ.setdefault("ESCDELAY", "50")
    if _OVER_SSH:
        os.environ.setdefault("TEXTUAL_FPS", "12")


_prepare()
