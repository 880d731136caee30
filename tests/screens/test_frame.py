"""What every screen has: head, filter, keys, help, questions that can fail or be given up, and a terminal left whole."""

from __future__ import annotations

from threading import Event

from textual.pilot import Pilot
from textual.widgets import Input

from console.app import Console
from core.errors import ManometerError
from screens.dialogs import Choice, Deed, Dialog, Field, Given
from screens.help import EntryList, Help
from screens.service import Cancelled, Place, Service
from tests.screens.stage import Bare, Listing, settled, stage, text


class Counting(Listing):
    """Remembers what it was asked to filter."""

    def __init__(self) -> None:
        super().__init__(rows=500)
        self.filters: list[str] = []
        self.loads = 0

    def filtered(self, text: str) -> None:
        self.filters.append(text)

    def load(self) -> None:
        self.loads += 1
        super().load()


async def ready(pilot: Pilot[None]) -> None:
    while not (pilot.app.opened.done() and pilot.app.place):  # type: ignore[attr-defined]
        await pilot.pause(0.01)
    await settled(pilot)


async def test_the_head_says_where_the_console_stands_and_as_of_when() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.pause(0.05)
        first = text(app).splitlines()[0]
        assert "Muster Mode" in first
        assert "[SIMULATED]" in first
        assert "31 Jan 2026 10:00" in first


async def test_consent_that_is_assumed_is_said_on_every_screen() -> None:
    service = Bare()
    service.place = Place("Test", service.place.zone, "CHF", "keller", False, "the file cannot be written", True)
    app = stage(service, customers=Listing)
    async with app.run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        first = text(app).splitlines()[0]
        assert "CONSENT ASSUMED" in first
        assert "READ-ONLY" in first


async def test_the_filter_waits_for_a_pause_in_typing_and_escape_clears_it() -> None:
    screen = Counting()
    app = stage(Bare(), customers=lambda: screen)
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("slash", *"ann")
        await pilot.pause(0.3)
        assert screen.filters == ["ann"]
        await pilot.press("enter", "j")
        assert not isinstance(app.focused, Input)
        await pilot.press("escape")
        assert screen.filters == ["ann", ""]


async def test_a_question_that_fails_says_so_in_words_and_leaves_the_console_alive() -> None:
    def broken(service: Service, cancelled: Cancelled) -> None:
        raise ManometerError("the disk [/x] is full")

    screen = Listing(rows=3)
    app = stage(Bare(), customers=lambda: screen)
    async with app.run_test(notifications=True) as pilot:
        await ready(pilot)
        said: list[str] = []
        screen.ask(broken, lambda _: None, failed=said.append)
        await settled(pilot)
        assert said == ["the disk [/x] is full"]
        assert app.is_running


async def test_a_question_that_was_replaced_shows_nothing() -> None:
    screen = Listing(rows=3)
    app = stage(Bare(), customers=lambda: screen)
    async with app.run_test() as pilot:
        await ready(pilot)
        shown: list[str] = []
        go = Event()

        def slow(service: Service, cancelled: Cancelled) -> str:
            go.wait(5)
            return "old"

        screen.ask(slow, shown.append, group="x")
        await pilot.pause(0.02)
        screen.ask(lambda service, cancelled: "new", shown.append, group="x")
        go.set()
        await settled(pilot)
        assert shown == ["new"]


async def test_what_others_write_is_read_anew_and_not_while_frozen() -> None:
    service, screen = Bare(), Counting()
    app = stage(service, customers=lambda: screen)
    async with app.run_test() as pilot:
        await ready(pilot)
        before = screen.loads
        service.written += 1
        await pilot.pause(0.8)
        assert screen.loads == before + 1
        app.action_freeze()
        screen.data_changed()
        assert screen.loads == before + 1
        assert "[FROZEN]" in text(app)


async def test_help_lists_the_keys_that_work_here_and_does_what_is_chosen() -> None:
    screen = Counting()
    app = stage(Bare(), customers=lambda: screen)
    async with app.run_test(size=(80, 40)) as pilot:
        await ready(pilot)
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        listed = app.screen.query_one(EntryList).entries
        assert any(entry.words.startswith("narrow what is listed") for entry in listed)
        before = screen.loads
        await pilot.press(*"anew")
        await pilot.press("enter")
        await settled(pilot)
        assert screen.loads == before + 1


async def test_a_terminal_that_is_too_small_is_told_what_is_needed() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(50, 10)) as pilot:
        await settled(pilot)
        assert "The console needs 60x16, this terminal has 50x10." in text(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "KEY" in text(app)


async def test_a_workspace_that_cannot_be_opened_ends_with_a_sentence() -> None:
    app = stage(ManometerError("./shop is no workspace"), customers=Listing)
    async with app.run_test() as pilot:
        await pilot.pause(0.1)
    assert app.failure == "./shop is no workspace"
    assert app.return_code == 1


async def test_the_service_is_closed_at_the_end() -> None:
    service = Bare()
    app = stage(service, customers=Listing)
    async with app.run_test() as pilot:
        await ready(pilot)
    assert service.closed


DEED = Deed(
    "Resume [/x]?",
    ["1,204 customers are under way."],
    "Resume 1,204",
    choices=(Choice("skip", "33 are skipped"), Choice("overdue", "33 go out")),
    fields=(Field("reason", "Why", needed=True),),
    typed="1204",
    author="keller",
)


async def asked(app: Console, deed: Deed) -> list[Given | None]:
    answers: list[Given | None] = []
    await app.push_screen(Dialog(deed), answers.append)
    return answers


async def test_a_dialog_begins_on_cancel_and_escape_does_nothing() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test() as pilot:
        answers = await asked(app, DEED)
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id == "cancel"
        await pilot.press("enter")
        assert answers == [None]


async def test_a_dialog_does_nothing_until_all_that_is_needed_is_written() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(80, 30)) as pilot:
        answers = await asked(app, DEED)
        await pilot.pause()
        await pilot.press("down", "y")
        assert "Why: this is needed." in text(app)
        app.screen.query_one("#field-reason", Input).value = "Ostern"
        await pilot.press("y")
        assert "not 1204" in text(app)
        app.screen.query_one("#typed", Input).value = "1204"
        await pilot.press("y")
        assert answers == [Given("overdue", {"reason": "Ostern"})]
