"""No file costs more than 512 MiB and 30 s: the worst that the limits let through, each in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support import hostile

REFUSED = {
    "too_many_cells": ["ZIP_BOMB"],
    "deep": ["ZIP_BOMB"],
    "long_attribute": ["ZIP_BOMB"],
    "many_attributes": ["ZIP_BOMB"],
    "long_text": ["ZIP_BOMB"],
    "entries": ["ZIP_BOMB"],
    "endless_rows": ["ZIP_BOMB"],
    "looping_sectors": ["FILE_TYPE"],
    "commas": ["ZIP_BOMB"],
    "lines": ["ZIP_BOMB"],
    "wide_characters": ["ZIP_BOMB"],
    "one_line": ["ZIP_BOMB"],
}


def cost(kind, tmp_path):
    """What reading costs, measured from outside: a maker's own memory must not count."""
    path = tmp_path / kind
    path.write_bytes(hostile.KINDS[kind]())
    done = subprocess.run(
        [sys.executable, str(Path(hostile.__file__)), str(path), kind],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    return json.loads(done.stdout)


@pytest.mark.ci
@pytest.mark.parametrize("kind", sorted(hostile.KINDS))
def test_a_hostile_file_stays_within_its_means(kind, tmp_path):
    spent = cost(kind, tmp_path)
    assert spent["mebibytes"] <= 512
    assert spent["seconds"] <= 30
    if kind in REFUSED:
        assert spent["rules"] == REFUSED[kind]


@pytest.mark.parametrize("kind", ["endless_rows", "deep", "many_long_texts"])
def test_a_small_file_cannot_cost_much(kind, tmp_path):
    spent = cost(kind, tmp_path)
    assert spent["mebibytes"] <= 200
    assert spent["seconds"] <= 5
    assert spent["rules"] == REFUSED.get(kind, [])
