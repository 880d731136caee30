"""Templates: languages, what a customer lacks, hostile names and hostile texts."""

from __future__ import annotations

import json
import re
import time
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.catalogue.new_workspace import init
from console.messages.handover import Envelope, Recipient, StepText, TemplateEvent, Workshop
from console.messages.names import VARIABLES
from console.messages.sandbox import FILTER_NAMES, TemplateFault
from console.messages.templates import FIELD_NAMES, Templates, check, customer_variables, one_line
from core.instants import parse_instant
from core.kinds.transactional import Transactional
from core.limits.quiet_hours import parse_send_windows
from core.model.customer import Profile
from core.model.delivery import Outbound
from core.model.triggers import Step, Trigger
from core.playbook.playbook import Channel, Playbook

ZURICH = ZoneInfo("Europe/Zurich")
AT = parse_instant("2024-03-31T08:00:00Z")
TRIGGER = Trigger("basket", "Basket left behind", "marketing", Transactional(), (Step(("email",), "offer"),))
PLAYBOOK = Playbook(ZURICH)


def person(**traits: object) -> Profile:
    profile = Profile()
    profile.traits = {name.replace("__", "."): value for name, value in traits.items()}
    return profile


def made(
    files: dict[str, str],
    profile: Profile | None = None,
    medium: str = "email",
    properties: dict[str, object] | None = None,
) -> Outbound:
    channel = Channel(medium, "file", medium, parse_send_windows([]))
    templates = Templates({f"templates/offer/{path}": text for path, text in files.items()})
    cause = TemplateEvent("Checkout Started", AT, properties or {})
    return Workshop("Muster Mode", PLAYBOOK, templates).make(
        Recipient(1, "c-1", profile or person(firstName="Lisa")),
        Envelope("k", channel, "lisa@example.org", AT, AT),
        [StepText(TRIGGER, 1, "offer", cause)],
    )


def text_of(
    template: str, profile: Profile | None = None, properties: dict[str, object] | None = None
) -> str:
    return made({"email.txt": template}, profile, properties=properties).parts["email.txt"]


def html_of(template: str, profile: Profile) -> str:
    return made({"email.html": template}, profile).parts["email.html"]


# ---- values ----


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hello {{ customer.first_name }}", "Hello Lisa"),
        ("[{{ customer.last_name }}]", "[]"),
        ("{{ customer.last_name|default('friend') }}", "friend"),
        ("[{{ customer.trait.shoe_size }}]", "[]"),
        ("[{{ customer.trait.shop.nearest.name }}]", "[]"),
        ("[{{ event.properties.coupon }}]", "[]"),
        ("[{% for p in event.properties.products %}x{% endfor %}]", "[]"),
        ("{% if customer.trait.vip %}vip{% else %}guest{% endif %}", "guest"),
        ("{{ event.name }} {{ event.at }}", "Checkout Started 2024-03-31T10:00:00+02:00"),
        (
            "{{ trigger.name }}/{{ trigger.title }}/{{ step.number }}/{{ step.channel }}",
            "basket/Basket left behind/1/email",
        ),
        ("{{ workspace.name }} {{ workspace.currency }} [{{ unsubscribe_url }}]", "Muster Mode CHF []"),
        ("{{ now|date }}", "2024-03-31"),
        ("{{ customer.orders + 1 }}", "1"),
        ("{{ 'a' ~ customer.first_name ~ 1 }}", "aLisa1"),
        ("{% for n in range(3) %}{{ loop.index }}{% endfor %}", "123"),
    ],
)
def test_a_template_reads_what_the_message_knows_and_what_a_customer_lacks_is_empty(
    template: str, expected: str
) -> None:
    assert text_of(template) == expected


def test_properties_named_like_methods_are_read_as_properties() -> None:
    assert (
        text_of(
            "{{ event.properties.items }} {{ event.properties.values }}",
            properties={"items": 3, "values": "b"},
        )
        == "3 b"
    )


