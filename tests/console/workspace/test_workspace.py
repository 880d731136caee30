"""The files of a workspace: what they may say, and what is said about their faults."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.messages.names import CUSTOMER_NAMES, MEDIUM_FILES, TEMPLATE_FILES, VARIABLES
from console.workspace.faults import Fault, WorkspaceError
from console.workspace.kinds import keys_of_kinds
from console.workspace.pressure import PURPOSES
from console.workspace.reading import Workspace, read_files, read_workspace
from console.workspace.settings import POLICIES
from console.workspace.toml_reader import lines_of_keys
from console.workspace.triggers import MODES, ON_LIMIT, STATUSES, STEP_KEYS, TRIGGER_KEYS
from core.instants import DAY, HOUR
from core.kinds import kinds
from core.kinds.behavioural import Behavioural
from core.kinds.recurring import DATES, Recurring
from core.kinds.threshold import METRICS, Threshold
from core.kinds.transactional import Transactional
from core.model.customer import MEDIA
from core.model.triggers import NEVER, OVER, Approval, Goal, Step, Trigger
from core.model.when import When
from core.playbook.playbook import Holdout, Purpose

DOCS = Path(__file__).parents[3] / "docs"
CODE = Path(__file__).parents[3] / "console" / "workspace"

MAIN = """[workspace]
name = "Test"
time_zone = "Europe/Zurich"

[channels.email]
kind = "file"

[channels.sms]
kind = "file"
"""
PRESSURE = """[[rule]]
name = "three-a-week"
limit = 3
window = "7d"
"""
SEGMENTS = """[segments.regulars]
title = "Regulars"
where = "orders >= 5"
"""
TRIGGER = """purpose = "marketing"

[when]
kind = "transactional"
event = "Checkout Started"

