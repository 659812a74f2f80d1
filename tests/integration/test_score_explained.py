"""Explanation, comparison of versions, sensitivity and the office's return, on one small year."""

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from openpyxl import load_workbook

from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.score import (
    Basis,
    changes_zh,
    compare_versions,
    explain,
    score_workbook,
    sensitivity,
    write_office_return,
)
from fazhi.score.changes import LineChange
from fazhi.score.results import hundredths
from fazhi.score.sensitivity import LESS, MORE, WITHOUT, Neighbours
from fazhi.store import open_store, read, write
from fazhi.store.tables import result
from fazhi.systems import Editions
from support.score_books import UNITS, made_world
from support.scoring import NOW, TODAY, YEAR, World, code, edition, event, indicator, registry, unit


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return made_world(open_store(f"sqlite:///{tmp_path_factory.mktemp('explained') / 'fazhi.db'}"))


# --- explanation


def test_the_explanation_reaches_weights_values_files_and_decisions(world):
    text = explain(world.engine, YEAR, UNITS[3], basis=Basis(world.edition, world.edition.profiles[0]))
    for part in (
        "分值（单位类型“合成”）：",
        "  共性指标：方案份额 30，适用指标标准分合计 5.165",
        "    合成指标A1.9；线性计分：80%及以下不得分，100%及以上得满分",
        "    分值 7.93：份额 30 × 1.365 ÷ 5.165 = 7.928363…，舍去余数后补 0.01",
        "    全年数值（各期相加）：98.5 ÷ 101.25",
        f"    2024年：98.5 ÷ 101.25（单位报送，synth-unit-{UNITS[3]}-2024，填报表 E3、G3）；文件 SHA-256 {'ab' * 32}",
        "A1.10（共性指标，标准分 0.80）：不适用，不计分，分值由其他指标分担",
        '    审核决定（2024年 不适用申请）同意：=HYPERLINK("http://example.invalid","点我")（steward，',
    ):
        assert part in text
    growth = explain(world.engine, YEAR, UNITS[1], basis=Basis(world.edition, world.edition.profiles[0]))
    assert "    全年数值（各期相加）：（98 - 100）÷ 100" in growth


@pytest.mark.parametrize(
    ("verdict", "called"), [("approve", "已确认"), ("refuse", "不予认可"), ("withdraw", "撤回")]
)
def test_a_ruling_on_a_finding_is_called_as_on_the_steward_s_button(engine, verdict, called):
    world = made_world(engine)
    world.decide("hold", UNITS[2], "A1.9", str(YEAR), rule="JUMP", value_digest="1" * 64, verdict=verdict)
    assert f"审核决定（2024年 待审核事项）{called} JUMP：合成（steward，" in explain(engine, YEAR, UNITS[2])
    written = score_workbook(engine, world.edition, world.registry, YEAR, UNITS[2], today=TODAY)
    book = load_workbook(io.BytesIO(written))
    [ruling] = [
        [cell.value for cell in row]
        for row in book["来源"].iter_rows()
        if "JUMP" in [cell.value for cell in row]
    ]
    assert called in ruling


def test_a_basis_of_another_edition_is_not_used(world):
    other = Basis(replace(world.edition, digest="f" * 64), world.edition.profiles[0])
    assert explain(world.engine, YEAR, UNITS[3], basis=other) == explain(world.engine, YEAR, UNITS[3])


def test_every_weight_spelled_out_rounds_to_the_weight(world):
    from fazhi.score.dossier import read_dossier
    from fazhi.score.explain import exact_quotas

    with read(world.engine) as connection:
        dossiers = [read_dossier(connection, YEAR, one) for one in UNITS]
    for dossier in dossiers:
        quotas = exact_quotas(dossier, Basis(world.edition, world.edition.profiles[0]))
        assert sum(quota.exact for quota in quotas.values()) == 100
        for line in dossier.lines:
            if line.weight is not None:
                assert 0 <= hundredths(line.weight) - 100 * quotas[line.indicator_code].exact + 1 < 2


