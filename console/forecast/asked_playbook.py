"""The playbook that a question is about: that in force, or other files, drafts and changes put over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from console.channels import adapter_kinds
from console.forecast.question import Question
from console.playbooks.applied import load_in_force, with_under_way
from console.workspace.reading import Workspace, read_files, read_workspace
from core.forecast.what_if import changed
from core.instants import Instant
from core.playbook.playbook import Playbook
from storage.store import Store


def asked_playbook(store: Store, question: Question) -> Playbook:
    """The playbook asked about: that in force, or other files under the pauses and activations in force, with
    the changes.
    """
    workspace = load_in_force(store, question.folder)
    playbook = workspace.playbook
    if not question.is_changed:
        return playbook
    other = dict(question.files)
    if question.playbook_folder is not None:
        other = dict(_workspace(question.playbook_folder).files)
    if not other and not question.drafts:
        after = as_if_applied(playbook, question.changed_at)
    else:
        draft = under_way(_drafted(other or workspace.files, question), playbook, question.changed_at)
        with store.reading() as connection:
            after = with_under_way(connection, draft, playbook, question.folder)
    return changed(after, question.changes, question.changed_at)


def _workspace(folder: Path) -> Workspace:

    return read_workspace(folder, channel_kinds=adapter_kinds())


def _drafted(files: Mapping[str, str], question: Question) -> Playbook:
    """The files with the drafts over them, whose triggers count as active; a template that is there already
    stays as it is.
    """

    tried = {
        path[len("triggers/") : -len(".toml")] for path, _ in question.drafts if path.startswith("triggers/")
    }
    over = {path: text for path, text in question.drafts if path.startswith("triggers/") or path not in files}
    playbook = read_files({**files, **over}, question.folder, channel_kinds=adapter_kinds()).playbook
    triggers = tuple(
        replace(each, status="active") if each.name in tried and each.status == "draft" else each
        for each in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


def under_way(draft: Playbook, playbook: Playbook, at: Instant) -> Playbook:
    """A draft with what the database knows of the triggers that it shares with the playbook in force."""
    known = {
        trigger.name: trigger.activated_at for trigger in playbook.triggers if trigger.status == "active"
    }
    triggers = tuple(replace(trigger, activated_at=known.get(trigger.name)) for trigger in draft.triggers)
    return as_if_applied(
        replace(draft, triggers=triggers, pauses=playbook.pauses, version=playbook.version), at
    )


def as_previewed(question: Question, playbook: Playbook) -> Playbook:
    """The playbook as the preview takes it: what was never in force counts as activated at the begin, as in a
    replay.

    A draft never runs, but the preview of it alone shows what it would do.
    """

    def activation(activated_at: Instant | None) -> Instant:
        return (
            question.first
            if activated_at is None or (question.is_past and activated_at > question.first)
            else activated_at
        )

    asked = playbook.trigger(question.trigger) if question.trigger is not None else None
    if asked is not None and asked.status == "draft":
        tried = tuple(
            replace(trigger, status="active") if trigger is asked else trigger
            for trigger in playbook.triggers
        )
        playbook = as_if_applied(replace(playbook, triggers=tried), question.first)
    triggers = tuple(
        replace(trigger, activated_at=activation(trigger.activated_at))
        if trigger.status == "active"
        else trigger
        for trigger in playbook.triggers
    )
    return replace(playbook, triggers=triggers)


def as_if_applied(playbook: Playbook, at: Instant) -> Playbook:
    """One version on, put in force at the instant: every customer counts as planned under an older one."""
    return replace(playbook, version=playbook.version + 1, applied_at=at) if playbook.version else playbook
