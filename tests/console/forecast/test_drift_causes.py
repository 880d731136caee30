"""Whatever may come between a preview and its days, the drift names it: played by commands, difference by
difference.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from sqlalchemy import select

from storage.schema.customers import customers
from storage.schema.messages import messages
from storage.store import Store
from tests.console.lives import BASKET, PRESSURE, SETTINGS, act, person, run, trigger, workspace

Output = pytest.CaptureFixture[str]
REVIEW = trigger(BASKET, title='"Review"', priority="40").replace("Checkout Started", "Review Wanted")
BIRTHDAY = """
title = "Birthday"
status = "active"
purpose = "service"
[when]
kind = "recurring"
date = "birthday"
at = "12:00"
[[steps]]
channels = ["sms"]
template = "note"
"""
PEOPLE = ("anna", "beat", "cora")


class Shop:
    """Three customers with a basket each, due at 08:30; Cora's review request waits for the day after. Kept
    at 08:00 as `monday`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = 0

    def open(self) -> None:
        people = [
            person(user, birthday="1980-03-11", phone=f"+4179000000{number}")
            for number, user in enumerate(PEOPLE)
        ]
        workspace(self.folder, people, {"basket": BASKET, "review": REVIEW, "birthday": BIRTHDAY})
        self.do("apply", "--yes", at="00:00")
        self.take(*(act(user, "Checkout Started", "2025-03-10T07:30:00Z") for user in PEOPLE), at="07:30")
        self.take(act("cora", "Review Wanted", "2025-03-10T07:40:00Z"), at="07:40")

    def do(self, *words: str | Path, at: str, day: int = 10) -> None:
        """A command as of an instant of the day, which must succeed."""
        assert run("-w", self.folder, *words, "--at", f"2025-03-{day}T{at}:00Z") == 0

    def take(self, *calls: dict[str, Any], at: str, day: int = 10) -> None:
        self.files += 1
        file = self.folder / f"calls-{self.files}.ndjson"
        file.write_text("".join(json.dumps(call) + "\n" for call in calls))
        self.do("import", file, at=at, day=day)

    def keep(self, *words: str, at: str = "08:00") -> None:
        """A pass, then the preview of two days."""
        self.do("tick", at=at)
        self.do("preview", "--days", "2", "--save", "monday", *words, at=at)

    def tick(self, *instants: str, day: int = 10) -> None:
        for at in instants:
            self.do("tick", at=at, day=day)

    def live(self) -> None:
        """Passes where anything can be due, to the evening of Tuesday."""
        self.tick("08:30", "08:31", "08:40", "09:00", "09:30", "10:00", "12:00", "18:00")
        self.tick(
            "08:29", "08:30", "08:31", "08:40", "09:00", "09:30", "09:40", "10:00", "12:00", "18:00", day=11
        )

    def write(self, path: str, text: str) -> None:
        (self.folder / path).write_text(text)

    def drift(self, output: Output) -> list[dict[str, Any]]:
        """All differences, as scripts read them."""
        output.readouterr()
        assert run("-w", self.folder, "drift", "monday", "--json", "--at", "2025-03-11T20:00:00Z") == 0
        return [json.loads(line) for line in output.readouterr().out.splitlines()]


# ---- what happens in the meantime ----


def nothing(shop: Shop) -> None:
    """It goes on."""


def order(shop: Shop) -> None:
    shop.take(act("cora", "Order Completed", "2025-03-10T08:10:00Z", channel="store"), at="08:12")


def late_order(shop: Shop) -> None:
    shop.tick("08:30", "08:31", "08:40")
    shop.take(act("cora", "Order Completed", "2025-03-10T08:05:00Z", channel="store"), at="09:30")
    shop.tick("09:31")


def order_before_the_preview(shop: Shop) -> None:
    shop.take(act("cora", "Order Completed", "2025-03-10T07:50:00Z", channel="store"), at="08:12")


