"""Rendering has a second and a megabyte, wherever it happens, and what is made is the same."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from decimal import Decimal
from typing import Any

import pytest
from markupsafe import Markup

from console.messages import rendering, sandbox
from console.messages.digests import Digest, _before_body_end, _body
from console.messages.render_worker import RenderWorker
from console.messages.rendering import render
from console.messages.sandbox import MISSING, Mode, Record, TemplateFault

pytestmark = pytest.mark.filterwarnings(
    # where the limit strikes within a callback of the garbage collector it is swallowed, and strikes again
    "ignore::pytest.PytestUnraisableExceptionWarning"
)

HUGE = "<!---->" * 37_000
SLOW = [
    "{% for i in range(1000) %}{% set a = big|striptags %}{% endfor %}x",
    "{% for i in range(1000) %}{% set a = big|upper|title|lower|title|trim %}{% endfor %}x",
    "{% for i in range(1000) %}{% set a = many|sort|join('')|length %}{% endfor %}x",
]


def variables() -> dict[str, Any]:
    part = Record("digest", {"html": Markup("<b>x</b>"), "text": "x", "title": "t"})
    return {
        "customer": Record(
            "customer", {"first_name": "Zoë <", "revenue": Decimal("12.50"), "email": MISSING}
        ),
        "event": Record("event", {"properties": {"products": [{"name": "a"}, {"name": "b"}]}}),
        "workspace": Record("workspace", {"currency": "CHF"}),
        "digest": Digest([part]),
        "big": HUGE,
        "many": [f"{number:04}" for number in range(40_000)],
        "now": "2025-03-03",
    }


@pytest.fixture(scope="module")
def worker() -> Any:
    made = RenderWorker()
    yield made
    made.close()


@pytest.mark.parametrize("mode", ["text", "html"])
@pytest.mark.parametrize(
    "text",
    [
        "Hello {{ customer.first_name }} {{ customer.revenue|money }} {{ customer.email|default('none') }}",
        "{% for each in event.properties.products %}{{ loop.index }} {{ each.name }} {% endfor %}",
        "{{ digest }} {% for part in digest %}{{ part.html }}{{ part.text }}{% endfor %}",
        "{{ customer.email.x.y }}|{{ now }}",
    ],
)
def test_what_the_process_renders_is_what_is_rendered_here(
    worker: RenderWorker, text: str, mode: Mode
) -> None:
    made = worker.render(text, mode, variables())
    assert made is not None
    assert made.text == sandbox.render(text, mode, variables()) == render(text, mode, variables())


@pytest.mark.parametrize("text", ["{{ nobody }}", "{{ customer.frist_name }}", "{{ 1 / 0 }}"])
def test_a_fault_says_the_same_in_both_places(worker: RenderWorker, text: str) -> None:
    with pytest.raises(TemplateFault) as here:
        sandbox.render(text, "text", variables())
    with pytest.raises(TemplateFault) as there:
        worker.render(text, "text", variables())
    assert (there.value.reason, there.value.sort) == (here.value.reason, here.value.sort)


@pytest.mark.parametrize("text", SLOW, ids=range(len(SLOW)))
def test_what_takes_longer_than_a_second_is_a_fault_in_both_places(worker: RenderWorker, text: str) -> None:
    for asked in (worker.render, rendering._watched):
        begun = time.perf_counter()
        with pytest.raises(TemplateFault, match="longer than 1 s") as fault:
            asked(text, "text", variables())
        assert fault.value.sort == "time"
        assert time.perf_counter() - begun < 120


def test_the_process_is_there_again_after_it_was_ended(worker: RenderWorker) -> None:
    with pytest.raises(TemplateFault):
        worker.render(SLOW[0], "text", variables())
    made = worker.render("Hello {{ now }}", "text", variables())
    assert made is not None
    assert made.text == "Hello 2025-03-03"


def test_values_that_cannot_be_handed_over_are_rendered_here(worker: RenderWorker) -> None:
    values = {**variables(), "now": lambda: None}
    assert worker.render("x", "text", values) is None
    assert render("{% for i in [1] %}x{% endfor %}", "text", values) == "x"


def test_more_than_a_megabyte_is_a_fault_and_needs_no_memory() -> None:
    with pytest.raises(TemplateFault, match="1,048,576"):
        render("{% for i in range(1000) %}{{ big }}{% endfor %}", "text", variables())


def test_a_template_is_trusted_once_it_was_quick_and_no_longer_once_it_was_slow() -> None:
    text = "{% for i in range(1000) %}{% if customer.first_name == 'Slow' %}{{ big|upper|title|wordcount }}"
    text += "{% endif %}{% endfor %}"
    assert not rendering._TRUST.has(text, "text")
    assert render(text, "text", variables()) == ""
    assert rendering._TRUST.has(text, "text")
    slow = {**variables(), "customer": Record("customer", {"first_name": "Slow"})}
    with pytest.raises(TemplateFault, match="longer than 1 s"):
        render(text, "text", slow)
    assert not rendering._TRUST.has(text, "text")


@pytest.mark.parametrize(
    ("html", "body"),
    [
        ("<html><body class='x'>a</body></html>", "a"),
        ("<BODY>a</BODY >", "a"),
        ("<body>a</body>b</body>", "a</body>b"),
        ("no body", "no body"),
        ("<body>never ended", "<body>never ended"),
    ],
)
def test_the_inside_of_a_body_is_found(html: str, body: str) -> None:
    assert _body(html) == body


def test_bodies_without_end_take_no_time() -> None:
    begun = time.process_time()
    for html in ("<body" * 200_000, "</body>" * 140_000, "</body" * 150_000, "<body>" * 170_000):
        _body(html)
        _before_body_end(html, "x")
    assert time.process_time() - begun < 5


def test_the_process_ends_quietly_with_the_program_that_started_it() -> None:
    program = (
        "from console.messages.render_worker import RenderWorker\n"
        "worker = RenderWorker()\n"
        "print(worker.render('{{ x }}', 'text', {'x': 'made'}).text, worker._process.pid)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-X", "dev", "-c", program], capture_output=True, text=True, check=True
    )
    made, number = ended.stdout.split()
    assert (made, ended.stderr) == ("made", "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(number), 0)
