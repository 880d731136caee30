"""One message to read: as it was sent, as it would be now, or made of any template for anyone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from screens.action_frame import ActingFrame
from screens.cells import message as rows
from screens.cells.deed import DialogAnswer
from screens.frame import Frame
from screens.ports.messages import MessageAsked, MessageChoices, ShownMessage
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.wrapped import WrappedLines


def open_message(screen: Screen[None], asked: MessageAsked) -> None:
    """Show a message."""
    screen.app.push_screen(MessageScreen(asked))


def ask_for_message(screen: Frame, asked: MessageAsked) -> None:
    """Ask which template for whom, and show what it gives."""

    def ask(choices: MessageChoices) -> None:
        confirm(
            screen,
            rows.which(asked, choices, screen.zone),
            lambda given: open_message(screen, rows.answered(asked, given, screen.zone)),
        )

    screen.ask(lambda service, cancelled: service.messages.choices(cancelled), ask, group="choices")


class MessageScreen(ActingFrame):
    """A message with all that is known of it."""

    DEFAULT_CSS = """
    MessageScreen #body { margin: 0 1; }
    """
    deeds: ClassVar[Sequence[str]] = ("anew", "browse", "save", "proof", "why", "customer", "trigger")
    BINDINGS: ClassVar[list[BindingType]] = [
        key(
            "n", "anew", "As now", "message.anew", "as it would be now, and back to as it was sent", show=True
        ),
        key(
            "o",
            "browse",
            "Browser",
            "message.browse",
            "open it in the browser; over SSH: say where it lies",
            show=True,
        ),
        key(
            "e",
            "save",
            "File",
            "message.save",
            "write it as a page for a browser, for your account alone",
            show=True,
        ),
        key(
            "m",
            "another",
            "Other",
            "message.another",
            "another template, customer, channel or instant",
            show=True,
        ),
        key("P", "proof", "Proof", "message.proof", "send it to an operator as a proof; asks first"),
        key(
            "w", "why", "Why", "message.why", "why the customer got it or did not, check by check", show=True
        ),
        key("t", "customer", "Customer", "message.customer", "everything about the customer"),
        key("d", "trigger", "Trigger", "message.trigger", "the trigger"),
    ]

    def __init__(self, asked: MessageAsked) -> None:
        super().__init__()
        self.asked = asked
        self.shown: ShownMessage | None = None
        self._fault = ""

    @property
    def mode(self) -> str:  # type: ignore[override]
        """The top-level screen from which it was opened."""
        return str(self.app.current_mode)

    def crumbs(self) -> Sequence[str]:
        """Which message."""
        return ("Message",) if self.shown is None else (self.shown.title,)

    def body(self) -> ComposeResult:
        """Its lines."""
        yield WrappedLines(id="body")

    def focus_first(self) -> None:
        """The text."""
        self.set_focus(self.query_one("#body"))

    # ---- data ----

    def load(self) -> None:
        """Ask for it."""
        asked = self.asked
        self.ask(
            lambda service, cancelled: service.messages.shown(asked, cancelled),
            self._take,
            failed=self._refuse,
        )

    def _take(self, shown: ShownMessage) -> None:
        self.shown = shown
        self.query_one("#body", WrappedLines).show(rows.lines(shown, self.zone))
        self.head.settle()
        self.chosen_changed()

    def _refuse(self, sentence: str) -> None:
        if self.shown is None:
            self.query_one("#body", WrappedLines).show([[sentence]])

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """Why something cannot be done with it."""
        shown = self.shown
        if action not in self.deeds:
            return None
        if shown is None:
            return "there is no message to read"
        if action == "anew" and (shown.row is None or shown.form == "now") and not self.asked.anew:
            return "it is shown as it would be already"
        if action in ("browse", "save") and not shown.texts:
            return "there is no text to be seen"
        if action == "trigger" and shown.trigger is None:
            return "no trigger uses it"
        return self._no_proof(shown) if action == "proof" else None

    def _no_proof(self, shown: ShownMessage) -> str | None:
        if shown.fault is not None and shown.form != "gone":
            return "it cannot be made"
        return self.read_only()

    def action_anew(self) -> None:
        """As it would be now, or as it was sent again."""
        self.asked = replace(self.asked, anew=not self.asked.anew)
        self.load()

    def action_browse(self) -> None:
        """Open it in the browser, or say where it lies."""
        asked = self.asked
        self.ask(
            lambda service, cancelled: service.messages.browse(asked, cancelled), self.toast, group="page"
        )

    def action_save(self) -> None:
        """Write it into a file."""
        asked = self.asked
        self.ask(
            lambda service, cancelled: service.messages.save(asked, cancelled),
            lambda path: self.toast(f"Written to {path}, which your account alone can read."),
            group="page",
        )

    def action_another(self) -> None:
        """Another template, customer, channel or instant."""
        shown = self.shown
        known = (
            MessageAsked()
            if shown is None
            else MessageAsked(
                customer=shown.customer, trigger=shown.trigger, template=shown.template, channel=shown.channel
            )
        )
        ask_for_message(self, replace(known, trigger=None))

    def action_proof(self) -> None:
        """Ask to whom, then send it as a proof."""
        self.ask(
            lambda service, cancelled: service.messages.choices(cancelled),
            self._ask_for_proof,
            group="choices",
        )

    def _ask_for_proof(self, choices: MessageChoices) -> None:
        shown = self.shown
        if not choices.proofs:
            self.toast(
                "Nobody is listed to whom a proof may go: write [proofs] to = [...] in manometer.toml, then "
                "apply it.",
                bad=True,
            )
        elif shown is not None and self.place is not None:
            confirm(self, rows.proof(shown, choices, self.place.author), self._send_proof)

    def _send_proof(self, given: DialogAnswer) -> None:
        asked, address, reason = self.asked, given.values["address"], given.values["reason"]
        self.act(lambda service: service.messages.proof(asked, address, reason), self.toast)

    def action_why(self) -> None:
        """Why, for customer and trigger."""
        if self.shown is not None:
            self.host.open_why(self.shown.customer, self.shown.trigger)

    def action_customer(self) -> None:
        """The customer."""
        if self.shown is not None:
            self.host.open_customer(self.shown.customer_id)

    def action_trigger(self) -> None:
        """The trigger."""
        if self.shown is not None and self.shown.trigger is not None:
            self.host.open_trigger(self.shown.trigger)
