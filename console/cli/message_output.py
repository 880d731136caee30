"""A message on standard output: its texts to read, or its page into a file or the browser."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping
from pathlib import Path

from console.cli.output import Output
from console.viewing.message_page import message_page, opened_in_browser, write_message_page
from console.viewing.readable import readable_parts
from core.errors import ManometerError


def say_texts(output: Output, subject: str, parts: Mapping[str, str]) -> None:
    """Subject and texts: HTML as text, JSON with a line for each value."""
    output.say(f"Subject: {subject}")
    for part in readable_parts(parts):
        output.say(f"\n--- {part.what} ---\n{part.text}")


def lead_away(
    args: argparse.Namespace, output: Output, name: str, subject: str, parts: Mapping[str, str], said: str
) -> bool:
    """Do as the options say with the page of a message; False where they say nothing. ManometerError where
    there is nothing to be seen, or no browser.
    """
    if args.html is None and not args.browser:
        return False
    if not parts:
        raise ManometerError(f"{name}: there is no text to be seen. {said}.")
    path = args.html or Path(tempfile.mkdtemp(prefix="manometer-")) / "message.html"
    write_message_page(path, message_page(subject, parts, name, said))
    where = str(path.absolute())
    output.say(f"{said}: written to {where}, which your account alone can read.")
    if args.browser and not opened_in_browser(path):
        raise ManometerError(f"There is no browser here, as over a line: the page lies in {where}.")
    return True
