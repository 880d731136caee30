"""templates/NAME/: which files there are, and whether they name only what a message knows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from console.workspace.faults import Fault, Faults, did_you_mean
from core.language.fields import CUSTOMER_FIELDS
from core.language.suggestions import nearest

if TYPE_CHECKING:
    import jinja2
    from jinja2 import nodes

MEDIUM_FILES: Mapping[str, tuple[str, ...]] = {
    "email": ("email.html", "email.txt"),
    "sms": ("sms.txt",),
    "webpush": ("webpush.json",),
    "whatsapp": ("whatsapp.json",),
    "print": ("print.json",),
    "webhook": ("webhook.json",),
}
"""The files of each medium, one of which a template must hold."""
SUBJECT = "subject.txt"
TEMPLATE_FILES = frozenset({SUBJECT, *(file for files in MEDIUM_FILES.values() for file in files)})

VARIABLES = frozenset({"customer", "event", "step", "trigger", "workspace", "unsubscribe_url", "now"})
CUSTOMER_NAMES = frozenset({*CUSTOMER_FIELDS, "trait"})
EVENT_NAMES = frozenset({"name", "at", "properties"})

_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class Templates:
    """The template files of a workspace by path, such as `templates/offer/fr/email.html`."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {path: text for path, text in files.items() if path.startswith("templates/")}
        self.names = frozenset(path.split("/")[1] for path in self.files if path.count("/") >= 2)

    def lacks(self, name: str, medium: str) -> str | None:
        """The file that a medium misses in a template, in words; None where it is there."""
        wanted = MEDIUM_FILES[medium]
        if any(f"templates/{name}/{file}" in self.files for file in wanted):
            return None
        return " or ".join(wanted)


def check_layout(templates: Templates, faults: Faults) -> None:
    """Warns of files that nothing will ever read."""
    for path in templates.files:
        folder, file = path.split("/")[1:-1], path.rpartition("/")[2]
        if file not in TEMPLATE_FILES or not folder:
            wanted = did_you_mean(file, TEMPLATE_FILES) if folder else "Put it into a folder: templates/NAME/."
            faults.warn(Fault(path, None, "no message is made of this file", wanted))
        elif len(folder) > 2 or (len(folder) == 2 and not _LOCALE.fullmatch(folder[1])):
            faults.warn(Fault(path, None, "its folder is no locale", "A folder within a template is a locale, such as fr or de-CH."))


def check_texts(templates: Templates, faults: Faults) -> None:
    """Faults of the templates' texts: syntax, unknown variables and filters, JSON that is none."""
    import jinja2  # only `check` looks into templates, and a listing command must start quickly

    environment = jinja2.Environment(autoescape=True)
    for path, text in templates.files.items():
        try:
            for line, message, remedy in [*_names_and_filters(text, environment), *_bad_json(path, text)]:
                faults.add(Fault(path, line, message, remedy))
        except jinja2.TemplateSyntaxError as error:
            message = f"not a valid template: {error.message}"
            faults.add(Fault(path, error.lineno, message, "Put it right; {{ }} prints a value, {% %} is a command."))
        except RecursionError:
            faults.add(Fault(path, None, "the template is nested too deeply to be read", "Make it flatter."))


def _names_and_filters(text: str, environment: jinja2.Environment) -> list[tuple[int, str, str]]:
    tree = environment.parse(text)
    unknown = list(_unknown_filters(tree, environment))
    names = [] if unknown else list(_unknown_names(tree))  # Jinja cannot tell the names where it does not know a filter
    return [*unknown, *_unsafe_filters(tree), *names]


def _unknown_names(tree: nodes.Template) -> Iterator[tuple[int, str, str]]:
    from jinja2 import meta, nodes

    unknown = meta.find_undeclared_variables(tree) - VARIABLES
    for name in tree.find_all(nodes.Name):
        if name.name in unknown and name.ctx == "load":
            unknown.discard(name.name)
            yield name.lineno, f"unknown variable `{name.name}`", _instead_of(name.name)
    for attribute in tree.find_all(nodes.Getattr):
        if isinstance(attribute.node, nodes.Name):
            yield from _unknown_attribute(attribute.node.name, attribute.attr, attribute.lineno)


def _instead_of(name: str) -> str:
    field = nearest(name, CUSTOMER_NAMES, 0.8)
    if field is not None:
        return f"Did you mean `customer.{field}`?"
    return did_you_mean(name, VARIABLES)


def _unknown_attribute(owner: str, name: str, line: int) -> Iterator[tuple[int, str, str]]:
    if owner == "customer" and name not in CUSTOMER_NAMES:
        remedy = did_you_mean(name, CUSTOMER_NAMES, f"A trait that a source sends is `customer.trait.{name}`.")
        yield line, f"unknown variable `customer.{name}`", remedy
    if owner == "event" and name not in EVENT_NAMES:
        yield line, f"unknown variable `event.{name}`", f"A property of the event is `event.properties.{name}`."


def _unknown_filters(tree: nodes.Template, environment: jinja2.Environment) -> Iterator[tuple[int, str, str]]:
    from jinja2 import nodes

    for found in tree.find_all(nodes.Filter):
        if found.name not in environment.filters:
            yield found.lineno, f"unknown filter `{found.name}`", did_you_mean(found.name, environment.filters)


def _unsafe_filters(tree: nodes.Template) -> Iterator[tuple[int, str, str]]:
    from jinja2 import nodes

    for found in tree.find_all(nodes.Filter):
        if found.name == "safe":
            yield found.lineno, "`safe` would let a customer's text act as HTML", "Leave it out."


def _bad_json(path: str, text: str) -> Iterator[tuple[int, str, str]]:
    """Only where the text holds no variables can it be judged before it is filled in."""
    if not path.endswith(".json") or "{{" in text or "{%" in text or "{#" in text:
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        yield (
            getattr(error, "lineno", 1),
            f"not valid JSON: {getattr(error, 'msg', error)}",
            "Names and texts stand in double quotes; nothing follows the last comma.",
        )
