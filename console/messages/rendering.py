"""Rendering within limits: a second of processor time and a megabyte for each file of a message.

Where a template is rendered is a matter of trust. One without loops and of moderate size cannot take long:
it is rendered here. One that has been rendered quickly has shown that it can be: it is rendered here under a
watch, which ends what takes long after all, and then the trust. Any other is rendered in a process that can
be ended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from threading import Lock
from typing import Any, Final

from jinja2 import nodes

from console.messages import sandbox
from console.messages.render_worker import SECONDS, RenderWorker
from console.messages.sandbox import Mode, TemplateFault
from console.quarantine.cpu_limit import CpuLimit, CpuLimitError

QUICK: Final = 0.05
"""Seconds of processor time: what was rendered within is trusted, and what takes four times as long no
longer.
"""
FEW: Final = 500
"""Nodes of a template's tree that need no proof, where none of them repeats anything."""
_WORKER: Final = RenderWorker()


class _Trust:
    """Which templates are rendered in this process."""

    def __init__(self) -> None:
        self._proved: dict[tuple[str, Mode], bool] = {}
        self._lock = Lock()

    def has(self, text: str, mode: Mode) -> bool:
        return self._proved.get((text, mode), False)

    def learn(self, text: str, mode: Mode, seconds: float) -> None:
        """Take note of how long it took, where that changes anything."""
        if seconds <= QUICK or seconds > 4 * QUICK:
            with self._lock:
                if len(self._proved) > 10_000:
                    self._proved.clear()
                self._proved[text, mode] = seconds <= QUICK


_TRUST: Final = _Trust()


def render(text: str, mode: Mode, variables: Mapping[str, Any]) -> str:
    """The text a template gives; TemplateFault where it gives none, takes longer than a second of processor
    time or grows beyond a megabyte.
    """
    sandbox.compiled(text, mode)
    if _is_plain(text, mode):
        return sandbox.render(text, mode, variables)
    if not _TRUST.has(text, mode):
        made = _WORKER.render(text, mode, variables)
        if made is not None:
            _TRUST.learn(text, mode, made.seconds)
            return made.text
    return _watched(text, mode, variables)


def _watched(text: str, mode: Mode, variables: Mapping[str, Any]) -> str:
    begun = time.thread_time()
    try:
        with CpuLimit(SECONDS):
            return sandbox.render(text, mode, variables)
    except CpuLimitError:
        raise TemplateFault(f"making it takes longer than {SECONDS:g} s", sort="time") from None
    finally:
        seconds = time.thread_time() - begun
        if seconds > 4 * QUICK:
            _TRUST.learn(text, mode, seconds)


@lru_cache(maxsize=1_024)
def _is_plain(text: str, mode: Mode) -> bool:
    """Whether nothing in a template can take long: no loop, no filter that goes through its text again and
    again, and not many of anything.
    """
    if "striptags" in text:
        return False
    for number, node in enumerate(sandbox.parse(text, mode).find_all(nodes.Node)):
        if number > FEW or isinstance(node, nodes.For):
            return False
    return True
