"""`manometer catalogue`: what it lists, what it says is missing, and what it puts into a workspace."""

from __future__ import annotations

import json
import re
import string
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from console.catalogue import TRANSACTIONAL, Campaign, campaigns
from console.catalogue.composing import LANGUAGES
from console.catalogue.journeys import triggers
from console.main import main
from console.messages.sandbox import Record
from console.messages.templates import customer_variables, made, variables, workspace_variables
from console.workspace.reading import read_workspace
from core.model.customer import Profile
from core.model.triggers import OVER
from core.playbook.playbook import Playbook
from core.sources.segment import parse_call
from tests.console.catalogue.test_stories import listed
from tests.console.catalogue_lives import SETTINGS
from tests.console.lives import BASKET, act, person, run, workspace
from tests.make_catalogue_page import PAGE, with_campaigns

EVERY = pytest.mark.parametrize("campaign", campaigns().values(), ids=lambda each: each.name)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A workspace with every channel the catalogue knows."""
    (tmp_path / "manometer.toml").write_text(SETTINGS, encoding="utf-8")
    return tmp_path


# ---- what there is ----


def test_it_lists_the_campaigns_outside_a_workspace(tmp_path: Path) -> None:
    rows = listed(tmp_path, "catalogue")
    assert [row["name"] for row in rows] == sorted(campaigns())
    assert {(row["installed"], row["missing"]) for row in rows} == {(None, None)}


def test_within_a_workspace_it_says_what_is_missing(tmp_path: Path) -> None:
    calls = [person("anna"), act("anna", "Checkout Started", "2025-01-02T00:00:00Z")]
    workspace(tmp_path, calls)
    rows = {row["name"]: row for row in listed(tmp_path, "catalogue")}
    assert rows["basket-abandonment"]["missing"] == [
        "no channel print, so email only",
        "no event Order Completed yet",
    ]
    assert rows["birthday-card"]["missing"] == ["no channel print", "birthday known of 0% of the customers"]
    assert "no link survey" in rows["survey-nps"]["missing"]


def test_consents_that_nobody_gave_are_missing_where_they_are_needed(tmp_path: Path) -> None:
    workspace(tmp_path, [person("anna")])
    settings = tmp_path / "manometer.toml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace('"assumed"', '"recorded"'), encoding="utf-8"
    )
    missing = {row["name"]: row["missing"] for row in listed(tmp_path, "catalogue")}
    assert "nobody has consented to marketing by email" in missing["cross-sell"]
    assert not [words for words in missing["shipping-confirmation"] if "consented" in words]
    granted = {"channel": "email", "purpose": "marketing", "source": "form"}
    call = {**act("anna", "Consent Granted", "2025-01-02T00:00:00Z"), "properties": granted}
    (tmp_path / "more.ndjson").write_text(json.dumps(call), encoding="utf-8")
    assert run("-w", tmp_path, "import", tmp_path / "more.ndjson", "--history") == 0
    assert not [
        words
        for words in listed(tmp_path, "catalogue", "show", "cross-sell")[0]["missing"]
        if "consented" in words
    ]


def test_show_tells_journey_files_and_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("-w", tmp_path, "catalogue", "show", "basket-abandonment") == 0
    told = capsys.readouterr().out
    journey, data = (
        ("2. 2d later over print, else email", "only if not clicked"),
        ('"event": "Checkout Started"', "Law: Marketing"),
    )
    for words in (*journey, *data, "triggers/basket-abandonment.toml"):
        assert words in told


def test_another_trigger_of_a_campaigns_name_is_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace(tmp_path, [person("anna")], {"cross-sell": BASKET, "third-anniversary": BASKET})
    rows = {row["name"]: row["installed"] for row in listed(tmp_path, "catalogue")}
    assert (rows["cross-sell"], rows["registration-anniversary"], rows["up-sell"]) == (
        "another",
        "another",
        "",
    )
    assert run("-w", tmp_path, "catalogue", "show", "cross-sell") == 0
    assert (
        "sends messages of its own. `catalogue add cross-sell --force` would replace it."
        in capsys.readouterr().out
    )


def test_an_unknown_campaign_is_told_with_the_nearest_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", tmp_path, "catalogue", "show", "basket-abandonement") == 1
    assert "basket-abandonment" in capsys.readouterr().err


@EVERY
def test_the_examples_are_calls_as_sources_send_them(campaign: Campaign) -> None:
    for needed in campaign.events:
        call = parse_call(
            json.loads(needed.example), source="shop", arrived_at=None, zone=ZoneInfo("Europe/Zurich")
        )
        assert call.name == needed.name


@EVERY
def test_what_begins_and_ends_a_journey_is_among_the_data_it_needs(campaign: Campaign) -> None:
    needed = {each.name for each in campaign.events}
    for table in campaign.tables.values():
        when = table["when"]
        begins = {*([when["event"]] if "event" in when else ()), *when.get("activity", ())}
        assert begins <= needed
        assert "date" not in when or when["date"] in campaign.traits


def test_the_page_is_the_one_of_the_campaigns() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == with_campaigns(page), "run `python -m tests.make_catalogue_page`"


# ---- what it puts in ----


def test_all_of_it_has_no_fault_and_no_warning_but_that_consents_are_assumed(shop: Path) -> None:
    assert run("-w", shop, "catalogue", "add", "--all") == 0
    found = read_workspace(shop, templates=True)
    assert [str(warning) for warning in found.warnings if "assumed" not in str(warning)] == []
    assert {trigger.status for trigger in found.playbook.triggers} == {"draft"}
    assert {row["installed"] for row in listed(shop, "catalogue")} == {"yes"}


def test_where_one_file_is_there_nothing_at_all_is_written(shop: Path) -> None:
    (shop / "templates" / "wish-list").mkdir(parents=True)
    (shop / "templates" / "wish-list" / "email.txt").write_text("mine", encoding="utf-8")
    assert run("-w", shop, "catalogue", "add", "cross-sell", "wish-list") == 1
    assert [path.name for path in shop.rglob("*") if path.is_file()] == ["manometer.toml", "email.txt"]


def test_added_twice_it_refuses_where_a_file_was_edited_and_forced_it_stands_as_shipped(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", shop, "catalogue", "add", "wish-list") == 0
    template = shop / "templates" / "wish-list" / "subject.txt"
    capsys.readouterr()
    assert run("-w", shop, "catalogue", "add", "wish-list") == 0
    assert capsys.readouterr().out == "In this workspace already, word for word: wish-list.\n"
    assert run("-w", shop, "catalogue", "add", "wish-list", "--json") == 0
    assert json.loads(capsys.readouterr().out)["added"] == []
    template.write_text("Mine", encoding="utf-8")
    assert run("-w", shop, "catalogue", "add", "wish-list") == 1
    assert "--force" in capsys.readouterr().err
    assert template.read_text(encoding="utf-8") == "Mine"
    assert run("-w", shop, "catalogue", "add", "wish-list", "--force") == 0
    assert template.read_text(encoding="utf-8") == "Ihre Wunschliste\n"


def with_channels(shop: Path, *names: str, **media: str) -> Path:
    """The workspace with these channels only; `media` are names with the medium they stand for."""
    head = SETTINGS[: SETTINGS.index("[channels.email]")]
    tables = [f'[channels.{name}]\nkind = "file"\n' for name in names]
    tables += [f'[channels.{name}]\nkind = "file"\nmedium = "{medium}"\n' for name, medium in media.items()]
    (shop / "manometer.toml").write_text(head + "".join(tables), encoding="utf-8")
    return shop


def test_a_channel_the_workspace_lacks_is_left_out_and_a_step_without_any_becomes_a_comment(
    shop: Path,
) -> None:
    with_channels(shop, "email")
    assert run("-w", shop, "catalogue", "add", "basket-abandonment", "birthday-card") == 0
    basket = (shop / "triggers" / "basket-abandonment.toml").read_text(encoding="utf-8")
    assert 'channels = ["email"]   # the first that is allowed' in basket
    birthday = (shop / "triggers" / "birthday-card.toml").read_text(encoding="utf-8")
    assert "# left out: the workspace has no channel print" in birthday
    assert [len(trigger.steps) for trigger in read_workspace(shop, templates=True).playbook.triggers] == [
        3,
        1,
    ]


def test_where_a_journey_would_go_on_to_a_step_that_is_left_out_it_ends(shop: Path) -> None:
    with_channels(shop, "print")
    assert run("-w", shop, "catalogue", "add", "basket-abandonment") == 0
    (trigger,) = read_workspace(shop, templates=True).playbook.triggers
    assert [step.else_to for step in trigger.steps] == [OVER]


def test_where_no_channel_can_share_a_message_nothing_is_said_of_it(shop: Path) -> None:
    with_channels(shop, "webpush")
    assert run("-w", shop, "catalogue", "add", "price-drop") == 0
    (trigger,) = read_workspace(shop, templates=True).playbook.triggers
    assert not trigger.steps[0].digest


def test_a_channel_of_another_name_stands_in_for_its_medium(shop: Path) -> None:
    with_channels(shop, newsletter="email")
    assert run("-w", shop, "catalogue", "add", "cross-sell") == 0
    (trigger,) = read_workspace(shop).playbook.triggers
    assert trigger.steps[0].channels == ("newsletter",)


def test_a_confirmation_rather_takes_a_channel_that_is_open_at_night(shop: Path) -> None:
    window = 'send_window = ["Mon-Sun 07:00-21:00"]\n'
    (shop / "manometer.toml").write_text(
        SETTINGS.replace("[channels.email]\n", f"[channels.email]\n{window}"), encoding="utf-8"
    )
    waits = "email waits for its send_window, and no other email channel is open at all hours"
    assert waits in listed(shop, "catalogue", "show", "order-confirmation")[0]["missing"]
    with (shop / "manometer.toml").open("a", encoding="utf-8") as settings:
        settings.write('[channels.confirmations]\nkind = "file"\nmedium = "email"\n')
    assert waits not in listed(shop, "catalogue", "show", "order-confirmation")[0]["missing"]
    assert run("-w", shop, "catalogue", "add", "order-confirmation") == 0
    confirmation, follow_up = read_workspace(shop, templates=True).playbook.triggers
    assert (confirmation.steps[0].channels, follow_up.steps[0].channels) == (("confirmations",), ("email",))


def test_a_campaign_without_any_channel_is_refused(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_channels(shop, "print")
    assert run("-w", shop, "catalogue", "add", "cross-sell") == 1
    assert "needs a channel email. Add [channels.email] to manometer.toml" in capsys.readouterr().err
    assert not (shop / "triggers").exists()


@pytest.mark.parametrize(
    ("locales", "option", "subject"),
    [
        ('["fr", "de"]', [], "Votre liste d’envies\n"),
        ('["rm"]', [], "Ihre Wunschliste\n"),
        ('["fr"]', ["--language", "it"], "La Sua lista dei desideri\n"),
    ],
)
def test_the_workspaces_first_language_stands_for_those_whose_language_is_not_known(
    shop: Path, locales: str, option: list[str], subject: str
) -> None:
    text = SETTINGS.replace('["de", "fr", "it", "en"]', locales)
    (shop / "manometer.toml").write_text(text, encoding="utf-8")
    assert run("-w", shop, "catalogue", "add", "wish-list", *option) == 0
    assert (shop / "templates" / "wish-list" / "subject.txt").read_text(encoding="utf-8") == subject


def test_what_was_added_beside_rules_in_force_is_tried_by_its_file_as_the_next_step_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = workspace(tmp_path, [person("anna"), act("anna", "Checkout Started", "2025-03-03T10:00:00Z")])
    assert run("-w", folder, "apply", "--yes") == 0
    capsys.readouterr()
    assert run("-w", folder, "catalogue", "add", "survey-nps") == 0
    told = capsys.readouterr().out
    assert "Missing here: no link survey" in told
    (words,) = [part for part in told.split("`") if part.startswith("manometer triggers backtest")]
    assert run("-w", folder, *words.split()[1:]) == 0
    capsys.readouterr()
    assert run("-w", folder, "preview", "--trigger", "survey-nps") == 1
    file = folder / "triggers" / "survey-nps.toml"
    assert (
        f"Trigger survey-nps is not in force: its file was never applied. `--with {file}` tries it"
        in capsys.readouterr().err
    )
    assert run("-w", folder, "preview", "--trigger", "survey-nps", "--with", file) == 0
    assert "Not under the rules in force, but with: survey-nps as if active." in capsys.readouterr().out


def test_outside_a_workspace_it_says_that_what_is_missing_is_not_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("-w", tmp_path / "nowhere", "catalogue") == 0
    assert "nowhere is no workspace, so what is missing to run them is not known" in capsys.readouterr().out


@pytest.mark.parametrize("words", [[], ["wish-list", "--all"]])
def test_add_wants_names_or_all(shop: Path, words: list[str]) -> None:
    assert main(["-w", str(shop), "catalogue", "add", *words]) == 2


@pytest.mark.parametrize(
    "names", [("email",), ("sms",), ("print",), ("webpush",), ("email", "sms"), ("sms", "print")]
)
@EVERY
def test_with_any_channels_a_campaign_is_refused_or_has_no_fault(
    campaign: Campaign, names: tuple[str, ...], shop: Path
) -> None:
    with_channels(shop, *names)
    if run("-w", shop, "catalogue", "add", campaign.name) == 0:
        assert {trigger.name for trigger in read_workspace(shop, templates=True).playbook.triggers} == set(
            campaign.triggers
        )


# ---- what its messages hold ----

GSM = set("@£$¥èéùìòÇØøÅåÆæÉ!#¤%&()*+,-./:;<=>?¡ÄÖÑÜ§¿äöñüà \n'\"_") | set(
    string.ascii_letters + string.digits
)
"""The letters of which 160 go into one text message; with any other it is 70."""


def templates_of(campaign: Campaign) -> dict[str, dict[str, str]]:
    """The files of each template, by template."""
    found: dict[str, dict[str, str]] = {}
    for path, text in campaign.templates("de").items():
        found.setdefault(path.split("/")[0], {})[path] = text
    return found


def purpose_of(campaign: Campaign, template: str) -> str:
    """The purpose of the trigger that sends a template."""
    return next(
        str(table["purpose"]) for table in campaign.tables.values() if f'"{template}"' in json.dumps(table)
    )


@EVERY
def test_every_template_speaks_every_language_in_the_same_files(campaign: Campaign) -> None:
    for name, texts in templates_of(campaign).items():
        files = {
            language: {path.rpartition("/")[2] for path in texts if path.startswith(f"{name}/{language}/")}
            for language in LANGUAGES[1:]
        }
        own = {path.rpartition("/")[2] for path in texts if path.count("/") == 1}
        assert own
        assert all(found == own for found in files.values())


@EVERY
def test_marketing_mails_can_be_unsubscribed_and_others_hold_no_offers(campaign: Campaign) -> None:
    for name, texts in templates_of(campaign).items():
        is_marketing = purpose_of(campaign, name) not in TRANSACTIONAL
        for path, text in texts.items():
            if "/email." in path:
                assert ("unsubscribe_url" in text) == is_marketing, path
            assert is_marketing or not any(
                words in text for words in ("similar", "goes_with", "upgrades", "voucher")
            ), path


@EVERY
def test_text_messages_keep_to_the_letters_that_cost_least(campaign: Campaign) -> None:
    for path, text in campaign.templates("de").items():
        if path.endswith("sms.txt"):
            assert set(re.sub(r"{%.*?%}|{{.*?}}", "", text)) <= GSM, path


BARE: dict[str, Any] = {"price": 10, "value": 500, "order_id": "O-9"}
"""What conditions of the triggers make sure of; all else may be missing."""
UNTIDY = re.compile(r"None|\(\)|\S  |[({«“] | [.,)}]|[:~]\s*$|\n\n\n|\A\s|^\W+$", re.MULTILINE)


@EVERY
def test_messages_read_well_where_customer_and_event_say_next_to_nothing(campaign: Campaign) -> None:
    customer = customer_variables(Profile(), "C1", ZoneInfo("Europe/Zurich"))
    customer = Record("customer", {**customer, "registered_at": "2022-03-10", "revenue": 5000})
    for trigger in triggers(campaign):
        event = {"name": "x", "at": "2025-03-10T10:00:00+01:00", "properties": BARE}
        step = {"number": 1, "channel": "email"}
        sender = workspace_variables("Muster Mode", Playbook(ZoneInfo("UTC")))
        said_of = variables(customer, event, step, trigger, sender, "2025-03-11")
        for path, text in campaign.templates("de").items():
            said = made(path, text, said_of)
            if path.endswith(".txt"):
                assert not UNTIDY.search(said.rstrip("\n")), (path, said)


class Tags(HTMLParser):
    """Whether every element that is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in ("meta", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@EVERY
def test_html_stands_in_what_outlook_pads_and_its_links_are_escaped(campaign: Campaign) -> None:
    for path, text in campaign.templates("de").items():
        if path.endswith(".html"):
            assert "<main" not in text
            assert not re.search(r"<a [^>]*padding", text), path
            assert not re.search(r'href="[^"]*&(?!amp;)', text), path


@EVERY
def test_html_is_whole_and_says_its_language(campaign: Campaign) -> None:
    for path, text in campaign.templates("de").items():
        if path.endswith(".html"):
            tags = Tags()
            tags.feed(text)
            assert tags.open == []
            language = path.split("/")[1] if path.count("/") == 2 else "de"
            is_fragment = path.endswith("digest.html")
            assert (f'<html lang="{language}">' in text) != is_fragment
