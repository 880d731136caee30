"""The texts of a message that carries several steps: subject and frame of the first, the others as fragments
within.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from jinja2 import meta
from markupsafe import Markup

from console.messages import sandbox
from console.messages.names import DIGEST_FILES
from console.messages.sandbox import Record, TemplateFault
from console.messages.templates import RenderedTexts, Templates, made

RULE: Final = "-" * 40
"""Between the texts of a message whose template does not say where the others go."""
_BODY: Final = re.compile(r"<body\b[^<>]*>", re.IGNORECASE)
_BODY_END: Final = re.compile(r"</body\s*>", re.IGNORECASE)


class Digest(list[Record]):
    """The other steps as a template sees them: a list to loop over, or, written out as a whole, their texts
    one after the other.
    """

    def __str__(self) -> str:
        return _apart(part["text"] for part in self)

    def __html__(self) -> str:
        return "\n<hr>\n".join(str(part["html"]) for part in self)


def render_together(
    templates: Templates,
    name: str,
    medium: str,
    own: Mapping[str, Any],
    others: Sequence[tuple[str, Mapping[str, Any]]],
) -> RenderedTexts:
    """The texts of a template that others are put into, each a template with its variables; TemplateFault as
    for one alone.
    """
    if not others:
        return templates.render(name, medium, own)
    fragments = Digest(_fragment(templates, other, medium, values) for other, values in others)
    rendered = templates.render(name, medium, {**own, "digest": fragments})
    locale = str(own["customer"].get("locale") or "")
    parts = {
        file: text
        if _places(templates.find(name, file, locale) or "", file)
        else _with(file, text, fragments)
        for file, text in rendered.parts.items()
    }
    return RenderedTexts(rendered.subject, parts)


def _fragment(templates: Templates, name: str, medium: str, values: Mapping[str, Any]) -> Record:
    parts = (
        _mail_parts(templates, name, values)
        if medium == "email"
        else templates.render(name, medium, values).parts
    )
    payload = [json.loads(each) for file, each in parts.items() if file.endswith(".json")]
    return Record(
        "digest",
        {
            "title": templates.subject(name, values),
            "trigger": values["trigger"]["name"],
            "step": values["step"]["number"],
            "text": _text(parts),
            "html": _html(parts),
            "payload": payload[0] if payload else {},
        },
    )


def _text(parts: Mapping[str, str]) -> str:
    text = parts.get("email.txt")
    return (_html(parts).striptags() if text is None else text).strip()


def _html(parts: Mapping[str, str]) -> Markup:
    html = parts.get("email.html")
    if html is None:
        return Markup('<div style="white-space: pre-line">{}</div>').format(
            parts.get("email.txt", "").strip()
        )
    return Markup(_body(html))  # noqa: S704 - made by a template that escapes every value


def _mail_parts(templates: Templates, name: str, values: Mapping[str, Any]) -> Mapping[str, str]:
    """What is there of text and HTML, of each the fragment rather than the whole mail, in the customer's
    language.
    """
    locale = str(values["customer"].get("locale") or "")
    found = {
        file: templates.nearest(name, (fragment, file), locale) for file, fragment in DIGEST_FILES.items()
    }
    parts = {
        file: made(f"{name}/{nearest[0]}", nearest[1], values)
        for file, nearest in found.items()
        if nearest is not None
    }
    if not parts:
        raise TemplateFault(f"templates/{name} has no file for email")
    return parts


def _body(html: str) -> str:
    begins, ends = _BODY.search(html), _last_end(html)
    if begins is None or ends is None or ends.start() < begins.end():
        return html.strip()
    return html[begins.end() : ends.start()].strip()


def _last_end(html: str) -> re.Match[str] | None:
    """The last end of a body; all are looked at once, where a pattern that looks ahead would begin anew at
    each.
    """
    return next(iter(deque(_BODY_END.finditer(html), maxlen=1)), None)


@lru_cache(maxsize=256)
def _places(text: str, file: str) -> bool:
    """Whether a template says itself where the others go."""
    if "digest" not in text:
        return False
    mode: sandbox.Mode = "html" if file.endswith(".html") else "text"
    return "digest" in meta.find_undeclared_variables(sandbox.parse(text, mode))


def _with(file: str, text: str, fragments: Digest) -> str:
    if file.endswith(".json"):
        return _with_payloads(text, fragments)
    if file.endswith(".html"):
        return _before_body_end(text, f"<hr>\n{fragments.__html__()}\n")
    return _apart((text.rstrip(), str(fragments))) + "\n"


def _apart(texts: Iterable[str]) -> str:
    return f"\n\n{RULE}\n\n".join(texts)


def _before_body_end(html: str, more: str) -> str:
    end = _last_end(html)
    return f"{html.rstrip()}\n{more}" if end is None else f"{html[: end.start()]}{more}{html[end.start() :]}"


def _with_payloads(text: str, fragments: Digest) -> str:
    payload = json.loads(text)
    if not isinstance(payload, dict):
        raise TemplateFault(
            "the message carries other steps, too, and has no place for them: write an object, or use "
            "`digest`"
        )
    return json.dumps({**payload, "digest": [part["payload"] for part in fragments]}, ensure_ascii=False)
