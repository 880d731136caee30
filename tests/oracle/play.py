"""A random shop in a workspace, its lives imported and replayed by the command line, and the rows of both
engines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import select

from console.main import main
from console.workspace.reading import read_files
from core.engine import advance
from core.instants import format_instant
from core.model.pauses import Pause, parse_target
from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.store import Store
from tests.core import builders
from tests.oracle.engine import Oracle
from tests.oracle.lives import LENGTH, a_life, a_shop
from tests.oracle.spec import Life, Row, ShopSpec

ADDRESSES: Mapping[str, Mapping[str, Any]] = {
    "email": {"email": "{key}@example.ch"},
    "sms": {"phone": "+4179{number:07d}"},
    # a country of several zones, so that the workspace's holds
    "print": {"address": {"street": "Main St 1", "postalCode": "10001", "city": "New York", "country": "US"}},
}


def shop_and_lives(seed: int, number: int) -> tuple[ShopSpec, list[Life]]:
    """The shop of a seed, and so many customers of it."""
    lot = Random(seed)
    shop = a_shop(lot)
    return shop, [a_life(lot, shop, f"c{place}") for place in range(number)]


def expected(shop: ShopSpec, life: Life) -> list[Row]:
    """What the oracle says of one customer."""
    return Oracle(shop, life, shop.begin).play(shop.begin + LENGTH)


def replayed(folder: Path, shop: ShopSpec, lives: Sequence[Life]) -> dict[str, list[Row]]:
    """What `manometer replay` decides, by customer."""
    for path, text in shop.files().items():
        (folder / "shop" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "shop" / path).write_text(text)
    calls = [call for place, life in enumerate(lives) for call in _calls(life, place)]
    (folder / "calls.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
    _run("-w", folder / "shop", "import", folder / "calls.ndjson", "--history", "--json")
    span = ("--from", format_instant(shop.begin), "--to", format_instant(shop.begin + LENGTH))
    _run("-w", folder / "shop", "replay", *span, "--into", folder / "played")
    return _rows(folder / "played" / "manometer.db")


def _run(*words: str | Path) -> None:
    assert main([str(word) for word in words]) == 0, words


def _calls(life: Life, place: int) -> list[dict[str, Any]]:
    traits: dict[str, Any] = {"firstName": life.key, "timezone": life.zone}
    if life.birthday is not None:
        traits["birthday"] = f"--{life.birthday[0]:02d}-{life.birthday[1]:02d}"
    for medium in life.media:
        for name, said in ADDRESSES[medium].items():
            traits[name] = said.format(key=life.key, number=place) if isinstance(said, str) else said
    told = {"type": "identify", "userId": life.key, "timestamp": "2024-01-01T00:00:00Z", "traits": traits}
    acts = [
        {
            "type": "track", "userId": life.key, "event": act.name, "timestamp": format_instant(act.at),
            "properties": act.properties, "messageId": f"{life.key}-{act.at}",
        }
        for act in life.acts
    ]  # fmt: skip
    return [told, *acts]


def _rows(path: Path) -> dict[str, list[Row]]:
    columns = decisions.c
    query = select(
        customers.c.key, columns.at, columns.trigger, columns.step, columns.channel, columns.outcome,
        columns.reason, columns.until, columns.rules,
    ).join_from(decisions, customers, customers.c.id == columns.customer_id)  # fmt: skip
    found: dict[str, list[Row]] = {}
    with Store.open(path) as store, store.reading() as connection:
        for row in connection.execute(query.order_by(columns.id)):
            told = json.loads(row.rules or "[]")
            named = tuple((each["rule"], each["limit"] is not None) for each in told)
            found.setdefault(row.key, []).append(Row(*row[1:-1], named))
    return found


def advanced(shop: ShopSpec, life: Life) -> list[Row]:
    """What the engine decides under the shop's pauses, which a replay does not know."""
    book = read_files(shop.files()).playbook
    pauses = tuple(
        Pause(parse_target(each.target), each.since, each.until, each.policy) for each in shop.pauses
    )
    triggers = tuple(replace(each, activated_at=shop.begin) for each in book.triggers)
    events = builders.told_apart(
        builders.event(act.name, act.at, **dict[str, Any](act.properties), id=number)
        for number, act in enumerate(life.acts, start=1)
    )
    dossier = builders.dossier(
        *(each for each in events if each.arrived_at >= shop.begin), traits=_traits(life),
        settled_until=shop.begin - 1,
    )  # fmt: skip
    past = tuple(each for each in events if each.arrived_at < shop.begin)
    for each in past:
        dossier.profile.fold(each)
    plan = advance(
        replace(dossier, history=past), replace(book, triggers=triggers, pauses=pauses), shop.begin + LENGTH
    )
    return [
        Row(
            row.at, row.trigger, row.step, row.channel or "", str(row.outcome),
            None if row.reason is None else str(row.reason), row.until,
            tuple((each.rule, each.limit is not None) for each in row.rules),
        )
        for row in plan.decisions
    ]  # fmt: skip


def _traits(life: Life) -> dict[str, Any]:
    told: dict[str, Any] = _calls(life, 1)[0]["traits"]
    address = told.pop("address", {})
    unknown: dict[str, Any] = dict.fromkeys(builders.TRAITS)
    return unknown | told | {f"address.{name}": value for name, value in address.items()}
