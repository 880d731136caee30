"""Writes the campaigns into docs/catalogue.md from the campaigns themselves: `python -m
tests.make_catalogue_page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from console.catalogue import CURRENCY, Campaign, campaigns
from console.catalogue.journeys import journeys

PAGE: Final = Path(__file__).parents[1] / "docs" / "catalogue.md"
BEGIN, END = "<!-- campaigns: made by tests/make_catalogue_page.py -->", "<!-- end of campaigns -->"


def with_campaigns(page: str) -> str:
    """The page with table and chapters as they must be."""
    made = "\n".join([*_table(), *(line for each in campaigns().values() for line in _chapter(each))])
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: f"{BEGIN}\n\n{made}\n{END}", page, flags=re.DOTALL
    )


def _table() -> Iterator[str]:
    yield from ("| campaign | purpose | channels | effort | for |", "|---|---|---|---|---|")
    for each in campaigns().values():
        channels = ", ".join(each.channels)
        yield (
            f"| [`{each.name}`](#{each.name}) | {', '.join(each.purposes)} | {channels} | {each.effort} | "
            f"{each.title} |"
        )
    yield ""


def _chapter(each: Campaign) -> Iterator[str]:
    yield from (f"### {each.name}", "", each.aim, "", f"*To do:* {each.work} *Law:* {each.legal}", "")
    for trigger, lines in journeys(each, CURRENCY):
        yield from ("```", f"{trigger.name}:", *(f"  {line}" for line in lines), "```", "")
    if each.events or each.traits:
        yield from (
            "| needs | |",
            "|---|---|",
            *(f"| `{needed.name}` | {needed.why} |" for needed in each.events),
        )
        yield from (f"| the trait `{name}` | |" for name in each.traits)
        yield ""
    if each.events:
        yield from ("```json", *(needed.example for needed in each.events), "```", "")


if __name__ == "__main__":
    PAGE.write_text(with_campaigns(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
