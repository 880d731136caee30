"""The numbers of `status` in the text form of Prometheus, without the scheduler.

Nothing personal is in them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from console import clock
from console.cli.context import Context
from core.errors import ManometerError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--file", metavar="PATH", type=Path, help="write them to a file, as a whole")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print them, or write them to a file."""
    from prometheus_client import generate_latest, write_to_textfile  # slower than other commands' starts

    from console.health.metrics import StatusCollector
    from console.health.observing import observe

    collector = StatusCollector()
    collector.see(observe(context.store, context.in_force, context.folder, clock.now()))
    if args.file is None:
        context.output.out.write(generate_latest(collector.registry).decode())
        return 0
    try:
        write_to_textfile(str(args.file), collector.registry)
    except OSError as error:
        raise ManometerError(f"{args.file}: cannot be written: {error.strerror}.") from None
    return 0
