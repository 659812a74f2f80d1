"""Scoring. In: accepted values and an edition. Out: results that a pocket calculator confirms.

``score_slice`` computes and keeps the results of a year and region, ``export_year`` writes them with
everything they were computed from, ``result_body`` is what the platform is sent, ``explain`` tells a person
the way from the component back to the cell. The arithmetic (contracts/scoring.md) lives in pure modules:
``aggregation`` (periods to one value), ``status``, ``rates``, ``weights``, ``adjustments``, ``assess``,
``ranking``. Rates are fractions until the
one place that rounds, points are integers of hundredths; no float touches a score. Example::

    outcome = score_slice(engine, edition, registry, 2024, "150200", today=day, stage=stage, now=now)
"""

from fazhi.score.explain import explain
from fazhi.score.export import export_year
from fazhi.score.results import result_bodies, result_body
from fazhi.score.slice import ScoreOutcome, score_slice

__all__ = ["ScoreOutcome", "explain", "export_year", "result_bodies", "result_body", "score_slice"]
