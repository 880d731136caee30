"""The log of what is known: found by name and time, in order of occurrence whatever the order of arrival."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.engine.log import EventLog
from core.model.events import Event

EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=20)


def an_event(number: int, name: str, at: int) -> Event:
    return Event(number, "track", name, at, at, "test", None, None, {})


@given(
    known=EVENTS,
    later=EVENTS,
    names=st.sets(st.sampled_from("abcd")),
    after=st.integers(-1, 9) | st.none(),
    until=st.integers(0, 10) | st.none(),
)
def test_it_finds_what_a_search_through_all_would_find(
    known: list[tuple[str, int]],
    later: list[tuple[str, int]],
    names: set[str],
    after: int | None,
    until: int | None,
) -> None:
    events = [an_event(number, name, at) for number, (name, at) in enumerate(known + later)]
    log = EventLog(events[: len(known)])
    for event in events[len(known) :]:
        log.add(event)
    wanted = [
        e
        for e in events
        if e.name in names
        and (after is None or e.occurred_at > after)
        and (until is None or e.occurred_at <= until)
    ]
    expected = sorted(wanted, key=lambda event: (event.occurred_at, event.name, event.id))
    assert log.of(names, after, until) == expected
