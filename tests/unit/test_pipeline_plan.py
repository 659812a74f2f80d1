"""What a run may do: the year from its partition key, push or not by mode and kind of run, refusals in Chinese."""

from datetime import datetime

import pytest
from sqlalchemy import insert, select

from fazhi import pipeline
from fazhi.model.errors import UsageError
from fazhi.settings import Settings
from fazhi.store import read, write
from fazhi.store.tables import final_outcome, final_proposal, final_seal, pipeline_run

NOW = datetime.fromisoformat("2024-11-20T09:00:00+08:00")


@pytest.fixture
def settings(tmp_path):
    return Settings.load(
        environ={"FAZHI_STORE_URL": f"sqlite:///{tmp_path / 'f.db'}", "FAZHI_INBOX": str(tmp_path / "inbox")}
    )


def _plan(settings, **given):
    asked = {
        "run_id": "manual__2023",
        "partition_key": "2023",
        "run_type": "manual",
        "mode": "auto",
        "reason": None,
        "actor": "审核员甲",
        "now": NOW,
    }
    return pipeline.plan_run(settings, **(asked | given))


@pytest.mark.parametrize(
    ("run_type", "mode", "reason", "pushes"),
    [
        ("scheduled", "auto", None, True),
        ("scheduled", "dry_run", None, False),
        ("backfill", "auto", None, False),
        ("manual", "auto", "有理由", False),
        ("backfill", "push", "补推", True),
        ("manual", "dry_run", "补推", False),
    ],
)
def test_only_the_night_or_a_reasoned_push_leaves_the_house(settings, run_type, mode, reason, pushes):
    assert _plan(settings, run_type=run_type, mode=mode, reason=reason)["push"] is pushes


@pytest.fixture
def sealed(settings):
    """A sealed 2023, without results of its own."""
    year = {"year": 2023, "region": "150200", "number": 1}
    with write(pipeline.Ground(settings).engine) as connection:
        connection.execute(
            insert(final_proposal).values(
                **year,
                kind="final",
                digest="0" * 64,
                units=0,
                system_digest="0" * 64,
                reason="",
                proposed_by="kp-steward-1",
                proposed_name="合成",
                proposed_at="2024-04-15T09:00:00+08:00",
                objection_until="2024-04-22",
            )
        )
        connection.execute(
            insert(final_outcome).values(
                **year,
                outcome="signed",
                digest="0" * 64,
                proposed_by="kp-steward-1",
                decided_by="kp-chief-1",
                decided_name="合成",
                decided_as="chief",
                decided_at="2024-04-23T09:00:00+08:00",
            )
        )
        sealed_by = {"sealed_by": "fazhi", "sealed_name": "系统", "sealed_at": "2024-04-24T09:00:00+08:00"}
        connection.execute(insert(final_seal).values(**year, digest="0" * 64, units=0, **sealed_by))
    return settings


def test_the_nightly_tick_of_a_sealed_year_ends_at_once(sealed):
    planned = _plan(sealed, run_type="scheduled")
    assert planned["skip"] == "2023年度已封存，夜间执行到此结束"
    assert (planned["push"], planned["compare"]) == (False, True)


@pytest.mark.parametrize(
    ("run_type", "mode", "reason", "push"),
    [
        ("manual", "auto", None, False),
        ("backfill", "dry_run", None, False),
        ("backfill", "push", "更正", True),
    ],
)
def test_any_other_run_of_a_sealed_year_compares(sealed, run_type, mode, reason, push):
    planned = _plan(sealed, run_type=run_type, mode=mode, reason=reason)
    assert (planned["skip"], planned["compare"], planned["push"]) == ("", True, push)


def test_an_open_year_neither_skips_nor_compares(sealed):
    planned = _plan(sealed, partition_key="2022", run_type="scheduled")
    assert (planned["skip"], planned["compare"], planned["push"]) == ("", False, True)


def test_the_year_decides_the_edition(settings):
    assert _plan(settings, partition_key="2021")["system_id"] == "2021"
    assert _plan(settings, run_id="other", partition_key="2024")["system_id"] == "2024"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"partition_key": None}, "没有给出考评年度"),
        ({"partition_key": ""}, "没有给出考评年度"),
        ({"partition_key": "20x3"}, "20x3"),
        ({"partition_key": "２０２３"}, "不是考评年度"),
        ({"partition_key": "2025"}, "2025年还没有开始"),
        ({"mode": "push"}, "覆盖现有执行的参数"),
        ({"mode": "push", "reason": "   "}, "没有填写理由"),
        ({"mode": "force"}, "mode 只能是"),
    ],
)
def test_what_makes_no_sense_is_refused_and_not_recorded(settings, given, words):
    with pytest.raises(UsageError, match=words):
        _plan(settings, **given)
    with read(pipeline.Ground(settings).engine) as connection:
        assert connection.execute(select(pipeline_run)).all() == []


def test_on_new_years_eve_utc_shanghai_has_begun_the_new_year(settings):
    eve = datetime.fromisoformat("2024-12-31T16:30:00+00:00")
    assert _plan(settings, partition_key="2025", now=eve)["year"] == 2025


def test_a_run_is_recorded_once_with_its_reason(settings):
    for _ in range(2):
        _plan(settings, mode="push", reason=" 更正后补推 ")
    with read(pipeline.Ground(settings).engine) as connection:
        (row,) = connection.execute(select(pipeline_run)).mappings().all()
    assert (row["reason"], row["mode"], row["year"], row["actor"]) == ("更正后补推", "push", 2023, "审核员甲")
