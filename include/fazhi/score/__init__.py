"""Scoring. In: accepted values and an edition. Out: results that a pocket calculator confirms.

``score_slice`` computes and keeps the results of a year and region, ``export_year`` writes them with
everything they were computed from, ``result_body`` is what the platform is sent. ``explain`` tells a person
the way from the component back to the cell, ``compare_versions`` what changed between two versions, ``suppose``
what a decision would change, ``score_workbook`` recomputes every number by formulas, ``sensitivity`` tells how
firmly ranks stand, and ``write_office_return`` hands the components over. The arithmetic (contracts/scoring.md) lives in pure modules:
``aggregation`` (periods to one value), ``status``, ``rates``, ``weights``, ``adjustments``, ``assess``,
``ranking``. Rates are fractions until the one place that rounds, points are integers of hundredths; no float touches a score. Example::

    outcome = score_slice(engine, edition, registry, 2024, "150200", today=day, stage=stage, now=now)
"""

from fazhi.score.changes import Changes, changes_zh, compare_versions
from fazhi.score.compare import (
    LINE_ZH,
    WHY_ZH,
    Difference,
    Snapshot,
    decided_since,
    differences,
    kept_snapshots,
    snapshot_of,
)
from fazhi.score.explain import Basis, explain
from fazhi.score.export import export_year, result_as_data
from fazhi.score.office_return import OfficeReturn, write_office_return
from fazhi.score.results import described, keep_results, result_bodies, result_body
from fazhi.score.sensitivity import Sensitivity, sensitivity
from fazhi.score.slice import (
    ComputedSlice,
    ScoreOutcome,
    Supposition,
    compute_slice,
    provisional_scores,
    score_slice,
    suppose,
)
from fazhi.score.workbook import score_workbook

__all__ = [
    "LINE_ZH",
    "WHY_ZH",
    "Basis",
    "Changes",
    "ComputedSlice",
    "Difference",
    "OfficeReturn",
    "ScoreOutcome",
    "Sensitivity",
    "Snapshot",
    "Supposition",
    "changes_zh",
    "compare_versions",
    "compute_slice",
    "decided_since",
    "described",
    "differences",
    "explain",
    "export_year",
    "keep_results",
    "kept_snapshots",
    "provisional_scores",
    "result_as_data",
    "result_bodies",
    "result_body",
    "score_slice",
    "score_workbook",
    "sensitivity",
    "snapshot_of",
    "suppose",
    "write_office_return",
]
