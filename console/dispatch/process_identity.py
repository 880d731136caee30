"""Who dispatches: the name of a process, and whether one of that name still runs."""

from __future__ import annotations

import os
import socket
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=1)
def process_name() -> str:
    """This process as `HOST:PID:START`, unlike any other before or after it on this host."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid()) or 0}"


def is_gone(owner: str) -> bool:
    """Whether a dispatcher of that name ran on this host and runs no longer; False where that cannot be
    told.
    """
    host, pid, start = owner.rsplit(":", 2) if owner.count(":") >= 2 else ("", "", "")
    if host != socket.gethostname() or not pid.isdecimal():
        return False
    running = _started(int(pid))
    return running is None or (start != "0" and running != start)


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Which boot of the machine this is; `-` where it does not say."""
    if _pretended:
        return _pretended[-1]
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() or "-"
    except OSError:
        return "-"


_pretended: list[str] = []


def pretend_boot(name: str) -> None:
    """Let this process take the machine for booted under that name, as the self-test does after a power
    cut.
    """
    _pretended.append(name)
    boot_id.cache_clear()


def _started(pid: int) -> str | None:
    """When a process began, in a unit of its system; None where there is no such process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"
