"""The campaigns of the trade: what each is for, what it needs and what is missing here; one in full; or put
some in.

`manometer catalogue`              all of them; within a workspace with what is missing to run them
`manometer catalogue show NAME`    one: journey, files, data with examples, what the law asks
`manometer catalogue add NAME...`  its triggers and templates into the workspace, as drafts
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import orjson

from console.catalogue import CURRENCY, Campaign, campaign, campaigns
from console.catalogue.composing import LANGUAGES
from console.cli.context import Context
from console.cli.errors import UsageError
from console.cli.options import add_list
from console.cli.output import ListingField
from console.workspace.layout import SETTINGS
from core.explain.words import counted

FIELDS = (
    ListingField("name"),
    ListingField("title", shown=False),
    ListingField("kinds", "json", shown=False),
    ListingField("purposes", "json", shown=False),
    ListingField("purpose_words", title="purpose", in_json=False),
    ListingField("effort"),
    ListingField("aim", shown=False),
    ListingField("work", shown=False),
    ListingField("legal", shown=False),
    ListingField("channels", "json", shown=False),
    ListingField("events", "json", shown=False),
    ListingField("traits", "json", shown=False),
    ListingField("links", "json", shown=False),
    ListingField("installed"),
    ListingField("missing", "json", shown=False),
    ListingField("missing_words", title="missing here", in_json=False, widest=100),
)

EXAMPLES = (
    ("catalogue show birthday-card", "one campaign in full"),
    ("catalogue add birthday-card", "put it into the workspace, as a draft"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    actions = parser.add_subparsers(dest="action", metavar="list|show|add")
    add_list(parser, actions)
    show = actions.add_parser("show", help="one campaign in full")
    show.add_argument("name", metavar="NAME", help="the campaign, as the list shows it")
    add = actions.add_parser("add", help="put campaigns into the workspace, as drafts")
    add.add_argument("names", metavar="NAME", nargs="*", help="campaigns, as the list shows them")
    add.add_argument("--all", action="store_true", help="all of them")
    add.add_argument("--force", action="store_true", help="overwrite files that are there already")
    add.add_argument(
        "--language",
        choices=LANGUAGES,
        help="for customers whose language is not known (default: the workspace's first)",
    )


def changes_files(args: argparse.Namespace) -> bool:
    """Whether it writes anything but the database; not done with `--read-only`."""
    return bool(args.action == "add")


def run(args: argparse.Namespace, context: Context) -> int:
    """Print the catalogue or one campaign, or add some."""
    if args.action == "add":
        return _add(args, context)
    lacking = _lacking(context)
    if args.action == "show":
        _show(context, campaign(args.name), lacking)
        return 0
    context.output.listing(
        FIELDS, (_row(each, lacking) for each in campaigns().values()), "The catalogue is empty."
    )
    if lacking is None:
        context.output.say(
            f"{context.folder} is no workspace, so what is missing to run them is not known; name one with "
            "-w DIR."
        )
    context.output.say(
        "`manometer catalogue show NAME` says more; `manometer catalogue add NAME` puts one into the "
        "workspace."
    )
    return 0


Lacking = Callable[[Campaign], tuple[str, list[str]]] | None
"""Whether a campaign is installed, and what it misses here; None outside a workspace."""


def _lacking(context: Context) -> Lacking:
    if not (context.folder / SETTINGS).exists():
        return None
    from console.catalogue.needs import (  # they import the reader of a workspace and the database
        installed,
        missing,
    )
    from storage.coverage import coverage

    with context.store.reading() as connection:
        data = coverage(connection)
    workspace = context.workspace
    return lambda each: (installed(each, workspace), missing(each, workspace, data))


def _row(each: Campaign, lacking: Lacking) -> Mapping[str, Any]:
    there, missing = (None, None) if lacking is None else lacking(each)
    return {
        "name": each.name,
        "title": each.title,
        "kinds": _json(each.kinds),
        "purposes": _json(each.purposes),
        "purpose_words": ", ".join(each.purposes),
        "effort": each.effort,
        "aim": each.aim,
        "work": each.work,
        "legal": each.legal,
        "channels": _json(each.channels),
        "events": _json([needed.name for needed in each.events]),
        "traits": _json(each.traits),
        "links": _json(each.links),
        "installed": there,
        "missing": None if missing is None else _json(missing),
        "missing_words": "; ".join(missing or ()),
    }


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


# ---- one ----


def _show(context: Context, each: Campaign, lacking: Lacking) -> None:
    if context.output.json:
        context.output.record(FIELDS, _row(each, lacking))
        return
    currency = CURRENCY if lacking is None else context.workspace.playbook.currency
    for line in _lines(each, lacking, currency):
        context.output.say(line)


_THERE: Final = {
    "yes": "It is in this workspace.",
    "in part": "A part of it is in this workspace.",
    "another": "Not in this workspace: what has its name here sends messages of its own. `catalogue add "
    "{name} --force` would replace it.",
    "": "Not in this workspace yet.",
}


def _lines(each: Campaign, lacking: Lacking, currency: str) -> Iterator[str]:
    from console.catalogue.journeys import journeys  # it imports the reader of a workspace

    yield from (
        f"{each.title} ({each.name})",
        "",
        each.aim,
        "",
        f"Effort: {each.effort}. {each.work}",
        f"Law: {each.legal}",
        "",
    )
    for trigger, lines in journeys(each, currency):
        yield from (f"Trigger {trigger.name}, {trigger.title}:", *(f"  {line}" for line in lines), "")
    yield from (
        "Files:",
        *(f"  triggers/{name}.toml" for name in each.triggers),
        *(f"  templates/{name}/" for name in each.copy),
        "",
    )
    if each.events or each.traits:
        yield "Data:"
        yield from (f"  trait {name}" for name in each.traits)
        for needed in each.events:
            yield from (f"  {needed.name}: {needed.why}", f"    {needed.example}")
        yield ""
    if lacking is not None:
        there, missing = lacking(each)
        yield _THERE[there].format(name=each.name)
        yield f"Missing here: {'; '.join(missing)}." if missing else "Nothing is missing to run it here."


# ---- adding ----


def _without(each: Campaign, lacking: Lacking) -> str:
    missing = [] if lacking is None else lacking(each)[1]
    return f" Missing here: {'; '.join(missing)}." if missing else ""


def _add(args: argparse.Namespace, context: Context) -> int:
    if bool(args.names) == args.all:
        raise UsageError(
            "Name the campaigns to add, or --all of them."
            if not args.all
            else "Name campaigns or write --all, not both."
        )
    from console.catalogue.adding import add, language_of  # with the reader of a workspace

    chosen = [campaign(name) for name in dict.fromkeys(args.names)] or list(campaigns().values())
    language = args.language or language_of(context.workspace)
    written = add(chosen, context.workspace, language=language, force=args.force)
    added = [each for each in chosen if _is_of(each, written)]
    known = [each.name for each in chosen if each not in added]
    if context.output.json:
        context.output.value({"added": [each.name for each in added], "language": language, "files": written})
    if known:
        context.output.say(f"In this workspace already, word for word: {', '.join(known)}.")
    if not added:
        return 0
    triggers = [name for each in added for name in each.triggers]
    context.output.say(f"Added as drafts: {', '.join(triggers)} ({counted(len(written), 'file')}).")
    lacking = _lacking(context)
    for each in added:
        context.output.say(f"  {each.name}: {each.work}{_without(each, lacking)}")
    file = context.folder / "triggers" / f"{triggers[0]}.toml"
    trying = f"`manometer check`, then `manometer triggers backtest {triggers[0]} --file {file}`"
    context.output.say(f'Next: {trying}; status = "active" and `manometer apply`.')
    return 0


def _is_of(each: Campaign, written: Sequence[str]) -> bool:
    """Whether any of these files is the campaign's."""
    own = {f"triggers/{name}.toml" for name in each.triggers}
    return any(path in own or path.split("/")[1] in each.copy for path in written)
