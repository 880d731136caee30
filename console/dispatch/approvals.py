"""Approval by number: which batches of messages wait for an operator once they are too large."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from core.model.triggers import Approval
from core.playbook.playbook import Playbook
from storage.outbox.dispatch import ApprovalBatch


def numeric_approvals(playbook: Playbook) -> list[ApprovalBatch]:
    """Where the playbook says a number under `approval`: batches larger than it wait."""
    return [batch for trigger in playbook.triggers for batch in _batches(trigger.name, playbook)]


def _batches(name: str, playbook: Playbook) -> Iterator[ApprovalBatch]:
    trigger = playbook.index.by_name[name]
    for most in _numbers([trigger.approval]):
        yield ApprovalBatch(name, most)
    for number, step in enumerate(trigger.steps, 1):
        for most in _numbers(each.approval for each in step.contents()):
            yield ApprovalBatch(name, most, step=number)
    used = {channel for step in trigger.contents() for channel in step.channels}
    for channel in sorted(used & set(playbook.channels)):
        for most in _numbers([playbook.channels[channel].approval]):
            yield ApprovalBatch(name, most, channel=channel)


def _numbers(asked: Iterable[Approval | None]) -> list[int]:
    """The numbers of messages that may go unasked, each once."""
    known = (approval.batches_over for approval in asked if approval is not None)
    return sorted({number for number in known if number is not None})
