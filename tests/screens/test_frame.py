"""What every screen has: head, filter, keys, help, questions that can fail or be given up, and a terminal
left whole.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from threading import Event

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.tui.app import Console
from core.errors import ManometerError
from screens.cells.deed import Deed, DialogAnswer, DialogChoice, DialogField
from screens.help import EntryList, Help
from screens.ports import Cancelled, WorkspacePlace
from screens.ports.service import Service
from screens.widgets.dialogs import Dialog
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


@pytest.mark.parametrize(
    ("width", "tabs"),
    [(60, " 1  2 Customers  3  4  5  6  7  8  9 "), (72, " 2 Customers  3 Triggers "), (80, " 5 Outbox ")],
)
async def test_every_screen_has_its_number_in_the_head_at_any_width(width: int, tabs: str) -> None:
    app = stage(Bare(), customers=lambda: Listing(rows=3))
    async with app.run_test(size=(width, 16)) as pilot:
        await ready(pilot)
        second, third = text(app).splitlines()[1:3]
        assert tabs in second
        assert all(f" {number} " in second for number in range(1, 10))
        assert "3 rows" in (third if width == 72 else second)


async def test_consent_that_is_assumed_is_said_on_every_screen() -> None:
    service = Bare()
    service.place = WorkspacePlace(
        "Test", service.place.zone, "CHF", "keller", False, "the file cannot be written", True
    )
    app = stage(service, customers=Listing)
    async with app.run_test(size=(120, 24)) as pilot:
        await ready(pilot)
        first = text(app).splitlines()[0]
        assert "CONSENT ASSUMED: test data only" in first
        assert "READ-ONLY" in first
        assert "STOPPED" not in first


async def test_the_emergency_stop_is_said_on_every_screen() -> None:
    service = Bare()
    service.place = replace(service.place, stopped=True)
    app = stage(service, customers=Listing)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "[STOPPED]" in text(app).splitlines()[0]


async def test_a_clock_that_is_not_trusted_is_said_on_every_screen() -> None:
    service = Bare()
    service.place = replace(service.place, clock_held=True)
    app = stage(service, customers=Listing)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "[CLOCK]" in text(app).splitlines()[0]


async def test_the_day_of_what_is_shown_stands_in_a_narrow_head_too() -> None:
    service = Bare()
    service.place = WorkspacePlace("Online Retail", service.place.zone, "CHF", "keller", True, None, True)
    app = stage(service, customers=Listing)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.pause(0.05)
        first = text(app).splitlines()[0]
        assert "[CONSENT ASSUMED]" in first
        assert "Sat 31 Jan 2026 10:00" in first


async def test_the_filter_waits_for_a_pause_in_typing_and_escape_clears_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "screens.filtering.TYPING_PAUSE", 1.0
    )  # longer than a busy machine needs for three keys
    screen = Counting()
    app = stage(Bare(), customers=lambda: screen)
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("slash", *"ann")
        assert screen.filters == []
        await pilot.pause(1.3)
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
            go.wait(60)
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


async def test_help_breaks_long_words_where_there_is_little_room_and_cuts_none() -> None:
    app = stage(Bare(), customers=Counting)
    async with app.run_test(size=(60, 40)) as pilot:
        await ready(pilot)
        await pilot.press("question_mark", *"writes")
        await pilot.press(*["backspace"] * 6)
        await settled(pilot)
        shown = " ".join(text(app).replace("│", " ").split())
        assert "clear the filter, else back; Esc never leaves the console" in shown
        assert "copy whom or what the row is about, through the terminal" in shown


async def test_the_same_notice_stands_there_once_and_leaves_what_is_read_free() -> None:
    app = stage(Bare(), customers=lambda: Listing(rows=50))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await ready(pilot)
        before = text(app).splitlines()
        for _ in range(3):
            app.notify("There is no list here to export.", markup=False)
            await settled(pilot)
        after = text(app).splitlines()
        assert after[:-1] == before[:-1]
        assert "There is no list here to export." in after[-1]


async def test_a_terminal_that_is_too_small_is_told_what_is_needed() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(50, 10)) as pilot:
        await settled(pilot)
        assert "The console needs 60x16," in text(app)
        assert "this terminal has 50x10." in text(app)
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
    choices=(DialogChoice("skip", "33 are skipped"), DialogChoice("overdue", "33 go out")),
    fields=(DialogField("reason", "Why", needed=True),),
    typed="1204",
    author="keller",
)


async def asked(app: Console, deed: Deed) -> list[DialogAnswer | None]:
    answers: list[DialogAnswer | None] = []
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
        assert answers == [DialogAnswer("overdue", {"reason": "Ostern"})]


async def test_enter_leads_from_line_to_line_and_from_the_last_to_the_deed_not_to_cancel() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(80, 30)) as pilot:
        answers = await asked(app, DEED)
        await pilot.pause()
        app.screen.query_one("#field-reason", Input).value = "Ostern"
        app.screen.query_one("#typed", Input).value = "1204"
        app.screen.query_one("#field-reason", Input).focus()
        await pilot.press("enter", "enter", "enter")
        assert answers == [DialogAnswer("skip", {"reason": "Ostern"})]


async def test_what_was_confirmed_is_carried_out_in_order_and_told_even_when_the_screen_has_gone() -> None:
    screen = Listing(rows=3)
    app = stage(Bare(), customers=Listing)
    async with app.run_test(notifications=True) as pilot:
        await ready(pilot)
        await app.push_screen(screen)
        go, done, told = Event(), list[str](), list[str]()
        app.notify = lambda sentence, **_: told.append(sentence)  # type: ignore[method-assign]

        def slow(service: Service) -> str:
            go.wait(60)
            done.append("first")
            return "the first is done"

        def broken(service: Service) -> str:
            done.append("second")
            raise ManometerError("the second is refused")

        screen.act(slow, lambda _: told.append("never: the screen has gone"))
        screen.act(broken, lambda _: told.append("never: it was refused"))
        await app.pop_screen()
        go.set()
        while len(told) < 2:
            await pilot.pause(0.01)
        assert (done, told) == (["first", "second"], ["the first is done", "the second is refused"])


def _deed() -> Deed:
    lines = [f"What it does, the {number}. line." for number in range(8)]
    return Deed(
        "Stop all sending?",
        lines,
        "Stop all sending",
        fields=(DialogField("reason", "Why"),),
        author="keller",
    )


async def test_the_buttons_of_a_dialog_are_seen_in_the_lowest_terminal() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test(size=(60, 16)) as pilot:
        await ready(pilot)
        await app.push_screen(Dialog(_deed()))
        await pilot.pause()
        assert "Cancel (Esc)" in text(app)
        assert "Stop all sending (y)" in text(app)


async def test_a_dialog_that_is_answered_twice_takes_nothing_below_it_away() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test() as pilot:
        await ready(pilot)
        below, dialog = Listing(), Dialog(_deed())
        await app.push_screen(below)
        await app.push_screen(dialog)
        dialog.action_do()
        dialog.action_do()
        await settled(pilot)
        assert app.screen is below


async def test_ctrl_c_twice_leaves_from_a_dialog_too() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test() as pilot:
        await ready(pilot)
        await app.push_screen(Dialog(_deed()))
        await pilot.press("ctrl+c", "ctrl+c")
        assert app._exit


async def test_a_palette_whose_list_is_not_there_yet_takes_the_keys_that_page_in_it() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test() as pilot:
        await ready(pilot)
        app.action_command_palette()
        palette = app.screen
        for action in ("page_down", "page_up", "last"):
            palette._action_command_list(action)  # type: ignore[attr-defined]
        await pilot.pause()
        assert app.screen is palette


async def test_a_filter_that_stands_open_does_not_blink() -> None:
    app = stage(Bare(), customers=Listing)
    async with app.run_test() as pilot:
        await ready(pilot)
        await pilot.press("slash")
        assert not app.screen.query_one("#filter", Input).cursor_blink


async def test_leaving_while_a_change_is_being_made_is_asked_twice() -> None:
    app, go = stage(Bare(), customers=Listing), Event()
    async with app.run_test() as pilot:
        await ready(pilot)
        app.act(lambda _: "done" if go.wait(60) else "late", lambda _: None)
        left = []
        for _ in range(2):
            await app.action_quit()
            left.append(app._exit)
        go.set()
        assert left == [False, True]


async def test_a_workspace_that_is_open_only_after_the_console_was_left_is_closed_all_the_same() -> None:
    service, may_open = Bare(), Event()
    app = stage(service, customers=Listing)

    def slow() -> Service:
        may_open.wait(60)
        return service  # type: ignore[return-value]

    app.open_service = slow  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("q")
    assert not service.closed
    may_open.set()
    await asyncio.to_thread(app.opened.result, 60)
    for _ in range(6_000):
        await asyncio.sleep(0.01 if not service.closed else 0)
    assert service.closed


async def test_a_time_that_cannot_be_asked_is_said_and_the_console_goes_on() -> None:
    class Timeless(Bare):
        def now(self) -> int:
            raise ManometerError("The clock stands nowhere.")

    app = stage(Timeless(), customers=lambda: Listing(rows=3))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await pilot.press("r")
        await ready(pilot)
        assert {str(notice.message) for notice in app._notifications} == {"The clock stands nowhere."}
        assert "3 rows" in text(app)
