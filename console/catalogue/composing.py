"""From the copy of a campaign to the files of its templates: one frame for every mail, one language a
folder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

LANGUAGES: Final = ("de", "fr", "it", "en")


@dataclass(frozen=True, slots=True)
class Phrases:
    """What every message of a language says."""

    closing: str
    unsubscribe: str
    scale: str
    colon: str = ": "


PHRASES: Final[Mapping[str, Phrases]] = {
    "de": Phrases("Freundliche Grüsse", "Keine solchen Nachrichten mehr", "Ihre Antwort"),
    "fr": Phrases(
        "Avec nos meilleures salutations", "Ne plus recevoir ces messages", "Votre réponse", "\u00a0: "
    ),
    "it": Phrases("Cordiali saluti", "Non ricevere più questi messaggi", "La Sua risposta"),
    "en": Phrases("Kind regards", "No more messages like this", "Your answer"),
}
_MOST: Final = 3  # products of one list, unless the copy says so
_FAMILY: Final = "font-family: system-ui, sans-serif; font-size: 16px; line-height: 1.5; color: #222222"
# Outlook pads cells of tables, no links, and knows no <main>
_TABLE: Final = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'
_BUTTON_CELL: Final = "padding: 12px 20px; background: #1f3a5f; border-radius: 4px"
_BUTTON: Final = "color: #ffffff; text-decoration: none"
_SCORE_CELL: Final = "padding: 8px; border: 1px solid #1f3a5f; text-align: center"
_SCORE: Final = "color: #1f3a5f; text-decoration: none"


def compose(
    name: str,
    copy: Mapping[str, Any],
    *,
    with_unsubscribe: bool,
    shares: bool,
    root: str,
    languages: Sequence[str],
) -> Iterator[tuple[str, str]]:
    """The files of one template by path below templates/; the language `root` stands in the template's own
    folder.

    One that `shares` mails with others has room for them in its own, and says what it gives for theirs.
    """
    for language in languages:
        folder = name if language == root else f"{name}/{language}"
        message = _Message(copy, copy[language], language, with_unsubscribe, shares)
        yield from ((f"{folder}/{file}", text) for file, text in message.files())


class _Message:
    """One template in one language."""

    def __init__(
        self,
        copy: Mapping[str, Any],
        said: Mapping[str, Any],
        language: str,
        with_unsubscribe: bool,
        shares: bool,
    ) -> None:
        self._copy = copy
        self._said = said
        self._language = language
        self._phrases = PHRASES[language]
        self._with_unsubscribe = with_unsubscribe
        self._shares = shares

    def files(self) -> Iterator[tuple[str, str]]:
        """Each file the copy has words for."""
        said = self._said
        if "text" in said:
            yield "subject.txt", f"{said['subject']}\n"
            yield "email.txt", self._text()
            yield "email.html", self._html()
        if "text" in said and self._shares:
            yield "digest.txt", self._text_of(self._text_content())
            yield "digest.html", f"{self._html_content()}\n"
        if "sms" in said:
            yield "sms.txt", f"{said['sms']}\n"
        if "push" in said:
            title, body = said["push"]
            link = {"url": _filled(self._link)} if self._link else {}
            yield "webpush.json", _json({"title": title, "body": body, **link})
        if "card" in said:
            yield "print.json", self._card()

    @property
    def _link(self) -> str | None:
        return self._copy.get("link")

    @property
    def _salutation(self) -> str:
        return f'{{{{ customer|salutation("{self._language}") }}}}'

    def _card(self) -> str:
        headline, text = self._said["card"]
        voucher = {"voucher": self._said["voucher"]} if "voucher" in self._said else {}
        sender = {"sender": "{{ workspace.name }}"}
        salutation = f"{{{{ customer|salutation('{self._language}') }}}}"
        return _json(
            {
                "format": "A6",
                "headline": headline,
                "salutation": salutation,
                "text": text,
                **voucher,
                **sender,
            }
        )

    def _lists(self) -> Iterator[tuple[str, str]]:
        """Each list of products with the words above it."""
        return zip(self._copy.get("lists", ()), self._said.get("lists", ()))

    @property
    def _most(self) -> int:
        return int(self._copy.get("most", _MOST))

    # -- as text --

    def _text(self) -> str:
        others = (
            "{% for part in digest %}\n{{ part.title }}\n\n{{ part.text }}\n\n{% endfor %}\n"
            if self._shares
            else ""
        )
        closing = f"{others}{self._phrases.closing}\n{{{{ workspace.name }}}}"
        text = self._text_of([self._salutation, *self._text_content(), closing])
        return text + (self._text_unsubscribe() if self._with_unsubscribe else "")

    def _text_content(self) -> Sequence[str]:
        lists = (self._text_list(of, intro) for of, intro in self._lists())
        return [
            *_paragraphs(self._said["text"]),
            *lists,
            self._text_sum(),
            self._text_button(),
            self._text_scores(),
        ]

    def _text_of(self, parts: Sequence[str]) -> str:
        text = "\n\n".join(part for part in parts if part) + "\n"
        return text.replace("{% endif %}\n\n", "{% endif %}\n")

    def _text_list(self, of: str, intro: str) -> str:
        link = '{{ "\\n  " ~ product.url if product.url else "" }}' if of.startswith("customer.") else ""
        row = f"- {_amount()}{{{{ product.name or product.id or product.sku }}}}{_price()}{link}\n"
        rows = f"{{% for product in ({of})[:{self._most}] %}}\n{row}{{% endfor %}}"
        return f"{{% if {of} %}}\n{intro}\n{rows}\n\n{{% endif %}}"

    def _sum(self) -> str:
        return f"{self._said['sum']}{self._phrases.colon}{{{{ ({self._copy['sum']})|money }}}}"

    def _text_sum(self) -> str:
        return (
            f"{{% if {self._copy['sum']} %}}\n{self._sum()}\n\n{{% endif %}}" if "sum" in self._copy else ""
        )

    def _text_button(self) -> str:
        if "button" not in self._said or not self._link:
            return ""
        words = f"{self._said['button']}{self._phrases.colon}{_filled(self._link)}"
        return f"{{% if {self._link} %}}\n{words}\n\n{{% endif %}}"

    def _text_scores(self) -> str:
        if "scores" not in self._copy:
            return ""
        kind, first, last = self._copy["scores"]
        row = f"{{{{ score }}}}{self._phrases.colon}{_answer(kind)}\n"
        rows = f"{{% for score in range({first}, {last + 1}) %}}\n{row}{{% endfor %}}"
        return f"{{% if workspace.links.survey %}}\n{rows}\n\n{{% endif %}}"

    def _text_unsubscribe(self) -> str:
        words = f"{self._phrases.unsubscribe}{self._phrases.colon}"
        return f"{{% if unsubscribe_url %}}\n\n{words}{{{{ unsubscribe_url }}}}\n{{% endif %}}\n"

    # -- as HTML --

    def _html_content(self) -> str:
        parts = [f"<p>{_marked_up(each)}</p>" for each in _paragraphs(self._said["text"])]
        parts += [self._html_list(of, intro) for of, intro in self._lists()]
        return "\n".join(
            part for part in [*parts, self._html_sum(), self._html_button(), self._html_scores()] if part
        )

    def _html(self) -> str:
        title = '<h2 style="font-size: 18px; margin: 24px 0 0">{{ part.title }}</h2>'
        others = (
            f"{{% for part in digest %}}\n{title}\n{{{{ part.html }}}}\n{{% endfor %}}"
            if self._shares
            else ""
        )
        closing = f"<p>{self._phrases.closing}<br>{{{{ workspace.name }}}}</p>"
        unsubscribe = self._html_unsubscribe() if self._with_unsubscribe else ""
        parts = [f"<p>{self._salutation}</p>", self._html_content(), others, closing, unsubscribe]
        body = "\n".join(part for part in parts if part)
        return (
            f'<!doctype html>\n<html lang="{self._language}">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{{ workspace.name '
            "}}</title>\n</head>\n"
            f'<body style="margin: 0; background: #f4f4f4; {_FAMILY}">\n'
            f'{_TABLE} width="100%"><tr><td align="center">\n'
            f'{_TABLE} width="560" style="width: 100%; max-width: 560px; background: #ffffff"><tr>'
            f'<td align="left" style="padding: 24px; {_FAMILY}">\n{body}\n</td></tr></table>\n'
            "</td></tr></table>\n</body>\n</html>\n"
        )

    def _html_list(self, of: str, intro: str) -> str:
        name = "{{ product.name or product.id or product.sku }}"
        picture = ""
        if of.startswith("customer."):
            link = f'<a href="{{{{ product.url }}}}">{name}</a>'
            name = f"{{% if product.url %}}{link}{{% else %}}{name}{{% endif %}}"
            image = '<img src="{{ product.image_url }}" alt="" width="80" style="vertical-align: middle">'
            picture = f"{{% if product.image_url %}}{image} {{% endif %}}"
        row = f'<li style="margin: 8px 0">{picture}{_amount()}{name}{_price()}</li>'
        rows = f"{{% for product in ({of})[:{self._most}] %}}\n{row}\n{{% endfor %}}"
        listed = f'<ul style="padding-left: 20px">\n{rows}\n</ul>'
        return f"{{% if {of} %}}\n<p>{_marked_up(intro)}</p>\n{listed}\n{{% endif %}}"

    def _html_sum(self) -> str:
        return (
            f"{{% if {self._copy['sum']} %}}<p>{self._sum()}</p>{{% endif %}}" if "sum" in self._copy else ""
        )

    def _html_button(self) -> str:
        if "button" not in self._said or not self._link:
            return ""
        anchor = f'<a href="{_filled(self._link)}" style="{_BUTTON}">{_marked_up(self._said["button"])}</a>'
        cell = f'<td bgcolor="#1f3a5f" style="{_BUTTON_CELL}">{anchor}</td>'
        return f"{{% if {self._link} %}}\n{_TABLE}><tr>{cell}</tr></table>\n{{% endif %}}"

    def _html_scores(self) -> str:
        if "scores" not in self._copy:
            return ""
        kind, first, last = self._copy["scores"]
        href = _answer(kind).replace("&", "&amp;")
        cell = f'<td style="{_SCORE_CELL}"><a href="{href}" style="{_SCORE}">{{{{ score }}}}</a></td>'
        loop = f"{{% for score in range({first}, {last + 1}) %}}\n{cell}\n{{% endfor %}}"
        table = '<table cellpadding="0" cellspacing="4" border="0"'
        group = f'{table} role="group" aria-label="{self._phrases.scale}"><tr>\n{loop}\n</tr></table>'
        return f"{{% if workspace.links.survey %}}\n{group}\n{{% endif %}}"

    def _html_unsubscribe(self) -> str:
        anchor = f'<a href="{{{{ unsubscribe_url }}}}">{self._phrases.unsubscribe}</a>'
        return (
            f'{{% if unsubscribe_url %}}<p style="font-size: 13px; color: #555555">{anchor}</p>{{% endif %}}'
        )


def _paragraphs(text: str) -> Sequence[str]:
    return [part.strip() for part in text.strip().split("\n\n") if part.strip()]


def _marked_up(text: str) -> str:
    """The words of the copy within HTML; what stands in braces is filled in and escaped later."""
    parts = (
        text.replace("{{", "\0{{")
        .replace("}}", "}}\0")
        .replace("{%", "\0{%")
        .replace("%}", "%}\0")
        .split("\0")
    )
    return "".join(part if part.startswith(("{{", "{%")) else escape(part, quote=False) for part in parts)


def _filled(expression: str) -> str:
    return f"{{{{ {expression} }}}}"


def _amount() -> str:
    return '{{ product.quantity ~ " × " if product.quantity and product.quantity != 1 else "" }}'


def _price() -> str:
    return '{{ ", " ~ product.price|money if product.price else "" }}'


def _answer(kind: str) -> str:
    asked = "{% if answer_token %}&token={{ answer_token }}{% endif %}"
    order = "order={{ event.properties.order_id|urlencode }}"
    return f"{{{{ workspace.links.survey }}}}?kind={kind}&score={{{{ score }}}}{asked}&{order}"


def _json(value: Mapping[str, str]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
