"""What it costs to keep messages as they were sent: dispatching with and without, and the bytes of a mail.

Both dispatch the same mails, whose HTML is as long as that of a newsletter, to a file.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

from sqlalchemy import func, select

from console.dispatch import dispatch
from storage.outbox import texts
from storage.schema.texts import sent_texts
from tests.bench.bases import NOW, SEED, folder
from tests.bench.bench_smtp import due

SIZE = 2_000
AIM_SHARE = 0.2
AIM_BYTES = 1_000
BODY = 24_000
"""Characters of the template's HTML."""
OWN = """
<p>Guten Tag {{ customer.first_name }}, {{ event.properties.cart_id }}</p>
{% for product in event.properties.products %}<p>{{ product.name }} {{ product.price|money }}</p>{% endfor %}
"""


def run(size: int = SIZE, rounds: int = 5) -> Iterator[str]:
    """The figures, a line each; both ways take turns, and the median of each is said."""
    found = [(_seconds(size, "90d"), _seconds(size, "0d")) for _ in range(rounds)]
    kept, plain = (median(each) for each in zip(*((one[0], other[0]) for one, other in found)))
    cost = median((one[0] - other[0]) / size * 1e6 for one, other in found)
    length, packed = found[0][0][1:]
    yield (
        f"texts: {size:,} mails handed over in {kept:.2f} s of processor time, {plain:.2f} s without keeping "
        f"texts: {cost:,.0f} µs a mail, {cost * size / 1e6 / plain:.0%} more (aim: {AIM_SHARE:.0%})"
    )
    yield (
        f"texts: a mail of {length:,} bytes is kept in {packed:,.0f} bytes on average (aim: {AIM_BYTES:,})"
    )


def _seconds(size: int, retention: str) -> tuple[float, int, float]:
    """Seconds of processor time to hand the mails over; how long one is, and as what it is kept."""
    with folder() as place:
        store, workspace = due(
            place, size, lambda text: _edited(place, f'{text}\n[retention]\ntexts = "{retention}"\n')
        )
        with store:
            began = process_time()
            done = dispatch(store, workspace, NOW)
            took = process_time() - began
            assert done.sent == size, done
            with store.reading() as connection:
                packed = connection.execute(select(func.avg(func.length(sent_texts.c.packed)))).scalar()
                one = texts.of_message(connection, 1)
        length = 0 if one is None else sum(len(part.encode()) for part in one.parts.values())
        return took, length, packed or 0.0


def _edited(place: Path, settings: str) -> str:
    """The settings; the template becomes as long as a newsletter."""
    draw = Random(SEED)
    words = ["".join(draw.choices("abcdefghijklmnoprstuw", k=draw.randint(2, 9))) for _ in range(800)]
    rows: list[str] = []
    while sum(len(row) for row in rows) < BODY:
        text = " ".join(draw.choices(words, k=60))
        rows.append(f'<tr><td style="padding:0 12px;font-family:Arial;font-size:14px">{text}</td></tr>\n')
    html = place / "templates/basket-reminder/email.html"
    html.write_text(f"<html><body><table>{''.join(rows)}</table>{OWN}</body></html>", encoding="utf-8")
    return settings.replace('policy = "strict"', 'policy = "assumed"')


if __name__ == "__main__":
    for figure in run(*map(int, sys.argv[1:])):
        print(figure, flush=True)
