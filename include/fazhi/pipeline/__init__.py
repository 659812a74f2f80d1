"""The steps of a year's assessment. In: settings and a year. Out: committed rows, and small dictionaries of counts.

The command line and the DAGs call the same functions. Each reads committed rows and commits new ones, can be killed
at any point and run again, and changes nothing when there is nothing new. Time comes in from outside only here:
``now_in_shanghai`` is read once a step.
"""

from fazhi.pipeline.ground import SHANGHAI, Counts, Ground, Progress, now_in_shanghai
from fazhi.pipeline.plan import plan_run
from fazhi.pipeline.reports import report, report_path
from fazhi.pipeline.results import due, platform_client, publish, reconcile, score
from fazhi.pipeline.submissions import (
    FOLDER,
    collect,
    findings_by_severity,
    intake,
    region_codes,
    region_name,
    source_names,
    validate,
)

__all__ = [
    "FOLDER",
    "SHANGHAI",
    "Counts",
    "Ground",
    "Progress",
    "collect",
    "due",
    "findings_by_severity",
    "intake",
    "now_in_shanghai",
    "plan_run",
    "platform_client",
    "publish",
    "reconcile",
    "region_codes",
    "region_name",
    "report",
    "report_path",
    "score",
    "source_names",
    "validate",
]
