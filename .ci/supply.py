"""What the installed product is made of: fails where a part has a licence that was not agreed to, or a known
vulnerability. Arguments: the bill of materials (CycloneDX, JSON), and what pip-audit found (JSON), if it ran.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

AGREED = {
    "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "MPL-2.0", "PSF-2.0", "Zlib",
    "Apache-2.0 AND BSD-2-Clause", "MPL-2.0 AND (Apache-2.0 OR MIT)",
    "License :: OSI Approved :: BSD License",
    "License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)",
}  # fmt: skip
BY_HAND = {"pysqlite3": "Zlib"}
"""Parts that name none themselves, with what their source says."""


def main(bill: Path, audit: Path | None) -> int:
    """Print the parts with their licences, and what is wrong; 1 where something is."""
    parts = json.loads(bill.read_text(encoding="utf-8"))["components"]
    faults = []
    for part in parts:
        licences = sorted(_licences(part)) or [BY_HAND.get(part["name"], "none named")]
        print(f"{part['name']} {part['version']}: {', '.join(licences)}")
        faults += [
            f"{part['name']}: licence {each} was not agreed to" for each in licences if each not in AGREED
        ]
    faults += _vulnerabilities(audit)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _licences(part: dict[str, Any]) -> Iterator[str]:
    for each in part.get("licenses", ()):
        licence = each.get("license", {})
        yield each.get("expression") or licence.get("id") or licence.get("name")


def _vulnerabilities(audit: Path | None) -> Iterator[str]:
    """What is known to be wrong. That nothing could be asked is no finding, and is said."""
    text = audit.read_text(encoding="utf-8") if audit is not None and audit.exists() else ""
    parts = json.loads(text)["dependencies"] if text.strip() else []
    asked = [part for part in parts if "skip_reason" not in part]
    if not asked:
        print("Known vulnerabilities: not asked, for no list of them can be reached from here.")
        return
    print(f"Known vulnerabilities: asked about {len(asked)} of {len(parts)} parts.")
    for part in asked:
        yield from (f"{part['name']} {part['version']}: {each['id']}" for each in part["vulns"])


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None))
