"""Approval by number: which batches of messages wait for an operator once they are too large."""

from __future__ import annotations

from collections.abc import Iterator

from core.playbook.playbook import Playbook
from storage.outbox.dispatch import ApprovalBatch


def numeric_approvals(playbook: Playbook) -> list[ApprovalBatch]:
    """Where the playbook says a number under `approval`: batches larger than it wait."""
    return [batch for trigger in playbook.triggers for batch in _batches(trigger.name, playbook)]


def _batches(name: str, playbook: Playbook) -> Iterator[ApprovalBatch]:
    trigger = playbook.index.by_name[name]
    if _is_number(trigger.approval):
        yield ApprovalBatch(name, trigger.approval)
    for number, step in enumerate(trigger.steps, 1):
        for most in sorted({each.approval for each in step.contents() if _is_number(each.approval)}):
            yield ApprovalBatch(name, most, step=number)
    for channel in sorted(
        {channel for step in trigger.contents() for channel in step.channels} & set(playbook.channels)
    ):
        most = playbook.channels[channel].approval
        if _is_number(most):
            yield ApprovalBatch(name, most, channel=channel)


def _is_number(approval: bool | int) -> bool:
    return not isinstance(approval, bool)
