"""The schemas for editors: they have the keys that the reader asks for, and refuse no file that it takes."""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from console.channels import adapter_kinds
from console.main import main
from console.workspace.faults import WorkspaceError
from console.workspace.reading import read_workspace
from console.workspace.schemas import DURATION, SCHEMAS, SIGNED, schema_of
from console.workspace.toml_reader import TomlTable
from core.instants import parse_duration
from core.kinds import kinds
from tests.console.workspace.json_schema import faults

MADE = {kind: schema_of(kind) for kind in SCHEMAS}
MAIN = """
[workspace]
name = "All"
time_zone = "Europe/Zurich"
currency = "CHF"
country = "CH"
rates = "rates.csv"
reasons = "required"
week_starts = "monday"
locales = ["de"]
links = { shop = "https://www.example.ch" }
database = "sqlite:///manometer.db"
[consent]
policy = "recorded"
[engine]
tick = "30s"
grace = "5m"
look_ahead = true
keep_free = "1.5 GB"
clock_jump = "5m"
clock_gap = "2d"
[preference]
trait = "preferredChannel"
learn = true
within = "180d"
least = 3
[bounces]
soft_limit = 5
within = "30d"
[surge]
times = 5
least = 1000
per_hour = 5000
per_hour_of = { basket = 500 }
[notify]
command = ["/bin/true"]
webhook = "https://alarm.example.ch/hook"
token = { env = "TOKEN" }
deadline = "10s"
[metrics]
file = "numbers.prom"
listen = "127.0.0.1:9464"
[backups]
folder = "/backup"
at = "03:00"
keep = 14
[retention]
texts = "90d"
[proofs]
to = ["anna@muster.example"]
[unsubscribe]
url = "https://shop.example/u/{token}"
mail = "unsubscribe+{token}@shop.example"
secret = [{ env = "A" }, { file = "b" }]
[survey]
secret = { env = "S" }
[holdout]
share = 0.05
purposes = "marketing"
salt = "2026"
[identities]
ignore = ["9999"]
max_people = 3
[sources.till]
kind = "folder"
channel = "store"
ids = "till"
orders = "till"
silent_after = "2d"
[roles]
operator = ["anna"]
[channels.email]
kind = "smtp"
host = "mail.example.ch"
port = 587
security = "starttls"
from = "a@example.ch"
password = { env = "P" }
username = "a"
send_window = ["Mon-Fri 08:00-18:00"]
lead_time = "0d"
capacity = "20000/day"
approval = 100
brake = { refusals = 10, share = 0.5, suppressions = 100 }
[channels.sms]
kind = "file"
medium = "sms"
approval = true
anything = "as it stands"
[channels.shop]
kind = "webhook"
medium = "webhook"
url = "https://hooks.example.ch/x"
secret = { env = "S" }
"""
PRESSURE = """
[purposes.news]
obeys = true
counts = true
consent = true
[weights]
email = 1
sms = 2.5
templates = { hello = 0.5 }
[[rule]]
name = "r"
limit = 3
unit = "points"
window = "7d"
extend = "calendar week"
gap = "16h"
channels = ["email"]
purposes = ["marketing"]
triggers = ["transactional"]
tags = "sale"
audience = "orders >= 2"
"""
SEGMENTS = '[segments.regulars]\ntitle = "Regulars"\nwhere = "orders >= 5"\n'
STEPS = """
[split]
a = 0.5
b = 0.5
[exit]
on = ["Order Completed"]
[goal]
on = "Order Completed"
within = "14d"
where = "value > 3"
exit = true
[[steps]]
name = "first"
channels = "email"
template = "hello"
after = "1h"
expires = "1d"
only_if = "orders > 1"
on_limit = "defer"
mode = "first"
approval = 3
weight = 2
prefer = true
digest = false
then = "last"
[steps.else]
channels = ["email"]
template = "hello"
then = "end"
[steps.variants.b]
channels = ["sms"]
template = "hello"
expires = "2d"
on_limit = "drop"
weight = 1
[[steps]]
name = "last"
channels = ["email"]
template = "hello"
variant = "a"
wait_for = ["Product Reviewed"]
where = "rating > 3"
timeout = "3d"
on_timeout = "skip"
[[steps]]
channels = ["email"]
template = "hello"
variant = ["b"]
"""
WHENS = {
    "transactional": 'event = "Checkout Started"\nwhere = "value > 3"\nafter = "1h"\n'
    'unless = ["Order Completed"]\nper = "cart_id"\nrestart = true',
    "behavioural": 'events = ["Product Viewed", "Product Clicked"]\nat_least = 3\nwithin = "7d"',
    "recurring": 'date = "birthday"\noffset = "-3d"\nat = "09:00"\nyears = [3]',
    "threshold": 'metric = "orders"\nreaches = 10',
}
HEAD = """
title = "T"
status = "active"
purpose = "marketing"
priority = 80
audience = "country == 'CH'"
holdout = 0.1
reentry = "7d"
max_age = "1d"
tags = ["sale"]
approval = false
prefer = true
on_change = "move"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace in which each table stands, and each kind of trigger and channel."""
    (tmp_path / "triggers").mkdir()
    hello = tmp_path / "templates" / "hello"
    hello.mkdir(parents=True)
    files = {"manometer.toml": MAIN, "pressure.toml": PRESSURE, "segments.toml": SEGMENTS}
    files |= {"rates.csv": "day,currency,rate\n2025-01-01,EUR,0.95\n"}
    for name, when in WHENS.items():
        files[f"triggers/{name}.toml"] = f'{HEAD}[when]\nkind = "{name}"\n{when}\n{STEPS}'
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for name in ("subject.txt", "email.txt", "sms.txt"):
        (hello / name).write_text("Hello")
    return tmp_path