# --- two versions


@pytest.fixture
def two_versions(engine):
    system = edition(
        indicator("A1.1"),
        indicator("A1.2"),
        indicator("A1.3"),
        indicator("X1", {"region": "1"}, rule_type=event_rule("X1"), full_mark=0),
    )
    made = World(engine, system, registry(unit(1), unit(2)))
    rows = [{"code": one, "numerator": 9, "denominator": 10} for one in ("A1.1", "A1.2", "A1.3")]
    made.submit(code(1), "2024-Q1", *rows)
    made.score()
    rows[0] = {"code": "A1.1", "numerator": 10, "denominator": 10}
    rows[1] = {"code": "A1.2", "numerator": 0, "denominator": 0}
    made.submit(code(1), "2024-Q1", *rows)
    made.registry = registry(unit(1), unit(2), adjustments=[event(1, "X1", level="region")])
    made.score(now=NOW + timedelta(days=1))
    return made


def event_rule(row):
    from fazhi.model.terms import RuleType

    return RuleType.BONUS_CAPPED


def test_a_difference_adds_up_and_says_why(two_versions):
    changes = compare_versions(two_versions.engine, YEAR, code(1))
    assert (changes.older, changes.newer) == (1, 2)
    place = f"（单位报送，synth-unit-{code(1)}-2024-Q1，填报表 E3、G3）"
    assert changes.lines == (
        LineChange(
            "A1.1",
            by_rate=1667,
            by_weight=1666,
            why=("得分率 1/2 改为 1", "分值 33.34 改为 50.00", f"2024年第一季度：9 ÷ 10 改为 10 ÷ 10{place}"),
        ),
        LineChange(
            "A1.2",
            by_rate=-1667,
            by_weight=0,
            why=(
                "状态：“计分”改为“不适用，不计分，分值由其他指标分担”",
                "得分率 1/2 改为 0",
                "分值 33.33 改为 0.00",
                f"2024年第一季度：9 ÷ 10 改为 0 ÷ 0{place.replace('E3、G3', 'E4、G4')}",
            ),
        ),
        LineChange("A1.3", by_rate=0, by_weight=833, why=("分值 33.33 改为 50.00",)),
    )
    assert (changes.bonus, changes.deduction, changes.clamp) == (100, 0, 0)
    assert changes.score == sum(line.points for line in changes.lines) + 100 == 2599
    assert (changes.component_by_score, changes.component_by_rules, changes.component) == (2599, 0, 2599)
    assert changes.notes == ("新增事项：X1 合成事项，次数 1，级别 region（合成〔2024〕1号）",)
    text = changes_zh(changes)
    assert "得分 R 变化 +25.99 = 指标 +24.99 + 加分 +1.00 + 扣分 0.00 + 上下限调整 0.00" in text
    assert "A1.1：+33.33 = 得分率 +16.67 + 分值 +16.66" in text


def test_backwards_is_the_same_with_the_other_sign(two_versions):
    forth = compare_versions(two_versions.engine, YEAR, code(1), version=2, against=1)
    back = compare_versions(two_versions.engine, YEAR, code(1), version=1, against=2)
    assert (back.score, back.component, back.bonus) == (-forth.score, -forth.component, -forth.bonus)
    assert [line.points for line in back.lines] == [-line.points for line in forth.lines]


def test_a_change_of_share_is_told_apart_from_the_score(two_versions):
    two_versions.edition = replace(two_versions.edition, shares={None: "0.12"})
    two_versions.score(now=NOW + timedelta(days=2))
    changes = compare_versions(two_versions.engine, YEAR, code(1))
    assert (changes.score, changes.lines, changes.component_by_score) == (0, (), 0)
    assert changes.component_by_rules == changes.component == 1520
    assert "占比：0.10 改为 0.12" in changes.notes
    assert "各项指标没有变化。" in changes_zh(changes)