[[steps]]
channels = ["email"]
template = "note"
"""
STEPS = '\n[[steps]]\nchannels = ["email"]\ntemplate = "note"\n'
TEMPLATE = {"templates/note/email.txt": "Hello {{ customer.first_name }}", "templates/note/sms.txt": "Hello"}
FILES = {
    "manometer.toml": MAIN,
    "pressure.toml": PRESSURE,
    "segments.toml": SEGMENTS,
    "triggers/basket.toml": TRIGGER,
    **TEMPLATE,
}


def read(changed: Mapping[str, str] | None = None, *, templates: bool = False) -> Workspace:
    return read_files({**FILES, **(changed or {})}, templates=templates)


def faults(changed: Mapping[str, str], *, templates: bool = False) -> tuple[Fault, ...]:
    with pytest.raises(WorkspaceError) as caught:
        read(changed, templates=templates)
    assert all(fault.message for fault in caught.value.faults)
    return caught.value.faults


def told(changed: Mapping[str, str]) -> tuple[Fault, ...]:
    """The faults, none where the files can be used; any other error fails the test."""
    try:
        read(changed, templates=True)
    except WorkspaceError as error:
        return error.faults
    return ()


def when(table: str) -> When:
    return (
        read({"triggers/basket.toml": f'purpose = "marketing"\n[when]\n{table}\n{STEPS}'})
        .playbook.triggers[0]
        .when
    )


def step(table: str, head: str = "") -> Step:
    text = (
        f'purpose = "marketing"\n{head}\n[when]\nkind = "transactional"\nevent = "Cart '
        f'Viewed"\n[[steps]]\ntemplate = "note"\n{table}\n'
    )
    return read({"triggers/basket.toml": text}).playbook.triggers[0].steps[0]


def test_the_least_workspace_has_the_documented_defaults() -> None:
    workspace = read()
    playbook, trigger = workspace.playbook, workspace.playbook.triggers[0]
    assert (workspace.tick, playbook.grace, playbook.version, playbook.applied_at) == (
        30_000,
        300_000,
        0,
        None,
    )
    assert (playbook.consent_policy, playbook.week_starts, playbook.currency) == ("strict", "monday", "CHF")
    assert (trigger.name, trigger.title, trigger.status, trigger.priority, trigger.reentry) == (
        "basket",
        "basket",
        "draft",
        50,
        0,
    )
    assert (trigger.max_age, trigger.holdout, trigger.tags) == (DAY, 0.0, frozenset())
    assert trigger.steps == (Step(("email",), "note"),)
    channel = playbook.channels["email"]
    assert (channel.medium, channel.lead_time, channel.capacity, channel.approval, channel.weight) == (
        "email",
        0,
        None,
        None,
        1000,
    )
    assert playbook.purposes == PURPOSES
    assert workspace.warnings == ()


def test_a_workspace_read_again_from_its_stored_texts_is_the_same(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    workspace = read_workspace(tmp_path, templates=True)
    assert dict(workspace.files) == FILES
    assert workspace.database == tmp_path / "manometer.db"
    assert read_files(workspace.files, tmp_path) == workspace


def test_a_file_that_changed_is_read_anew_and_a_fault_is_told_each_time(tmp_path: Path) -> None:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    first, settings = read_workspace(tmp_path), tmp_path / "manometer.toml"
    settings.write_text(MAIN.replace("Zurich", "Berlin"))
    assert str(read_workspace(tmp_path).playbook.zone) == "Europe/Berlin"
    settings.write_text(MAIN)
    assert read_workspace(tmp_path) == first
    (tmp_path / "pressure.toml").write_text("nonsense = 1")
    for _ in range(2):
        with pytest.raises(WorkspaceError, match="nonsense"):
            read_workspace(tmp_path)


def test_every_fault_of_every_file_is_told_at_once() -> None:
    found = faults(
        {
            "manometer.toml": MAIN.replace("Europe/Zurich", "Europe/Zürich").replace(
                'kind = "file"', 'kind = "fiel"', 1
            ),
            "pressure.toml": PRESSURE.replace('window = "7d"', 'window = "7 tage"'),
            "segments.toml": SEGMENTS.replace("orders", "ordres"),
            "triggers/basket.toml": TRIGGER.replace("channels", "chanels"),
            "triggers/other.toml": TRIGGER.replace("marketing", "marketting").replace('"note"', '"nte"'),
        }
    )
    assert [(fault.file, fault.line) for fault in found] == [
        ("manometer.toml", 3),
        ("manometer.toml", 6),
        ("pressure.toml", 4),
        ("segments.toml", 3),
        ("triggers/basket.toml", 8),
        ("triggers/other.toml", 1),
        ("triggers/other.toml", 9),
    ]


def test_an_unknown_key_is_told_with_line_and_suggestion() -> None:
    (fault,) = faults(
        {"triggers/basket.toml": TRIGGER.replace("[[steps]]", 'unles = ["Order Completed"]\n\n[[steps]]')}
    )
    assert str(fault) == "triggers/basket.toml:7: unknown key `unles` in [when]. Did you mean `unless`?"


def test_a_key_of_another_kind_is_told_whose_it_is() -> None:
    (fault,) = faults({"triggers/basket.toml": TRIGGER.replace("[[steps]]", "at_least = 3\n[[steps]]")})
    assert fault.remedy == 'It belongs to kind = "behavioural"; this one is transactional.'


def test_a_head_key_below_a_table_is_told_its_place() -> None:
    (fault,) = faults({"triggers/basket.toml": TRIGGER + "priority = 80\n"})
    assert fault.line == 10
    assert "top of the file" in fault.remedy


def test_a_condition_is_told_with_a_caret() -> None:
    (fault,) = faults({"triggers/basket.toml": "audience = \"orders >= 5 and contry == 'CH'\"\n" + TRIGGER})
    assert fault.line == 1
    assert "country" in fault.remedy
    text, caret = fault.excerpt.splitlines()
    assert text[caret.index("^") :].startswith("contry")
    assert str(fault).endswith("^")


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ('"""\norders >= 5\n  and contry is known\n"""', 5),
        ('"""orders >= 5\n  and contry is known"""', 4),
        ('"contry is known"', 3),
    ],
)
def test_a_condition_of_several_lines_is_told_with_the_line_of_the_fault(written: str, line: int) -> None:
    segments = f'[segments.regulars]\ntitle = "Regulars"\nwhere = {written}\n'
    (fault,) = faults({"segments.toml": segments})
    assert fault.line == line
    text, caret = fault.excerpt.splitlines()
    assert text[caret.index("^") :].startswith("contry")


@pytest.mark.parametrize(
    ("only_if", "warned"),
    [
        ("revenue >= 100", True),
        ("count('Order Completed', revenue >= 100) >= 1", False),
        ("event.revenue >= 100 or customer.revenue >= 5000", False),
        ("country == 'CH' and value >= 3", False),
    ],
)
def test_a_name_in_only_if_that_fits_event_and_customer_is_warned_of(only_if: str, warned: bool) -> None:
    found = read({"triggers/basket.toml": TRIGGER + STEPS + f'only_if = "{only_if}"\n'}).warnings
    assert [each.remedy for each in found if "only_if" in each.message] == [
        "Write customer.revenue or event.revenue."
    ] * warned
    where = TRIGGER.replace(
        'event = "Checkout Started"', 'event = "Checkout Started"\nwhere = "revenue >= 100"'
    )
    assert not [each for each in read({"triggers/basket.toml": where}).warnings if "revenue" in each.message]


@pytest.mark.parametrize(
    ("keys", "warned"),
    [
        ('per = "cart_id"\nunless = ["Checkout Started", "Order Completed"]', True),
        ('unless = ["Checkout Started", "Order Completed"]', False),
        ('per = "cart_id"\nrestart = true\nunless = ["Checkout Started"]', False),
        ('per = "cart_id"\nunless = ["Order Completed"]', False),
    ],
)
def test_an_own_event_in_unless_beside_per_is_warned_of(keys: str, warned: bool) -> None:
    text = TRIGGER.replace('event = "Checkout Started"', f'event = "Checkout Started"\n{keys}')
    found = [each for each in read({"triggers/basket.toml": text + STEPS}).warnings if "own" in each.message]
    assert [("restart = true" in each.remedy, each.line) for each in found] == [(True, 7)] * warned


def test_restart_stands_beside_no_change() -> None:
    text = TRIGGER.replace("transactional", "behavioural").replace("[[steps]]", "")
    named = 'event = "Checkout Started"'
    text = text.replace(named, f"{named}\nchange = 2\nrestart = true")
    found = faults({"triggers/basket.toml": text + STEPS})
    assert any("restart" in fault.message and "change" in fault.message for fault in found)


def test_toml_faults_carry_the_line_of_the_parser_and_stop_no_other_file() -> None:
    found = faults({"triggers/a.toml": "title = \n", "triggers/b.toml": TRIGGER.replace('"note"', '"nte"')})
    assert [(fault.file, fault.line) for fault in found] == [("triggers/a.toml", 1), ("triggers/b.toml", 9)]


def test_a_main_file_that_is_no_toml_is_not_blamed_on_the_others() -> None:
    found = faults({"manometer.toml": "[workspace\n", "triggers/a.toml": "title\n"})
    assert [fault.file for fault in found] == ["manometer.toml", "triggers/a.toml"]


def test_segments_that_go_round_in_a_circle_are_faults() -> None:
    text = (
        "[segments.a]\nwhere = \"segment('b')\"\n[segments.b]\nwhere = "
        "\"segment('a')\"\n[segments.c]\nwhere = \"segment('a')\"\n"
    )
    found = faults({"segments.toml": text})
    assert {fault.file for fault in found} == {"segments.toml"}
    assert any("a -> b -> a" in fault.message for fault in found)


def test_a_broken_segment_is_not_blamed_on_those_who_name_it() -> None:
    found = faults(
        {
            "segments.toml": SEGMENTS.replace("orders", "ordres"),
            "triggers/basket.toml": "audience = \"segment('regulars')\"\n" + TRIGGER,
        }
    )
    assert [fault.file for fault in found] == ["segments.toml"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("priority = 101", "from 0 to 100"),
        ("priority = true", "whole number"),
        ("priority = 1.5", "whole number"),
        ("holdout = 10", "a tenth is 0.10"),
        ("holdout = inf", "must be a number"),
        ('reentry = "sometimes"', '"never", "always" nor a duration'),
        ('status = "activ"', "`active`"),
        ('max_age = "1 day"', "not a duration"),
        ("tags = [1]", "list of texts"),
        ('title = ""', "empty"),
        ('approval = "yes"', "true, false, or a number"),
        ('audience = "orders >="', "`audience`"),
    ],
)
def test_wrong_head_values_are_faults_with_a_remedy(line: str, said: str) -> None:
    (fault,) = faults({"triggers/basket.toml": f"{line}\n{TRIGGER}"})
    assert fault.line == 1
    assert said in str(fault)


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            'kind = "transactional"\nevent = "Checkout Started"\nafter = "1h"\nunless = ["Completed '
            'Order"]\nper = "cart_id"',
            Transactional(events=frozenset({"Checkout Started"}), after=HOUR,
                unless=frozenset({"Order Completed"}), per="cart_id"),
        ),
        (
            'kind = "behavioural"\nevents = ["Viewed Product", "Product Clicked"]\nat_least = 3\nwithin = '
            '"7d"',
            Behavioural(events=frozenset({"Product Viewed", "Product Clicked"}), at_least=3, within=7 * DAY),
        ),
        (
            'kind = "behavioural"\nevent = "Order Completed"\nchange = 1.5',
            Behavioural(events=frozenset({"Order Completed"}), change=1.5),
        ),
        ('kind = "recurring"\ndate = "birthday"', Recurring(date="birthday")),
        (
            'kind = "recurring"\ndate = "trait.wedding_day"\noffset = "-36h"\nat = "18:30"\nyears = [1, 3]',
            Recurring(date="trait.wedding_day", offset_days=-1, offset=-12 * HOUR, at=(18, 30),
                years=frozenset({1, 3})),
        ),
        ('kind = "recurring"\ndate = "registered_at"\noffset = "2w"\nyears = 3',
         Recurring(date="registered_at", offset_days=14, years=frozenset({3}))),
        ('kind = "recurring"\ndate = "first_order"\nat = '
         '"00:00"', Recurring(date="first_order", at=(0, 0))),
        ('kind = "threshold"\nmetric = "revenue"\nreaches = '
         '5000', Threshold(metric="revenue", threshold=500_000)),
        ('kind = "threshold"\nmetric = "revenue_gross"\nreaches = '
         '0.29', Threshold(metric="revenue_gross", threshold=29)),
        (
            'kind = "threshold"\nmetric = "orders"\nreaches = 10\nwithin = "365d"\non_activation = "enrol"',
            Threshold(metric="orders", threshold=10, within=365 * DAY, on_activation="enrol"),
        ),
        (
            "kind = \"threshold\"\nmetric = \"sum('Bonus Earned', 'points')\"\nreaches = 2.5",
            Threshold(metric="sum", metric_event="Bonus Earned", metric_property="points", threshold=2.5),
        ),
        (
            "kind = \"threshold\"\nmetric = 'count(\"Store Visited\")'\nreaches = 5",
            Threshold(metric="count", metric_event="Store Visited", threshold=5),
        ),
        (
            'kind = "threshold"\ninactive_for = "60d"\nactivity = ["Order Completed"]',
            Threshold(inactive_for=60 * DAY, activity=frozenset({"Order Completed"})),
        ),
    ],
)  # fmt: skip
def test_each_kind_is_read_into_its_value(table: str, expected: When) -> None:
    assert when(table) == expected


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('kind = "transactional"', "`event` is missing"),
        ('kind = "transactional"\nevent = " "', "empty"),
        ('kind = "transactional"\nevent = "A"\nevents = ["B"]', "behavioural"),
        ('kind = "behavioural"\nevents = []', "empty"),
        ('kind = "behavioural"\nevent = "A"\nevents = ["B"]', "side by side"),
        ('kind = "behavioural"\nevent = "A"\nat_least = 0', "from 1"),
        ('kind = "behavioural"\nevent = "A"\nwithin = "0d"', "is 0"),
        ('kind = "behavioural"\nevent = "A"\nchange = 1', "factor"),
        ('kind = "behavioural"\nevent = "A"\nchange = -2', "factor"),
        ('kind = "behavioural"\nevents = ["A"]\nchange = 2', "cannot stand beside"),
        ('kind = "transactional"\nevent = "A"\nafter = "-1h"', "not a duration"),
        ('kind = "recurring"', "`date` is missing"),
        ('kind = "recurring"\ndate = "birthdy"', "`birthday`"),
        ('kind = "recurring"\ndate = "birthday"\nat = "9:00"', "time of day"),
        ('kind = "recurring"\ndate = "birthday"\nat = "24:00"', "time of day"),
        ('kind = "recurring"\ndate = "birthday"\nat = 09:00:00', "must be a text"),
        ('kind = "recurring"\ndate = "birthday"\nyears = []', "list of them"),
        ('kind = "recurring"\ndate = "birthday"\nyears = [true]', "list of them"),
        ('kind = "recurring"\ndate = "birthday"\nunless = ["A"]', '"transactional" or "behavioural"'),
        ('kind = "threshold"', "either `metric` or `inactive_for`"),
        ('kind = "threshold"\nmetric = "orders"\ninactive_for = "1d"\nreaches = 1', "either"),
        ('kind = "threshold"\nmetric = "orders"', "`reaches` is missing"),
        ('kind = "threshold"\nmetric = "orders"\nreaches = 1.5', "whole number"),
        ('kind = "threshold"\nmetric = "orders"\nreaches = 0', "above 0"),
        ('kind = "threshold"\nmetric = "revenue"\nreaches = 0.001', "two decimals"),
        ('kind = "threshold"\nmetric = "revenu"\nreaches = 1', "`revenue`"),
        ('kind = "threshold"\ninactive_for = "60d"\nreaches = 1', "without `metric`"),
        ('kind = "threshold"\nmetric = "orders"\nreaches = 1\nactivity = ["A"]', "without `inactive_for`"),
        ('kind = "treshold"', "`threshold`"),
        ('kinds = "threshold"', "Did you mean `kind`?"),
        ("", "`kind` is missing"),
    ],
)  # fmt: skip
def test_a_faulty_when_table_is_told_what_to_write(table: str, said: str) -> None:
    found = faults({"triggers/basket.toml": f'purpose = "marketing"\n[when]\n{table}\n{STEPS}'})
    assert len(found) == 1
    assert said in str(found[0])
    assert found[0].line is not None


def test_a_step_says_over_what_when_and_until() -> None:
    table = (
        'channels = ["email", "sms"]\nafter = "2d"\nexpires = "36h"\nonly_if = "not clicked"\non_limit = '
        '"drop"\nmode = "all"\n'
    )
    table += "approval = 100\nweight = 0.5"
    read_step = step(table)
    assert (read_step.channels, read_step.after, read_step.expires, read_step.weight) == (
        ("email", "sms"),
        2 * DAY,
        36 * HOUR,
        500,
    )
    assert (read_step.on_limit, read_step.mode, read_step.approval) == ("drop", "all", Approval(100))
    assert read_step.only_if is not None
    assert read_step.only_if.text == "not clicked"


MORE = f'{TRIGGER}name = "first"\n{STEPS}name = "middle"\n{STEPS}name = "last"\n'


def journey(text: str) -> Trigger:
    return read({"triggers/basket.toml": text}).playbook.triggers[0]


def test_jumps_are_read_as_numbers_and_an_else_goes_over_the_channels_of_its_step_and_on_as_it_does() -> None:
    first = (
        'only_if = "orders >= 1"\nthen = "last"\n[steps.else]\ntemplate = "note"\nonly_if = "orders >= '
        '2"\nelse = "end"\n'
    )
    first_step = journey(f"{TRIGGER}{first}{STEPS}{STEPS}" + 'name = "last"\n').steps[0]
    assert first_step.then == 3
    assert first_step.otherwise is not None
    assert (first_step.otherwise.channels, first_step.otherwise.then, first_step.otherwise.else_to) == (
        ("email",),
        3,
        OVER,
    )


def test_a_wait_says_what_for_how_long_and_what_then() -> None:
    wait = step(
        'channels = ["email"]\nwait_for = ["Order Returned"]\nwhere = "revenue >= 5"\ntimeout = '
        '"3d"\non_timeout = "send"'
    ).wait
    assert wait is not None
    assert wait.where is not None
    assert (wait.events, wait.timeout, wait.sends, wait.goes_to) == (
        frozenset({"Order Returned"}),
        3 * DAY,
        True,
        None,
    )


def test_a_variant_changes_only_what_its_table_says() -> None:
    made = journey(
        f'{TRIGGER}[steps.variants.b]\nchannels = ["sms"]\nexpires = "1d"\n[split]\na = 0.25\nb = 0.75\n'
    )
    ((name, other),) = made.steps[0].by_variant
    assert made.split == (("a", 0.25), ("b", 0.75))
    assert (name, other) == ("b", replace(made.steps[0], channels=("sms",), expires=DAY, by_variant=()))


def test_a_goal_counts_for_two_weeks_and_ends_the_journey_unless_said() -> None:
    assert journey(f'{TRIGGER}[goal]\non = "Completed Order"\n').goal == Goal(
        frozenset({"Order Completed"}), 14 * DAY
    )


def test_a_holdout_of_everything_holds_for_the_purposes_that_obey_the_limits() -> None:
    holdout = read({"manometer.toml": f'{MAIN}[holdout]\nshare = 0.05\nsalt = "2026"\n'}).playbook.holdout
    assert holdout == Holdout(0.05, frozenset({"marketing"}), "2026")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "first"', 'then = "lost"', 'there is no step named "lost". Did you mean `last`?'),
        ('name = "last"', 'then = "first"', 'leads back to "first", step 1'),
        ('name = "last"', 'name = "first"', 'step 3 is named "first" like step 1'),
        ('name = "last"', 'name = "end"', "is no name for a step"),
        ('name = "first"', 'else = "last"', "stands without `only_if`"),
        (
            'name = "first"',
            'only_if = "orders >= 1"\nelse = { template = "note", after = "1d" }',
            "sent at the same instant",
        ),
        (
            'name = "first"',
            'only_if = "orders >= 1"\nelse = { template = "note", chanels = ["sms"] }',
            "Did you mean `channels`?",
        ),
        ('name = "first"', 'wait_for = ["Order Completed"]', "`timeout` is missing in step 1"),
        ('name = "first"', 'wait_for = ["Order Completed"]\ntimeout = "0d"', "is 0"),
        ('name = "first"', 'timeout = "1d"', "stands without `wait_for`"),
        (
            'name = "first"',
            'wait_for = ["Order Completed"]\ntimeout = "1d"\non_timeout = "sent"',
            "there is no step named",
        ),
        ('name = "first"', 'variant = "offer"', "Declare them in [split]."),
        ('name = "last"', "[split]\nplain = 0.5\noffer = 0.4", "add up to 0.9"),
        ('name = "last"', "[split]\nplain = 1.5", "Write a share from 0 to 1"),
        ('name = "last"', 'variant = "ofer"\n[split]\nplain = 0.5\noffer = 0.5', "Did you mean `offer`?"),
        (
            'name = "last"',
            "only_if = \"variant == 'ofer'\"\n[split]\nplain = 0.5\noffer = 0.5",
            "has no variant 'ofer'. Did you mean 'offer'?",
        ),
        (
            'name = "last"',
            '[steps.variants.offer]\nafter = "1d"\n[split]\noffer = 1',
            "the same for all variants",
        ),
        ('name = "last"', '[goal]\nwithin = "3d"', "Name the events that reach it"),
    ],
)
def test_a_faulty_journey_is_told_what_to_write(old: str, new: str, said: str) -> None:
    found = faults({"triggers/basket.toml": MORE.replace(old, new)})
    assert any(said in str(fault) for fault in found), [str(fault) for fault in found]
    assert all(fault.line is not None for fault in found)


def test_steps_that_nobody_comes_to_are_warned_of() -> None:
    def warned(text: str) -> list[str]:
        return [fault.message for fault in read({"triggers/basket.toml": text}).warnings]

    assert warned(MORE) == []
    assert warned(MORE.replace('name = "first"', 'then = "last"')) == ["nothing leads to step 2"]
    assert warned(MORE.replace('name = "first"', 'then = "last"\nonly_if = "orders >= 1"')) == []
    assert warned(MORE.replace('name = "last"', 'variant = "b"\n[split]\na = 0.5\nb = 0.5')) == []
    only_b = MORE.replace("name = ", 'variant = "b"\nname = ') + "[split]\na = 0.5\nb = 0.5\n"
    assert warned(only_b) == ['there is no step for the variant "a"']


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "`share` is missing"),
        ("share = 2", "Write a share from 0 to 1"),
        ('share = 0.1\npurposes = ["markting"]', "`marketing`"),
    ],
)
def test_a_faulty_holdout_is_told_what_to_write(line: str, said: str) -> None:
    found = faults({"manometer.toml": f'{MAIN}[holdout]\nsalt = "x"\n{line}\n'})
    assert any(said in str(fault) for fault in found), [str(fault) for fault in found]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('["email"]', '["mail"]', "`email`"),
        ('["email"]', "[]", "`channels` is missing in step 1"),
        ("channels", "channel", "Did you mean `channels`?"),
        ('"note"', '"notes"', "`note`"),
        ('template = "note"', "", "`template` is missing in step 1"),
        ('"note"', '"note"\nonly_if = "clickd"', "`only_if` in step 1"),
        ('"note"', '"note"\nweight = 0.0001', "three decimals"),
        ('"note"', '"note"\non_limit = "wait"', "defer, drop, fallback"),
        ('"note"', '"note"\nwhere = "a == 1"', "It belongs into [when]."),
        ("[[steps]]", "[steps]", "[[steps]]"),
    ],
)
def test_a_faulty_step_is_told_what_to_write(old: str, new: str, said: str) -> None:
    found = faults({"triggers/basket.toml": TRIGGER.replace(old, new)})
    assert any(said in str(fault) for fault in found)


@pytest.mark.parametrize(
    ("old", "said"),
    [
        ("[when]", "`kind`"),
        ("[[steps]]", "`steps` is missing"),
        ('purpose = "marketing"', "`purpose` is missing"),
    ],
)
def test_what_a_trigger_must_have_is_missed(old: str, said: str) -> None:
    assert any(said in str(fault) for fault in faults({"triggers/basket.toml": TRIGGER.replace(old, "")}))


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("manometer.toml", "time_zone"), ("manometer.toml", "channels"), ("manometer.toml", "kind"),
        ("segments.toml", "where"),
        ("pressure.toml", "limit"), ("pressure.toml", "window"), ("triggers/basket.toml", "purpose"),
        ("triggers/basket.toml", "when"),
        ("triggers/basket.toml", "kind"), ("triggers/basket.toml", "event"),
        ("triggers/basket.toml", "steps"),
        ("triggers/basket.toml", "channels"), ("triggers/basket.toml", "template"),
    ],
)  # fmt: skip
def test_a_required_key_with_a_slip_of_the_pen_is_always_a_fault(file: str, key: str) -> None:
    for slip in (f"{key}x", f"{key}s", key[:-1], key[1:], key.upper()):
        assert told({file: FILES[file].replace(key, slip)})


def test_reentry_is_never_always_or_a_duration() -> None:
    texts = {"never": NEVER, "always": 0, "7d": 7 * DAY}
    read_as = {
        text: read({"triggers/basket.toml": f'reentry = "{text}"\n{TRIGGER}'}).playbook.triggers[0].reentry
        for text in texts
    }
    assert read_as == texts


# ---- templates ----


@pytest.mark.parametrize("medium", MEDIA)
def test_a_template_must_hold_a_file_for_each_channel(medium: str) -> None:
    main = f'{MAIN}\n[channels.other]\nkind = "file"\nmedium = "{medium}"\n'
    trigger = TRIGGER.replace('["email"]', '["other"]').replace('"note"', '"bare"')
    (fault,) = faults(
        {"manometer.toml": main, "triggers/basket.toml": trigger, "templates/bare/subject.txt": "Hello"}
    )
    assert f"no {' or '.join(MEDIUM_FILES[medium])}" in fault.message
    for file in MEDIUM_FILES[medium]:
        assert read({"manometer.toml": main, "triggers/basket.toml": trigger, f"templates/bare/{file}": "{}"})


def test_a_locale_may_override_single_files_but_not_stand_alone() -> None:
    assert read({"templates/note/fr/email.txt": "Bonjour"}).warnings == ()
    trigger = TRIGGER.replace('"note"', '"bare"')
    (fault,) = faults({"triggers/basket.toml": trigger, "templates/bare/fr/email.txt": "Bonjour"})
    assert "no email.html or email.txt" in fault.message


@pytest.mark.parametrize(
    ("file", "text", "line", "said"),
    [
        ("email.txt", "Hello\n{{ custmer.first_name }}", 2, "'customer'"),
        ("email.txt", "{{ first_name }}", 1, "customer.first_name"),
        ("email.txt", "\n\n{{ customer.firstname }}", 3, "'first_name'"),
        ("email.txt", "{{ customer.shoe_size }}", 1, "customer.trait.shoe_size"),
        ("email.txt", "{{ event.value }}", 1, "event.properties.value"),
        ("email.txt", "{% if customer.orders %}", 1, "Unexpected end of template"),
        ("email.txt", "{{ customer.email|uper }}", 1, "upper"),
        ("email.html", "<p>{{ customer.city|safe }}", 1, "safe"),
        ("webpush.json", '{"title": "Hello",}', 1, "JSON"),
    ],
)
def test_a_faulty_template_is_told_with_its_line(file: str, text: str, line: int, said: str) -> None:
    (fault,) = faults({f"templates/note/{file}": text}, templates=True)
    assert (fault.file, fault.line) == (f"templates/note/{file}", line)
    assert said in str(fault)


def test_a_template_may_use_all_that_a_message_knows() -> None:
    text = (
        "{% for item in event.properties['products'] %}{{ item.name|upper }}{% endfor %}{% set n = "
        "customer.orders %}{{ n }}"
    )
    text += (
        "{{ customer.trait.size }}{{ step }}{{ trigger.title }}{{ workspace.name }}{{ unsubscribe_url }}{{ "
        "now }}"
    )
    text += "{{ event.at }}{{ event.name }}"
    assert read(
        {
            "templates/note/email.txt": text,
            "templates/note/webpush.json": '{"title": "{{ customer.first_name }}"}',
        },
        templates=True,
    )


def test_files_that_no_message_is_made_of_are_warnings() -> None:
    workspace = read({"templates/note/emal.txt": "x", "templates/note/French!/email.txt": "x"})
    assert {warning.file for warning in workspace.warnings} == {
        "templates/note/emal.txt",
        "templates/note/French!/email.txt",
    }


# ---- manometer.toml ----


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Europe/Zurich", "Zurich", "`Europe/Zurich`"),
        ('time_zone = "Europe/Zurich"', "", "`time_zone` is missing in [workspace]"),
        ("[workspace]", '[workspace]\ncurrency = "Franken"', "three capital letters"),
        ("[workspace]", '[workspace]\nlinks = { shop = "javascript:alert(1)" }', "is no address of a page"),
        ("[workspace]", '[workspace]\nweek_starts = "mondey"', "`monday`"),
        ("[workspace]", '[workspace]\nreasons = "requird"', "`required`"),
        ("[workspace]", '[workspace]\ndatabase = "postgresql://host/x"', "not supported"),
        ("[workspace]", '[workspace]\ntimezone = "UTC"', "`time_zone`"),
        ("Europe/Zurich", "Zürich", "`Europe/Zurich`"),
        ("[channels.sms]", '[engine]\ntick = "10m"\n[channels.sms]', "shorter than two ticks"),
        ("[channels.sms]", '[engine]\ngrace = "1s"\n[channels.sms]', "shorter than two ticks"),
        ("[channels.sms]", '[engine]\ntick = "0s"\n[channels.sms]', "`tick` is 0"),
        ("[channels.sms]", '[consent]\npolicy = "loose"\n[channels.sms]', "strict"),
        ("[channels.sms]", "[purposes]\n[channels.sms]", "pressure.toml"),
        ("[channels.sms]", "[chanels.sms]", "`channels`"),
        ("[channels.sms]", "[channels.newsletter]", "has no `medium`"),
        ("[channels.sms]", '[channels.sms]\nmedium = "smoke"', "email, sms"),
        ("[channels.sms]", '[channels.sms]\nsend_window = ["Mon-Fry 08:00-18:00"]', "send_window"),
        ("[channels.sms]", '[channels.sms]\nsend_windows = ["Mon 08:00-18:00"]', "`send_window`"),
        ("[channels.sms]", '[channels.sms]\ncapacity = "lots"', "20000/day"),
        ("[channels.sms]", '[channels.sms]\napproval = -1', "true, false, or a number"),
        ("[channels.sms]", '[channels.sms]\nlead_time = "soon"', "not a duration"),
        ("[channels.sms]", '[channels.sms]\npassword = "hunter2"', 'password = { env = "SMS_PASSWORD" }'),
        ("[channels.sms]", '[channels.sms]\nauth_token = "x"', "plain text"),
        ("[channels.sms]", '[sources.shop]\nsecret = "x"\n[channels.sms]', "plain text"),
        ("[channels.sms]", '[sources.shop]\nids = "user"\n[channels.sms]', "Write another name"),
        ("[channels.sms]", '[sources.shop]\nids = "a b"\n[channels.sms]', "no name for a namespace"),
        ("[channels.sms]", '[identities]\nmax_people = 0\n[channels.sms]', "from 1 to 1000"),
        ("[channels.sms]", '[identities]\nignored = ["x"]\n[channels.sms]', "`ignore`"),
        ("[workspace]", '[workspace]\ncountry = "Schweiz"', "Write `CH`"),
        ("[workspace]", '[workspace]\ncountry = "Atlantis"', "such as CH"),
    ],
)  # fmt: skip
def test_faulty_settings_are_told_what_to_write(old: str, new: str, said: str) -> None:
    found = faults({"manometer.toml": MAIN.replace(old, new)})
    assert any(said in str(fault) for fault in found), found


def test_channel_settings_of_an_adapter_are_kept_as_they_stand() -> None:
    more = 'capacity = "600/minute"\nsend_window = "Mon-Sun 08:00-20:00"\nlead_time = "2d"\napproval = 500\n'
    more += (
        'medium = "email"\nhost = "mail.example.ch"\nport = 587\nfrom = "a@b.ch"\nusername = "a"\npassword '
        '= { env = "SMTP_PASSWORD" }\n'
    )
    main = f'{MAIN}\n[channels.newsletter]\nkind = "smtp"\n{more}'
    channel = read_files({**FILES, "manometer.toml": main}, channel_kinds=("file", "smtp")).playbook.channels[
        "newsletter"
    ]
    password = {"env": "SMTP_PASSWORD"}
    assert channel.settings == {
        "host": "mail.example.ch",
        "port": 587,
        "from": "a@b.ch",
        "username": "a",
        "password": password,
    }
    assert json.dumps(channel.settings)
    assert (channel.kind, channel.medium, channel.capacity, channel.approval, channel.lead_time) == (
        "smtp",
        "email",
        (600, "minute"),
        Approval(500),
        2 * DAY,
    )


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ('kind = "smtp"\nhost = "h"', "`from` is missing in [channels.sms]"),
        ('kind = "smtp"\nhots = "h"\nfrom = "a@b.ch"', "Did you mean `host`?"),
        ('kind = "smtp"\nhost = "h"\nfrom = "a@b.ch"\nport = 70000', "from 1 to 65535"),
        ('kind = "smtp"\nhost = "h"\nfrom = "a@b.ch"\nsecurity = "ssl"', "starttls"),
        (
            'kind = "smtp"\nhost = "h"\nfrom = "a@b.ch"\nsecurity = "none"',
            "leave this machine unencrypted in [channels.sms]",
        ),
        ('kind = "smtp"\nhost = "h"\nfrom = "a@b.ch"\ntimeout = "soon"', "not a duration"),
        ('kind = "smtp"\nhost = "h"\nfrom = "a@b.ch"\ntimeout = "0s"', "it is 0"),
        ('kind = "webhook"\nurl = "http://x.ch"\nsecret = { env = "S" }', "it is not encrypted"),
        ('kind = "webhook"\nurl = "https://x.ch"\nsecret = ["abc"]', "plain text"),
        (
            'kind = "webhook"\nurl = "https://x.ch"\nsecret = { env = "S" }\nretries = 3',
            "unknown key `retries`",
        ),
    ],
)
def test_faulty_settings_of_an_adapter_are_told_with_their_line(settings: str, said: str) -> None:
    main = MAIN.replace('[channels.sms]\nkind = "file"', f"[channels.sms]\n{settings}")
    with pytest.raises(WorkspaceError) as error:
        read_files({**FILES, "manometer.toml": main}, channel_kinds=("file", "smtp", "webhook"))
    assert any(
        said in str(fault) and fault.file == "manometer.toml" and fault.line for fault in error.value.faults
    ), error.value


def test_sources_profiles_roles_and_locales_are_kept() -> None:
    main = MAIN.replace("[workspace]", '[workspace]\nlocales = ["de", "fr"]')
    main += '[sources.till]\nkind = "folder"\nchannel = "store"\npath = "/srv/till"\n'
    main += (
        '[profiles.crm]\ndelimiter = ";"\n[profiles.crm.columns]\nMail = "email"\n[roles]\noperator = '
        '["anna"]\n'
    )
    workspace = read({"manometer.toml": main})
    till = workspace.sources["till"]
    assert (till.kind, till.channel, till.settings) == ("folder", "store", {"path": "/srv/till"})
    assert workspace.profiles == {"crm": {"delimiter": ";", "columns": {"Mail": "email"}}}
    assert (workspace.roles, workspace.locales) == ({"operator": ("anna",)}, ("de", "fr"))


def test_namespaces_are_known_in_the_order_in_which_sources_declare_them() -> None:
    main = MAIN.replace("[workspace]", '[workspace]\ncountry = "CH"')
    main += '[sources.shop]\nids = "shop"\n[sources.crm]\nids = "crm"\n'
    main += '[sources.app]\nids = "shop"\n[sources.till]\n'
    main += '[identities]\nignore = "Dummy"\nmax_people = 5\n'
    known = read({"manometer.toml": main}).identities
    assert (known.rules.max_people, known.rules.namespaces) == (5, ("shop", "crm"))
    reading = known.reading_of("app")
    assert [reading.user(value) for value in ("7", "dummy", 0, "null")] == ["shop:7", None, None, None]
    assert [known.reading_of("till").user(value) for value in ("7", "crm:7")] == ["7", "user:crm:7"]
    assert reading.phone("079 123 45 67") == "+41791234567"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("sqlite:///data/m.db", "/w/data/m.db"),
        ("sqlite:////var/m.db", "/var/m.db"),
        ("m.db", "/w/m.db"),
        ("/var/m.db", "/var/m.db"),
    ],
)
def test_the_database_lies_beside_the_settings_unless_said(text: str, path: str) -> None:
    main = MAIN.replace("[workspace]", f'[workspace]\ndatabase = "{text}"')
    assert read_files({**FILES, "manometer.toml": main}, Path("/w")).database == Path(path)


def test_assumed_consent_is_a_warning() -> None:
    (warning,) = read({"manometer.toml": MAIN + '[consent]\npolicy = "assumed"\n'}).warnings
    assert (warning.file, warning.line) == ("manometer.toml", 11)


def test_an_event_that_is_nearly_a_usual_one_is_a_warning() -> None:
    (warning,) = read(
        {"triggers/basket.toml": TRIGGER.replace("Checkout Started", "checkout started")}
    ).warnings
    assert warning.remedy == "Did you mean `Checkout Started`?"


# ---- pressure.toml ----


def test_purposes_are_changed_and_added_to() -> None:
    text = (
        "[purposes]\nservice = { obeys = true }\nsurvey = { obeys = true, counts = false }\ntransactional = "
        "{ consent = true }\n"
    )
    purposes = read({"pressure.toml": text}).playbook.purposes
    assert purposes["marketing"] == Purpose("marketing", obeys=True, counts=True, consent=True)
    assert purposes["service"] == Purpose("service", obeys=True, counts=True, consent=False)
    assert purposes["survey"] == Purpose("survey", obeys=True, counts=False, consent=True)
    assert purposes["transactional"] == Purpose("transactional", obeys=False, counts=False, consent=True)


def test_weights_go_to_channels_by_name_or_medium_and_to_steps_by_template() -> None:
    main = (
        MAIN
        + '[channels.newsletter]\nkind = "file"\nmedium = "email"\n[channels.alarm]\nkind = "file"\nmedium '
        '= "sms"\n'
    )
    pressure = "[weights]\nemail = 1.5\nsms = 2\nalarm = 0.125\n[weights.templates]\nnote = 4\n"
    playbook = read({"manometer.toml": main, "pressure.toml": pressure}).playbook
    assert {name: channel.weight for name, channel in playbook.channels.items()} == {
        "email": 1500,
        "sms": 2000,
        "newsletter": 1500,
        "alarm": 125,
    }
    assert playbook.triggers[0].steps[0].weight == 4000
    own = read(
        {
            "pressure.toml": pressure.replace("alarm = 0.125\n", ""),
            "triggers/basket.toml": TRIGGER + "weight = 0\n",
        }
    )
    assert own.playbook.triggers[0].steps[0].weight == 0


def test_a_rule_holds_limit_window_gap_and_filters() -> None:
    text = """[[rule]]