def test_an_address_is_read_by_its_parts() -> None:
    assert (
        text_of("{{ customer.trait.address.city }} {{ customer.city }}", person(address__city="Biel"))
        == "Biel Biel"
    )


def test_money_is_a_number_in_major_units() -> None:
    profile = person()
    profile.revenue_gross, profile.returned = 123_450, 50
    assert customer_variables(profile, "c", ZURICH)["revenue"] == Decimal("1234")
    assert (
        text_of("{{ customer.revenue|money }} {% if customer.revenue > 1000 %}yes{% endif %}", profile)
        == "CHF 1,234.00 yes"
    )


@pytest.mark.parametrize(
    ("locale", "amount", "expected"),
    [
        ("de-CH", 1234.5, "CHF 1'234.50"),
        ("fr_CH", "1234567.891", "CHF 1'234'567.89"),
        ("de-DE", 1234.5, "1.234,50 CHF"),
        ("fr", 1234.5, "1\xa0234,50 CHF"),
        ("en-GB", -0.5, "CHF -0.50"),
        (None, 0, "CHF 0.00"),
    ],
)
def test_money_is_written_as_the_locale_does(locale: str | None, amount: object, expected: str) -> None:
    assert text_of("{{ event.properties.value|money }}", person(locale=locale), {"value": amount}) == expected


@pytest.mark.parametrize(
    ("locale", "value", "expected"),
    [
        ("de-CH", "2024-02-29", "29.02.2024"),
        ("de", "--05-21", "21.05."),
        ("en-US", "2024-03-05T23:59:00Z", "5 Mar 2024"),
        ("fr", "2024-03-05", "05/03/2024"),
        (None, "2024-03-05", "2024-03-05"),
        (None, "--05-21", "05-21"),
    ],
)
def test_a_date_is_written_as_the_locale_does(locale: str | None, value: str, expected: str) -> None:
    assert text_of("{{ event.properties.day|date }}", person(locale=locale), {"day": value}) == expected


def test_a_date_takes_a_pattern() -> None:
    assert (
        text_of("{{ event.properties.day|date('%e. %m., %H:%M %%') }}", None, {"day": "2024-03-05T07:08:09Z"})
        == "5. 03., 07:08 %"
    )


# ---- languages and files ----

LANGUAGES = {
    "email.txt": "base",
    "fr/email.txt": "fr",
    "fr-CH/email.txt": "fr-CH",
    "fr/subject.txt": "objet",
    "subject.txt": "subject",
}


@pytest.mark.parametrize(
    ("locale", "text", "subject"),
    [
        ("fr-CH", "fr-CH", "objet"),
        ("fr_ch", "fr-CH", "objet"),
        ("fr-FR", "fr", "objet"),
        ("fr", "fr", "objet"),
        ("de-CH", "base", "subject"),
        (None, "base", "subject"),
        ("../..", "base", "subject"),
    ],
)
def test_each_file_is_taken_in_the_nearest_language(locale: str | None, text: str, subject: str) -> None:
    outbound = made(LANGUAGES, person(locale=locale))
    assert (outbound.parts["email.txt"], outbound.subject) == (text, subject)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Your basket is waiting, {{ customer.first_name }}", False),
        ("{# customer.basket #}Hello", False),
        ("{{ customer.basket|length }}", True),
        ("{% for each in customer['basket'] %}{{ each.name }}{% endfor %}", True),
        ("{{ '}}' }}{% set own = customer %}{{ own.basket }}", True),
        ("{% if customer.basket", True),  # what cannot be read is taken to name it
    ],
)
def test_what_a_template_names_is_what_stands_in_its_code(text: str, named: bool) -> None:
    words = Templates({"templates/offer/email.txt": text, "templates/offer/subject.txt": "The basket"}).words(
        "offer", "email", None
    )
    assert ("basket" in words) is named


