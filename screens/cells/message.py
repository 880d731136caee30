"""A message to read, in lines, and what is asked before one is made or sent as a proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from core.instants import parse_instant
from core.suggestions import near
from screens.cells.deed import Deed, DialogAnswer, DialogField
from screens.cells.line import Cell, Line, StyleName
from screens.cells.outbox import detail
from screens.ports.messages import MessageAsked, MessageChoices, MessageForm, ShownMessage

STYLES: Final[Mapping[MessageForm, StyleName]] = {
    "sent": "ok",
    "now": "warn",
    "gone": "dim",
    "sample": "warn",
}


def lines(shown: ShownMessage, zone: ZoneInfo) -> list[Line]:
    """All of it: as of when, subject and texts, and below what is known of it."""
    found: list[Line] = [[Cell(shown.said, STYLES[shown.form])]]
    if shown.fault is not None:
        found += [[], [shown.fault if shown.form == "gone" else f"It cannot be made: {shown.fault}"]]
    if shown.subject:
        found += [[], [Cell("Subject  ", "dim"), Cell(shown.subject, "strong")]]
    for what, text in shown.texts:
        found += [[], [Cell(f"── {what} ──", "accent")], *([line] for line in text.splitlines())]
    if shown.row is not None:
        found += [[], [Cell("── what is known of it ──", "accent")], *detail(shown.row, zone)]
    return found


def which(asked: MessageAsked, choices: MessageChoices, zone: ZoneInfo) -> Deed:
    """Asks which template for whom, over which channel, as of when."""

    def known(what: str, names: Sequence[str]) -> DialogField:
        return DialogField(
            what.lower(), what, (asked.template if what == "Template" else asked.channel) or "",
            what == "Template", lambda text: _unknown(what.lower(), text, names),
        )  # fmt: skip

    return Deed(
        title="A message to look at",
        lines=(
            "Nobody gets it, and nothing counts it.",
            f"Templates: {', '.join(choices.templates)}.",
            f"Channels: {', '.join(choices.channels)}; left empty, the first of the step that uses it.",
        ),
        verb="Show it",
        fields=(
            known("Template", choices.templates),
            DialogField("customer", "Customer: key, e-mail or phone", asked.customer, needed=True),
            known("Channel", choices.channels),
            DialogField("at", "As of (now where empty)", check=lambda text: _no_instant(text, zone)),
        ),
    )


def _unknown(what: str, name: str, names: Sequence[str]) -> str | None:
    return None if name in names else f"There is no {what} {name!r}. {near(name, names) or ''}".rstrip()


def _no_instant(text: str, zone: ZoneInfo) -> str | None:
    try:
        parse_instant(text, zone)
    except ValueError as error:
        return str(error)
    return None


def answered(asked: MessageAsked, given: DialogAnswer, zone: ZoneInfo) -> MessageAsked:
    """Which message was asked for."""
    at = given.values["at"]
    return MessageAsked(
        customer=given.values["customer"],
        trigger=asked.trigger,
        template=given.values["template"],
        channel=given.values["channel"] or None,
        at=parse_instant(at, zone) if at else None,
    )


def proof(shown: ShownMessage, choices: MessageChoices, author: str) -> Deed:
    """Asks to whom a proof goes."""

    def listed(text: str) -> str | None:
        is_listed = text.casefold() in {each.casefold() for each in choices.proofs}
        return None if is_listed else f"{text} is not listed. Listed are: {', '.join(choices.proofs)}."

    return Deed(
        title=f"A proof of {shown.template} over {shown.channel}",
        lines=(
            f"Made as it would be for {shown.customer} now, who does not get it.",
            "It is marked as a proof and counted nowhere; the audit has it.",
            f"It may go to: {', '.join(choices.proofs)}.",
        ),
        verb="Send the proof",
        fields=(
            DialogField(
                "address", "To", choices.proofs[0] if choices.proofs else "", needed=True, check=listed
            ),
            DialogField("reason", "Reason, for the audit"),
        ),
        author=author,
    )
