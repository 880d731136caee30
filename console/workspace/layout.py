"""What makes a folder a workspace, by name; apart from the reader of its files, which is slower to import
than most commands are to run.
"""

from __future__ import annotations

from typing import Final

SETTINGS: Final = "manometer.toml"
DATABASE: Final = "manometer.db"
"""Where the settings name no other."""
REASONS: Final = ("optional", "required")
"""Whether a change wants a reason: what `reasons` of `[workspace]` may be, the first where it is left out."""