limit = 2.5
unit = "points"
window = "calendar week"
extend = "calendar month"
gap = "16h"
channels = ["email", "print"]
purposes = ["marketing"]
triggers = ["basket"]
tags = ["cart"]
audience = "segment('regulars')"
"""
    workspace = read({"pressure.toml": text, "triggers/basket.toml": 'tags = ["cart"]\n' + TRIGGER})
    (rule,) = workspace.playbook.rules
    assert (rule.name, rule.limit, rule.unit, rule.gap) == ("rule-1", 2500, "points", 16 * HOUR)
    assert rule.window is not None
    assert rule.window.text == "calendar week extended to calendar month"
    assert (rule.channels, rule.tags, rule.triggers) == (
        frozenset({"email", "print"}),
        frozenset({"cart"}),
        frozenset({"basket"}),
    )
    assert [warning.line for warning in workspace.warnings] == [7]  # no channel print yet


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[rule]]\nlimit = 3", "`window` is missing in rule 1"),
        ('[[rule]]\nwindow = "7d"', "`limit` is missing in rule 1"),
        ('[[rule]]\nname = "x"', "rule 1 limits nothing"),
        ('[[rule]]\nlimit = -1\nwindow = "7d"', "whole number of contacts"),
        ('[[rule]]\nlimit = 1.5\nwindow = "7d"', "whole number of contacts"),
        ('[[rule]]\nlimit = 1\nwindow = "week"', "calendar week"),
        ('[[rule]]\nlimit = 1\nwindow = "7d"\nextend = "7d"', "`extend`"),
        ('[[rule]]\ngap = "0h"', "is 0"),
        ('[[rule]]\ngap = "1h"\nchannels = ["emial"]', "`email`"),
        ('[[rule]]\ngap = "1h"\npurposes = ["marketng"]', "`marketing`"),
        ('[[rule]]\ngap = "1h"\ntriggers = ["baskt"]', "`basket`"),
        ('[[rule]]\ngap = "1h"\ntags = ["nobody"]', "there is no tag"),
        ('[[rule]]\ngap = "1h"\naudience = "segment(\'regular\')"', "regulars"),
        ('[[rule]]\ngap = "1h"\nlimits = 3', "`limit`"),
        ('[[rule]]\nname = "a"\ngap = "1h"\n[[rule]]\nname = "a"\ngap = "2h"', "two rules"),
        ("[rule]\nlimit = 3", "[[rule]]"),
        ("[weights]\nemial = 1", "`email`"),
        ("[weights]\nemail = -1", "from 0"),
        ("[weights.templates]\nnot = 1", "`note`"),
        ("[purposes]\nmarketing = true", "must be a table"),
        ("[purposes]\nmarketing = { obey = true }", "`obeys`"),
        ("[rules]", "`rule`"),
    ],
)  # fmt: skip
def test_faulty_pressure_is_told_what_to_write(text: str, said: str) -> None:
    found = faults({"pressure.toml": text})
    assert any(said in str(fault) for fault in found), found
    assert all(fault.line for fault in found)


# ---- files ----


def test_a_folder_that_is_no_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(WorkspaceError, match="manometer init DIR"):
            read_workspace(folder)


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "manometer.toml").write_text(MAIN, encoding="utf-8")
    (tmp_path / "pressure.toml").write_bytes(b"# one\n# Z\xfcrich\n")
    with pytest.raises(WorkspaceError, match=r"pressure.toml:2: the file is not UTF-8"):
        read_workspace(tmp_path)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    (tmp_path / "manometer.toml").write_bytes(b"\xef\xbb\xbf" + MAIN.replace("\n", "\r\n").encode())
    assert read_workspace(tmp_path).playbook.channels.keys() == {"email", "sms"}


def test_nesting_without_end_is_a_fault_and_no_crash() -> None:
    assert faults({"triggers/deep.toml": f"a = {'[' * 20_000}"})


def test_lines_are_found_through_all_forms_of_toml() -> None:
    text = '''# a comment = 1
[a]
b.c = """
x = 1
\\""" # no comment
"""
"quoted key" = ["#", # a comment ]
  "]",
  { d = 1 }]
