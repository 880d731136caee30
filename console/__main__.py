"""`manometer`, and `python -m console`: the way in."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; a Ctrl-C that comes while the program is still being loaded ends it in words as
    well.
    """
    try:
        from console.main import main as run  # within the border of an interrupt

        return run()
    except KeyboardInterrupt:
        print("manometer: Interrupted. Nothing was begun.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
