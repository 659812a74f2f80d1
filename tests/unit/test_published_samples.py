"""The published figures: all 272 accounted for, and the committed submissions are what the data give."""

import csv
import json
from hashlib import sha256
from pathlib import Path

import pytest

from fazhi.model.errors import ConfigurationError
from fazhi.registry import Registry
from fazhi.synth import __main__ as rewriting
from fazhi.synth.published import (
    EXCERPT_NAME,
    PUBLISHED_DIR,
    SUBMITTED_BY,
    TABLE_NAME,
    load_figures,
    load_rows,
    published_inbox,
    write_published,
)
from fazhi.systems import Editions

ALL_FIGURES = [f"F{number:03d}" for number in range(1, 273)]


def rows_of(name: str) -> list[dict[str, str]]:
    with (PUBLISHED_DIR / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def submitted(folder: str) -> list[dict[str, str]]:
    with (published_inbox() / folder / TABLE_NAME).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_every_published_figure_is_used_or_left_out_with_a_reason_exactly_once() -> None:
    used = [row["fig_id"] for row in rows_of("figures.csv")]
    left_out = [row["fig_id"] for row in rows_of("not_fitting.csv")]
    assert sorted(used + left_out) == ALL_FIGURES
    assert {row["fig_id"] for row in rows_of("mapping.csv")} == set(used)
    assert all(row["reason_zh"] for row in rows_of("not_fitting.csv"))


def test_every_number_submitted_stands_in_its_phrase() -> None:
    figures = load_figures()
    for row in load_rows():
        for cell in row.cells:
            assert cell.written in figures[cell.figure.fig_id].phrase.replace(" ", ""), cell


def test_committed_submissions_are_what_the_data_give(
    tmp_path: Path, registry: Registry, editions: Editions
) -> None:
    outcome = write_published(tmp_path, registry, editions)
    assert tree(tmp_path) == tree(published_inbox())
    assert (outcome.rows, outcome.figures) == (
        len(load_rows()),
        len(rows_of("figures.csv")),
    )
    assert outcome.submissions == len(list(published_inbox().iterdir()))


def test_rewriting_leaves_nothing_of_a_former_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "2022-撤销的单位").mkdir()
    monkeypatch.setattr(rewriting, "published_inbox", lambda: tmp_path)
    written = rewriting.main()
    assert written.submissions == len(list(tmp_path.iterdir()))
    assert tree(tmp_path) == tree(published_inbox()), "请执行 python -m fazhi.synth 并提交"


def test_manifests_name_their_files_by_digest() -> None:
    for folder in published_inbox().iterdir():
        manifest = json.loads((folder / "submission.json").read_text(encoding="utf-8"))
        assert manifest["submitted_by"] == SUBMITTED_BY
        assert {file["name"]: file["role"] for file in manifest["files"]} == {
            TABLE_NAME: "workbook",
            EXCERPT_NAME: "evidence",
        }
        for file in manifest["files"]:
            content = (folder / file["name"]).read_bytes()
            assert (file["sha256"], file["size"]) == (sha256(content).hexdigest(), len(content))


def test_the_arbitration_figures_stand_as_printed() -> None:
    (row,) = submitted("2022-市人社局")
    assert (row["indicator_code"], row["numerator"], row["denominator"], row["value"]) == (
        "F2.3",
        "6669",
        "6861",
        "99.49%",
    )
    source = "000_5993e67ae8db6889.txt"
    assert row["provenance"] == f"F036;{source}|F035;{source}|F037;{source}"


def test_lenient_cases_say_whether_they_are_cumulative_and_of_whom() -> None:
    (then,) = [row for row in submitted("2022-市司法局-职能部门") if row["indicator_code"] == "D5.2"]
    (later,) = [row for row in submitted("2024-市司法局-职能部门") if row["indicator_code"] == "D5.2"]
    assert (then["value"], then["reporting"], then["scope"]) == ("8000多件", "current", "市本级")
    assert (later["value"], later["reporting"], later["scope"]) == ("12.6万件", "cumulative", "全市")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in ("figures.csv", "mapping.csv"):
        (tmp_path / name).write_bytes((PUBLISHED_DIR / name).read_bytes())
    return tmp_path


def append(path: Path, *lines: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def test_a_faulty_mapping_is_refused_with_every_fault(copied: Path) -> None:
    lines = len(rows_of("mapping.csv"))
    append(
        copied / "mapping.csv",
        "P98,F999,2022,SUB,包头市司法局,F2.3,numerator,1,current,,",
        "P99,F036,2022,SUB,包头市司法局,F2.3,middle,6670,current,,",
    )
    with pytest.raises(ConfigurationError) as refused:
        load_rows(copied)
    first, second = lines + 2, lines + 3
    assert refused.value.faults == (
        f"mapping.csv 第{first}行 fig_id:F999 不在 figures.csv 中",
        f"mapping.csv 第{second}行 written:“6670”不在原文“审结6669件”中",
        f"mapping.csv 第{second}行 part:“middle”应为 numerator、denominator、value、stated 之一",
    )


def test_a_mapping_that_the_registry_does_not_know_is_refused(
    copied: Path, registry: Registry, editions: Editions
) -> None:
    append(
        copied / "mapping.csv",
        "P98,F036,2022,SUB,没有的局,F2.3,numerator,6669,current,,",
        "P99,F036,2022,COURT,包头市司法局,F2.3,numerator,6669,current,,",
    )
    with pytest.raises(ConfigurationError) as refused:
        write_published(copied / "out", registry, editions, copied)
    assert refused.value.faults == (
        "P98：登记册在2022找不到“没有的局”或来源 SUB 的主管单位",
        "P99：2022年的指标体系没有由 COURT 报送的 F2.3",
    )
    assert not (copied / "out").exists()
