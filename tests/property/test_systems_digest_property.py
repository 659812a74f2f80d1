"""The digest is of what an edition says, not of how its files are written; bands cover the line."""

import json
import random
import tempfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.systems import load_edition
from support.systems import Draft

STYLES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 2**16),
        "newline": st.sampled_from(["\n", "\r\n"]),
        "bom": st.booleans(),
        "padding": st.sampled_from(["", " ", "  "]),
        "flow": st.sampled_from([None, False, True]),
        "bare_numbers": st.booleans(),
        "sort_keys": st.booleans(),
        "width": st.sampled_from([40, 120, 10_000]),
        "zeros": st.booleans(),
    }
)


@settings(max_examples=20, deadline=None)
@given(style=STYLES, system_id=st.sampled_from(["2021", "2024"]))
def test_the_digest_does_not_see_how_the_files_are_written(style, system_id):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder), system_id)
        expected = draft.load().digest
        rewrite(draft, style)
        assert load_edition(draft.path).digest == expected


def rewrite(draft: Draft, style: dict) -> None:
    """The same content in another hand: rows, columns, quoting, spacing, numbers and line ends."""
    dice = random.Random(style["seed"])
    header, *rows = draft.table()
    order = list(range(len(header)))
    dice.shuffle(order)
    dice.shuffle(rows)
    mark, params = header.index("full_mark"), header.index("rule_params")
    for row in rows:
        if style["zeros"]:
            row[mark] = f"{Fraction(row[mark]).numerator / Fraction(row[mark]).denominator:.2f}"
        row[params] = json.dumps(
            json.loads(row[params]), indent=dice.choice([None, 1]), sort_keys=style["sort_keys"]
        )
    pad = style["padding"]
    draft.write_table(
        [[pad + row[column] + pad for column in order] for row in (header, *rows)],
        newline=style["newline"],
        bom=style["bom"],
    )
    for file in ("system.yaml", "checks.yaml"):
        data = draft.data(file)
        if file == "checks.yaml":
            dice.shuffle(data["checks"])
        elif style["bare_numbers"]:
            data["total_points"] = int(data["total_points"])
            data["caps"] = {name: int(points) for name, points in data["caps"].items()}
        draft.dump(
            file,
            data,
            default_flow_style=style["flow"],
            sort_keys=style["sort_keys"],
            width=style["width"],
        )
        text = (draft.path / file).read_text(encoding="utf-8").replace("\n", style["newline"])
        draft.write(file, ("\ufeff" if style["bom"] else "") + text)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_the_digest_sees_every_change_of_a_name(data):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        before = draft.load()
        code = data.draw(st.sampled_from([one.code for one in before.indicators]))
        column = data.draw(
            st.sampled_from(["name_zh", "name_en", "unit_zh", "evidence_zh", "source_reference"])
        )
        old = str(getattr(before.by_code[code], column))
        draft.set(code, **{column: old + "改"})
        assert draft.load().digest != before.digest


EDGES = st.lists(st.integers(0, 100), min_size=1, max_size=5, unique=True).map(sorted)


def bands_of(edges: list[int], shift: int = 0, at: int = 0) -> str:
    """Bands along the edges, open at both ends; ``shift`` moves the start of one band (in hundredths)."""
    ends = [None, *edges, None]
    bands = [[low, high, 0.5] for low, high in pairwise(ends)]
    bands[at][0] = None if bands[at][0] is None else bands[at][0] + shift
    written = [[None if end is None else end / 100 for end in band[:2]] + [band[2]] for band in bands]
    return json.dumps({"bands": written})


@settings(max_examples=20, deadline=None)
@given(edges=EDGES)
def test_bands_that_cover_the_line_load_exactly(edges):
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        draft.set("D6.1", rule_params=bands_of(edges))
        bands = draft.load().by_code["D6.1"].rule_params["bands"]
        assert [low for low, _, _ in bands[1:]] == [Fraction(edge, 100) for edge in edges]
        assert [high for _, high, _ in bands[:-1]] == [Fraction(edge, 100) for edge in edges]


@settings(max_examples=20, deadline=None)
@given(edges=EDGES, gap=st.booleans(), data=st.data())
def test_a_gap_or_an_overlap_is_named(edges, gap, data):
    at = data.draw(st.integers(1, len(edges)))
    room = 100 if at == len(edges) else edges[at] - edges[at - 1] - 1
    below = edges[at - 1]
    if (gap and room < 1) or (not gap and below < 1):
        return
    with tempfile.TemporaryDirectory() as folder:
        draft = Draft(Path(folder))
        draft.set("D6.1", rule_params=bands_of(edges, shift=1 if gap else -1, at=at))
        (fault,) = draft.faults()
        said = f"第{at}档与第{at + 1}档" + ("之间有空档" if gap else "重叠")
        assert fault.endswith(f"rule_params 列(D6.1) bands：{said}")