e = \'\'\'
[f]\'\'\'
[[g.h]]
i = 1
[[g.h]]
i = "["
[g.h.j]
k = ""
'''
    assert lines_of_keys(text) == {
        ("a",): 2, ("a", "b"): 3, ("a", "b", "c"): 3, ("a", "quoted key"): 7, ("a", "e"): 10, ("g", "h"): 12,
        ("g", "h", 0): 12,
        ("g", "h", 0, "i"): 13, ("g", "h", 1): 14, ("g", "h", 1, "i"): 15, ("g", "h", 1, "j"): 16,
        ("g", "h", 1, "j", "k"): 17,
    }  # fmt: skip


RICH = {
    "manometer.toml": MAIN
    + '[engine]\ntick = "1s"\ngrace = "1m"\n[consent]\npolicy = "strict"\n[sources.a]\nkind = '
    '"folder"\nchannel = "store"\n'
    '[channels.webpush]\nkind = "file"\nmedium = "webpush"\nsend_window = []\nlead_time = "1d"\n'
    'capacity = "1/day"\napproval = 1\npassword = 1\n',
    "pressure.toml": PRESSURE
    + 'unit = "points"\nextend = "calendar day"\ngap = "1h"\nchannels = []\npurposes = []\ntriggers = '
    "[]\ntags = []\n"
    'audience = ""\n[weights]\nemail = 1\ntemplates = 1\n[purposes]\nmarketing = 1\n',
    "segments.toml": SEGMENTS,
    "triggers/basket.toml": "tags = 1\nexit = 1\nholdout = 1\nmax_age = 1\nreentry = 1\n"
    + TRIGGER
    + "after = 1\nmode = 1\nonly_if = 1\nweight = 1\n",
}
ODD = [
    "0",
    "-1",
    "true",
    '""',
    '" "',
    '"x"',
    "[]",
    '[""]',
    "[[]]",
    "{}",
    "{ a = 1 }",
    "[{}]",
    "1.5",
    "-inf",
    "nan",
    "1e400",
    "1979-05-27",
    "07:32:00",
    '"\\u0000"',
]
KINDS = ["transactional", "behavioural", "recurring", "threshold"]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("file", RICH)
def test_no_value_of_a_wrong_form_crashes_the_reader(file: str, odd: str) -> None:
    lines = RICH[file].splitlines()
    for number, line in enumerate(lines):
        key, equals, _ = line.partition("=")
        changed = f"{key}= {odd}" if equals else line
        told({file: "\n".join([*lines[:number], changed, *lines[number + 1 :]])})


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("kind", KINDS)
def test_no_when_value_of_a_wrong_form_crashes_the_reader(kind: str, odd: str) -> None:
    for keys in ([key] for key in kinds()[kind].keys):
        lines = "\n".join(f"{key} = {odd}" for key in keys)
        told({"triggers/basket.toml": f'purpose = "marketing"\n[when]\nkind = "{kind}"\n{lines}\n{STEPS}'})


LINES = [line for text in FILES.values() for line in text.splitlines()]
PIECES = st.sampled_from(
    [
        *LINES,
        "[when]",
        "[[rule]]",
        "[purposes]",
        "limit = nan",
        "steps = 3",
        'x = """',
        "[channels]",
        "after = 1979-05-27",
    ]
)


@given(st.sampled_from(list(RICH)), st.lists(PIECES, max_size=8))
@settings(max_examples=200, deadline=None)
def test_whatever_stands_in_a_file_is_read_or_is_a_fault(file: str, lines: list[str]) -> None:
    told({file: "\n".join(lines)})


# ---- documentation ----


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_reads_the_keys_it_names_and_no_others(kind: str) -> None:
    for key in keys_of_kinds():
        table = f'[when]\nkind = "{kind}"\n{key} = true\n'
        faults = told({"triggers/basket.toml": f'purpose = "marketing"\n{table}{STEPS}'})
        is_unknown = any(fault.message == f"unknown key `{key}` in [when]" for fault in faults)
        assert is_unknown == (key not in kinds()[kind].keys), (key, faults)


def accepted_keys(*modules: str) -> set[str]:
    """The keys that the readers ask for, taken from their source."""
    source = "".join((CODE / f"{module}.py").read_text(encoding="utf-8") for module in modules)
    readers = "text|texts|choice|duration|whole|number|thousandths|switch|required|raw|parsed|tables?"
    readers += "|list_of_tables"
    asked = rf"\.(?:{readers})\(\s*\"(\w+)\""
    return set(re.findall(asked, source)) | set(
        re.findall(r'(?:_known|_length|event_names)\(table, "(\w+)"', source)
    )


def undocumented(page: str, words: Collection[str]) -> list[str]:
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL))
    return sorted(word for word in words if not re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", code))


def test_every_key_of_the_workspace_is_documented() -> None:
    keys = accepted_keys("settings", "pressure", "conditions")
    assert {"time_zone", "send_window", "extend", "tags", "segments"} <= keys
    assert (
        undocumented(
            "workspace.md",
            {*keys, "obeys", "counts", "consent", "audience", "approval", "where", "title", "env", "file"},
        )
        == []
    )


def test_every_name_a_workspace_may_use_is_documented() -> None:
    assert (
        undocumented(
            "workspace.md",
            {
                *MEDIA,
                *POLICIES,
                *PURPOSES,
                *TEMPLATE_FILES,
                *VARIABLES,
                *CUSTOMER_NAMES,
                "contacts",
                "points",
            },
        )
        == []
    )


def test_every_key_and_word_of_a_trigger_is_documented() -> None:
    keys = accepted_keys("triggers", "kinds", "journeys")
    of_kinds = keys_of_kinds()
    assert (
        keys
        - of_kinds
        - {
            *TRIGGER_KEYS,
            *STEP_KEYS,
            "when",
            "kind",
            "exit",
            "on",
            "steps",
            "goal",
            "split",
            "within",
            "where",
        }
        == set()
    )
    assert (
        undocumented(
            "triggers.md",
            {*keys, *of_kinds, *TRIGGER_KEYS, *STEP_KEYS, *kinds(), *STATUSES, *ON_LIMIT, *MODES},
        )
        == []
    )
    assert (
        undocumented(
            "triggers.md",
            {*DATES, *METRICS, "sum", "count", "ignore", "enrol", "never", "always", "trait.NAME"},
        )
        == []
    )


def test_a_number_too_long_to_be_read_is_a_fault_like_any_other() -> None:
    (fault,) = faults({"triggers/basket.toml": f"priority = 1{'0' * 5000}"})
    assert (fault.file, fault.message) == ("triggers/basket.toml", "a number is too long to be read")


def test_a_template_that_would_compute_for_ever_is_refused_at_once() -> None:
    (fault,) = faults({"templates/note/email.txt": "{{ 10**9999999 }}"}, templates=True)
    assert "**" in fault.message
