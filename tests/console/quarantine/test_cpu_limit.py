"""A limit on processor time ends what comes back to Python, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Thread

import pytest

from console.quarantine import cpu_limit
from console.quarantine.cpu_limit import CpuLimit, CpuLimitError

pytestmark = pytest.mark.filterwarnings(
    # where the limit strikes within a callback of the garbage collector it is swallowed, and strikes again
    "ignore::pytest.PytestUnraisableExceptionWarning"
)


def spin() -> None:
    while True:
        pass


def test_work_that_never_ends_is_ended() -> None:
    begun = time.thread_time()
    with pytest.raises(CpuLimitError, match="longer than 0"), CpuLimit(0.2):
        spin()
    assert 0.2 <= time.thread_time() - begun < 3


def test_who_swallows_every_ordinary_error_is_ended_too() -> None:
    def stubborn() -> None:
        while True:
            try:
                spin()
            except Exception:
                continue

    with pytest.raises(CpuLimitError), CpuLimit(0.1):
        stubborn()


def test_waiting_is_no_work() -> None:
    with CpuLimit(0.1):
        time.sleep(0.5)


def test_after_it_nothing_is_limited_any_more() -> None:
    for _ in range(50):
        with CpuLimit(0.06):
            end = time.thread_time() + 0.01
            while time.thread_time() < end:
                pass
    end = time.thread_time() + 0.3
    while time.thread_time() < end:
        pass


def test_the_nearer_of_two_ends_holds() -> None:
    begun = time.thread_time()
    with pytest.raises(CpuLimitError), CpuLimit(0.1), CpuLimit(60):
        spin()
    assert time.thread_time() - begun < 5


def test_counting_anew_gives_the_whole_time_again() -> None:
    with CpuLimit(0.2) as limit:
        for _ in range(10):
            limit.renew()
            end = time.thread_time() + 0.05
            while time.thread_time() < end:
                pass


def test_threads_are_limited_each_by_itself() -> None:
    ended: list[str] = []

    def work(name: str, seconds: float) -> None:
        try:
            with CpuLimit(seconds):
                end = time.thread_time() + 0.4
                while time.thread_time() < end:
                    pass
        except CpuLimitError:
            ended.append(name)

    threads = [Thread(target=work, args=each) for each in (("short", 0.1), ("long", 60.0))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ended == ["short"]
    assert not cpu_limit._limits


def test_what_was_ended_leaves_nothing_behind_in_the_interpreter() -> None:
    """Under a trace function, as a debugger has, CPython 3.11 would stand still where it believed that an
    exception is to come.
    """
    program = """
import sys
from console.quarantine.cpu_limit import CpuLimit, CpuLimitError
try:
    with CpuLimit(0.1):
        while True:
            pass
except CpuLimitError:
    pass
sys.settrace(lambda *_: None)
(lambda: None)()
print("goes on")
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "goes on\n", done.stderr
