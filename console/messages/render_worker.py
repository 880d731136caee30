"""A process that renders templates for another and can be ended at any moment: the kernel ends it when a
rendering has used up its processor time, whatever it is doing, and refuses it more memory than its share.

A request is a pickled text, mode and variables, the answer a pickled text, or a fault, with the seconds it
took. Both are this program's own; the pipe is no one else's.
"""

from __future__ import annotations

import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import time
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from threading import Lock
from typing import IO, Any, Final, NamedTuple

from console.messages import sandbox
from console.messages.sandbox import Mode, TemplateFault

SECONDS: Final = 1.0
"""Of processor time that one file of a message may take."""
MEMORY: Final = 1 << 30
"""Bytes of address space."""
PATIENCE: Final = 30.0
"""Seconds of the clock after which an answer is not waited for, however busy the machine is."""
_HEAD: Final = struct.Struct(">Q")


class Rendered(NamedTuple):
    """A text, and the seconds of processor time that it took."""

    text: str
    seconds: float


class RenderWorker:
    """One such process, started when it is first needed and again whenever it was ended; it ends with who
    started it, at the latest.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: Callable[[], object] = lambda: None

    def render(self, text: str, mode: Mode, variables: Mapping[str, Any]) -> Rendered | None:
        """What a template gives; TemplateFault where it gives nothing or takes too long. None where there is
        no such process to be had, or the variables cannot be handed to one.
        """
        try:
            raw = pickle.dumps((text, mode, dict(variables)), pickle.HIGHEST_PROTOCOL)
        except Exception:  # the border of pickling, which calls code of the values
            return None
        with self._lock:
            try:
                answer = self._ask(raw)
            except OSError:
                self.close()
                return None
        if answer is None:
            return None
        kind, *values = answer
        if kind == "fault":
            raise TemplateFault(*values)
        return Rendered(*values)

    def _ask(self, raw: bytes) -> tuple[Any, ...] | None:
        process = self._started()
        if process.stdin is None or process.stdout is None:
            return None
        process.stdin.write(_HEAD.pack(len(raw)) + raw)
        process.stdin.flush()
        if select.select([process.stdout], [], [], PATIENCE)[0]:
            answer = _read(process.stdout)
            if answer is not None:
                found: tuple[Any, ...] = pickle.loads(answer)  # noqa: S301 - written by this program's own process
                return found
        self.close()
        return "fault", _words(process.returncode), None, "time"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "console.messages.render_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # a Ctrl-C at the terminal is for who asks, who ends it
            )
            self._end = weakref.finalize(self, _end, self._process, os.getpid())
            if self._process.stdout is None or _read(self._process.stdout) != b"ready":
                self.close()
                raise OSError("the process that renders could not be started")
        return self._process

    def close(self) -> None:
        """End the process, whatever it is doing."""
        self._process = None
        self._end()


def _end(process: subprocess.Popen[bytes], owner: int) -> None:
    """Kill the process and let go of its pipes, unless this is a copy of the program that started it."""
    if os.getpid() != owner:
        return
    process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def _words(code: int | None) -> str:
    if code == -signal.SIGPROF:
        return f"making it takes longer than {SECONDS:g} s"
    return "making it ended the process that renders, which needed too much memory or time"


def _read(stream: IO[bytes]) -> bytes | None:
    """The next message; None where there is none any more."""
    head = stream.read(_HEAD.size)
    if len(head) < _HEAD.size:
        return None
    raw = stream.read(_HEAD.unpack(head)[0])
    return raw if len(raw) == _HEAD.unpack(head)[0] else None


# ---- in the process itself ----


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Answer until nobody asks any more."""
    _write(outgoing, b"ready")
    while (raw := _read(incoming)) is not None:
        _write(outgoing, pickle.dumps(_answer(*pickle.loads(raw))))  # noqa: S301 - as above


def _answer(text: str, mode: Mode, variables: Mapping[str, Any]) -> tuple[Any, ...]:
    try:
        sandbox.compiled(text, mode)  # once a template, and bounded by its length
        begun = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        try:
            made = sandbox.render(text, mode, variables)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except TemplateFault as fault:
        return "fault", fault.reason, fault.line, fault.sort
    except Exception as error:  # the border of the process: whoever asked is told
        return "fault", f"unexpected {type(error).__name__}", None, "value"
    return "made", made, time.process_time() - begun


def _write(stream: IO[bytes], raw: bytes) -> None:
    stream.write(_HEAD.pack(len(raw)) + raw)
    stream.flush()


def _limit_memory() -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource  # not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    _limit_memory()
    with suppress(BrokenPipeError):
        serve(sys.stdin.buffer, sys.stdout.buffer)
