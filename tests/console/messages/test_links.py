"""Links that templates name: one that manometer.toml lacks is a fault, unless the template does without."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.messages.templates import check
from console.workspace.faults import WorkspaceError
from console.workspace.reading import read_workspace
from tests.console.lives import workspace

LINKS = ("shop", "reviews")


def found(text: str, file: str = "email.txt") -> list[tuple[int, str, bool]]:
    """Line, words and whether it is a warning only of what `check` finds in a template."""
    return [(each.line, each.name, each.is_warning) for each in check({f"templates/a/{file}": text}, LINKS)]


def missing(name: str, line: int = 1, *, is_warning: bool = False) -> list[tuple[int, str, bool]]:
    return [(line, f"[workspace.links] has no '{name}'", is_warning)]


@pytest.mark.parametrize("text", [
    "{{ workspace.links.survey }}",
    "{{ workspace['links']['survey'] }}",
    "{{ workspace.links['survey']|urlencode }}",
    "{{ event.properties.url or workspace.links.survey }}",
    "{{ 'See ' ~ workspace.links.survey }}",
    "{% if customer.orders %}{{ workspace.links.survey }}{% endif %}",
    "{% if workspace.links.shop %}{{ workspace.links.survey }}{% endif %}",
    "{% if workspace.links.survey %}there{% endif %}{{ workspace.links.survey }}",
    "{% for n in range(3) %}{{ workspace.links.survey }}{% endfor %}",
    "{% set links = workspace.links %}{{ links.survey }}",
    "{% with links = workspace.links %}{{ links.survey }}{% endwith %}",
    "{% set page = workspace.links.survey %}{{ page }}",
])  # fmt: skip
def test_a_link_that_nobody_declared_is_a_fault(text: str) -> None:
    assert [name for _, name, is_warning in found(text) if not is_warning] == [
        "[workspace.links] has no 'survey'"
    ]


@pytest.mark.parametrize("text", [
    "{{ workspace.links.shop }} {{ workspace.links['reviews'] }}",
    "{% if workspace.links.survey %}{{ workspace.links.survey }}{% endif %}",
    "{% if not workspace.links.survey %}none{% else %}{{ workspace.links.survey }}{% endif %}",
    "{% if workspace.links.survey and customer.orders %}{{ workspace.links.survey }}{% endif %}",
    "{{ ' ' ~ workspace.links.survey if workspace.links.survey else '' }}",
    "{{ workspace.links.survey or workspace.links.shop }}",
    "{{ workspace.links.survey|default('https://example.ch') }}",
    "{{ workspace.links.survey and 'go to ' ~ workspace.links.survey }}",
    "{% if workspace.links.survey is defined %}there{% endif %}",
    "{% set page = workspace.links.survey %}{% if page %}{{ page }}{% endif %}",
    "{% for name, page in workspace.links|items %}{{ page }}{% endfor %}",
    "{{ event.properties.links.survey }} {{ customer.trait.links.survey }}",
])  # fmt: skip
def test_a_template_that_does_without_a_link_has_no_fault(text: str) -> None:
    assert found(text) == []


def test_a_guard_with_a_slip_of_the_pen_is_a_warning() -> None:
    text = "{% if workspace.links.shpo %}\n{{ workspace.links.shpo }}\n{% endif %}"
    assert found(text) == missing("shpo", 1, is_warning=True) + missing("shpo", 2, is_warning=True)
    (finding, _) = check({"templates/a/email.txt": text}, LINKS)
    assert finding.suggestion is not None
    assert finding.suggestion.startswith("Did you mean 'shop'?")


@pytest.mark.parametrize(("file", "text", "line"), [
    ("email.html", '<p>\n<a href="{{ workspace.links.survey }}">', 2),
    ("subject.txt", "{{ workspace.links.survey }}", 1),
    ("digest.html", "\n{{ workspace.links.survey }}", 2),
    ("fr-CH/sms.txt", "{{ workspace.links.survey }}", 1),
    ("webpush.json", '{\n "title": "x",\n "url": "{{ workspace.links.survey }}"\n}', 3),
    ("webhook.json", '{\n "n": {{ customer.orders }},\n "url": "{{ workspace.links.survey }}"\n}', 3),
])  # fmt: skip
def test_every_file_of_a_template_in_every_language_is_read(file: str, text: str, line: int) -> None:
    assert found(text, file) == missing("survey", line)


def test_check_names_file_line_and_what_to_write(tmp_path: Path) -> None:
    folder = workspace(tmp_path / "shop", [])
    (folder / "templates" / "own").mkdir(parents=True)
    (folder / "templates" / "own" / "email.txt").write_text("Hello\n{{ workspace.links.survey }}\n")
    with pytest.raises(WorkspaceError) as refused:
        read_workspace(folder, templates=True)
    (fault,) = refused.value.faults
    assert (fault.file, fault.line) == ("templates/own/email.txt", 2)
    assert 'survey = "https://..." under [workspace.links]' in (fault.remedy or "")
