"""The scheduler that runs by itself: decides, hands over, takes in the drop folder, until it is stopped.

One a workspace; it logs to standard error. SIGTERM and Ctrl-C end it in good order, SIGHUP reads the settings
of manometer.toml anew.
"""

from __future__ import annotations

import argparse

from console import clock
from console.cli.context import Context
from core.errors import ManometerError

EXAMPLES = (("run --print-unit", "a unit for systemd that keeps the scheduler running"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "--standby", action="store_true", help="where another scheduler is active, wait and take over"
    )
    parser.add_argument(
        "--log", choices=("json", "text"), help="form of the log (default: text at a terminal, else json)"
    )
    parser.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="from which level on (default: info)",
    )
    parser.add_argument(
        "--print-unit", action="store_true", help="print a systemd unit for this workspace, and end"
    )


def changes_files(args: argparse.Namespace) -> bool:  # noqa: ARG001 - whatever its options
    """Whether it writes anything but the database; not done with `--read-only`."""
    return True


def run(args: argparse.Namespace, context: Context) -> int:
    """Run the scheduler; 0 after a signal, 1 after an error."""
    if args.print_unit:
        return _print_unit(context)
    from console.daemon import (
        service,  # the scheduler's library is slower to import than most commands are to run
    )
    from console.daemon.log import opened_log
    from console.safeguards.clock_guard import SOURCES, ClockGuard

    store = context.store
    if clock.simulated_at(store) is not None:
        raise ManometerError(
            f"{context.folder} is a workspace whose clock is simulated; a scheduler would run away from it. "
            "Move it on with `manometer tick --at INSTANT`."
        )
    with opened_log(args.log, args.log_level) as log:
        options = service.ServiceOptions(context.folder, args.standby, context.zone)
        guard = ClockGuard(SOURCES)
        return service.run(store, options, log, service.clocks(guard.now, clock.steady), guard)


def _print_unit(context: Context) -> int:
    from console.daemon.unit import this_command, unit  # see above

    _ = context.settings  # a sentence where the folder is no workspace
    context.output.out.write(unit(context.folder.resolve(), this_command(), context.author))
    return 0
