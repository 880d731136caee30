"""The options of commands that show a message."""

from __future__ import annotations

import argparse
from pathlib import Path

from console.cli.options import add_at, whole


def add_ways(parser: argparse.ArgumentParser) -> None:
    """The options that lead a message elsewhere."""
    parser.add_argument(
        "--html", metavar="FILE", type=Path, help="write it as a page for a browser, for your account alone"
    )
    parser.add_argument("--browser", action="store_true", help="open that page in the browser")


def add_show_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `outbox show`."""
    parser.add_argument("id", metavar="ID", type=whole, help="the message's number, as `outbox` lists it")
    parser.add_argument("--now", action="store_true", help="as it would be made now, also where it went out")
    add_ways(parser)
    add_at(parser)