def merge(shop: Shop) -> None:
    shop.take(
        {
            "type": "alias",
            "messageId": "a",
            "userId": "anna",
            "previousId": "cora",
            "timestamp": "2025-03-10T08:10:00Z",
        },
        at="08:10",
    )


def merge_undone(shop: Shop) -> None:
    merge(shop)
    shop.tick("08:11")
    shop.do("merges", "undo", "1", "--yes", at="09:20")


def erasure(shop: Shop) -> None:
    with Store.open(shop.folder / "manometer.db") as store, store.writing() as connection:
        connection.exec_driver_sql(
            "UPDATE customers SET erased_at = 1741594200000 WHERE key = 'cora'"
        )  # 08:10


def pause(shop: Shop) -> None:
    shop.do("triggers", "pause", "basket", "--yes", "--reason", "no stock", at="08:10")


def pause_for_a_while(shop: Shop) -> None:
    shop.do("triggers", "pause", "basket", "--yes", at="08:10")
    shop.tick("08:31")
    shop.do("triggers", "resume", "basket", "--policy", "overdue", "--yes", at="09:00")


def pause_shifted(shop: Shop) -> None:
    shop.do("triggers", "pause", "basket", "--yes", at="08:10")
    shop.do("triggers", "resume", "basket", "--policy", "shift", "--yes", at="08:20")


def stop(shop: Shop) -> None:
    shop.do("stop", "--yes", at="08:10")


def stop_and_go(shop: Shop) -> None:
    shop.do("stop", "--yes", at="08:10")
    shop.tick("08:31")
    shop.do("go", "--yes", at="09:00")


def channel(shop: Shop) -> None:
    shop.do("pause", "--channel", "email", "--yes", at="08:10")


def customer(shop: Shop) -> None:
    shop.do("pause", "--customer", "cora", "--yes", at="08:10")


def segment(shop: Shop) -> None:
    shop.write("segments.toml", '[segments.all]\ntitle = "All"\nwhere = "orders == 0"\n')
    shop.do("apply", "--yes", at="08:05")
    shop.do("pause", "--segment", "all", "--yes", at="08:10")


def cancelled(shop: Shop) -> None:
    shop.do("tick", "--no-dispatch", at="08:30")
    shop.do("outbox", "cancel", *numbers(shop, "cora"), "--reason", "not her", at="08:31")


def numbers(shop: Shop, customer: str) -> list[str]:
    """Her messages in the outbox."""
    columns = messages.c
    with Store.open(shop.folder / "manometer.db") as store, store.reading() as connection:
        query = (
            select(columns.id)
            .join(customers, customers.c.id == columns.customer_id)
            .where(customers.c.key == customer)
        )
        return [str(number) for number in connection.execute(query.order_by(columns.id)).scalars()]


def limit(shop: Shop) -> None:
    shop.write("pressure.toml", PRESSURE.replace("limit = 1", "limit = 2"))
    shop.do("apply", "--yes", at="08:10")


def delay(shop: Shop) -> None:
    shop.write("triggers/basket.toml", BASKET.replace('after = "1h"', 'after = "30m"') + 'after = "2h"\n')
    shop.do("apply", "--yes", "--under-way", "basket=leave", at="08:10")


def removed(shop: Shop) -> None:
    (shop.folder / "triggers" / "basket.toml").unlink()
    shop.do("apply", "--yes", at="08:10")


def consent(shop: Shop) -> None:
    shop.take(
        {**act("cora", "Consent Withdrawn", "2025-03-10T08:10:00Z"), "properties": {"channel": "email"}},
        at="08:11",
    )


def address(shop: Shop) -> None:
    shop.take(
        act("cora", "Email Bounced", "2025-03-10T08:10:00Z", bounce_type="hard", email="cora@example.ch"),
        at="08:11",
    )


def birthday(shop: Shop) -> None:
    shop.take(person("cora", "2025-03-10T08:10:00Z", birthday="1980-05-05"), at="08:11")