def kind_of(name: str) -> str:
    return "trigger" if name.startswith("triggers/") else {"manometer.toml": "workspace"}.get(name, name[:-5])


def objections(name: str, text: str) -> list[str]:
    schema = MADE[kind_of(name)]
    return list(faults(schema, tomllib.loads(text, parse_float=Decimal), schema))


def fault_lines(folder: Path) -> list[str]:
    try:
        read_workspace(folder, channel_kinds=adapter_kinds())
    except WorkspaceError as error:
        return [f"{fault.file}: {fault.message}" for fault in error.faults]
    return []


def test_the_reader_and_the_schemas_take_a_workspace_in_which_everything_stands(folder: Path) -> None:
    assert set(WHENS) == set(kinds())
    assert fault_lines(folder) == []
    for path in folder.rglob("*.toml"):
        assert objections(str(path.relative_to(folder)), path.read_text()) == []


def test_the_shipped_workspace_and_campaigns_fit(tmp_path: Path) -> None:
    shop = tmp_path / "shop"
    assert main(["init", str(shop)]) == 0
    assert main(["-w", str(shop), "catalogue", "add", "--all"]) == 0
    checked = 0
    for path in shop.rglob("*.toml"):
        assert objections(str(path.relative_to(shop)), path.read_text(encoding="utf-8")) == []
        checked += 1
    assert checked > 20


# ---- the same keys ----


