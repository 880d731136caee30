"""The HTML of a mail as text to read in a terminal: what a reader would see, in lines, with the addresses
that links lead to. Nothing is loaded and nothing is run.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

LONGEST_ADDRESS: Final = 300
"""Characters of a link's address that are shown."""
_HIDDEN: Final = frozenset({"head", "style", "script", "title", "template", "noscript", "svg"})
_VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"}
)
_PARAGRAPHS: Final = frozenset(
    {"address", "article", "aside", "blockquote", "body", "center", "dl", "fieldset", "figure", "footer"}
    | {"form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "html", "main", "nav", "ol", "p", "pre"}
    | {"section", "table", "ul"}
)
_LINES: Final = frozenset({"caption", "dd", "div", "dt", "figcaption", "li", "tbody", "tfoot", "thead", "tr"})
_CELLS: Final = frozenset({"td", "th"})
_SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_INVISIBLE: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE
)


def text_of_html(html: str) -> str:
    """What the HTML says: paragraphs with an empty line between, cells of a row with blanks between, `- `
    before an item of a list, the address of a link behind its words.
    """
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.text()


class _Reader(HTMLParser):
    """Puts lines together; a paragraph and a line begin where an element of that kind begins or ends."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        self._hidden: list[str] = []  # elements that are open within one that is not seen
        self._links: list[tuple[str, int]] = []  # the address, and where in the line its words begin
        self._verbatim = 0

    def text(self) -> str:
        """All lines, with at most one empty line between."""
        self._end_line()
        found: list[str] = []
        for line in self._lines:
            if line or (found and found[-1]):
                found.append(line)
        return "\n".join(found).strip("\n")

    # ---- what the parser calls ----

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        values = {name: value or "" for name, value in attrs}
        if self._hidden or _is_unseen(tag, values):
            if tag not in _VOID:
                self._hidden.append(tag)
            return
        self._begin(tag)
        if tag == "a":
            self._links.append((values.get("href", "").strip(), len("".join(self._line))))
        elif tag == "img":
            self._say(f"[{values['alt'].strip()}]" if values.get("alt", "").strip() else "")
        elif tag == "pre":
            self._verbatim += 1

    def handle_endtag(self, tag: str) -> None:
        """An element ends; one that was never begun is passed over."""
        if self._hidden:
            if tag in self._hidden:
                del self._hidden[len(self._hidden) - 1 - self._hidden[::-1].index(tag) :]
            return
        if tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag == "pre" and self._verbatim:
            self._end_line()
            self._verbatim -= 1
        if tag in _PARAGRAPHS:
            self._end_paragraph()
        elif tag in _LINES:
            self._end_line()

    def handle_data(self, data: str) -> None:
        """Text."""
        if self._hidden:
            return
        if self._verbatim:
            first, *others = data.split("\n")
            self._line.append(first)
            for line in others:
                self._end_line(keep_empty=True)
                self._line.append(line)
        else:
            self._say(_SPACE.sub(" ", data))

    # ---- lines ----

    def _begin(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._end_paragraph()
        elif tag in _LINES:
            self._end_line()
        if tag == "br":
            self._end_line(keep_empty=True)
        elif tag == "hr":
            self._end_line()
            self._lines.append("-" * 40)
        elif tag == "li":
            self._line.append("- ")
        elif tag in _CELLS and "".join(self._line).strip():
            self._line.append("  ")

    def _say(self, text: str) -> None:
        """Text whose blanks are one where lines are put together."""
        so_far = self._line[-1] if self._line else ""
        if text.startswith(" ") and (not self._line or so_far.endswith(" ")):
            text = text[1:]
        if text:
            self._line.append(text)

    def _end_link(self, address: str, began: int) -> None:
        words = "".join(self._line)[began:].strip()
        if address and not address.startswith("#") and words != address:
            shown = address if len(address) <= LONGEST_ADDRESS else f"{address[:LONGEST_ADDRESS]}…"
            self._line.append(f" <{shown}>" if words else f"<{shown}>")

    def _end_line(self, *, keep_empty: bool = False) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._verbatim else line.strip()
        self._line.clear()
        self._links = [(address, 0) for address, _ in self._links]
        if (line and line != "-") or keep_empty:
            self._lines.append(line)

    def _end_paragraph(self) -> None:
        self._end_line()
        if self._lines and self._lines[-1]:
            self._lines.append("")


def _is_unseen(tag: str, values: dict[str, str]) -> bool:
    return tag in _HIDDEN or "hidden" in values or _INVISIBLE.search(values.get("style", "")) is not None
