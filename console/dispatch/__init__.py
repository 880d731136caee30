"""The dispatcher: hands over what the outbox holds and is due. It decides nothing, but takes a last look
before each message.

passes      one pass: what a crash left, claims, marks        journal   what is known between a hand-over and
its mark preparing   the last look, and the texts                      owners    the names of processes
sending     adapters, and the thread that waits for others    rests     channels that are left alone for a
while endings     the mark that a result comes to                   approvals batches that wait for an
operator
"""

from __future__ import annotations

from collections.abc import Callable

from console.dispatch import passes
from console.dispatch.approvals import numeric_approvals
from console.dispatch.channel_backoff import Rest, resting
from console.dispatch.outcomes import MOST_ATTEMPTS, backoff
from console.dispatch.passes import LEASE, Dispatched
from console.dispatch.process_identity import is_gone, process_name
from console.dispatch.sending import MOST_LOST
from console.workspace import Workspace
from core.instants import Instant
from core.playbook.playbook import Playbook
from storage.store import Store

__all__ = [
    "LEASE", "MOST_ATTEMPTS", "MOST_LOST", "Dispatched", "Rest", "backoff", "dispatch", "is_gone",
    "numeric_approvals",
    "process_name", "resting",
]  # fmt: skip


def dispatch(
    store: Store,
    workspace: Workspace,
    playbook: Playbook,
    now: Instant | Callable[[], Instant],
    owner: str | None = None,
    stopping: Callable[[], bool] | None = None,
) -> Dispatched:
    """Hand over everything that is due. `now` is the instant of the pass, or a clock where a pass may take
    long.

    `owner` names this dispatcher in what it claims; its process by default. `stopping` is asked before each
    message: once it says yes, what is claimed and was not handed over is given back and the pass ends.
    JournalError, and nothing more is sent, where there is no room to note what goes out.
    """
    clock = now if callable(now) else lambda: now
    return passes.run(store, workspace, playbook, clock, owner or process_name(), stopping or (lambda: False))
