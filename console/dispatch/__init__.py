"""The dispatcher: hands over what the outbox holds and is due. It decides nothing, but takes a last look
before each message.

- `passes`: one pass, from what a crash left to the end of the last channel's part
- `channel_pass`: one channel's part, in a thread of its own, from the claims to the marks
- `preparing`: the last look, and the texts
- `sending`: the open adapter, and the thread that waits for another machine
- `outcomes`: the mark that a result comes to
- `journal`: what is known between a hand-over and its mark
- `channel_backoff`: channels that are left alone for a while
- `channel_brake`: when a channel refuses so much that it is left alone
- `channel_failures`: when a channel fails by itself, and is set aside
- `approvals`: batches that wait for an operator
- `surges`: how much a trigger may send before somebody has looked
- `process_identity`: the names of processes
- `ports`: the adapters and the journal that a pass is handed
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from console.dispatch.approvals import numeric_approvals
from console.dispatch.channel_pass import LEASE, Dispatched, Dispatcher
from console.dispatch.outcomes import MOST_ATTEMPTS, retry_delay
from console.dispatch.passes import Told, run_pass
from console.dispatch.ports import DispatchPorts
from console.dispatch.process_identity import is_gone, process_name
from console.dispatch.sending import MOST_LOST
from console.workspace.reading import Workspace
from core.instants import Instant
from storage.store import Store

__all__ = [
    "LEASE",
    "MOST_ATTEMPTS",
    "MOST_LOST",
    "DispatchPorts",
    "Dispatched",
    "Dispatcher",
    "dispatch",
    "is_gone",
    "numeric_approvals",
    "process_name",
    "retry_delay",
    "watch",
]

PORTS: Final = DispatchPorts()


def dispatch(
    store: Store,
    workspace: Workspace,
    now: Instant | Callable[[], Instant],
    owner: str | None = None,
    stopping: Callable[[], bool] | None = None,
    ports: DispatchPorts = PORTS,
) -> Dispatched:
    """Hand over everything that is due. `now` is the instant of the pass in ms UTC, or a clock where a pass
    may take long.

    `owner` names this dispatcher in what it claims; its process by default. `stopping` is asked before each
    message: once it says yes, what is claimed and was not handed over is given back and the pass ends.
    JournalError, and nothing more is sent, where there is no room to note what goes out.
    """
    clock = now if callable(now) else lambda: now
    dispatcher = Dispatcher(store, owner or process_name(), clock, stopping or _never, ports)
    return run_pass(dispatcher, lambda: workspace)


def watch(
    store: Store,
    workspace: Callable[[], Workspace],
    clock: Callable[[], Instant],
    stopping: Callable[[], bool],
    told: Told,
) -> Dispatched:
    """The same for a scheduler: while a slow channel is under way, the others are looked at again and again,
    each time with the workspace that is in force. `told` hears of each channel as its part ends; what is
    returned is all of it together.
    """
    dispatcher = Dispatcher(store, process_name(), clock, stopping, PORTS)
    return run_pass(dispatcher, workspace, is_watching=True, told=told)


def _never() -> bool:
    return False
