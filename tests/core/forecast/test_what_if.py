"""Changes of a playbook without a file, whom they can reach, and what is said of one that does not fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import ManometerError
from core.forecast.what_if import PlaybookChange, changed, loads_alike, parse_change, reach
from core.instants import DAY, HOUR
from core.model.pauses import Pause, parse_target
from core.model.predicate import Predicate
from core.model.triggers import NEVER
from core.playbook.playbook import Playbook
from tests.core.builders import (
    at,
    channel,
    condition,
    event,
    on,
    on_crossing,
    on_date,
    pause,
    play,
    playbook,
    rule,
    trigger,
)

NOW = at("Wed 12:00")
BASKET = trigger("basket", on("Checkout Started", after=HOUR), priority=80, activated_at=at("Mon 00:00"))
DRAFT = trigger("sale", on("Product Viewed"), status="draft", activated_at=at("Mon 00:00"))
RULES = [rule("three a week", 3, "7d"), rule("gap", None, gap=16 * HOUR)]
SEGMENTS = {"buyers": condition("orders >= 1")}
BOOK = playbook(
    BASKET, DRAFT, rules=RULES, channels=[channel("sms", weight=2000)], segments=SEGMENTS, version=4
)


def after(*texts: str, book: Playbook = BOOK) -> Playbook:
    return changed(book, map(parse_change, texts), NOW)


def test_a_change_is_read_from_a_text_and_written_as_it_was() -> None:
    assert parse_change("rule.three a week.limit=2") == PlaybookChange("rule", "three a week", "limit", "2")
    assert parse_change("engine.look_ahead=false") == PlaybookChange("engine", "", "look_ahead", "false")
    assert parse_change("channel.sms.send_window=Mon-Fri 08:00-18:00") == PlaybookChange(
        "channel", "sms", "send_window", "Mon-Fri 08:00-18:00"
    )
    for text in ("rule.gap.off=true", "engine.look_ahead=false"):
        assert str(parse_change(text)) == text


def test_rules_are_changed_switched_off_and_added() -> None:
    week, gap = after(
        "rule.three a week.limit=2", "rule.three a week.window=calendar week", "rule.gap.gap=2d"
    ).rules
    assert (week.limit, week.window and week.window.text, gap.gap) == (2, "calendar week", 2 * DAY)
    assert [each.name for each in after("rule.gap.off=true").rules] == ["three a week"]
    new = after("rule.night.new=true", "rule.night.gap=12h", "rule.night.channels=sms,email").rules[-1]
    assert (new.name, new.gap, new.channels) == ("night", 12 * HOUR, frozenset({"sms", "email"}))


def test_a_limit_goes_over_to_points_with_its_number() -> None:
    (week, _) = after("rule.three a week.unit=points").rules
    assert (week.unit, week.limit) == ("points", 3000)
    assert after("rule.three a week.unit=points", "rule.three a week.limit=2.5").rules[0].limit == 2500


def test_triggers_are_ranked_held_out_activated_and_retired() -> None:
    book = after("trigger.basket.priority=10", "trigger.basket.holdout=0.25", "trigger.basket.reentry=never")
    basket = book.index.by_name["basket"]
    assert (basket.priority, basket.holdout, basket.reentry) == (10, 0.25, NEVER)
    sale = after("trigger.sale.status=active").index.by_name["sale"]
    assert (sale.status, sale.activated_at) == ("active", None)
    assert after("trigger.basket.status=active").index.by_name["basket"] is not None
    assert after("trigger.basket.status=active").index.by_name["basket"].activated_at == at("Mon 00:00")
    assert after("trigger.basket.status=retired").index.by_name["basket"].status == "retired"


def test_a_trigger_is_paused_from_now_for_good_or_until_an_instant_and_a_pause_is_ended() -> None:
    assert after("trigger.basket.paused=true").pauses == (Pause(parse_target("basket"), NOW),)
    assert after("trigger.basket.paused=2025-03-07T08:00:00Z").pauses == (
        Pause(parse_target("basket"), NOW, at("Fri 09:00")),
    )
    paused = playbook(
        BASKET, pauses=(pause("basket", "Tue 00:00"), pause("basket", "Mon 01:00", "Mon 02:00"))
    )
    ended = {each.since: each.until for each in after("trigger.basket.paused=false", book=paused).pauses}
    assert ended == {at("Mon 01:00"): at("Mon 02:00"), at("Tue 00:00"): NOW}


def test_channels_and_the_engine_are_changed() -> None:
    book = after(
        "channel.sms.weight=0.5",
        "channel.email.send_window=Mon-Fri 08:00-18:00; Sat 09:00-12:00",
        "engine.look_ahead=false",
    )
    assert (book.channels["sms"].weight, book.look_ahead) == (500, False)
    assert (
        book.channels["email"].send_windows.opens(at("Sun 10:00"), book.zone) == at("Sun 10:00") + 22 * HOUR
    )
    assert after("channel.email.send_window=always", book=book).channels["email"].send_windows.always_open


def test_a_channel_takes_so_many_or_any_number() -> None:
    assert after("channel.sms.capacity=300/hour").channels["sms"].capacity == (300, "hour")
    bounded = after("channel.email.capacity=20000/day")
    assert after("channel.email.capacity=none", book=bounded).channels["email"].capacity is None


def test_a_rule_holds_for_those_who_fulfil_a_condition_or_for_everybody() -> None:
    week = after("rule.three a week.audience=segment('buyers') and country == 'CH'").rules[0]
    assert isinstance(week.audience, Predicate)
    assert week.audience.text == "segment('buyers') and country == 'CH'"
    assert (
        after("rule.three a week.audience=all", book=replace(BOOK, rules=(week,))).rules[0].audience is None
    )
    assert not loads_alike(
        BOOK, after("rule.three a week.audience=count('Order Completed', last='30d') >= 2")
    )


def test_only_those_a_condition_names_are_held_back() -> None:
    few = after(
        "rule.one.new=true", "rule.one.limit=0", "rule.one.window=1d", "rule.one.audience=trait.vip == true"
    )
    outcomes = {
        vip: play(few, event("Checkout Started", "Wed 13:00"), traits={"vip": vip}).decisions[0].outcome
        for vip in (True, False)
    }
    assert outcomes == {True: "suppress", False: "send"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule.three-a-weak.limit=2", "there is no rule 'three-a-weak'. Did you mean 'three a week'?"),
        ("rule.three a week.limt=2", "no rule has a 'limt' that could be set. Did you mean 'limit'?"),
        ("rule.three a week.limit=2.5", "a whole number from 0"),
        ("rule.three a week.window=7", "7"),
        ("rule.three a week.channels=mail", "there is no 'mail'. Did you mean 'email'?"),
        ("rule.three a week.new=true", "there is a rule 'three a week' already"),
        ("rule.night.new=true", "rule 'night' is not whole"),
        ("rule.gap.gap=none", "rule 'gap' is not whole"),
        ("rule.gap.gap=0h", "holds nothing back"),
        ("rule.gap.off=yes", "There are: false, true."),
        ("trigger.baskte.priority=2", "there is no trigger 'baskte'. Did you mean 'basket'?"),
        ("trigger.basket.priority=101", "a whole number from 0 to 100"),
        ("trigger.basket.holdout=10", "a share from 0 to 1"),
        ("trigger.basket.holdout=NaN", "not a number"),
        ("trigger.basket.paused=2025-03-01T00:00:00Z", "before it begins"),
        ("trigger.basket.paused=soon", "is not an instant"),
        ("trigger.basket.status=on", "draft"),
        ("channel.fax.weight=1", "there is no channel 'fax'"),
        ("channel.sms.weight=-1", "a number from 0"),
        ("channel.sms.send_window=whenever", "is not a send window"),
        ("channel.sms.capacity=many", "is not a capacity. Write a number per day, hour or minute"),
        ("channel.sms.capacity=0/day", "is not a capacity"),
        ("channel.sms.capcity=5/day", "Did you mean 'capacity'?"),
        ("rule.gap.audience=segment('byers')", "Did you mean 'buyers'?"),
        ("rule.gap.audience=ordrs >= 1", "Did you mean 'orders'?"),
        ("rule.gap.audience=buyers", "a segment is written rule.gap.audience=segment('buyers')"),
        ("rule.gap.audience=", "rule.gap.audience=: column 1"),
        ("rule.gap.audince=orders >= 1", "Did you mean 'audience'?"),
        ("engine.lookahead=true", "Did you mean 'look_ahead'?"),
        ("limit=2", "Write it like rule.NAME.limit=2"),
    ],
)
def test_a_change_that_does_not_fit_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(ManometerError) as error:
        after(text)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [
        ((), "due"),
        (("rule.gap.off=true",), "waiting"),
        (("trigger.basket.paused=true",), "waiting"),
        (("trigger.basket.status=retired",), "waiting"),
        (("trigger.sale.status=active",), "all"),
    ],
)
def test_whom_a_change_can_touch(texts: tuple[str, ...], wanted: str) -> None:
    assert reach(BOOK, after(*texts)) == wanted


def test_a_trigger_that_fires_by_dates_can_touch_anybody_and_one_taken_away_only_who_is_due() -> None:
    silent, birthday = (
        trigger("silent", on_crossing(inactive_for=DAY)),
        trigger("birthday", on_date("birthday")),
    )
    assert reach(playbook(silent), playbook(silent, birthday)) == "all"
    assert reach(playbook(silent, birthday), playbook(silent)) == "waiting"


def test_dossiers_are_shared_where_the_changed_playbook_looks_no_further() -> None:
    assert loads_alike(
        BOOK, after("rule.three a week.limit=1", "trigger.basket.priority=1", "channel.sms.weight=1")
    )
    assert not loads_alike(BOOK, after("rule.three a week.window=30d"))
    assert not loads_alike(BOOK, after("trigger.sale.status=active"))
