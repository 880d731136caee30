"""From the files under templates/NAME/ to the texts of one message: which file, in which language, with which
values.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from jinja2 import TemplateAssertionError, meta, nodes

from console.messages import sandbox
from console.messages.links import is_likely_a_slip, undeclared_links
from console.messages.names import (
    CUSTOMER_NAMES,
    DIGEST_FILES,
    EVENT_NAMES,
    MEDIUM_FILES,
    SUBJECT,
    VARIABLES,
)
from console.messages.products import NO_LISTS
from console.messages.rendering import render
from console.messages.sandbox import CLOSE, MISSING, OPEN, Mode, Record, TemplateFault
from core.instants import Instant, local
from core.language.fields import CUSTOMER_FIELDS, Type
from core.model.customer import Profile
from core.model.triggers import Trigger
from core.playbook.playbook import Playbook
from core.suggestions import near

FIELD_NAMES: Final[Mapping[str, frozenset[str]]] = {
    "customer": CUSTOMER_NAMES,
    "event": EVENT_NAMES,
    "step": frozenset({"number", "channel"}),
    "trigger": frozenset({"name", "title"}),
    "workspace": frozenset({"name", "currency", "links"}),
}
_CONTROL: Final = re.compile(r"[\x00-\x20\x7f-\x9f\u2028\u2029]+")
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class RenderedTexts:
    """A message as its channel needs it: the subject on one line, and the parts by the name of their file."""

    subject: str
    parts: Mapping[str, str]


class Templates:
    """The templates of one workspace; `files` are texts by relative path, such as
    `templates/offer/fr/email.html`.
    """

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {
            path.removeprefix("templates/"): text
            for path, text in files.items()
            if path.startswith("templates/")
        }
        self._folders = {
            path.rpartition("/")[0].lower().replace("_", "-"): path.rpartition("/")[0] for path in self._files
        }
        self._found: dict[tuple[str, str, str], str | None] = {}
        self._words: dict[tuple[str, str, str], frozenset[str]] = {}

    def find(self, name: str, file: str, locale: str | None) -> str | None:
        """The text of a template's file in the nearest language: fr-CH, else fr, else the one without; None
        where there is none.
        """
        wanted = (name, file, (locale or "").lower().replace("_", "-"))
        if wanted not in self._found:
            self._found[wanted] = next(self._candidates(*wanted), None)
        return self._found[wanted]

    def _candidates(self, name: str, file: str, locale: str) -> Iterator[str]:
        parts = locale.split("-") if locale else []
        for length in range(len(parts), -1, -1):
            folder = "-".join(parts[:length])
            text = self._in_folder(name, folder, file)
            if text is not None:
                yield text

    def nearest(self, name: str, files: Sequence[str], locale: str | None) -> tuple[str, str] | None:
        """The first of these files in the nearest language in which there is any, with its text."""
        spoken = (locale or "").lower().replace("_", "-").split("-")
        for length in range(len(spoken), -1, -1):
            found = [
                (file, text)
                for file in files
                if (text := self._in_folder(name, "-".join(spoken[:length]), file)) is not None
            ]
            if found:
                return found[0]
        return None

    def _in_folder(self, name: str, folder: str, file: str) -> str | None:
        actual = self._folders.get(f"{name}/{folder}".lower().replace("_", "-")) if folder else name
        return None if actual is None else self._files.get(f"{actual}/{file}")

    def makes_none(self, name: str, medium: str) -> bool:
        """Whether no message can be made of a template for a medium, in whatever language."""
        languages = {
            folder.removeprefix(name).strip("/")
            for folder in self._folders.values()
            if folder == name or folder.startswith(f"{name}/")
        }
        return not any(self._can_be_read(name, medium, language) for language in languages)

    def _can_be_read(self, name: str, medium: str, language: str) -> bool:
        files = (SUBJECT, *MEDIUM_FILES.get(medium, ()))
        texts = {file: text for file in files if (text := self.find(name, file, language)) is not None}
        try:
            for file, text in texts.items():
                for part, _, mode in _parts(file, text):
                    sandbox.compiled(part, mode)
        except TemplateFault:
            return False
        return bool(texts.keys() - {SUBJECT})

    def subject(self, name: str, variables: Mapping[str, Any]) -> str:
        """The subject on one line; the trigger's title where the template has none."""
        text = self.find(name, SUBJECT, str(variables["customer"].get("locale") or ""))
        return one_line(
            str(variables["trigger"]["title"]) if text is None else made(f"{name}/{SUBJECT}", text, variables)
        )

    def words(self, name: str, medium: str, locale: str | None) -> frozenset[str]:
        """All that the code of a template's files names: what is dear to work out need not be for the
        others.
        """
        wanted = (name, medium, locale or "")
        if wanted not in self._words:
            texts = (
                self.find(name, file, locale)
                for file in (SUBJECT, *MEDIUM_FILES.get(medium, ()), *DIGEST_FILES.values())
            )
            self._words[wanted] = frozenset().union(
                *(sandbox.words(text) for text in texts if text is not None)
            )
        return self._words[wanted]

    def sources(self, name: str, medium: str, locale: str | None) -> tuple[str, ...]:
        """The sources of the files that a message of a medium is made from, in the nearest language."""
        texts = (self.find(name, file, locale) for file in (SUBJECT, *MEDIUM_FILES.get(medium, ())))
        return tuple(text for text in texts if text is not None)

    def render(self, name: str, medium: str, variables: Mapping[str, Any]) -> RenderedTexts:
        """The texts a medium needs; TemplateFault naming the file where one of them cannot be made."""
        locale = str(variables["customer"].get("locale") or "")
        parts: dict[str, str] = {}
        for file in MEDIUM_FILES.get(medium, ()):
            text = self.find(name, file, locale)
            if text is not None:
                parts[file] = made(f"{name}/{file}", text, variables)
        if not parts:
            raise TemplateFault(f"templates/{name} has no file for {medium}")
        return RenderedTexts(self.subject(name, variables), parts)


