"""Answers to surveys: the links carry a token and nobody's name, and only an answer with that token is taken
as hers.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from console.messages import tokens
from console.messages.surveys import Surveys, SurveyToken
from console.messages.tokens import MessageToken
from console.messages.unsubscribe_links import make_token
from core.errors import ManometerError
from tests.console.catalogue_lives import SETTINGS
from tests.console.lives import act, person, run

Output = pytest.CaptureFixture[str]
SECRET = "a secret of enough letters"
SURVEY = '\n[survey]\nsecret = { env = "SURVEY_SECRET" }\n'
ORDER = {"order_id": "O-9", "revenue": 89.9}
KEY = "0123456789abcdef0123456789abcdef"
BEFORE = "WyJzdXJ2ZXkiLDEsImsiLCJhbm5hIl0.AP21xIkyq5RS0SPxG0CH4g"
"""A token as links of before held one, of the message `k` to the customer `anna`, under SECRET."""


class Shop:
    """A workspace with the catalogue's NPS survey, which Anna (by userId) and Eva (by her address) were
    sent.
    """

    def __init__(self, folder: Path, output: Output, settings: str = SETTINGS + SURVEY) -> None:
        self.folder, self.output, self.files = folder, output, 0
        (folder / "manometer.toml").write_text(settings)
        for path in ("pressure.toml", "segments.toml"):
            (folder / path).write_text("")
        assert run("-w", folder, "catalogue", "add", "survey-nps") == 0
        trigger = folder / "triggers" / "survey-nps.toml"
        trigger.write_text(trigger.read_text().replace('"draft"', '"active"'))
        assert run("-w", folder, "apply", "--yes", "--at", "2025-01-01T00:00:00Z") == 0
        people = [person(user) for user in ("anna", "eva")]
        orders = [act(user, "Order Completed", "2025-02-05T12:00:00Z", **ORDER) for user in ("anna", "eva")]
        for eva in (people[1], orders[1]):
            del eva["userId"]
            eva["anonymousId"] = "a-1"
        assert self.take(*people, *orders, at="2025-02-05T12:00:00Z")[0] == 4
        assert run("-w", folder, "tick", "--at", "2025-03-07T12:00:00Z") == 0

    def take(
        self, *calls: dict[str, Any], at: str = "2025-03-08T00:00:00Z", more: tuple[str, ...] = ()
    ) -> tuple[int, list[str]]:
        """How many were taken, and why the others were not."""
        self.files += 1
        file = self.folder / f"calls-{self.files}.ndjson"
        file.write_text("".join(json.dumps(call) + "\n" for call in calls))
        self.output.readouterr()
        code = run("-w", self.folder, "import", file, "--at", at, "--json", *more)
        printed = self.output.readouterr()
        assert printed.out, printed.err
        found = json.loads(printed.out)
        assert code == (1 if found["rejected"] == found["read"] else 0)
        rejects = [] if found["rejects"] is None else Path(found["rejects"]).read_text().splitlines()
        return found["taken"], [json.loads(line)["reason"] for line in rejects]

    def links(self) -> dict[str, dict[str, str]]:
        """What stands in the link of the best score in each mail, by customer."""
        mails = [
            json.loads(line) for line in (self.folder / "outbox" / "email.ndjson").read_text().splitlines()
        ]
        found = {}
        for mail in mails:
            text, html = mail["parts"]["email.txt"], mail["parts"]["email.html"]
            (link,) = re.findall(r"https://www.example.ch/survey\S*score=10\S*", text)
            assert link in html.replace("&amp;", "&")
            found[mail["customer"]] = {
                name: values[0] for name, values in parse_qs(urlsplit(link).query).items()
            }
            found[mail["customer"]]["key"] = mail["key"]
        return found

    def answers(self, customer: str) -> list[dict[str, Any]]:
        self.output.readouterr()
        assert run("-w", self.folder, "customers", "timeline", customer, "--json") == 0
        rows = [json.loads(line) for line in self.output.readouterr().out.splitlines()]
        return [row["properties"] for row in rows if row["name"] == "Survey Answered"]


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SURVEY_SECRET", SECRET)


@pytest.fixture
def shop(tmp_path: Path, capsys: Output) -> Shop:
    return Shop(tmp_path, capsys)


def answer(user: str | None, **said: Any) -> dict[str, Any]:
    """What a page sends; without a user it knows nobody but by the token."""
    sent = act(user or "", "Survey Answered", "2025-03-07T18:00:00Z", kind="nps", score=9, **said)
    if user is None:
        del sent["userId"]
    return sent


@pytest.mark.parametrize("customer", ["anna", "email:eva@example.ch"])
def test_an_answer_with_the_token_of_its_link_is_the_asked_customers_and_tells_the_message(
    shop: Shop, customer: str
) -> None:
    link = shop.links()[customer]
    assert shop.take(answer(None, token=link["token"], order_id=link["order"])) == (1, [])
    assert shop.answers(customer) == [{"kind": "nps", "score": 9, "order_id": "O-9", "message": link["key"]}]


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS + SURVEY], ids=["unsigned", "signed"])
def test_no_link_holds_a_key_or_an_address(tmp_path: Path, capsys: Output, settings: str) -> None:
    shop = Shop(tmp_path, capsys, settings)
    shop.links()
    for line in (tmp_path / "outbox" / "email.ndjson").read_text().splitlines():
        mail = json.loads(line)
        links = re.findall(r"https?://[^\s\"<>]+", " ".join(mail["parts"].values()))
        assert len(links) >= 22
        named = (mail["customer"], mail["address"], "eva", "anna", "customer")
        assert not [link for link in links for name in named if name in link]


def test_whoever_signs_in_and_answers_is_taken_where_she_was_asked(shop: Shop) -> None:
    eva = shop.links()["email:eva@example.ch"]
    known = answer(None, token=eva["token"]) | {"context": {"traits": {"email": "Eva@Example.ch"}}}
    assert shop.take(known) == (1, [])
    assert shop.take(answer("anna", token=eva["token"]))[1] == [
        "the token of this answer was signed for another customer"
    ]


def test_the_browser_of_whoever_follows_a_link_becomes_nobodys(shop: Shop) -> None:
    link = shop.links()["anna"]
    assert shop.take(answer(None, token=link["token"]) | {"anonymousId": "browser-1"}) == (1, [])
    assert len(shop.answers("anna")) == 1
    assert run("-w", shop.folder, "customers", "show", "anonymous:browser-1") == 1


def test_the_answer_of_who_went_into_another_since_is_the_others(shop: Shop) -> None:
    link = shop.links()["anna"]
    shop.take(
        {
            "type": "alias",
            "messageId": "a",
            "userId": "berta",
            "previousId": "anna",
            "timestamp": "2025-03-07T15:00:00Z",
        }
    )
    assert shop.take(answer(None, token=link["token"])) == (1, [])
    assert len(shop.answers("berta")) == 1


def test_an_answer_with_a_link_of_before_is_taken(shop: Shop) -> None:
    assert shop.take(answer("anna", token=BEFORE)) == (1, [])
    assert [said["message"] for said in shop.answers("anna")] == ["k"]


def test_an_answer_to_a_message_that_is_not_known_is_rejected(shop: Shop) -> None:
    token = tokens.make(SECRET.encode(), MessageToken(0x10, KEY))
    (reason,) = shop.take(answer(None, token=token))[1]
    assert reason.startswith("the message that asked is not known here")


@pytest.mark.parametrize(
    ("user", "said", "reason"),
    [
        ("anna", {}, "an answer without the token of its link; with [survey] only signed ones are taken"),
        (
            "anna",
            {"token": 7},
            "an answer without the token of its link; with [survey] only signed ones are taken",
        ),
        (
            "anna",
            {"token": "abc"},
            "was not signed by this workspace: it was changed, or the secret is another",
        ),
        (
            "anna",
            {"token": tokens.make(b"another secret of letters", MessageToken(0x10, KEY))},
            "was not signed by this workspace",
        ),
        (
            "anna",
            {"token": make_token(SECRET.encode(), KEY, "email")},
            "was not signed by this workspace",
        ),
        (
            "berta",
            {"token": BEFORE},
            "was signed for another customer",
        ),
    ],
)
def test_an_answer_that_was_not_signed_for_her_goes_to_the_rejects(
    shop: Shop, user: str, said: dict[str, Any], reason: str
) -> None:
    taken, (rejected,) = shop.take(answer(user, **said))
    assert taken == 0
    assert rejected.endswith(reason) or reason in rejected
    assert shop.answers("anna") == []


def test_facts_of_the_past_may_lack_a_token_and_must_not_have_a_wrong_one(shop: Shop) -> None:
    old, forged = answer("anna"), answer("anna", token="abc") | {"messageId": "m-2"}
    taken, reasons = shop.take(old, forged, more=("--history",))
    assert (taken, len(reasons)) == (1, 1)


def test_an_answer_from_a_csv_is_checked_as_well(shop: Shop) -> None:
    profile = (
        '[profiles.answers]\nkind = "events"\nevent = "Survey Answered"\nproperties = { score = "score", '
        'token = "token" }\n'
    )
    profile += 'identities = { user = "who" }\ncolumns = { at = "at" }\n'
    settings = shop.folder / "manometer.toml"
    settings.write_text(settings.read_text() + profile)
    file, token = shop.folder / "answers.csv", shop.links()["anna"]["token"]
    file.write_text(
        f"who,at,score,token\n,2025-03-07T18:00:00Z,9,{token}\nanna,2025-03-07T18:01:00Z,9,x{token}\n"
    )
    shop.output.readouterr()
    assert (
        run(
            "-w",
            shop.folder,
            "import",
            file,
            "--profile",
            "answers",
            "--at",
            "2025-03-08T00:00:00Z",
            "--json",
        )
        == 0
    )
    found = json.loads(shop.output.readouterr().out)
    assert (found["taken"], found["rejected"]) == (1, 1)


def test_where_the_secret_cannot_be_read_no_answer_is_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = shop.links()["anna"]["token"]
    (shop.folder / "late.ndjson").write_text(json.dumps(answer("anna", token=token)) + "\n")
    monkeypatch.delenv("SURVEY_SECRET")
    assert run("-w", shop.folder, "import", shop.folder / "late.ndjson", "--at", "2025-03-08T00:00:00Z") == 1
    assert "survey: secret: the variable SURVEY_SECRET is not set" in shop.output.readouterr().err
    monkeypatch.setenv("SURVEY_SECRET", SECRET)
    assert run("-w", shop.folder, "import", shop.folder / "late.ndjson", "--at", "2025-03-08T00:00:00Z") == 0
    assert len(shop.answers("anna")) == 1


def test_without_a_secret_the_token_is_the_key_of_the_message(tmp_path: Path, capsys: Output) -> None:
    shop = Shop(tmp_path, capsys, SETTINGS)
    link = shop.links()["email:eva@example.ch"]
    assert link["token"] == link["key"]
    assert shop.take(answer("anna", token="anything")) == (1, [])
    assert shop.take(answer(None, token=link["token"])) == (1, [])
    assert [said["message"] for said in shop.answers("email:eva@example.ch")] == [link["key"]]
    (forged,) = shop.take(answer(None, token="x" + link["token"][1:]))[1]
    assert forged.startswith("no identity, and the token of this answer is not that of a link")


def test_a_secret_in_plain_text_is_a_fault(tmp_path: Path, capsys: Output) -> None:
    (tmp_path / "manometer.toml").write_text(SETTINGS + '\n[survey]\nsecret = "hunter2 hunter2 hunter2"\n')
    assert run("-w", tmp_path, "check") != 0
    assert 'secret = { env = "SURVEY_SECRET" }' in capsys.readouterr().out


def test_check_warns_of_links_that_carry_no_token(shop: Shop) -> None:
    shop.output.readouterr()
    assert run("-w", shop.folder, "check") == 0
    assert "token" not in shop.output.readouterr().out
    old = shop.folder / "templates" / "survey-nps" / "email.txt"
    old.write_text("{{ workspace.links.survey }}?score=1")
    assert run("-w", shop.folder, "check") == 0
    said = shop.output.readouterr().out
    assert "the links in templates/survey-nps/email.txt have none" in said
    assert "&token={{ answer_token }}" in said


def test_check_warns_of_links_that_name_people(shop: Shop) -> None:
    old = shop.folder / "templates" / "survey-nps" / "email.txt"
    old.write_text(
        f"Hi\n{{{{ workspace.links.survey }}}}?customer={{{{ customer.key|urlencode }}}}{old.read_text()}"
    )
    shop.output.readouterr()
    assert run("-w", shop.folder, "check") == 0
    said = shop.output.readouterr().out
    assert "templates/survey-nps/email.txt:2: a link holds customer.key" in said


def test_a_token_is_made_with_the_first_secret_and_read_with_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLDER", "an older secret of letters")
    both = Surveys([{"env": "SURVEY_SECRET"}, {"env": "OLDER"}], tmp_path)
    older, newer = Surveys({"env": "OLDER"}, tmp_path), Surveys({"env": "SURVEY_SECRET"}, tmp_path)
    assert both.read(older.token(KEY)) == newer.read(both.token(KEY)) == SurveyToken(KEY)
    with pytest.raises(ManometerError):
        older.read(newer.token(KEY))


def test_the_documented_check_of_a_page_takes_what_is_signed_and_nothing_else() -> None:
    page = (Path(__file__).parents[3] / "docs" / "catalogue.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    known: dict[str, Any] = {}
    exec(code, known)
    token = Surveys({"env": "SURVEY_SECRET"}, Path()).token(KEY)
    assert known["asked"](token, SECRET) == known["asked"](token.upper(), SECRET) == KEY
    unsubscribing = make_token(SECRET.encode(), KEY, "email")
    foreign = tokens.make(b"another secret", MessageToken(0x10, KEY))
    for other in (token[:-1], "x" + token, token + "=", "", unsubscribing, foreign, BEFORE):
        assert known["asked"](other, SECRET) is None
