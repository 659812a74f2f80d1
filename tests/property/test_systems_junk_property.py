"""Whatever stands in an edition's files, loading gives an edition or faults in words, never a traceback."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.model.errors import ConfigurationError
from fazhi.systems import Edition
from fazhi.systems.indicators import COLUMNS
from support.systems import Draft

CELLS = st.sampled_from(
    [
        "",
        "x",
        "-1",
        "1e5",
        "99999999999999",
        "null",
        "[]",
        '{"floor": [], "target": {}}',
        '{"bands": [5]}',
        "veto",
    ]
) | st.text(max_size=8)
JUNK = st.sampled_from(
    [None, "", [], {}, "x", -1, 1.5, True, [[]], {"a": 1}, 10**14, ["REGION"], "2024-01-01"]
)


def outcome(draft: Draft) -> Edition | tuple[str, ...]:
    try:
        return draft.load()
    except ConfigurationError as error:
        return error.faults


@settings(max_examples=30, deadline=None)
@given(row=st.integers(1, 134), column=st.sampled_from(COLUMNS), text=CELLS)
def test_any_cell(row, column, text):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        records = draft.table()
        records[row][records[0].index(column)] = text
        draft.write_table(records)
        found = outcome(draft)
        assert len(found.indicators) == len(records) - 1 if isinstance(found, Edition) else found


@settings(max_examples=30, deadline=None)
@given(data=st.data(), junk=JUNK)
def test_any_value_of_the_head(data, junk):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        head = draft.data("system.yaml")
        node, key = head, data.draw(st.sampled_from(sorted(head)))
        while isinstance(node[key], (dict, list)) and node[key] and data.draw(st.booleans()):
            node = node[key]
            key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        node[key] = junk
        draft.dump("system.yaml", head)
        found = outcome(draft)
        assert isinstance(found, Edition) or any("2024/" in fault for fault in found)


@pytest.mark.parametrize("file", ["system.yaml", "indicators.csv", "checks.yaml"])
@settings(max_examples=15, deadline=None)
@given(content=st.binary(max_size=60))
def test_any_bytes(file, content):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        draft.write(file, content)
        found = outcome(draft)
        assert not isinstance(found, Edition)
        assert any(fault.startswith(f"2024/{file}") for fault in found)
