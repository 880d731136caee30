"""The quick check, under a minute on two cores: `python -m tests.quick` after each small change.

It looks at style, types and import contracts, and runs the tests that play no whole lives: those of the core,
of the storage, of cells, of the readers of a workspace's files, and of the house itself. Property tests,
screens in a terminal, and stories told through the command line are left to the whole check, `.ci/run`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Final

ROOT: Final = Path(__file__).parents[1]
TOOLS: Final = Path(sys.executable).parent
TESTS: Final = (
    "tests/test_architecture.py", "tests/test_documentation.py",
    "tests/core", "tests/storage", "tests/screens/cells", "tests/console/workspace",
)  # fmt: skip
STEPS: Final = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("pytest", "-q", "-n", "2", "-m", "not slow and not bench and not hypothesis", *TESTS),
)


def main() -> int:
    """Run every step, also after one that failed; 0 where all passed, else 1."""
    began = perf_counter()
    failed = [" ".join(step[:2]) for step in STEPS if not _passes(step)]
    print(f"{perf_counter() - began:.0f} s. Failed: {', '.join(failed) or 'nothing'}.")
    return 1 if failed else 0


def _passes(step: tuple[str, ...]) -> bool:
    tool, *options = step
    print(f"== {tool}", flush=True)
    return subprocess.run([TOOLS / tool, *options], cwd=ROOT, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