def test_without_a_subject_file_the_title_of_the_trigger_stands() -> None:
    assert made({"email.txt": "x"}).subject == "Basket left behind"


def test_a_medium_gets_its_own_files_only() -> None:
    files = {"email.txt": "a", "email.html": "b", "sms.txt": "c"}
    assert set(made(files).parts) == {"email.txt", "email.html"}
    assert set(made(files, medium="sms").parts) == {"sms.txt"}
    with pytest.raises(TemplateFault, match="templates/offer has no file for print"):
        made(files, medium="print")


# ---- hostile values ----

HOSTILE = [
    '"',
    "\\",
    '","admin":true,"x":"',
    "{{ 7*7 }}",
    "<script>alert(1)</script>",
    "a\nBcc: all@example.org",
    "\ue000\ue001",
    "\ud800",
    "\x1b[31m",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_subject_is_always_one_line_and_never_evaluated(name: str) -> None:
    subject = made(
        {"email.txt": "x", "subject.txt": "For {{ customer.first_name }}\r\nX-Evil: 1"},
        person(firstName=name),
    ).subject
    assert not any(letter < " " or "\x7f" <= letter <= "\x9f" for letter in subject)
    assert "49" not in subject


def test_line_ends_of_every_kind_are_taken_out_of_a_subject() -> None:
    assert one_line("a\r\nb\x0bc\x85d\u2028e ") == "a b c d e"


def test_names_are_escaped_in_html_and_plain_in_text() -> None:
    profile = person(firstName="<b>&\"'")
    assert html_of("<p>{{ customer.first_name }}</p>", profile) == "<p>&lt;b&gt;&amp;&#34;&#39;</p>"
    assert html_of("{{ 'x' ~ customer.first_name ~ '<i>' }}", profile) == "x&lt;b&gt;&amp;&#34;&#39;&lt;i&gt;"
    assert (
        html_of("{{ [customer.first_name, '<']|join('<br>') }}", profile)
        == "&lt;b&gt;&amp;&#34;&#39;&lt;br&gt;&lt;"
    )
    assert text_of("{{ customer.first_name }}", profile) == "<b>&\"'"


JSON_FORMS = [
    '{"title": "Hi {{ customer.first_name }}!", "admin": false}',
    '{% if true %}{"title": "Hi {{ customer.first_name }}!", "admin": false}{% endif %}',
    '{% if true %}{"title": {{ "Hi " ~ customer.first_name ~ "!" }}, "admin": {{ false }}}{% endif %}',
    '{% if true %}{"title": {{ ("Hi " ~ customer.first_name ~ "!")|tojson }}, "admin": false}{% endif %}',
]


@pytest.mark.parametrize("template", JSON_FORMS)
@given(name=st.one_of(st.text(max_size=20), st.sampled_from(HOSTILE)))
@settings(max_examples=60, deadline=None)
def test_json_stays_valid_and_keeps_its_structure_whatever_a_customer_is_called(
    template: str, name: str
) -> None:
    found = json.loads(
        made({"webpush.json": template}, person(firstName=name or None), medium="webpush").parts[
            "webpush.json"
        ]
    )
    assert set(found) == {"title", "admin"}
    assert found["admin"] is False
    shown = name if template == JSON_FORMS[0] else name.replace("\ue000", "").replace("\ue001", "")
    assert found["title"] == f"Hi {shown}!"


def test_json_values_keep_their_types_outside_quotes() -> None:
    template = (
        '{% if true %}{"n": {{ customer.orders }}, "list": {{ event.properties.products }}, "none": {{ '
        "customer.trait.x }}}{% endif %}"
    )
    outbound = made({"webhook.json": template}, medium="webhook", properties={"products": [{"a": 1.5}]})
    assert json.loads(outbound.parts["webhook.json"]) == {"n": 0, "list": [{"a": 1.5}], "none": ""}


@pytest.mark.parametrize(
    "template",
    ['{"a": {% if true %}1{% endif %}', '{% if true %}{"a": "\\{{ customer.first_name }}"}{% endif %}'],
)
def test_what_is_no_json_in_the_end_is_a_fault_of_its_file(template: str) -> None:
    with pytest.raises(TemplateFault, match=r"templates/offer/webpush.json: "):
        made({"webpush.json": template}, medium="webpush")


# ---- hostile templates ----

FORBIDDEN = [
    "{{ customer.__class__ }}",
    "{{ customer|attr('__class__') }}",
    "{{ ''.__class__.__mro__ }}",
    "{{ [customer]|map(attribute='__class__')|first }}",
    "{{ customer['__class__'] }}",
    "{{ self.__init__ }}",
    "{{ loop.__class__ }}",
    "{{ '{0.__class__}'.format(customer) }}",
    "{{ '{0.__class__}'|format(customer) }}",
    "{{ customer.clear() }}",
    "{{ customer.trait.pop('x') }}",
    "{{ lipsum() }}",
    "{{ cycler('a') }}",
    "{{ namespace(a=1) }}",
    "{{ range(10**9) }}",
    "{{ range(1000000000)|list }}",
    "{{ 'a' * 1000000000 }}",
    "{{ [1] * 1000000000 }}",
    "{{ 10 ** 1000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ 'x'.ljust(1000000000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{{ '<b>'|safe }}",
    "{% include 'x' %}",
    "{% import 'x' as x %}",
    "{% extends 'x' %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% for a in range(999) %}{% for b in range(999) %}x{% endfor %}{% endfor %}",
    "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}",
    "{% for a in range(1000) %}{{ customer.first_name|replace('L', 'LLLLLLLLLLLLLLLLLLLLLL') * 99 }}{% "
    "endfor %}",
    "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxx' %}" + "{% set a = a + a %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxx' %}" + "{% set a = [a, a]|join %}" * 40 + "{{ a }}",
    "{% set a = 'xxxxxxxx' %}" + "{% set a = a|replace('x', 'xx') %}" * 40 + "{{ a }}",
    "{% set a = 'x' %}" + "{% set a = a|tojson %}" * 60 + "{{ a }}",
    "{% set a = 9999999999 %}" + "{% set a = a * a %}" * 40 + "{{ a }}",
    "{% set a = 1e300 %}" + "{% set a = a * a %}" * 40 + "{{ a|tojson }}",
    "{% set a = 'xxxxxxxx' %}" + "{% set a = a ~ a %}" * 14 + "{{ a }}" * 40,
    "(" * 5 + "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
    "x" * 300_000,
    "{{ 1 / 0 }}",
    "{{ customer.first_name + 1 }}",
    "{{ nobody }}",
    "{{ customer.frist_name }}",
    "{{ 'x'|money }}",
    "{{ '2024-13-01'|date }}",
    "{% if %}",
    "{% if customer.revenue > 1e999 %}x{% endif %}",
    "{% if customer.revenue > '1e999'|float %}x{% endif %}",
    "{{ -1e999 }}",
]


@pytest.mark.parametrize("template", FORBIDDEN, ids=range(len(FORBIDDEN)))
def test_a_hostile_or_broken_template_is_a_fault_and_does_no_harm(template: str) -> None:
    begun = time.process_time()
    for file in ("email.txt", "email.html"):
        with pytest.raises(TemplateFault, match=f"templates/offer/{file}: ."):
            made({file: template})
    assert time.process_time() - begun < 5


def test_an_endless_list_of_products_is_a_fault() -> None:
    with pytest.raises(TemplateFault, match="more than 1,000 times"):
        text_of(
            "{% for p in event.properties.products %}{{ p }}{% endfor %}",
            properties={"products": list(range(1_001))},
        )


def test_a_customer_cannot_change_what_the_next_one_gets() -> None:
    files = {"email.txt": "{% set customer = {'first_name': 'Eve'} %}{{ customer.first_name }}"}
    assert made(files).parts["email.txt"] == "Eve"
    assert made({"email.txt": "{{ customer.first_name }}"}).parts["email.txt"] == "Lisa"


def test_a_fault_names_the_file_the_variable_and_the_nearest_one() -> None:
    with pytest.raises(
        TemplateFault,
        match=r"templates/offer/subject.txt: 'customer' has no 'fist_name'\. Did you mean 'first_name'\?",
    ):
        made({"email.txt": "x", "subject.txt": "{{ customer.fist_name }}"})


def test_the_message_carries_what_the_channel_needs() -> None:
    outbound = made({"email.txt": "x"})
    assert replace(outbound, parts={}) == Outbound(
        "k", None, "c-1", "email", "email", "lisa@example.org", "basket", 1, "marketing",
        "Basket left behind", {}, AT, AT,
        workspace="Muster Mode",
    )  # fmt: skip


# ---- check ----


def test_check_finds_unknown_names_with_file_line_and_suggestion() -> None:
    files = {
        "templates/a/email.txt": "Hi\n{{ custmer.first_name }}\n{{ first_name }}\n{{ customer.frist_name }}",
        "templates/a/webpush.json": '{\n "title": "x",\n "body": "{{ event.proprties.x }}"\n}',
        "templates/a/sms.txt": "{{ customer.revenue|mony }}",
        "templates/b/email.html": "\n{{ customer.clear() }}",
        "templates/b/subject.txt": "{% if %}",
        "templates/c/email.txt": "{{ customer.trait.any }}{% for p in event.properties.products %}{{ p.name "
        "}}{{ loop.index }}{% endfor %}",
        "triggers/x.toml": "{{ nothing }}",
    }
    found = {
        (finding.file.removeprefix("templates/"), finding.line): (finding.name, finding.suggestion)
        for finding in check(files, ())
    }
    assert found == {
        ("a/email.txt", 2): ("unknown variable 'custmer'", "Did you mean 'customer'?"),
        ("a/email.txt", 3): ("unknown variable 'first_name'", "Write customer.first_name."),
        ("a/email.txt", 4): ("unknown variable 'customer.frist_name'", "Did you mean 'first_name'?"),
        ("a/sms.txt", 1): ("there is no filter 'mony'. Did you mean 'money'?", None),
        ("a/webpush.json", 3): ("unknown variable 'event.proprties'", "Did you mean 'properties'?"),
        ("b/email.html", 2): (
            "calls cannot be used in a template; write a filter, such as {{ name|upper }}",
            None,
        ),
        ("b/subject.txt", 1): ("Expected an expression, got 'end of statement block'", None),
    }


@pytest.mark.parametrize("number", ["1e999", "-1e999", "'1e999'|float"])
def test_check_finds_a_number_beyond_all_bounds(number: str) -> None:
    text = "x\n{% if customer.revenue > " + number + " %}y{% endif %}"
    (found,) = check({"templates/offer/email.txt": text}, ())
    assert found.name == "a number is too large"


def test_the_shipped_examples_have_no_faults(tmp_path: Path) -> None:
    files = {path.relative_to(tmp_path).as_posix(): path.read_text() for path in init(tmp_path)}
    assert check(files, ()) == []


def test_every_filter_and_variable_is_in_the_documentation() -> None:
    text = (Path(__file__).parents[3] / "docs" / "templates.md").read_text()
    words = set(re.findall(r"\w+", text))
    assert {*FILTER_NAMES, *VARIABLES, *(name for names in FIELD_NAMES.values() for name in names)} <= words


@given(st.text(alphabet="{}%#-~|.()[]'\" abcxyz01\n\\", max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_text_brings_check_or_rendering_down(text: str) -> None:
    check({"templates/a/email.txt": text, "templates/a/webpush.json": text}, ())
    for file, medium in (("email.html", "email"), ("webpush.json", "webpush")):
        try:
            made({file: text}, medium=medium)
        except TemplateFault:
            continue
