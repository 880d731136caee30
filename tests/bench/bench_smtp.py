"""Mail through the dispatcher, against a bare `smtplib` loop that sends the same mails, made beforehand, to
the same server.
"""

from __future__ import annotations

import json
import smtplib
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

from sqlalchemy import insert

from console.channels import adapter_kinds
from console.channels._mail import compose, mailbox
from console.dispatch import dispatch
from console.playbooks.applied import apply_workspace, load_in_force
from console.workspace.reading import Workspace, read_workspace
from core.instants import DAY, HOUR
from core.model.delivery import Outbound
from storage.schema.customers import customers
from storage.schema.enrolments import enrolments
from storage.schema.events import events
from storage.schema.messages import messages
from storage.store import Store
from tests.bench.bases import APPLIED, NOW, PLACES, folder, seconds, typical_workspace
from tests.servers import MailServerProcess

SIZE = 2_000
AIM = 0.8
SERVERS = {
    "a server that keeps nothing": (0.0, False),
    "a server that takes 2 ms to queue a mail": (0.002, False),
    "the same, which takes commands together": (0.002, True),
}
"""Seconds before it says that it has a mail, as one does that forces its queue to the disk, and whether it
offers PIPELINING.
"""
SENDER = "Muster Mode <hello@muster.example>"
CHANNEL = """
[channels.email]
kind = "smtp"
host = "127.0.0.1"
port = {port}
security = "none"
from = "{sender}"
"""
TRAITS = {
    "firstName": "Anna",
    "lastName": "Müster",
    "locale": "de-CH",
    "address.city": PLACES[0][1],
    "address.country": "CH",
}


def run(size: int = SIZE, rounds: int = 5) -> Iterator[str]:
    """The figures, a line each; both ways take turns, and the median of each is said."""
    for name, server in SERVERS.items():
        found = [_round(size, *server) for _ in range(rounds)]
        ours, bare = (median(rates) for rates in zip(*found))
        ratio = median(one / other for one, other in found)
        rates = f"{ours:,.0f}/s, bare smtplib loop {bare:,.0f}/s, {ratio:.2f} of its rate"
        yield f"smtp: {size:,} mails, {name}: {rates} (aim: {AIM:g}, median of {rounds})"


def _round(size: int, delay: float, pipelining: bool) -> tuple[float, float]:
    """Mails a second through the dispatcher, and through the bare loop."""
    with folder() as place:
        with MailServerProcess(delay, pipelining=pipelining) as server:
            store, workspace = due(place, size, partial(_with_smtp, port=server.port))
            with store:
                began = perf_counter()
                done = dispatch(store, workspace, NOW)
                ours = size / seconds(began)
        assert done.sent == size == len(server.counts), done
        assert set(server.counts.values()) == {1}
        with MailServerProcess(delay, pipelining=pipelining) as server:
            bare = size / _bare(server, size)
        assert len(server.counts) == size
    return ours, bare


def due(place: Path, size: int, edited: Callable[[str], str]) -> tuple[Store, Workspace]:
    """A workspace in which so many mails are due, its settings as `edited` gives them."""
    typical_workspace(place)
    settings = place / "manometer.toml"
    settings.write_text(edited(settings.read_text(encoding="utf-8")), encoding="utf-8")
    store = Store.create(place / "manometer.db")
    apply_workspace(store, read_workspace(place, channel_kinds=adapter_kinds()), APPLIED, "bench")
    with store.writing() as connection:
        for first in range(1, size + 1, 1_000):
            numbers = range(first, min(first + 1_000, size + 1))
            connection.execute(insert(customers), [_customer(number) for number in numbers])
            connection.execute(insert(events), [_event(number) for number in numbers])
            connection.execute(insert(enrolments), [_enrolment(number) for number in numbers])
            connection.execute(insert(messages), [_message(number) for number in numbers])
    return store, load_in_force(store, place)


def _with_smtp(text: str, port: int) -> str:
    before, _, rest = text.replace('policy = "strict"', 'policy = "assumed"').partition("[channels.email]")
    following = rest.partition("\n[")
    return before + CHANNEL.format(port=port, sender=SENDER) + following[1] + following[2]


def _customer(number: int) -> dict[str, object]:
    traits = json.dumps(TRAITS | {"email": f"c{number}@example.com"})
    return {"id": number, "key": f"c{number}", "traits": traits, "planned_version": 1}


def _event(number: int) -> dict[str, object]:
    properties = json.dumps(
        {"cart_id": f"k{number}", "value": 80, "products": [{"name": "Jacke", "quantity": 1, "price": 80}]}
    )
    return {
        "id": number, "dedup": number.to_bytes(16), "customer_id": number, "kind": "track",
        "name": "Checkout Started",
        "occurred_at": NOW - HOUR, "arrived_at": NOW - HOUR, "source": "shop", "properties": properties,
    }  # fmt: skip


def _enrolment(number: int) -> dict[str, object]:
    return {
        "id": number, "customer_id": number, "trigger": "basket-reminder", "cause_key": f"event:{number}",
        "cause_at": NOW - HOUR,
        "cause_event": number, "entered_at": NOW - HOUR, "version": 1, "state": "open", "step": 2,
        "planned_at": NOW + DAY,
    }  # fmt: skip


def _message(number: int) -> dict[str, object]:
    return {
        "key": f"{number:032x}", "customer_id": number, "enrolment_id": number, "trigger": "basket-reminder",
        "step": 1, "channel": "email",
        "template": "basket-reminder", "address": f"c{number}@example.com", "state": "planned",
        "planned_at": NOW, "expires_at": NOW + DAY,
        "lands_at": NOW, "purpose": "marketing", "weight": 1000, "counts": 1,
    }  # fmt: skip


def _bare(server: MailServerProcess, size: int) -> float:
    """Seconds to send as many mails of the usual size over one connection."""
    texts = {
        "email.txt": "Guten Tag Anna, Ihr Warenkorb wartet noch.\n" * 12,
        "email.html": "<p>Guten Tag Anna, Ihr Warenkorb wartet.</p>\n" * 20,
    }
    mails = [
        (
            f"c{number}@example.com",
            compose(
                Outbound(
                    f"{number:032x}", number, f"c{number}", "email", "email", f"c{number}@example.com",
                    "basket-reminder", 1, "marketing",
                    "Ihr Warenkorb", texts, NOW, NOW,
                ),
                mailbox(SENDER),
                f"c{number}@example.com",
            ),
        )
        for number in range(1, size + 1)
    ]  # fmt: skip
    began = perf_counter()
    with smtplib.SMTP(server.host, server.port) as connection:
        for to, raw in mails:
            connection.sendmail("hello@muster.example", to, raw)
    return seconds(began)


if __name__ == "__main__":
    for figure in run(*map(int, sys.argv[1:])):
        print(figure, flush=True)
