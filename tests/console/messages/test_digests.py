"""Two journeys in one mail: decided, written, looked at once more, made and handed over once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from console.channels import adapter_kinds
from console.dispatch import dispatch
from console.dispatch.journal import Journal
from console.dispatch.outcomes import MessageOutcome, outcome_mark
from console.main import main
from console.messages.digests import render_together
from console.messages.sandbox import Record, TemplateFault
from console.messages.templates import Templates
from console.playbooks.applied import apply_workspace, load_in_force
from console.runs.tick import tick
from console.workspace.reading import read_workspace
from core.instants import DAY, HOUR, MINUTE, Instant, format_instant, parse_instant
from core.model.pauses import Pause, parse_target
from storage import pauses, status
from storage.outbox import acts as outbox_acts
from storage.outbox import dispatch as outbox
from storage.outbox.digests import CarriedStep, load
from storage.schema.decisions import decisions
from storage.schema.messages import messages
from storage.store import Store
from tests.console.lives import act, person, run
from tests.servers import MailServer

NEWS = parse_instant("2025-03-03T09:00:00Z")
SETTINGS = """
[workspace]
name = "shop"
time_zone = "UTC"
[consent]
policy = "assumed"
[channels.email]
kind = "file"
"""
TRIGGER = """
title = "TITLE"
status = "active"
purpose = "marketing"
priority = PRIORITY
audience = "country != 'DE' or true"
[when]
kind = "transactional"
event = "News"
[exit]
on = ["EXIT"]
[[steps]]
channels = ["email"]
template = "TITLE"
digest = true
expires = "EXPIRES"
"""


def trigger(title: str, priority: int, exit_on: str, expires: str = "2d") -> str:
    return (
        TRIGGER.replace("TITLE", title)
        .replace("PRIORITY", str(priority))
        .replace("EXIT", exit_on)
        .replace("EXPIRES", expires)
    )


FILES = {
    "manometer.toml": SETTINGS,
    "pressure.toml": '[[rule]]\nname = "one-a-day"\nlimit = 1\nwindow = "1d"\n',
    "segments.toml": "",
    "triggers/basket.toml": trigger("basket", 80, "Order Completed"),
    "triggers/tips.toml": trigger("tips", 60, "Order Returned"),
    "triggers/views.toml": trigger("views", 40, "Account Created"),
    "templates/basket/subject.txt": "Your basket, {{ customer.first_name }}",
    "templates/basket/email.txt": "Your basket waits.",
    "templates/basket/email.html": "<html><body><p>Your basket waits.</p></body></html>",
    "templates/tips/subject.txt": "Tips",
    "templates/tips/email.txt": "Dear {{ customer.first_name }},\n\nour tips.",
    "templates/tips/email.html": "<html><head><title>t</title></head><body "
    "class='x'><p>TIPS</p></body></html>".replace(
        "TIPS", "Our tips &amp; more for {{ event.properties.what }}."
    ),
    "templates/views/email.txt": "Things you have seen. {% if unsubscribe_url %}{{ unsubscribe_url }}{% "
    "endif %}",
}


class Shop:
    """A workspace with one customer, played and dispatched by a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for path, text in FILES.items():
            self.write(path, text)
        self.store = Store.create(folder / "manometer.db")
        self.told(person("anna"), at=NEWS - DAY)
        self.apply(NEWS - HOUR)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def apply(self, at: Instant) -> None:
        apply_workspace(self.store, read_workspace(self.folder, channel_kinds=adapter_kinds()), at, "test")

    def told(self, *calls: dict[str, Any], at: Instant = NEWS) -> None:
        (self.folder / "calls.ndjson").write_text("".join(json.dumps(call) + "\n" for call in calls))
        assert (
            main(
                [
                    "-w",
                    str(self.folder),
                    "import",
                    str(self.folder / "calls.ndjson"),
                    "--at",
                    format_instant(at),
                ]
            )
            == 0
        )

    def news(self) -> None:
        self.told(act("anna", "News", "2025-03-03T09:00:00Z", what="<pans>"))

    def tick(self, at: Instant = NEWS) -> None:
        list(tick(self.store, load_in_force(self.store, self.folder).playbook, at))

    def dispatch(self, at: Instant = NEWS) -> Any:
        return dispatch(self.store, load_in_force(self.store, self.folder), at)

    def sent(self) -> list[dict[str, Any]]:
        path = self.folder / "outbox" / "email.ndjson"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def rows(self) -> list[Any]:
        with self.store.reading() as connection:
            return list(connection.execute(select(decisions).order_by(decisions.c.id)))

    def message(self) -> Any:
        with self.store.reading() as connection:
            return connection.execute(select(messages)).one()

    def books(self) -> dict[str, Any]:
        with self.store.reading() as connection:
            return status.conservation(connection)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    made = Shop(tmp_path)
    yield made
    made.store.close()