def text_that_fails(shop: Shop) -> None:
    shop.write("templates/note/email.txt", "{{ customer.first_name / 2 }}")
    shop.do("apply", "--yes", at="08:10")


def away(shop: Shop) -> None:
    shop.tick("09:00", day=12)


def expired(shop: Shop) -> None:
    for at in ("08:30", "08:31", "08:40"):
        shop.do("tick", "--no-dispatch", at=at)
    shop.tick("09:31", "09:32")


def uncertain(shop: Shop) -> None:
    shop.do("tick", "--no-dispatch", at="08:30")
    with Store.open(shop.folder / "manometer.db") as store, store.writing() as connection:
        connection.exec_driver_sql("UPDATE messages SET state = 'uncertain', reason = 'CHANNEL_ERROR'")


def capacity(shop: Shop) -> None:
    """It goes on: one mail an hour."""


def approval(shop: Shop) -> None:
    shop.tick("08:30", "08:31", "08:40")
    shop.do("outbox", "reject", *numbers(shop, "cora"), "--reason", "not her", at="08:50")


def approved(shop: Shop) -> None:
    shop.tick("08:30", "08:31", "08:40")
    shop.do("outbox", "approve", *numbers(shop, "cora"), at="08:50")


def new_customer(shop: Shop) -> None:
    shop.take(
        person("dora", "2025-03-10T08:10:00Z"),
        act("dora", "Checkout Started", "2025-03-10T08:10:00Z"),
        at="08:11",
    )


def go_before_its_time(shop: Shop) -> None:
    shop.do("triggers", "resume", "basket", "--policy", "overdue", "--yes", at="08:20")


def unsubscribed(shop: Shop) -> None:
    shop.take(
        {**act("cora", "Unsubscribed", "2025-03-10T08:10:00Z"), "context": {"channel": "email"}}, at="08:11"
    )


def moved_away(shop: Shop) -> None:
    shop.take(
        person("cora", "2025-03-10T08:10:00Z", birthday="1980-03-11", timezone="Asia/Tokyo"), at="08:11"
    )


def another_priority(shop: Shop) -> None:
    shop.write("triggers/review.toml", REVIEW.replace("priority = 40", "priority = 90"))
    shop.do("apply", "--yes", at="08:10")


def two_things(shop: Shop) -> None:
    shop.do("triggers", "pause", "basket", "--yes", at="08:10")
    order(shop)


# ---- what the drift says ----

ALREADY = {
    "expired": ("triggers/basket.toml", BASKET.replace('expires = "3d"', 'expires = "1h"')),
    "capacity": (
        "manometer.toml",
        SETTINGS.replace('kind = "file"', 'kind = "file"\ncapacity = "1/hour"', 1),
    ),
    "approval": ("triggers/basket.toml", trigger(BASKET, approval="true")),
    "approved": ("triggers/basket.toml", trigger(BASKET, approval="true")),
}
"""What was in force already when the preview was made."""

