"""Reading messages by command: as they were sent, as they would be, and any template for anyone."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from storage.schema.customers import customers
from storage.schema.decisions import decisions
from storage.schema.messages import messages
from storage.schema.texts import sent_texts
from storage.store import Store
from tests.console.lives import SETTINGS, act, person, run, workspace

AT = "2026-01-04T12:00:00Z"
NOTE = (
    "{{ customer.first_name }}: {{ event.properties.cart_id }}"
    "{% if unsubscribe_url %} {{ unsubscribe_url }}{% endif %}"
)
HTML = (
    "<html><body><p>{{ customer.first_name }}</p>"
    "{% for each in customer.viewed %}<p>{{ each.name }}</p>{% endfor %}</body></html>"
)
UNSUBSCRIBE = """
[unsubscribe]
url = "https://shop.example/u/{token}"
secret = { env = "A_SECRET_THAT_IS_NOT_SET" }
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A shop in which one message was sent, to c0."""
    folder = workspace(tmp_path / "shop", [person("c0", firstName="Lisa"), person("c1")], note=NOTE)
    (folder / "templates/note/email.html").write_text(HTML)
    assert run("-w", folder, "tick", "--at", "2026-01-04T09:00:00Z") == 0
    basket = act("c0", "Checkout Started", "2026-01-04T10:00:00Z", cart_id="k-1")
    (folder / "new.ndjson").write_text(json.dumps(basket) + "\n")
    assert run("-w", folder, "import", folder / "new.ndjson", "--at", "2026-01-04T10:00:00Z") == 0
    assert run("-w", folder, "tick", "--at", AT) == 0
    return folder


def apply(shop: Path, settings: str) -> None:
    (shop / "manometer.toml").write_text(SETTINGS + settings)
    assert run("-w", shop, "apply", "--yes") == 0


def said(capsys: pytest.CaptureFixture[str], code: int, *command: str | Path) -> Any:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert run(*command, "--json") == code
    return json.loads(capsys.readouterr().out)


def number_of(shop: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return str(said(capsys, 0, "-w", shop, "outbox", "--state", "sent")["id"])


def rename(shop: Path, name: str) -> None:
    traits = json.dumps({"email": "c0@example.ch", "firstName": name})
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        connection.execute(update(customers).where(customers.c.key == "c0").values(traits=traits))


# ---- one message ----


def test_a_message_is_shown_as_it_was_sent_whatever_came_after(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = number_of(shop, capsys)
    rename(shop, "Mona")
    show = ("-w", shop, "outbox", "show", number, "--at", AT)
    sent = said(capsys, 0, *show)
    assert (sent["form"], sent["at"], sent["kept_until"]) == ("sent", AT, "2026-04-04T12:00:00Z")
    assert (sent["text"], sent["parts"]["email.txt"]) == ("Lisa", "Lisa: k-1")
    now = said(capsys, 0, *show, "--now")
    assert (now["form"], now["kept_until"], now["text"]) == ("now", None, "Mona")
    assert run(*show) == 0
    assert "As sent on Sun 04 Jan 2026 12:00" in capsys.readouterr().out
    assert run(*show, "--now") == 0
    assert "not as it was sent" in capsys.readouterr().out


def test_a_message_that_was_not_sent_is_shown_as_it_would_be_now_and_says_so(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = number_of(shop, capsys)
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        connection.execute(update(messages).values(state="planned", sent_at=None))
        connection.exec_driver_sql("DELETE FROM sent_texts")
    assert said(capsys, 0, "-w", shop, "outbox", "show", number, "--at", AT)["form"] == "now"
    assert run("-w", shop, "outbox", "show", number, "--at", AT) == 0
    assert "it was not sent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("state", "form", "words"),
    [
        ("bounced", "sent", "As sent on"),
        ("uncertain", "sent", "whether it went out nobody can tell"),
        ("due", "now", "it was not sent"),
        ("cancelled", "now", "it was not sent"),
    ],
)
def test_what_turned_out_not_to_have_gone_is_not_said_to_be_sent(
    shop: Path, capsys: pytest.CaptureFixture[str], state: str, form: str, words: str
) -> None:
    number = number_of(shop, capsys)
    with Store.open(shop / "manometer.db") as store, store.writing() as connection:
        connection.execute(update(messages).values(state=state))
    assert said(capsys, 0, "-w", shop, "outbox", "show", number, "--at", AT)["form"] == form
    assert run("-w", shop, "outbox", "show", number, "--at", AT) == 0
    assert words in capsys.readouterr().out


def test_a_text_that_is_gone_says_why_and_is_not_made_anew(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = number_of(shop, capsys)
    assert run("-w", shop, "tick", "--at", "2026-04-04T12:00:01Z") == 0
    gone = said(capsys, 1, "-w", shop, "outbox", "show", number, "--at", "2026-04-04T12:00:01Z")
    assert (gone["form"], gone["at"], gone["parts"], gone["text"]) == ("gone", None, {}, None)
    assert gone["fault"] == "Its text is gone: it was kept for 90 days, until Sat 04 Apr 2026 12:00 UTC."
    assert run("-w", shop, "outbox", "show", number, "--html", shop / "x.html") == 1
    assert not (shop / "x.html").exists()


@pytest.mark.parametrize("number", ["999", "0"])
def test_a_message_that_there_is_not_is_no_traceback(
    shop: Path, capsys: pytest.CaptureFixture[str], number: str
) -> None:
    assert run("-w", shop, "outbox", "show", number) == 1
    assert f"There is no message {number}." in capsys.readouterr().err


def test_a_page_is_for_this_account_alone_and_lets_nothing_run(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    number, page = number_of(shop, capsys), shop / "mail.html"
    rename(shop, "<script>")
    assert run("-w", shop, "outbox", "show", number, "--now", "--html", page) == 0
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    text = page.read_text()
    assert "<script>" not in text
    assert "default-src &#x27;none&#x27;" in text
    assert 'sandbox="allow-popups' in text
    assert "allow-scripts" not in text
    assert run("-w", shop, "outbox", "show", number, "--html", page) == 1
    assert "exists already" in capsys.readouterr().err
    monkeypatch.setenv("SSH_CONNECTION", "1")
    assert run("-w", shop, "outbox", "show", number, "--browser") == 1
    assert "the page lies in" in capsys.readouterr().err


# ---- any template for anyone ----


def test_a_template_is_made_for_anyone_as_of_any_instant(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = said(capsys, 0, "-w", shop, "render", "note", "c0@example.ch", "--at", AT)
    assert list(made) == ["template", "customer", "channel", "locale", "subject", "parts", "faults"]
    assert (made["template"], made["customer"], made["channel"]) == ("note", "c0", "email")
    assert (made["subject"], made["parts"]["email.txt"]) == ("Basket left behind", "Lisa: k-1")
    assert (made["locale"], made["faults"]) == (None, [])
    before = said(capsys, 0, "-w", shop, "render", "note", "c0", "--at", "2026-01-04T09:59:59Z")
    assert before["parts"]["email.txt"] == "Lisa: "
    other = said(capsys, 0, "-w", shop, "render", "note", "c1", "--channel", "sms", "--at", AT)
    assert (other["channel"], other["parts"]) == ("sms", {"sms.txt": "Hello"})


def test_rendering_writes_nothing(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = rows(shop)
    said(capsys, 0, "-w", shop, "render", "note", "c0", "--at", AT)
    assert rows(shop) == before


def rows(shop: Path) -> list[int]:
    """How many there are of what is counted."""
    with Store.open(shop / "manometer.db") as store, store.reading() as connection:
        return [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (messages, decisions, sent_texts)
        ]


def test_links_that_act_stand_in_it_without_a_token_and_no_secret_is_read(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply(shop, UNSUBSCRIBE)
    made = said(capsys, 0, "-w", shop, "render", "note", "c0", "--at", AT)
    assert made["parts"]["email.txt"] == "Lisa: k-1 https://shop.example/u/sample"


def test_a_template_that_nothing_uses_yet_is_taken_from_the_files(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (shop / "templates/new").mkdir()
    (shop / "templates/new/sms.txt").write_text("New, {{ trigger.title }}")
    made = said(capsys, 0, "-w", shop, "render", "new", "c0", "--at", AT)
    assert (made["channel"], made["subject"], made["parts"]) == ("sms", "new", {"sms.txt": "New, new"})
    (shop / "templates/note/email.txt").write_text("changed")
    assert said(capsys, 0, "-w", shop, "render", "note", "c0")["parts"]["email.txt"] != "changed"
    assert said(capsys, 0, "-w", shop, "render", "note", "c0", "--files")["parts"]["email.txt"] == "changed"


def test_a_template_that_cannot_be_made_says_why(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (shop / "templates/note/email.txt").write_text("{{ custmer }}")
    made = said(capsys, 1, "-w", shop, "render", "note", "c0", "--files", "--at", AT)
    assert (made["subject"], made["parts"]) == (None, {})
    assert "custmer" in made["faults"][0]


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("note", "nobody"), "There is no customer 'nobody'"),
        (("not", "c0"), "There is no template 'not'. Did you mean 'note'?"),
        (("../..", "c0"), "There is no template '../..'"),
        (("note", "c0", "--channel", "mail"), "There is no channel 'mail'"),
        (("note", "c0", "--trigger", "baskt"), "There is no trigger 'baskt'. Did you mean 'basket'?"),
        (("note", "c0", "--at", "soon"), "--at"),
    ],
)
def test_what_there_is_not_is_said(
    shop: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], error: str
) -> None:
    assert run("-w", shop, "render", *words) in (1, 2)
    assert error in capsys.readouterr().err


# ---- proofs ----

PROOFS = '[proofs]\nto = ["Anna@shop.example", "+41791234567"]\n'


def test_a_proof_goes_to_a_listed_operator_marked_and_counted_nowhere(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    apply(shop, PROOFS + UNSUBSCRIBE)
    before, outbox = rows(shop), shop / "outbox/email.ndjson"
    sent = len(outbox.read_text().splitlines())
    proof = ("--proof-to", "anna@shop.example", "--reason", "new copy", "--at", AT)
    assert run("-w", shop, "render", "note", "c0", *proof) == 0
    *others, line = map(json.loads, outbox.read_text().splitlines())
    assert len(others) == sent
    assert (line["id"], line["address"], line["subject"]) == (
        None,
        "anna@shop.example",
        "[PROOF] Basket left behind",
    )
    mark = "PROOF for anna@shop.example: not sent to the customer c0"
    assert all(mark in text for text in line["parts"].values())
    assert line["key"].startswith("proof-")
    assert rows(shop) == before
    audited = said(capsys, 0, "-w", shop, "audit", "--subject", "anna@shop.example")
    assert (audited["action"], audited["reason"]) == ("proof", "new copy")
    assert audited["detail"]["key"] == line["key"]
    capsys.readouterr()
    run("-w", shop, "outbox", "compare", "--at", AT, "--json")
    assert json.loads(capsys.readouterr().out)["unknown"] == 0


@pytest.mark.parametrize("address", ["c0@example.ch", "anna@shop.example.org", ""])
def test_a_proof_goes_to_nobody_else(shop: Path, capsys: pytest.CaptureFixture[str], address: str) -> None:
    apply(shop, PROOFS)
    before = (shop / "outbox/email.ndjson").read_text()
    assert run("-w", shop, "render", "note", "c0", "--proof-to", address) == 1
    assert "is no operator's address" in capsys.readouterr().err
    assert (shop / "outbox/email.ndjson").read_text() == before


@pytest.mark.parametrize(
    ("channel", "address", "error"),
    [("sms", "anna@shop.example", "no phone number"), ("email", "+41791234567", "no address for email")],
)
def test_a_proof_goes_to_an_address_of_its_channel(
    shop: Path, capsys: pytest.CaptureFixture[str], channel: str, address: str, error: str
) -> None:
    apply(shop, PROOFS)
    assert run("-w", shop, "render", "note", "c0", "--channel", channel, "--proof-to", address) == 1
    assert error in capsys.readouterr().err


def test_an_emergency_stop_stops_proofs_too(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    apply(shop, PROOFS)
    (shop / "STOP").touch()
    assert run("-w", shop, "render", "note", "c0", "--proof-to", "anna@shop.example") == 1
    assert "all sending is stopped" in capsys.readouterr().err
    (shop / "STOP").unlink()
    assert run("-w", shop, "stop", "--transactional", "--yes") == 0
    assert run("-w", shop, "render", "note", "c0", "--proof-to", "anna@shop.example") == 1