def test_one_mail_with_both_contents_goes_out_once(shop: Shop) -> None:
    shop.news()
    shop.tick()
    shop.tick(NEWS + MINUTE)
    assert shop.dispatch().sent == 1
    assert shop.dispatch(NEWS + MINUTE).sent == 0
    (mail,) = shop.sent()
    assert mail["subject"] == "Your basket, Anna"
    assert (mail["trigger"], mail["digest"]) == (
        "basket",
        [{"trigger": "tips", "step": 1}, {"trigger": "views", "step": 1}],
    )
    rule = "-" * 40
    text = f"Your basket waits.\n\n{rule}\n\nDear Anna,\n\nour tips.\n\n{rule}\n\nThings you have seen.\n"
    assert mail["parts"]["email.txt"] == text
    html = mail["parts"]["email.html"]
    assert html.startswith(
        "<html><body><p>Your basket waits.</p><hr>\n<p>Our tips &amp; more for &lt;pans&gt;.</p>\n<hr>\n"
    )
    assert html.endswith(">Things you have seen.</div>\n</body></html>")
    assert "<title>" not in html


def test_all_decisions_point_to_the_one_message_and_the_books_balance(shop: Shop) -> None:
    shop.news()
    shop.tick()
    assert [(row.trigger, row.outcome, row.message_id) for row in shop.rows()] == [
        (n, "send", 1) for n in ("basket", "tips", "views")
    ]
    assert (shop.books()["holds"], shop.books()["fates"]["pending"]) == (True, 3)
    shop.dispatch()
    assert (shop.books()["holds"], shop.books()["fates"]["sent"], shop.books()["messages"]["sent"]) == (
        True,
        3,
        1,
    )


