"""The HTML of a mail in a terminal: what a reader would see, and nothing that is hidden."""

from __future__ import annotations

import pytest

from console.viewing.html_text import LONGEST_ADDRESS, text_of_html


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>one</li><li> two </li></ul>", "- one\n- two"),
        ("<table><tr><td>Jacke</td><td>80.00</td></tr><tr><td>Hut</td></tr></table>", "Jacke  80.00\nHut"),
        ('<a href="https://x.example/b">Zum  Korb</a>!', "Zum Korb <https://x.example/b>!"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="https://x.example"><img src="y.png" alt=" Jacke "></a>', "[Jacke] <https://x.example>"),
        ('<a href="https://x.example"><img src="y.png"></a>', "<https://x.example>"),
        ('<a href="#top">up</a><a>no</a>', "upno"),
        ("a<hr>b", f"a\n{'-' * 40}\nb"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("1 &lt; 2 &amp;&#x43; &euro;", "1 < 2 &C €"),
        ("<b>a</b> <i>b</i>\n\n  c", "a b c"),
        # what nobody sees
        ("<head><title>t</title><style>p{}</style></head><body>x</body>", "x"),
        ("<script>alert(1)</script>x<!-- c --><![CDATA[y]]>", "x"),
        ('<div style="display: none">preheader</div>x', "x"),
        ('<div style="display:none"><div>a</div>b<br>c</div>x', "x"),
        ('<p hidden>a</p><p style="VISIBILITY : hidden">b</p>x', "x"),
        ('<img style="display:none" src=a>x', "x"),
        # what is broken
        ("</p></a></pre></td>x", "x"),
        ("<a href=https://x.example>one<p>two</a>", "one\n\ntwo <https://x.example>"),
        ("<p>a<p>b<td>c", "a\n\nb  c"),
        ("a < b", "a < b"),
    ],
)
def test_html_is_read_as_its_reader_would_see_it(html: str, text: str) -> None:
    assert text_of_html(html) == text


def test_an_address_that_is_long_is_cut() -> None:
    text = text_of_html(f'<a href="https://x.example/{"a" * 5_000}">x</a>')
    assert len(text) == LONGEST_ADDRESS + len("x <…>")


@pytest.mark.parametrize(
    "part", ["<div>", "<a href=x>", "<p", "</p>", "<!--", "&", "<pre>\n", "<td style='display:none'>"]
)
def test_html_that_is_meant_to_take_long_does_not(part: str) -> None:
    text_of_html(part * 20_000)
