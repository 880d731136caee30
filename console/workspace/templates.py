"""templates/NAME/: which files there are, and whether they name only what a message knows."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from console.messages.names import MEDIUM_FILES, TEMPLATE_FILES
from console.workspace.faults import Fault, Faults, did_you_mean

_LOCALE = re.compile(r"[a-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
_NAMED_IN_LINK = re.compile(r"[/=]\{\{\s*customer\.(key|email|phone)\b")


class TemplateFiles:
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


def check_layout(templates: TemplateFiles, faults: Faults) -> None:
    """Warns of files that nothing will ever read."""
    for path in templates.files:
        folder, file = path.split("/")[1:-1], path.rpartition("/")[2]
        if file not in TEMPLATE_FILES or not folder:
            wanted = (
                did_you_mean(file, TEMPLATE_FILES) if folder else "Put it into a folder: templates/NAME/."
            )
            faults.warn(Fault(path, None, "no message is made of this file", wanted))
        elif len(folder) > 2 or (len(folder) == 2 and not _LOCALE.fullmatch(folder[1])):
            faults.warn(
                Fault(
                    path,
                    None,
                    "its folder is no locale",
                    "A folder within a template is a locale, such as fr or de-CH.",
                )
            )


def check_texts(templates: TemplateFiles, links: Collection[str], faults: Faults) -> None:
    """Faults of the templates' texts, found by what will fill them in; `links` are the declared ones."""
    from console.messages.templates import check  # Jinja is slow to import, and only `check` needs it here

    for found in check(templates.files, links):
        remedy = found.suggestion or "See docs/templates.md for what a template may hold."
        report = faults.warn if found.is_warning else faults.add
        report(Fault(found.file, found.line, found.name, remedy))
    _warn_of_links_that_name_people(templates.files, faults)


def _warn_of_links_that_name_people(files: Mapping[str, str], faults: Faults) -> None:
    """Warns of a customer's key or address in an address of the web."""
    for path, text in sorted(files.items()):
        found = _NAMED_IN_LINK.search(text)
        if found is not None:
            message = f"a link holds customer.{found[1]}, which servers and statistics of the web keep"
            remedy = "Let it hold {{ answer_token }} in a survey, elsewhere nothing of the customer."
            faults.warn(Fault(path, text.count("\n", 0, found.start()) + 1, message, remedy))
