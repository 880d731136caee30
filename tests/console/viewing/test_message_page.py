"""A message as a page: the mail's own HTML, shut in, and opened only where somebody sits before a browser."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import pytest

from console.viewing.message_page import message_page, opened_in_browser

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Elements(HTMLParser):
    """The elements of a page, and what the frame holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.framed = ""
        self.rights = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "iframe":
            values = dict(attrs)
            self.framed, self.rights = values["srcdoc"] or "", values["sandbox"] or ""


def test_a_mail_lies_whole_in_a_frame_that_lets_nothing_run() -> None:
    html = f"<!doctype html><html><body>{EVIL} &amp; ü</body></html>"
    found = Elements(message_page(EVIL, {"email.html": html, "email.txt": "x"}, EVIL, EVIL))
    assert found.tags.count("iframe") == 1
    assert not {"script", "img"} & set(found.tags)
    assert found.framed == f'<base target="_blank">{html}'
    assert "allow-scripts" not in found.rights
    assert "allow-same-origin" not in found.rights


@pytest.mark.parametrize("parts", [{"sms.txt": EVIL}, {"webpush.json": '{"title": "<b>"}'}, {}])
def test_what_is_no_html_is_shown_as_text(parts: dict[str, str]) -> None:
    found = Elements(message_page("s", parts, "t", "w"))
    assert "iframe" not in found.tags
    assert not {"script", "img", "b"} & set(found.tags[found.tags.index("pre") :])


@pytest.mark.parametrize(
    ("environment", "is_opened"),
    [
        ({}, False),
        ({"DISPLAY": ":0"}, True),
        ({"WAYLAND_DISPLAY": "w"}, True),
        ({"DISPLAY": ":0", "SSH_CONNECTION": "1"}, False),
        ({"DISPLAY": ":0", "SSH_TTY": "/dev/pts/1"}, False),
    ],
)
def test_a_page_is_opened_where_somebody_sits_before_a_browser(
    environment: dict[str, str], is_opened: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opener = tmp_path / "opener"
    opener.write_text('#!/bin/sh\necho noise >&2\ntouch "$(dirname "$0")/opened"\n')
    opener.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: str(opener))
    monkeypatch.setattr("sys.platform", "linux")
    assert opened_in_browser(tmp_path / "x.html", environment) is is_opened
    assert (tmp_path / "opened").exists() is is_opened


@pytest.mark.parametrize("opener", ["#!/bin/sh\nexit 3\n", None])
def test_a_browser_that_cannot_be_started_is_none(
    opener: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "opener"
    if opener is not None:
        path.write_text(opener)
        path.chmod(0o755)
    monkeypatch.setattr("shutil.which", lambda _: None if opener is None else str(path))
    assert not opened_in_browser(tmp_path / "x.html", {"DISPLAY": ":0"})