CASES: list[tuple[Callable[[Shop], None], list[str], list[str]]] = [
    (nothing, [], []),
    (
        order,
        ["Order Completed over store, Mon 2025-03-10 08:10"],
        ["cora: basket changed event; review changed event; review missing event"],
    ),
    (
        late_order,
        ["Order Completed over store, Mon 2025-03-10 08:05, known since Mon 2025-03-10 09:30"],
        ["cora: review changed event; review missing event"],
    ),
    (
        order_before_the_preview,
        ["Order Completed over store, Mon 2025-03-10 07:50"],
        ["cora: basket changed event; review changed event; review missing event"],
    ),
    (
        merge,
        ["found to be one person with another (alias), Mon 2025-03-10 08:10"],
        [
            "anna: basket moved identity; basket unexpected identity; review changed identity; "
            "birthday missing identity"
        ],
    ),
    (
        merge_undone,
        [
            "found to be one person with another (alias), Mon 2025-03-10 08:10",
            "parted from another again, Mon 2025-03-10 09:20",
        ],
        ["anna: basket moved identity", "cora: basket moved identity; review moved identity"],
    ),
    (
        erasure,
        ["erased, Mon 2025-03-10 08:10"],
        [
            "cora: basket changed identity; review changed identity; review missing identity; birthday "
            "missing identity"
        ],
    ),
    (
        pause,
        ["pause basket, Mon 2025-03-10 08:10: no stock"],
        [
            "anna beat: basket changed operator",
            "cora: basket changed operator; review changed knock-on; review missing knock-on",
        ],
    ),
    (
        pause_for_a_while,
        ["pause basket, Mon 2025-03-10 08:10", "resume basket, Mon 2025-03-10 09:00"],
        [
            "anna beat: basket moved operator; basket unexpected operator",
            "cora: basket moved operator; basket unexpected operator; review changed knock-on; review "
            "missing knock-on",
        ],
    ),
    (
        pause_shifted,
        ["resume basket, Mon 2025-03-10 08:20"],
        ["anna beat: basket moved operator", "cora: basket moved operator; review moved knock-on"],
    ),
    (
        go_before_its_time,
        ["resume basket, Mon 2025-03-10 08:20"],
        [
            "anna beat: basket changed operator",
            "cora: basket changed operator; review changed knock-on; review unexpected knock-on",
        ],
    ),
    (
        stop,
        ["stop everything, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed operator; birthday changed operator",
            "cora: basket changed operator; review changed operator; review missing operator; birthday "
            "changed operator",
        ],
    ),
    (
        stop_and_go,
        ["stop everything, Mon 2025-03-10 08:10", "go everything, Mon 2025-03-10 09:00"],
        [
            "anna beat: basket changed operator; basket unexpected operator",
            "cora: basket changed operator; basket unexpected operator; review changed operator; review "
            "missing operator",
        ],
    ),
    (
        channel,
        ["pause channel:email, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed operator",
            "cora: basket changed operator; review changed operator; review missing operator",
        ],
    ),
    (
        customer,
        ["pause customer:cora, Mon 2025-03-10 08:10"],
        [
            "cora: basket changed operator; review changed operator; review missing knock-on; birthday "
            "changed operator"
        ],
    ),
    (
        segment,
        ["pause segment:all, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed operator; birthday changed operator",
            "cora: basket changed operator; review changed operator; review missing knock-on; birthday "
            "changed operator",
        ],
    ),
    (
        cancelled,
        ["outbox cancel 3, Mon 2025-03-10 08:31: not her"],
        ["cora: review changed operator; review missing operator"],
    ),
    (
        approval,
        ["outbox reject 3, Mon 2025-03-10 08:50: not her"],
        ["cora: review changed operator; review missing operator"],
    ),
    (approved, [], []),
    (limit, ["playbook 2, Mon 2025-03-10 08:10"], ["cora: review changed playbook; review missing knock-on"]),
    (
        delay,
        ["playbook 2, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed playbook",
            "cora: basket changed playbook; review changed knock-on; review missing knock-on",
        ],
    ),
    (
        removed,
        ["playbook 2, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed playbook",
            "cora: basket changed playbook; review changed knock-on; review missing knock-on",
        ],
    ),
    (
        another_priority,
        ["playbook 2, Mon 2025-03-10 08:10"],
        [
            "cora: basket moved playbook; basket unexpected knock-on; review changed playbook; review "
            "missing playbook"
        ],
    ),
    (
        consent,
        ["consent withdrawn: email, every purpose, Mon 2025-03-10 08:11"],
        ["cora: basket changed consent; review changed consent; review missing consent"],
    ),
    (
        unsubscribed,
        ["consent withdrawn: email, every purpose, Mon 2025-03-10 08:11"],
        ["cora: basket changed consent; review changed consent; review missing consent"],
    ),
    (
        address,
        ["email address blocked (bounce), Mon 2025-03-10 08:11"],
        ["cora: basket changed address; review changed address; review missing address"],
    ),
    (
        birthday,
        ["identify (birthday, email, firstName) over ndjson, Mon 2025-03-10 08:10"],
        ["cora: review changed address; review missing knock-on; birthday missing address"],
    ),
    (
        moved_away,
        ["identify (birthday, email, firstName, timezone) over ndjson, Mon 2025-03-10 08:10"],
        ["cora: birthday moved address; review moved knock-on; review missing knock-on"],
    ),
    (
        text_that_fails,
        ["basket, step 1: failed (templates/note/email.txt"],
        ["cora: review changed sending; review missing sending"],
    ),
    (
        expired,
        ["basket, step 1: expired (EXPIRED), Mon 2025-03-10 09:31, and its room was free again"],
        ["cora: review changed sending; review missing sending"],
    ),
    (uncertain, [], []),
    (
        capacity,
        ["basket, step 1: handed over Mon 2025-03-10 10:00, 90m late, and counts from then on"],
        ["cora: review moved sending; review unexpected sending"],
    ),
    (
        away,
        ["no tick came in time: it came late, or was no longer so afterwards"],
        [
            "anna beat: basket missing scheduler; birthday missing scheduler",
            "cora: basket missing scheduler; review missing scheduler; birthday missing scheduler",
        ],
    ),
    (new_customer, ["Checkout Started over ndjson, Mon 2025-03-10 08:10"], ["dora: basket unexpected event"]),
    (
        two_things,
        ["pause basket, Mon 2025-03-10 08:10", "Order Completed over store, Mon 2025-03-10 08:10"],
        [
            "anna beat: basket changed operator",
            "cora: basket changed event; review changed event; review missing event",
        ],
    ),
]
"""For each deed the words of the causes, and by customer what is different and why; words of operators name
their author besides.
"""


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop after its preview, to be copied."""
    shop = Shop(tmp_path_factory.mktemp("kept") / "shop")
    shop.open()
    shop.keep()
    return shop.folder


def opened(folder: Path, kept: Path, deed: str) -> Shop:
    shop = Shop(folder / "shop")
    if deed not in ALREADY and deed != "go_before_its_time":
        copytree(kept, shop.folder)
        return shop
    shop.open()
    if deed in ALREADY:
        shop.write(*ALREADY[deed])
        shop.do("apply", "--yes", at="07:55")
    else:
        shop.do("triggers", "pause", "basket", "--yes", at="07:56")
    shop.keep()
    return shop


@pytest.mark.parametrize(("deed", "details", "expected"), CASES, ids=[deed.__name__ for deed, _, _ in CASES])
def test_every_difference_has_its_one_cause_in_words(
    tmp_path: Path,
    kept: Path,
    capsys: Output,
    deed: Callable[[Shop], None],
    details: Sequence[str],
    expected: Sequence[str],
) -> None:
    shop = opened(tmp_path, kept, deed.__name__)
    deed(shop)
    if deed is not away:
        shop.live()
    found = shop.drift(capsys)
    assert by_customer(found) == expected
    unnamed = [
        row["detail"]
        for row in found
        if not any(detail in re.sub(r" by \S+,", ",", row["detail"]) for detail in details)
    ]
    assert not unnamed


def by_customer(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Who has which differences: trigger, change and cause, each once; customers with the same ones
    together.
    """
    hers: dict[str, dict[str, None]] = {}
    for row in found:
        hers.setdefault(row["customer"], {})[f"{row['trigger']} {row['change']} {row['cause']}"] = None
    alike: dict[str, list[str]] = {}
    for customer, differences in hers.items():
        alike.setdefault("; ".join(differences), []).append(customer)
    return [f"{' '.join(customers)}: {differences}" for differences, customers in alike.items()]
