"""The year of the Online Retail file: taken in as history, then replayed under five triggers with no
limits. `ONLINE_RETAIL=FILE` names the whole file, for which the aim is meant; without it 871 of its lines are
played.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from console.intake.files import IntakeSettings, import_file
from console.runs.replay import replay
from console.workspace.reading import read_workspace
from core.instants import parse_instant
from core.sources.connector import SourceFile
from storage.store import Store
from tests.bench.bases import NOW, folder, seconds
from tests.fixtures import online_retail

FIRST, LAST = parse_instant("2010-12-01T00:00:00Z"), parse_instant("2011-12-31T00:00:00Z")
AIM = 60.0

SETTINGS = """
[workspace]
name = "Online Retail"
time_zone = "Europe/London"
currency = "GBP"

[consent]
policy = "assumed"

[channels.letters]
kind = "file"
medium = "webhook"
"""
HEAD = """
title = "{title}"
status = "active"
purpose = "marketing"
reentry = "{reentry}"

[when]
{when}

[[steps]]
channels = ["letters"]
template = "note"
"""
TRIGGERS = {
    "tenth-purchase": ("never", 'kind = "threshold"\nmetric = "orders"\nreaches = 10'),
    "gross-5000": ("never", 'kind = "threshold"\nmetric = "revenue_gross"\nreaches = 5000'),
    "net-5000": ("never", 'kind = "threshold"\nmetric = "revenue"\nreaches = 5000'),
    "inactive-180": ("always", 'kind = "threshold"\ninactive_for = "180d"'),
    "after-sale": (
        "always",
        'kind = "transactional"\nevent = "Order Completed"\nafter = "14d"\n'
        'unless = ["Order Returned", "Order Refunded"]',
    ),
}  # fmt: skip
TEMPLATE = '{"hello": "{{ customer.first_name }}", "trigger": "{{ trigger.name }}"}'


def run() -> Iterator[str]:
    """The figures of one run, a line each."""
    with folder() as place:
        _write(place / "shop")
        workspace = read_workspace(place / "shop")
        settings = IntakeSettings(workspace.playbook.zone, place / "rejects")
        with Store.create(place / "shop" / "manometer.db") as store:
            began = perf_counter()
            file = SourceFile(online_retail(), profile="online-retail")
            taken = import_file(store, file, settings=settings, arrived_at=NOW, history=True)
            importing = seconds(began)
            yield (
                f"replay: import of {taken.read:,} lines in {importing:.1f} s, "
                f"{taken.read / importing:,.0f} lines/s"
            )
            began = perf_counter()
            done = replay(store, workspace, FIRST, LAST, place / "replayed", "bench")
            taken_by_replay = seconds(began)
        yield (
            f"replay: {done.customers:,} customers, {done.decisions:,} decisions, {done.messages:,} "
            "messages in"
            f" {taken_by_replay:.1f} s; together {importing + taken_by_replay:.1f} s (aim: {AIM:g} s)"
        )


def _write(place: Path) -> None:
    files = {
        "manometer.toml": SETTINGS,
        "templates/note/webhook.json": TEMPLATE,
        **{
            f"triggers/{name}.toml": HEAD.format(title=name, reentry=reentry, when=when)
            for name, (reentry, when) in TRIGGERS.items()
        },
        "pressure.toml": "[purposes]\nmarketing = { obeys = true, counts = true }\n",
    }
    for path, text in files.items():
        target = place / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for line in run():
        print(line, flush=True)
