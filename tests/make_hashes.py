"""Writes the hashes of all that is installed: constraints-hashed.txt from constraints.txt,
.ci/tools-hashed.txt from .ci/tools.txt. Run it after a pin was changed: `python -m tests.make_hashes`.

The files hold names, versions and SHA-256 of what the registry offers for the Pythons and platforms below,
and no addresses.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {
    ROOT / "constraints.txt": ROOT / "constraints-hashed.txt",
    ROOT / ".ci" / "tools.txt": ROOT / ".ci" / "tools-hashed.txt",
}
PYTHONS = ("3.11", "3.12", "3.13")
LINUX = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "linux_x86_64")
HEAD = "# Made by `python -m tests.make_hashes` from {}; for Linux on x86-64. Not changed by hand.\n"


def main() -> None:
    """Write both files."""
    for pins, target in FILES.items():
        found: dict[str, set[str]] = {}
        for python in PYTHONS:
            for name, digest in _hashes(pins, python):
                found.setdefault(name, set()).add(digest)
        target.write_text(HEAD.format(pins.name) + "".join(_lines(found)), encoding="utf-8")
        print(f"{target.relative_to(ROOT)}: {len(found)} packages")


def _hashes(pins: Path, python: str) -> Iterator[tuple[str, str]]:
    """Each pin as `name==version` with the hash of the file that this Python would install."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        options = ["--only-binary=:all:", "--python-version", python, "--target", folder]
        platforms = [word for name in LINUX for word in ("--platform", name)]
        _pip("--dry-run", "--no-deps", "--ignore-installed", *options, *platforms, "--report", str(report),
             "-r", str(pins))  # fmt: skip
        for each in json.loads(report.read_text(encoding="utf-8"))["install"]:
            digest = each["download_info"]["archive_info"]["hashes"]["sha256"]
            yield f"{each['metadata']['name']}=={each['metadata']['version']}", digest


def _pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *words], check=True)


def _lines(found: Mapping[str, set[str]]) -> Iterator[str]:
    for pin in sorted(found, key=str.lower):
        hashes = [f"--hash=sha256:{digest}" for digest in sorted(found[pin])]
        yield _joined([pin, *hashes])


def _joined(words: Sequence[str]) -> str:
    return " \\\n    ".join(words) + "\n"


if __name__ == "__main__":
    main()