def one_line(text: str) -> str:
    """The text without line ends and control characters, as a header can carry it."""
    return _CONTROL.sub(" ", text).strip()


def made(path: str, text: str, variables: Mapping[str, Any]) -> str:
    """What a file under templates/ gives; TemplateFault naming it where it gives nothing."""
    try:
        if path.endswith(".json"):
            return _render_json(text, variables)
        return render(text, "html" if path.endswith(".html") else "text", variables)
    except TemplateFault as fault:
        raise TemplateFault(f"templates/{path}: {fault.reason}", fault.line, fault.sort) from None


# ---- JSON ----


def _render_json(text: str, variables: Mapping[str, Any]) -> str:
    """Valid JSON whatever the values hold: each text of the file is rendered by itself, or each value is
    escaped where it stands.
    """
    try:
        structure = json.loads(text)
    except (ValueError, RecursionError):
        structure = _loaded(
            _put_together(render(text.replace(OPEN, "").replace(CLOSE, ""), "json", variables))
        )
    else:
        structure = _filled(structure, variables)
    return json.dumps(structure, ensure_ascii=False)


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TemplateFault(f"the result is no JSON: {error}") from None


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return render(value, "text", variables) if "{" in value else value
    if isinstance(value, dict):
        return {key: _filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return value


def _put_together(text: str) -> str:
    """Join the template's own text and the values in it, which are JSON: within quotes they lose theirs."""
    first, *others = text.split(OPEN)
    parts, quoted = [first], _ends_quoted(first, False)
    for other in others:
        value, _, following = other.partition(CLOSE)
        parts.append(_inner(value) if quoted else value)
        parts.append(following)
        quoted = _ends_quoted(following, quoted)
    return "".join(parts)


def _ends_quoted(text: str, quoted: bool) -> bool:
    """Whether a JSON text is within quotes after this part of it."""
    for mark in re.finditer(r'\\.|\\$|"', text, re.DOTALL):
        if mark[0] == '"':
            quoted = not quoted
        elif mark[0] == "\\":
            raise TemplateFault("a backslash stands before a value")
    return quoted


def _inner(value: str) -> str:
    return value[1:-1] if value.startswith('"') else json.dumps(value, ensure_ascii=False)[1:-1]


# ---- what a template may name ----


def variables(
    customer: Record,
    event: Mapping[str, Any],
    step: Mapping[str, Any],
    trigger: Trigger,
    sender: Record,
    now: str,
) -> dict[str, Any]:
    """All a template can name, without a link to unsubscribe, the token of a survey, or other steps.

    `customer` is as `customer_variables` gives it, `sender` as `workspace_variables` does; instants are local
    ISO texts.
    """
    return {
        "customer": customer,
        "event": Record("event", event),
        "step": Record("step", step),
        "trigger": Record("trigger", {"name": trigger.name, "title": trigger.title}),
        "workspace": sender,
        "unsubscribe_url": "",
        "answer_token": "",
        "now": now,
        "digest": [],
    }


def workspace_variables(name: str, playbook: Playbook) -> Record:
    """The fields of the workspace that sends: its name, its currency, and its links by name."""
    return Record("workspace", {"name": name, "currency": playbook.currency, "links": playbook.links})


def customer_variables(profile: Profile, key: str, zone: ZoneInfo) -> Record:
    """The customer's fields: money as a number in major units, instants as local ISO dates, and MISSING for
    each that is not known of the customer.
    """
    values = {name: _shown(profile.field(name), field.type, zone) for name, field in CUSTOMER_FIELDS.items()}
    values["key"] = key
    values["trait"] = _nested(profile.traits)
    values |= NO_LISTS
    return Record("customer", values)


def _shown(value: Any, kind: Type, zone: ZoneInfo) -> Any:
    if value is None or value == "":
        return MISSING
    if kind is Type.MONEY:
        return Decimal(value) / _HUNDRED
    if kind is Type.INSTANT and isinstance(value, int):
        return local(value, zone).date().isoformat()
    return value


def _nested(traits: Mapping[str, Any]) -> Mapping[str, Any]:
    """The traits, with `address.city` readable as `trait.address.city`."""
    dotted = [name for name in traits if "." in name]
    if not dotted:
        return traits
    nested = dict(traits)
    for name in dotted:
        group, _, rest = name.partition(".")
        inside = nested.get(group)
        nested[group] = {**inside, rest: traits[name]} if isinstance(inside, dict) else {rest: traits[name]}
    return nested


def local_text(at: Instant, zone: ZoneInfo) -> str:
    """An instant as local ISO text with its offset: `2024-03-31T10:00:00+02:00`."""
    return local(at, zone).isoformat(timespec="seconds")


# ---- check ----


class TemplateFinding(NamedTuple):
    """A fault of a template file, and what to write instead where that can be guessed."""

    file: str
    line: int
    name: str
    suggestion: str | None
    is_warning: bool = False
    """Nothing fails through it, but it is hardly meant."""


PLAIN = (nodes.Output, nodes.TemplateData)
"""What a template consists of that has nothing to fill in."""


def check(files: Mapping[str, str], links: Collection[str]) -> list[TemplateFinding]:
    """What is wrong with the templates among these files: unknown variables, fields and filters, links other
    than these, forbidden or broken constructs.
    """
    return [
        finding
        for path, text in sorted(files.items())
        if path.startswith("templates/")
        for part, first_line, mode in _parts(path, text)
        for finding in (
            *(TemplateFinding(path, *found) for found in _findings(part, first_line, mode)),
            *_links(path, part, first_line, mode, links),
        )
    ]


def _parts(path: str, text: str) -> Iterator[tuple[str, int, Mode]]:
    if not path.endswith(".json"):
        yield text, 1, "html" if path.endswith(".html") else "text"
        return
    try:
        leaves = list(_leaves(json.loads(text)))
    except (ValueError, RecursionError):
        yield text, 1, "json"
        return
    for leaf in leaves:
        place = max(text.find(json.dumps(leaf, ensure_ascii=False)), text.find(json.dumps(leaf)), 0)
        yield leaf, text.count("\n", 0, place) + 1, "text"


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _leaves(item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item)


def _findings(text: str, first_line: int, mode: Mode) -> Iterator[tuple[int, str, str | None]]:
    try:
        tree = sandbox.parse(text, mode)
        unknown = list(_unknown(tree))
        yield from ((first_line + line - 1, name, suggestion) for line, name, suggestion in unknown)
        sandbox.compiled(text, mode)
        if mode == "json" and not any(
            node for node in tree.find_all((nodes.Expr, nodes.Stmt)) if not isinstance(node, PLAIN)
        ):
            _loaded(text)
    except TemplateFault as fault:
        yield first_line + (fault.line or 1) - 1, fault.reason, None
    except RecursionError:
        yield first_line, "the template nests too deeply", None


def _links(
    path: str, text: str, first_line: int, mode: Mode, declared: Collection[str]
) -> Iterator[TemplateFinding]:
    """Links that manometer.toml does not name; one that may be missing only where another is meant."""
    try:
        found = list(undeclared_links(sandbox.parse(text, mode), declared))
    except (TemplateFault, RecursionError):  # reported by `_findings`
        return
    for line, name, is_guarded in found:
        if is_guarded and not is_likely_a_slip(name, declared):
            continue
        other = near(name, declared)
        remedy = f'Write {name} = "https://..." under [workspace.links] in manometer.toml.'
        yield TemplateFinding(
            path,
            first_line + line - 1,
            f"[workspace.links] has no '{name}'",
            f"{other} Otherwise: {remedy}" if other else remedy,
            is_guarded,
        )


def _unknown(tree: nodes.Template) -> Iterator[tuple[int, str, str | None]]:
    undeclared = _undeclared(tree)
    for name in tree.find_all(nodes.Name):
        if name.name in undeclared and name.ctx == "load":
            undeclared.discard(name.name)
            yield name.lineno, f"unknown variable '{name.name}'", _instead_of(name.name)
    for node in tree.find_all((nodes.Getattr, nodes.Getitem)):
        owner, field = _field(node)
        if owner in FIELD_NAMES and field is not None and field not in FIELD_NAMES[owner]:
            yield node.lineno, f"unknown variable '{owner}.{field}'", _instead_of_field(owner, field)


def _undeclared(tree: nodes.Template) -> set[str]:
    try:
        return meta.find_undeclared_variables(tree) - VARIABLES - {"range"}
    except TemplateAssertionError:  # an unknown filter, which compiling reports
        return set()


def _field(node: nodes.Node) -> tuple[str, str | None]:
    owner = getattr(node, "node", None)
    if not isinstance(owner, nodes.Name):
        return "", None
    if isinstance(node, nodes.Getattr):
        return owner.name, node.attr
    return owner.name, node.arg.value if isinstance(node, nodes.Getitem) and isinstance(
        node.arg, nodes.Const
    ) else None


def _instead_of(name: str) -> str | None:
    if name in CUSTOMER_NAMES:
        return f"Write customer.{name}."
    return near(name, VARIABLES)


def _instead_of_field(owner: str, name: str) -> str | None:
    other = {
        "customer": f"A trait of the source is customer.trait.{name}.",
        "event": f"A property is event.properties.{name}.",
    }
    return near(name, FIELD_NAMES[owner], 0.7) or other.get(owner)