def test_a_version_that_does_not_exist_is_named(two_versions):
    with pytest.raises(UsageError, match="第 7 版"):
        compare_versions(two_versions.engine, YEAR, code(1), version=2, against=7)


# --- sensitivity


def brute_force(world, moved, tenths):
    """Ranks after a change, by scoring.md from the start, in fractions."""
    masses = {}
    for item in world.edition.indicators:
        factor = Fraction(10 + tenths, 10) if item.code == moved else 1
        masses[item.code] = factor * item.full_mark * world.edition.multipliers.get(item.code, Fraction(1))
    scores = {}
    with read(world.engine) as connection:
        from fazhi.score.dossier import read_dossier

        for one in UNITS:
            dossier = read_dossier(connection, YEAR, one)
            lines = [row for row in dossier.lines if row.weight is not None and masses[row.indicator_code]]
            groups = {}
            for row in lines:
                groups.setdefault(row.indicator_group, []).append(row)
            shares = {g: world.edition.profiles[0].shares[g] for g in groups}
            points = sum(
                100
                * shares[g]
                / sum(shares.values())
                * masses[row.indicator_code]
                / sum(masses[r.indicator_code] for r in rows)
                * Fraction(int(row.rate_numerator), int(row.rate_denominator))
                for g, rows in groups.items()
                for row in rows
            )
            beyond = Fraction(dossier.head.bonus) - Fraction(dossier.head.deduction)
            scores[one] = max(Fraction(0), min(Fraction(100), points + beyond))
    return {one: 1 + sum(other > score for other in scores.values()) for one, score in scores.items()}


@pytest.mark.parametrize("tenths", [LESS, MORE, WITHOUT])
def test_moves_are_those_of_a_calculation_from_the_start(world, tenths):
    found = sensitivity(world.engine, world.edition, world.registry, YEAR, today=TODAY)
    before = brute_force(world, "", 0)
    expected = {}
    for item in world.edition.indicators:
        if item.rule_type.carries_weight:
            for one, rank in brute_force(world, item.code, tenths).items():
                if rank != before[one]:
                    expected[one, item.code] = (before[one], rank)
    moves = {
        (m.unit_code, m.indicator_code): (m.rank, m.rank_after) for m in found.moves if m.tenths == tenths
    }
    assert moves == expected
    assert {one.unit_code: one.rank for one in found.units} == before


def test_equal_rates_never_move():
    """A case whose answer is known to be zero: with the same rates everywhere no weight matters."""
    engine = open_store("sqlite://")
    made = World(
        engine,
        edition(indicator("A1.1"), indicator("A1.2", full_mark=300)),
        registry(unit(1), unit(2), unit(3)),
    )
    for number, numerator in ((1, 95), (2, 90), (3, 90)):
        rows = [{"code": one, "numerator": numerator, "denominator": 100} for one in ("A1.1", "A1.2")]
        made.submit(code(number), "2024", *rows)
    made.score()
    found = sensitivity(engine, made.edition, made.registry, YEAR, today=TODAY)
    assert found.moves == ()
    assert [(one.rank, one.best_within, one.worst_without) for one in found.units] == [
        (1, 1, 1),
        (2, 2, 2),
        (2, 2, 2),
    ]
    assert found.neighbours == (
        Neighbours(code(2), "合成单位2", code(3), "合成单位3", gap="0.00", exact_gap="0.000000"),
    )
    near = sensitivity(engine, made.edition, made.registry, YEAR, today=TODAY, near_boundary=Fraction(5))
    assert [(n.unit_code, n.grade, n.gap) for n in near.boundaries] == [(code(1), "良好", "-5.00")]