def asked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[tuple[str, str], set[str]]:
    """The keys that the reader asks for, by file and by place, whose names are `*`."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    done = TomlTable.done

    def note(self: TomlTable, *given: Any) -> None:
        found[kind_of(self.document.file), place_of(self.path)] |= self.known
        done(self, *given)

    monkeypatch.setattr(TomlTable, "done", note)
    assert fault_lines(folder) == []
    return found


def place_of(path: tuple[str | int, ...]) -> str:
    joined = ".".join("*" if isinstance(part, int) else part for part in path)
    joined = re.sub(r"^(channels|sources|segments|purposes)\.[^.]+", r"\1.*", joined)
    return re.sub(r"\.variants\.[^.]+", ".variants.*", joined)


def told(schema: Mapping[str, Any], root: Mapping[str, Any], place: str = "") -> Iterator[tuple[str, str]]:
    """The keys that a schema has, with their place."""
    for key, inner in schema.get("properties", {}).items():
        yield place, key
        if "$ref" in inner.get("anyOf", [{}])[-1] and not place.endswith("else"):
            yield from told(root["definitions"]["else"], root, f"{place}.{key}")
        yield from told(inner, root, f"{place}.{key}".lstrip("."))
    for way in [*schema.get("allOf", ()), *schema.get("oneOf", ())]:
        yield from told(way.get("then", way), root, place)
    if isinstance(schema.get("items"), dict):
        yield from told(schema["items"], root, f"{place}.*")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from told(schema["additionalProperties"], root, f"{place}.*")


FREE = {"roles", "workspace.links", "split", "surge.per_hour_of", "weights", "weights.templates", "profiles"}
"""Tables whose keys are names of the workspace."""


def test_the_schemas_have_the_keys_that_the_reader_asks_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = asked(folder, monkeypatch)
    for kind, schema in MADE.items():
        keys: dict[str, set[str]] = defaultdict(set)
        for place, key in told(schema, schema):
            keys[place].add(key)
        places = {place for of, place in known if of == kind} - FREE
        assert places, kind
        for place in places:
            assert keys[place] == known[kind, place], (kind, place)


# ---- the same refusals ----

WRONG = [
    ("manometer.toml", 'tick = "30s"', 'tick = "30 seconds"'),
    ("manometer.toml", 'tick = "30s"', "tick = 30"),
    ("manometer.toml", 'currency = "CHF"', 'currency = "Fr."'),
    ("manometer.toml", 'policy = "recorded"', 'policy = "lenient"'),
    ("manometer.toml", "least = 3", "least = 0"),
    ("manometer.toml", "port = 587", "port = 70000"),
    ("manometer.toml", 'password = { env = "P" }', 'password = "plain"'),
    ("manometer.toml", 'security = "starttls"', 'security = "perhaps"'),
    ("manometer.toml", 'host = "mail.example.ch"', "hots = 3"),
    ("manometer.toml", "share = 0.05", "share = 5"),
    ("manometer.toml", 'capacity = "20000/day"', 'capacity = "20000"'),
    ("manometer.toml", '[sources.till]\nkind = "folder"', '["sources"."a b"]\nkind = "folder"'),
    ("pressure.toml", 'unit = "points"', 'unit = "mails"'),
    ("pressure.toml", "limit = 3", "limit = -1"),
    ("pressure.toml", "[[rule]]", "[[rule]]\nnmae = 3"),
    ("segments.toml", 'where = "orders >= 5"', ""),
    ("triggers/transactional.toml", 'purpose = "marketing"', ""),
    ("triggers/transactional.toml", "priority = 80", "priority = 800"),
    ("triggers/transactional.toml", 'per = "cart_id"', "at_least = 3"),
    ("triggers/transactional.toml", 'kind = "transactional"', 'kind = "magic"'),
    ("triggers/recurring.toml", 'offset = "-3d"', 'offset = "three days"'),
    ("triggers/recurring.toml", 'at = "09:00"', 'at = "9 Uhr"'),
    ("triggers/threshold.toml", 'template = "hello"', "template = 3"),
    ("triggers/threshold.toml", 'reentry = "7d"', 'reentry = "sometimes"'),
    ("triggers/threshold.toml", 'template = "hello"\nthen = "end"', 'template = "hello"\nafter = "3d"'),
    ("triggers/threshold.toml", "digest = false", 'digest = "no"'),
]


@pytest.mark.parametrize(("name", "right", "wrong"), WRONG, ids=[wrong for _, _, wrong in WRONG])
def test_what_a_schema_refuses_the_reader_refuses_too(
    folder: Path, name: str, right: str, wrong: str
) -> None:
    text = (folder / name).read_text()
    assert right in text
    text = text.replace(right, wrong, 1)
    assert objections(name, text)
    (folder / name).write_text(text)
    assert fault_lines(folder)


@pytest.mark.parametrize(
    "text", ["7d", "90s", " 7d ", "7", "d", "-3d", "7 d", "1.5h", "2w", "٣d", "7D", "", "0m", "7d\n"]
)
def test_the_pattern_of_durations_is_the_readers_own(text: str) -> None:
    def takes(signed: bool) -> bool:
        try:
            parse_duration(text, signed=signed)
        except ValueError:
            return False
        return True

    assert bool(re.search(DURATION, text)) == takes(False)
    assert bool(re.search(SIGNED, text)) == takes(True)


# ---- the command ----


def test_each_schema_is_printed_and_all_are_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["schema", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["kind"] for row in rows] == list(SCHEMAS)
    for kind in SCHEMAS:
        assert main(["schema", kind]) == 0
        assert json.loads(capsys.readouterr().out) == MADE[kind]
    assert main(["schema", "--into", str(tmp_path / "s")]) == 0
    assert {path.name for path in (tmp_path / "s").iterdir()} == {f"{kind}.schema.json" for kind in SCHEMAS}
    (tmp_path / "file").write_text("")
    assert main(["schema", "--into", str(tmp_path / "file")]) == 1
    assert "Name another folder" in capsys.readouterr().err
    assert main(["schema", "nonsense"]) == 2
