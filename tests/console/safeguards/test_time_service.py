"""What the kernel is asked about its clock, and when it is better not asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from console import clock


@pytest.mark.parametrize(
    ("environment", "status", "is_asked"),
    [
        ({}, "Seccomp:\t2\n", True),  # a container: what its filter does not list is refused, not killed
        ({"INVOCATION_ID": "a"}, "Seccomp:\t0\n", True),
        ({"INVOCATION_ID": "a"}, "Seccomp:\t2\n", False),
        ({"INVOCATION_ID": "a", clock.ASK_KERNEL_TIME: "1"}, "Seccomp:\t2\n", True),
    ],
)
def test_a_filter_of_systemd_that_could_kill_is_not_tried(
    environment: dict[str, str],
    status: str,
    is_asked: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "status").write_text(status)
    monkeypatch.setattr(clock, "_STATUS", tmp_path / "status")
    for name in ("INVOCATION_ID", clock.ASK_KERNEL_TIME):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    clock._may_be_killed_for_asking.cache_clear()
    try:
        assert clock._may_be_killed_for_asking() is not is_asked
        assert is_asked or clock.reading().service == "unknown"
    finally:
        clock._may_be_killed_for_asking.cache_clear()


def test_one_look_agrees_with_the_clocks_it_is_made_of() -> None:
    first = clock.reading()
    second = clock.reading()
    assert 0 <= second.now - first.now < 60_000
    assert 0 <= second.uptime - first.uptime < 60_000
    assert first.boot == second.boot
    assert abs(first.offset - second.offset) < 60_000
