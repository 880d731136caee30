"""Changing files from the console: copies, their check, the comparison of the coming week, and the act."""

from __future__ import annotations

from dataclasses import replace
from threading import Lock

from console.forecast.diff import Comparison, compare
from console.playbooks import drafts
from console.playbooks.applied import changes, under_way
from console.playbooks.drafts import FileDraft
from console.tui.answers.local_workspace import LocalWorkspace
from console.tui.answers.parts import take_parts
from console.tui.answers.pressure import PressureAnswers
from console.workspace.faults import WorkspaceError
from console.workspace.reading import Workspace
from core.errors import ManometerError
from core.explain.words import counted
from core.forecast.diff import Diff
from screens.ports import Cancelled, Progress
from screens.ports.editing import EditCheck, EditedFile
from screens.ports.pressure import PRESENT

DAYS = 7


class EditingAnswers:
    """Answers the questions of `screens.ports.editing`."""

    def __init__(self, local: LocalWorkspace, pressure: PressureAnswers) -> None:
        self._local = local
        self._pressure = pressure
        self._lock = Lock()
        self._checks = 0
        self._checked: Workspace | None = None

    def begin(self, name: str, cancelled: Cancelled) -> EditedFile:  # noqa: ARG002 - one file is there at once
        """A copy of a file, or the one kept from before."""
        self._refuse_read_only()
        draft = drafts.begin_draft(self._local.context.folder, self._local.context.author, name)
        return EditedFile(name, draft.path.resolve(), draft.is_resumed)

    def check(self, file: EditedFile, cancelled: Cancelled, progress: Progress) -> EditCheck:
        """Check the copy and compare the coming week."""
        local, draft = self._local, self._draft(file)
        folder = local.context.folder
        found = EditCheck(
            self._number(None), drafts.changed_lines(folder, draft), others=drafts.others_lines(folder, draft)
        )
        try:
            workspace = drafts.drafted_workspace(folder, draft)
        except WorkspaceError as error:
            return replace(found, faults=[str(fault) for fault in error.faults])
        what = changes(local.store, workspace)
        if not what:
            return found
        happens = under_way(local.store, workspace, what, {})
        said = what.lines() or [f"changed files: {', '.join(what.files)}"]
        effects = [*said, *(fate.line() for fate in happens)]
        forecast = self._compare(workspace, cancelled, progress)
        return replace(found, number=self._number(workspace), effects=effects, forecast=forecast)

    def _number(self, workspace: Workspace | None) -> int:
        with self._lock:
            self._checks += 1
            self._checked = workspace
            return self._checks

    def _compare(self, workspace: Workspace, cancelled: Cancelled, progress: Progress) -> list[str]:
        local, diff = self._local, Diff()
        question = replace(
            self._pressure.question(DAYS, PRESENT, local.now()),
            files=tuple(workspace.files.items()),
            with_details=False,
        )
        parts = compare(Comparison(question), local.store, self._pressure.workers)
        take_parts(parts, lambda part: diff.merge(part.diff), cancelled, progress)
        kinds = [f"{number:,} {kind}" for kind, number in diff.kinds().items() if number]
        return [
            f"Of {counted(diff.after.looked_at, 'customer')} looked at over {DAYS} days the decisions of "
            f"{diff.customers:,} change" + (f": {', '.join(kinds)}." if kinds else "."),
            "Nothing new is foreseen: only what follows from events so far is compared.",
        ]

    def take_note(self, file: EditedFile, cancelled: Cancelled) -> None:  # noqa: ARG002 - as above
        """What somebody else has changed meanwhile is known."""
        drafts.take_note_of_others(self._local.context.folder, self._draft(file))

    def put_in_force(self, file: EditedFile, found: EditCheck, reason: str) -> str:
        """Replace the file and apply the workspace."""
        self._refuse_read_only()
        local = self._local
        with self._lock:
            shown = self._checked if found.number == self._checks else None
        if shown is None:
            raise ManometerError("This check was replaced by a newer one. Check the copy anew.")
        applied = drafts.put_draft_in_force(
            local.store, local.context.folder, self._draft(file), shown, local.now(), local.context.author,
            reason or None,
        )  # fmt: skip
        local.note_command("apply", "--yes", reason=reason)
        return f"Playbook {applied.version} is in force, with your {file.name}."

    def discard(self, file: EditedFile) -> str:
        """Delete the copy."""
        drafts.discard_draft(self._draft(file))
        return f"Your copy of {file.name} is discarded; the file stays as it is."

    def _draft(self, file: EditedFile) -> FileDraft:
        return FileDraft(file.name, file.path, file.is_resumed)

    def _refuse_read_only(self) -> None:
        if self._local.place.read_only is not None:
            raise ManometerError(f"Nothing was changed: {self._local.place.read_only}.")
