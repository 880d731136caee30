"""A limit on processor time ends what comes back to Python, and nothing else."""

from __future__ import annotations

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