def test_a_follower_whose_goal_is_reached_drops_out_and_the_rest_goes(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.news()
    shop.tick()
    shop.told(act("anna", "Order Returned", "2025-03-03T09:01:00Z"), at=NEWS + MINUTE)
    shop.dispatch(NEWS + 2 * MINUTE)
    (mail,) = shop.sent()
    assert "tips" not in mail["parts"]["email.txt"]
    assert mail["digest"] == [{"trigger": "views", "step": 1}]
    assert [(each.trigger, each.left_out) for each in load(shop.message().digest)] == [
        ("basket", None),
        ("tips", "GOAL_REACHED"),
        ("views", None),
    ]
    assert (shop.books()["holds"], shop.books()["fates"]["sent"], shop.books()["fates"]["suppressed"]) == (
        True,
        2,
        1,
    )
    capsys.readouterr()
    run("-w", shop.folder, "why", "anna", "tips")
    assert (
        "the message was cancelled: the goal was reached before. Together with basket."
        in capsys.readouterr().out
    )


def test_where_the_leader_drops_out_the_message_goes_with_the_others(shop: Shop) -> None:
    shop.news()
    shop.tick()
    shop.told(act("anna", "Order Completed", "2025-03-03T09:01:00Z", revenue=10), at=NEWS + MINUTE)
    shop.dispatch(NEWS + 2 * MINUTE)
    (mail,) = shop.sent()
    assert (mail["subject"], mail["trigger"]) == ("Tips", "tips")
    assert "basket" not in mail["parts"]["email.txt"]
    assert mail["parts"]["email.txt"].startswith("Dear Anna,")
    assert shop.books()["holds"]


@pytest.mark.parametrize("kept", [True, False])
def test_a_step_in_anothers_mail_is_looked_at_by_the_definition_that_planned_it(
    shop: Shop, kept: bool
) -> None:
    shop.news()
    shop.tick()
    for second, ends in ((1, "Account Created"), (2, "Order Completed")):
        shop.write("triggers/tips.toml", trigger("tips", 60, ends))
        workspace = read_workspace(shop.folder, channel_kinds=adapter_kinds())
        apply_workspace(shop.store, workspace, NEWS + second, "test", {"tips": "finish" if kept else "move"})
    shop.told(act("anna", "Order Returned", "2025-03-03T09:01:00Z"), at=NEWS + MINUTE)
    shop.dispatch(NEWS + 2 * MINUTE)
    (mail,) = shop.sent()
    assert ("tips" in mail["parts"]["email.txt"]) == (not kept)


def test_where_all_drop_out_the_message_is_cancelled(shop: Shop) -> None:
    shop.news()
    shop.tick()
    goals = [
        act("anna", name, "2025-03-03T09:01:00Z", revenue=1)
        for name in ("Order Completed", "Order Returned", "Account Created")
    ]
    shop.told(*goals, at=NEWS + MINUTE)
    assert shop.dispatch(NEWS + 2 * MINUTE).cancelled == 1
    assert (shop.sent(), shop.message().state, shop.message().reason) == ([], "cancelled", "GOAL_REACHED")
    assert (shop.books()["holds"], shop.books()["fates"]["suppressed"]) == (True, 3)


def test_a_step_drops_out_once_its_own_time_is_over(shop: Shop) -> None:
    shop.write("triggers/basket.toml", trigger("basket", 80, "Order Completed", "1h"))
    shop.apply(NEWS - MINUTE)
    shop.news()
    shop.tick()
    shop.dispatch(NEWS + 2 * HOUR)
    assert [mail["trigger"] for mail in shop.sent()] == ["tips"]


@pytest.mark.parametrize(("paused", "goes"), [("tips", ["basket"]), ("basket", [])])
def test_a_paused_follower_drops_out_and_a_paused_leader_holds_the_message(
    shop: Shop, paused: str, goes: list[str]
) -> None:
    shop.news()
    shop.tick()
    with shop.store.writing() as connection:
        pauses.pause(connection, Pause(parse_target(paused), NEWS), "test", None)
    shop.dispatch(NEWS + MINUTE)
    assert [mail["trigger"] for mail in shop.sent()] == goes
    assert all(paused not in (each["trigger"] for each in mail["digest"]) for mail in shop.sent())


def test_cancelling_the_message_concerns_all_its_steps(shop: Shop) -> None:
    shop.news()
    shop.tick()
    with shop.store.writing() as connection:
        outbox_acts.cancel(connection, [1], "test", NEWS)
    shop.dispatch()
    assert (shop.sent(), shop.books()["fates"]["suppressed"], shop.books()["holds"]) == ([], 3, True)


def test_a_replay_and_a_preview_say_what_the_live_run_does(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop.news()
    capsys.readouterr()
    run(
        "-w",
        shop.folder,
        "--json",
        "preview",
        "--from",
        "2025-03-03T08:59:00Z",
        "--days",
        "1",
        "--future",
        "as-it-was",
    )
    foreseen = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    shop.tick()
    shop.dispatch()
    assert (
        run(
            "-w",
            shop.folder,
            "replay",
            "--from",
            "2025-03-03",
            "--to",
            "2025-03-04",
            "--into",
            tmp_path / "played",
        )
        == 0
    )
    played = [
        json.loads(line)
        for line in (tmp_path / "played" / "outbox" / "email.ndjson").read_text().splitlines()
    ]
    assert [(mail["key"], mail["parts"], mail["digest"]) for mail in played] == [
        (m["key"], m["parts"], m["digest"]) for m in shop.sent()
    ]
    assert [(row["trigger"], row["outcome"], row["message"]) for row in foreseen] == [
        (row.trigger, "send", None) for row in shop.rows()
    ]


def test_a_template_says_itself_where_the_others_go_and_how_they_look_there(shop: Shop) -> None:
    looped = "Basket.{% for part in digest %} [{{ part.title }}: {{ part.text }}]{% endfor %} Bye."
    shop.write("templates/basket/email.txt", looped)
    shop.write("templates/basket/email.html", "<body><main>Basket</main><aside>{{ digest }}</aside></body>")
    shop.write("templates/tips/digest.txt", "tips in short")
    shop.write("templates/tips/de/digest.html", "<i>Kurz</i>")
    shop.apply(NEWS - MINUTE)
    shop.told(person("anna", at="2025-01-02T00:00:00Z", locale="de-CH"), at=NEWS - MINUTE)
    shop.news()
    shop.tick()
    shop.dispatch()
    (mail,) = shop.sent()
    assert mail["parts"]["email.txt"] == "Basket. [Tips: tips in short] [views: Things you have seen.] Bye."
    assert mail["parts"]["email.html"].startswith("<body><main>Basket</main><aside><i>Kurz</i>\n<hr>\n<div")


def test_a_real_mail_server_gets_one_mail_with_both_contents(shop: Shop) -> None:
    with MailServer() as server:
        shop.write(
            "manometer.toml",
            SETTINGS.replace(
                'kind = "file"',
                f'kind = "smtp"\nhost = "127.0.0.1"\nport = {server.port}\nsecurity = "none"\nfrom = '
                '"a@shop.example"',
            ),
        )
        shop.apply(NEWS - MINUTE)
        shop.news()
        shop.tick()
        assert shop.dispatch().sent == 1
        assert shop.dispatch(NEWS + MINUTE).sent == 0
    (got,) = server.received
    plain, html = got.message.iter_parts()
    assert "Your basket waits." in plain.get_content()
    assert "our tips." in plain.get_content()
    assert "Our tips" in html.get_content()


def test_what_a_crash_left_goes_out_once_and_with_all_it_carries(shop: Shop) -> None:
    shop.news()
    shop.tick()
    with shop.store.writing() as connection:
        (claimed,) = outbox.claim(connection, NEWS, "gone-host:1:1", MINUTE, 10, outbox.Allowed("email"))
    assert [(each.trigger, each.cause_name, each.cause_properties) for each in claimed.digest] == [
        (name, "News", {"what": "<pans>"}) for name in ("basket", "tips", "views")
    ]
    assert shop.dispatch(NEWS + 2 * MINUTE).sent == 1
    assert shop.dispatch(NEWS + 3 * MINUTE).sent == 0
    assert [len(mail["digest"]) for mail in shop.sent()] == [2]


def test_the_journal_keeps_what_was_left_out(shop: Shop) -> None:
    carried = (
        CarriedStep("basket", 1, "basket", "event:1", 1, NEWS + DAY, "GOAL_REACHED"),
        CarriedStep("tips", 1, "tips", "event:1", 2, NEWS + DAY),
    )
    shop.news()
    shop.tick()
    with shop.store.writing() as connection:
        (claimed,) = outbox.claim(connection, NEWS, "me", MINUTE, 10, outbox.Allowed("email"))
    written = replace(outcome_mark(replace(claimed, digest=carried), "sent"), sent_at=NEWS)
    journal = Journal.open(shop.store.path, "me")
    assert journal is not None
    with journal:
        journal.start()
        journal.claimed([claimed])
        journal.begun(claimed)
        journal.ended(MessageOutcome(claimed, written))
        left = journal.left()["me"]
    assert left is not None
    assert left.ended[claimed.id] == written
    assert load(written.digest) == carried


def test_a_template_that_cannot_be_made_fails_the_message_with_all_its_steps(shop: Shop) -> None:
    shop.write("templates/views/email.txt", "{{ customer.first_name / 2 }}")
    shop.apply(NEWS - MINUTE)
    shop.news()
    shop.tick()
    assert shop.dispatch().failed == 1
    assert (shop.sent(), shop.message().reason) == ([], "TEMPLATE_ERROR")
    assert (shop.books()["holds"], shop.books()["fates"]["failed"]) == (True, 3)


def variables_of(title: str) -> dict[str, Any]:
    trigger = Record("trigger", {"name": title, "title": title})
    return {"customer": {"locale": None}, "trigger": trigger, "step": {"number": 1}, "digest": []}


@pytest.mark.parametrize(
    ("leading", "expected"),
    [
        ('{"id": 1}', {"id": 1, "digest": [{"id": 2}]}),
        ('{"all": "{% for part in digest %}{{ part.title }}{% endfor %}"}', {"all": "tips"}),
    ],
)
def test_a_webhook_gets_the_payloads_of_the_others(leading: str, expected: dict[str, Any]) -> None:
    templates = Templates({"templates/a/webhook.json": leading, "templates/b/webhook.json": '{"id": 2}'})
    made = render_together(templates, "a", "webhook", variables_of("basket"), [("b", variables_of("tips"))])
    assert json.loads(made.parts["webhook.json"]) == expected


def test_a_webhook_payload_that_is_no_object_has_no_place_for_others() -> None:
    templates = Templates({"templates/a/webhook.json": "[1]", "templates/b/webhook.json": '{"id": 2}'})
    with pytest.raises(TemplateFault, match="write an object"):
        render_together(templates, "a", "webhook", variables_of("basket"), [("b", variables_of("tips"))])


def test_of_text_and_html_the_one_that_a_template_lacks_is_made_from_the_other() -> None:
    files = {
        "a/email.txt": "A",
        "a/email.html": "<p>A</p>",
        "b/email.html": "<BODY bgcolor=x><p>B &amp; <b>C</b></p></BODY>",
        "c/email.txt": "1 < 2",
    }
    templates = Templates({f"templates/{path}": text for path, text in files.items()})
    made = render_together(
        templates, "a", "email", variables_of("a"), [("b", variables_of("b")), ("c", variables_of("c"))]
    )
    rule = "-" * 40
    assert made.parts["email.txt"] == f"A\n\n{rule}\n\nB & C\n\n{rule}\n\n1 < 2\n"
    assert made.parts["email.html"] == (
        '<p>A</p>\n<hr>\n<p>B &amp; <b>C</b></p>\n<hr>\n<div style="white-space: pre-line">1 &lt; 2</div>\n'
    )


def test_check_says_where_a_digest_cannot_be(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    shop.write("manometer.toml", SETTINGS + '[channels.sms]\nkind = "file"\n')
    shop.write("templates/views/sms.txt", "x")
    shop.write("triggers/views.toml", trigger("views", 40, "Account Created").replace('["email"]', '["sms"]'))
    shop.write("triggers/tips.toml", trigger("tips", 40, "Account Created") + 'mode = "all"\n')
    capsys.readouterr()
    assert run("-w", shop.folder, "check") != 0
    said = capsys.readouterr().out
    assert "none of the channels can carry several texts" in said
    assert "exclude each other" in said


# ---- two customers who are one ----


def two_are_one(shop: Shop, *, sent: bool = False) -> None:
    """Anna and Bea each have a mail with all three texts in the outbox (one of Anna's goes first, if so), and
    turn out to be one.
    """
    shop.told(person("bea"), at=NEWS - DAY)
    shop.news()
    shop.tick()
    if sent:
        shop.dispatch()
    shop.told(act("bea", "News", "2025-03-03T09:00:30Z"), at=NEWS + MINUTE // 2)
    shop.tick(NEWS + MINUTE // 2)
    shop.told(
        {
            "type": "alias",
            "messageId": "a",
            "userId": "anna",
            "previousId": "bea",
            "timestamp": "2025-03-03T09:01:00Z",
        },
        at=NEWS + MINUTE,
    )


def states(shop: Shop) -> list[tuple[str, str | None]]:
    with shop.store.reading() as connection:
        return [
            (row.state, row.reason) for row in connection.execute(select(messages).order_by(messages.c.id))
        ]


def test_of_two_waiting_mails_with_the_same_steps_one_goes(shop: Shop) -> None:
    two_are_one(shop)
    assert states(shop) == [("planned", None), ("cancelled", "CUSTOMER_MERGED")]
    shop.tick(NEWS + MINUTE)
    shop.dispatch(NEWS + MINUTE)
    assert [(mail["trigger"], len(mail["digest"])) for mail in shop.sent()] == [("basket", 2)]
    assert (shop.books()["holds"], shop.books()["fates"]["sent"], shop.books()["fates"]["suppressed"]) == (
        True,
        3,
        3,
    )


def test_a_merge_that_is_undone_gives_back_the_mail_of_both(shop: Shop) -> None:
    two_are_one(shop)
    assert (
        run("-w", shop.folder, "merges", "undo", "1", "--yes", "--at", format_instant(NEWS + 2 * MINUTE)) == 0
    )
    assert states(shop) == [("planned", None)] * 2
    shop.dispatch(NEWS + 2 * MINUTE)
    assert sorted((mail["customer"], len(mail["digest"])) for mail in shop.sent()) == [
        ("anna", 2),
        ("bea", 2),
    ]


def shares_one_step(shop: Shop, capsys: pytest.CaptureFixture[str]) -> None:
    """Anna's mail has basket and tips, Bea's basket, tips and views; of the basket it is one cart, of the
    tips it is not.
    """
    per = 'kind = "transactional"\nper = "cart"'
    shop.write(
        "triggers/basket.toml",
        trigger("basket", 80, "Order Completed").replace('kind = "transactional"', per),
    )
    shop.write(
        "triggers/tips.toml",
        trigger("tips", 60, "Order Returned").replace('kind = "transactional"', per.replace("cart", "tip")),
    )
    views = trigger("views", 40, "Account Created").replace("country != 'DE' or true", "trait.sees == 'yes'")
    shop.write("triggers/views.toml", views)
    shop.apply(NEWS - MINUTE)
    shop.told(person("bea", sees="yes"), at=NEWS - DAY)
    for who, tip in (("anna", "t1"), ("bea", "t2")):
        shop.told(act(who, "News", "2025-03-03T09:00:00Z", cart="c1", tip=tip), at=NEWS)
    shop.tick()
    shop.told(
        {
            "type": "alias",
            "messageId": "a",
            "userId": "anna",
            "previousId": "bea",
            "timestamp": "2025-03-03T09:01:00Z",
        },
        at=NEWS + MINUTE,
    )
    capsys.readouterr()


def test_a_mail_goes_without_the_step_that_would_come_twice(
    shop: Shop, capsys: pytest.CaptureFixture[str]
) -> None:
    shares_one_step(shop, capsys)
    shop.tick(NEWS + MINUTE)
    shop.dispatch(NEWS + 2 * MINUTE)
    assert [(mail["trigger"], [each["trigger"] for each in mail["digest"]]) for mail in shop.sent()] == [
        ("basket", ["tips"]),
        ("tips", ["views"]),
    ]
    assert (shop.books()["holds"], shop.books()["fates"]["sent"], shop.books()["fates"]["suppressed"]) == (
        True,
        4,
        1,
    )
    run("-w", shop.folder, "decisions", "--json", "--trigger", "basket")
    assert len(capsys.readouterr().out.splitlines()) == 2


@pytest.mark.parametrize(("handed_over", "parts"), [(False, 2), (True, 1)])
def test_undoing_the_merge_puts_the_step_back_unless_the_mail_has_gone(
    shop: Shop, capsys: pytest.CaptureFixture[str], handed_over: bool, parts: int
) -> None:
    shares_one_step(shop, capsys)
    if handed_over:
        shop.dispatch(NEWS + 2 * MINUTE)
    assert (
        run("-w", shop.folder, "merges", "undo", "1", "--yes", "--at", format_instant(NEWS + 3 * MINUTE)) == 0
    )
    shop.tick(NEWS + 3 * MINUTE)
    shop.dispatch(NEWS + 3 * MINUTE)
    (beas,) = [
        mail
        for mail in shop.sent()
        if len(mail["digest"]) == parts and mail["parts"]["email.txt"].endswith("seen.\n")
    ]
    assert ("Your basket" in beas["parts"]["email.txt"]) == (not handed_over)
    assert shop.books()["holds"]


def test_a_step_that_was_sent_to_one_of_them_is_left_out_of_the_others_mail(shop: Shop) -> None:
    shop.write(
        "triggers/basket.toml",
        trigger("basket", 80, "Order Completed").replace('"transactional"', '"transactional"\nper = "cart"'),
    )
    shop.write(
        "triggers/tips.toml", trigger("tips", 60, "Order Returned").replace("digest = true", "digest = false")
    )
    shop.write("pressure.toml", "")
    shop.apply(NEWS - MINUTE)
    shop.told(person("bea"), at=NEWS - DAY)
    shop.told(act("anna", "News", "2025-03-03T09:00:00Z", cart="c1"), at=NEWS)
    shop.tick()
    shop.dispatch()
    assert [(mail["trigger"], len(mail.get("digest", ()))) for mail in shop.sent()] == [
        ("basket", 1),
        ("tips", 0),
    ]
    shop.told(act("bea", "News", "2025-03-03T09:00:30Z", cart="c1"), at=NEWS + MINUTE)
    shop.tick(NEWS + MINUTE)
    shop.told(
        {
            "type": "alias",
            "messageId": "a",
            "userId": "anna",
            "previousId": "bea",
            "timestamp": "2025-03-03T09:01:00Z",
        },
        at=NEWS + MINUTE,
    )
    shop.dispatch(NEWS + 2 * MINUTE)
    assert [(mail["trigger"], len(mail.get("digest", ()))) for mail in shop.sent()[2:]] == [
        ("views", 0),
        ("tips", 0),
    ]
    assert shop.books()["holds"]
