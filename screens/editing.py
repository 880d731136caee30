"""Changing a file: the operator's editor on a copy, then what the check finds, and putting it in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical

from screens.cells import editing as rows
from screens.cells.deed import DialogAnswer
from screens.cells.line import Cell, Line
from screens.frame import Frame
from screens.long_question import LongQuestionFrame
from screens.ports.editing import EditCheck, EditedFile
from screens.widgets.dialogs import confirm
from screens.widgets.keys import key
from screens.widgets.wrapped import WrappedLines, WrappedNote


class EditingScreen(LongQuestionFrame):
    """One file of the workspace that is being changed; Esc keeps the copy for later."""

    mode = "triggers"
    filter_hint = None
    DEFAULT_CSS = """
    EditingScreen #facts { height: auto; margin-bottom: 1; }
    EditingScreen #found { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        key("E", "edit", "Edit", "editing.edit", "open the copy in your editor again", show=True),
        key(
            "A", "force", "Put in force", "editing.force",
            "replace the file and apply it; asks first, in numbers", show=True,
        ),
        key("t", "take_note", "Take note", "editing.take_note",
            "what somebody else has changed in the file meanwhile is known; your copy goes over it"),
        key("D", "discard", "Discard", "editing.discard", "delete the copy; asks first", show=True),
    ]  # fmt: skip

    def __init__(self, name: str) -> None:
        """`name` is the file's path in the workspace."""
        super().__init__()
        self.name_of_file = name
        self.file: EditedFile | None = None
        self.found: EditCheck | None = None
        self._trouble: str | None = None
        self._noted: tuple[str, ...] = ()

    def crumbs(self) -> Sequence[str]:
        """The file."""
        return (self.name_of_file, "Change")

    def body(self) -> ComposeResult:
        """Where it stands, and what was found."""
        with Vertical(id="body"):
            yield WrappedNote(id="facts")
            yield WrappedLines(id="found")

    def focus_first(self) -> None:
        """What was found."""
        self.set_focus(self.query_one("#found"))

    # ---- editing and checking ----

    def load(self) -> None:
        """Begin with the editor; afterwards check the copy anew."""
        if self.file is not None:
            self._check()
            return
        self.ask(
            lambda service, cancelled: service.editing.begin(self.name_of_file, cancelled),
            self._begun,
            group="begin",
            failed=lambda sentence: self.show_facts([[Cell(f" {sentence}", "bad")]]),
        )

    def data_changed(self) -> None:
        """What is shown was found of the copy; checking it anew is the operator's choice."""

    def _begun(self, file: EditedFile) -> None:
        self.file = file
        self.action_edit()

    def action_edit(self) -> None:
        """Open the editor, then check what it saved; a copy that was deleted is begun anew."""
        if self.file is None:
            self.load()
            return
        self.give_up()
        if not self.file.path.exists():
            self.file = None
            self.load()
            return
        self._trouble = self.host.edit_file(self.file.path)
        self._check()

    def _check(self) -> None:
        file = self.file
        if file is None:
            return
        self.found = None
        self.query_one("#found", WrappedLines).show([])
        self.refresh_bindings()
        self.ask_long(
            lambda service, cancelled, progress: service.editing.check(file, cancelled, progress), self._show
        )

    def progress_lines(self, done: int, total: int) -> Sequence[Line]:
        """How many customers were looked at."""
        far = f"comparing the coming week, {done:,} of {total:,} customers" if total else "the files"
        return [[Cell(f" Checking: {far} …", "accent")]]

    def _show(self, found: EditCheck) -> None:
        file = self.file
        if not found.changed and not found.others and self._trouble is None and file is not None:
            self.ask(
                lambda service, _: service.editing.discard(file),
                lambda _: self._leave("Nothing was changed in the file."),
                group="unchanged",
            )
            return
        self.found = found
        self.show_facts(rows.facts(self.file, found, self._trouble))
        self.query_one("#found", WrappedLines).show(rows.found_lines(found, self._noted))
        self.refresh_bindings()

    # ---- what can be done ----

    def why_not(self, action: str) -> str | None:
        """What needs a check, or a copy."""
        if action not in ("force", "take_note", "discard"):
            return super().why_not(action)
        if self.file is None:
            return "there is no copy yet"
        if action == "discard":
            return None
        if self.is_asking:
            return "the copy is still being checked"
        if self.found is None:
            return "the copy is not checked yet; r checks it"
        if action == "take_note":
            return None if self.found.others else "nobody else has changed the file"
        return self.found.obstacle

    def action_force(self) -> None:
        """Ask in numbers, then put it in force."""
        file, found = self.file, self.found
        if file is None or found is None or self.place is None:
            return

        def put(given: DialogAnswer) -> None:
            reason = given.values["reason"]
            self.act(
                lambda service: service.editing.put_in_force(file, found, reason),
                self._in_force,
                failed=self._check,  # it is not as it was shown
            )

        confirm(self, rows.force_deed(file, found, self._noted, self.place.author), put)

    def action_take_note(self) -> None:
        """The copy goes over what somebody else has changed."""
        file, found = self.file, self.found
        if file is None or found is None:
            return

        def noted(_: None) -> None:
            self._noted += tuple(found.others)
            self._check()

        self.ask(lambda service, cancelled: service.editing.take_note(file, cancelled), noted, group="note")

    def action_discard(self) -> None:
        """Delete the copy."""
        file = self.file
        if file is not None:
            self.give_up()
            confirm(
                self,
                rows.discard_deed(file),
                lambda _: self.act(lambda service: service.editing.discard(file), self._leave),
            )

    def action_back(self) -> None:
        """The copy is kept."""
        kept = self.file is not None
        self._leave("Your copy is kept; E goes on with it." if kept else None)

    def _in_force(self, sentence: str) -> None:
        """Leave for the screen below, which shows it at once."""
        for below in self.app.screen_stack[:-1]:
            if isinstance(below, Frame):
                below.stale = True
        self._leave(sentence)

    def _leave(self, sentence: str | None) -> None:
        if sentence is not None:
            self.toast(sentence)
        if self.is_mounted and self.is_active and len(self.app.screen_stack) > 1:
            self.give_up()
            self.app.pop_screen()


class SegmentsEditingScreen(EditingScreen):
    """The same below the Segments screen."""

    mode = "segments"
