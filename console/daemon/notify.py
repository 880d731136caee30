"""Telling systemd how the service is doing, by the protocol of sd_notify(3): a datagram to the socket it
names.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from core.instants import Millis

SOCKET: Final = "NOTIFY_SOCKET"
WATCHDOG: Final = "WATCHDOG_USEC"


def notify(*states: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send states such as `READY=1`; nothing where no systemd is listening."""
    address = environment.get(SOCKET)
    if not address:
        return
    with (
        suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as out,
    ):
        out.connect("\0" + address[1:] if address.startswith("@") else address)
        out.sendall("\n".join(states).encode())


def watchdog(environment: Mapping[str, str] = os.environ) -> Millis | None:
    """How long systemd waits for a sign of life before it restarts the service; None where it does not."""
    text = environment.get(WATCHDOG, "")
    return int(text) // 1000 if text.isdecimal() else None
