"""Records of a JSON file: lines where its first line is a whole object, else the elements of one document."""

from __future__ import annotations

import json
from io import BufferedReader, BytesIO
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.intake import json_records as module
from console.intake.json_records import json_records
from console.intake.physical_lines import LONGEST_LINE


def records(text: str | bytes) -> list[tuple[int, str, bool]]:
    content = BufferedReader(cast(Any, BytesIO(text.encode() if isinstance(text, str) else text)))
    return [(line.number, line.content.decode().strip(), line.is_whole) for line in json_records(content)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"a": 1}\n\n{"b": 2}\n', [(1, '{"a": 1}'), (3, '{"b": 2}')]),
        ('{"a": 1}\n[1, 2]\n{"b"\n', [(1, '{"a": 1}'), (2, "[1, 2]"), (3, '{"b"')]),
        ('{"a": \n{"b": 2}\n{"c": 3}\n', [(1, '{"a":'), (2, '{"b": 2}'), (3, '{"c": 3}')]),
        ("no json\n{}\n", [(1, "no json"), (2, "{}")]),
        ('[{"a": 1}, {"b": [2, {"c": "]},"}]}]', [(1, '{"a": 1}'), (1, '{"b": [2, {"c": "]},"}]}')]),
        ('\n[\n  {"a": 1},\n\n  {"b":\n   2}\n]\n', [(3, '{"a": 1}'), (5, '{"b":\n   2}')]),
        ("[]", []),
        ("[1, null, {}]", [(1, "1"), (1, "null"), (1, "{}")]),
        ('[{"a": 1}, {"a" 2}, {"b": 3}]', [(1, '{"a": 1}'), (1, '{"a" 2}'), (1, '{"b": 3}')]),
        ('[{"a": 1}, {"b": ', [(1, '{"a": 1}'), (1, '{"b":')]),
        ('{\n  "a": 1\n}\n{\n  "b": "}"\n}\n', [(1, '{\n  "a": 1\n}'), (4, '{\n  "b": "}"\n}')]),
        (
            '{\n "sentAt": "x",\n "batch": [\n  {"a": 1},\n  {"batch": [2]}\n ],\n "more": [3]\n}',
            [(4, '{"a": 1}'), (5, '{"batch": [2]}')],
        ),
        ('{\n "batch": []\n}\n{\n "a": 1}', [(4, '{\n "a": 1}')]),
        ('[{"a": "\\\\"}, {"b": "\\""}]', [(1, '{"a": "\\\\"}'), (1, '{"b": "\\""}')]),
        ("", []),
        ("\ufeff[{}]", [(1, "{}")]),
    ],
)
def test_a_file_is_lines_or_one_document(text: str, expected: list[tuple[int, str]]) -> None:
    assert records(text) == [(*each, True) for each in expected]


def test_an_element_that_is_too_long_is_refused_alone() -> None:
    long = '{"a": "' + "x" * LONGEST_LINE + '"}'
    found = records(f'[\n{{"b": 1}},\n{long},\n{{"c": 2}}]')
    assert [(number, whole) for number, _, whole in found] == [(2, True), (3, False), (4, True)]


VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(alphabet='a"\\{}[],\n é', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='b"]', max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(elements=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 1]), size=st.integers(1, 9))
def test_an_array_is_its_elements_wherever_the_chunks_end(
    elements: list[Any], indent: int | None, size: int
) -> None:
    text = json.dumps(elements, indent=indent, ensure_ascii=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", size)
        assert [json.loads(text) for _, text, _ in records(text)] == elements