def test_results_of_another_edition_are_refused(world):
    with pytest.raises(UsageError, match="另一份指标体系"):
        sensitivity(world.engine, replace(world.edition, digest="f" * 64), world.registry, YEAR, today=TODAY)
    with pytest.raises(UsageError, match="没有得分"):
        sensitivity(world.engine, world.edition, world.registry, YEAR + 1, today=date(YEAR + 2, 1, 1))


# --- the office's return


def test_the_return_has_control_totals_that_agree(world, tmp_path):
    made = write_office_return(
        world.engine, Editions((world.edition,)), world.registry, YEAR, tmp_path, today=TODAY
    )
    assert [path.name for path in made.files] == [
        "office-return-2024.csv",
        "office-return-2024.xlsx",
        "office-return-2024.json",
    ]
    content = made.files[0].read_bytes()
    rows = list(csv.DictReader(io.StringIO(content.decode())))
    assert [row["unit_code"] for row in rows] == list(UNITS)
    components = [Fraction(row["component"]) for row in rows]
    assert (made.units, made.is_final, made.without_result) == (6, True, ())
    assert Fraction(made.component_sum) == sum(components)
    assert (Fraction(made.component_min), Fraction(made.component_max)) == (min(components), max(components))
    assert made.csv_sha256 == hashlib.sha256(content).hexdigest()
    assert json.loads(made.files[2].read_text(encoding="utf-8"))["csv_sha256"] == made.csv_sha256
    assert dict(made.shares) == {YEAR: "0.123"}
    sheet = load_workbook(made.files[1])["报送表"]
    texts = [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert f"同名 CSV 文件的摘要（SHA-256）：{made.csv_sha256}" in texts
    assert "填表人：　　　　　　　　　审核人：　　　　　　　　　负责人：" in texts
    assert [text for text in texts if str(text).startswith("=")] == [
        "=1+1（合成单位）",
        "=COUNT(G5:G10)",
        "=ROUND(SUM(G5:G10),2)",
        "=MIN(G5:G10)",
        "=MAX(G5:G10)",
    ]
    again = write_office_return(
        world.engine, Editions((world.edition,)), world.registry, YEAR, tmp_path / "b", today=TODAY
    )
    assert [p.read_bytes() for p in again.files] == [p.read_bytes() for p in made.files]


def test_a_share_below_a_tenth_never_leaves(engine, tmp_path):
    made = made_world(engine)
    with write(engine) as connection:
        connection.execute(result.update().where(result.c.unit_code == UNITS[2]).values(share="0.0999"))
    with pytest.raises(ConfigurationError, match=f"合成单位3（{UNITS[2]}）2024年的占比 0.0999 低于 0.10"):
        write_office_return(
            engine, Editions((made.edition,)), made.registry, YEAR, tmp_path / "out", today=TODAY
        )
    assert not (tmp_path / "out").exists()


def test_provisional_components_and_missing_units_are_told(engine, tmp_path):
    made = World(engine, edition(indicator("A1.1")), registry(unit(1), unit(2)))
    made.submit(code(1), "2024-Q1", {"code": "A1.1", "numerator": 9, "denominator": 10})
    made.decide("not_applicable", code(2), "A1.1", "2024")
    made.score()
    given_ = write_office_return(
        engine, Editions((made.edition,)), made.registry, YEAR, tmp_path, today=TODAY
    )
    assert (given_.is_final, given_.stages, given_.without_result) == (
        False,
        ("provisional",),
        ("合成单位2",),
    )
    sheet = load_workbook(given_.files[1])["报送表"]
    notes = [str(sheet.cell(row, 1).value) for row in range(1, 7)]
    assert "注意：本表含过程得分，仅供核对，不能作为正式报送；最终得分签发后须重新生成。" in notes
    assert "没有得分的单位 1 个：合成单位2。" in notes
    with pytest.raises(UsageError, match="没有得分"):
        write_office_return(engine, Editions((made.edition,)), made.registry, YEAR - 1, tmp_path, today=TODAY)
