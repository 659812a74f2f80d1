"""The steps of a year's assessment. In: settings and a year. Out: committed rows, and small dictionaries of counts.

The command line and the DAGs call the same functions. Each reads committed rows and commits new ones, can be killed
at any point and run again, and changes nothing when there is nothing new. Time comes in from outside only here:
``now_in_shanghai`` is read once a step.
"""

from fazhi.model.terms import Stage
from fazhi.pipeline.final import (
    Desk,
    Preview,
    decide_appeal,
    difference_zh,
    differences_path,
    file_appeal,
    has_sealed_results,
    is_sealed,
    preview_proposal,
    propose_correction,
    propose_final,
    region_is_sealed,
    seal_what_can_be,
    seal_year,
    sign_proposal,
    withdraw_proposal,
    year_appeals,
    year_differences,
    year_status,
    years_to_send,
)
from fazhi.pipeline.ground import SHANGHAI, Counts, Ground, Progress, now_in_shanghai
from fazhi.pipeline.outbox import forgotten_versions, recover_versions, retry_refused
from fazhi.pipeline.plan import note_end, plan_run
from fazhi.pipeline.reports import report, report_path
from fazhi.pipeline.results import compare_sealed, due, platform_client, publish, reconcile, score
from fazhi.pipeline.submissions import (
    FOLDER,
    PORTAL,
    collect,
    findings_by_severity,
    intake,
    portal_client,
    region_codes,
    region_name,
    report_back,
    source_names,
    tells_departments,
    validate,
)

FINAL = Stage.FINAL
"""What a signed result is pushed as; for tasks, which import only this package."""

__all__ = [
    "FINAL",
    "FOLDER",
    "PORTAL",
    "SHANGHAI",
    "Counts",
    "Desk",
    "Ground",
    "Preview",
    "Progress",
    "collect",
    "compare_sealed",
    "decide_appeal",
    "difference_zh",
    "differences_path",
    "due",
    "file_appeal",
    "findings_by_severity",
    "forgotten_versions",
    "has_sealed_results",
    "intake",
    "is_sealed",
    "note_end",
    "now_in_shanghai",
    "plan_run",
    "platform_client",
    "portal_client",
    "preview_proposal",
    "propose_correction",
    "propose_final",
    "publish",
    "reconcile",
    "recover_versions",
    "region_codes",
    "region_is_sealed",
    "region_name",
    "report",
    "report_back",
    "report_path",
    "retry_refused",
    "score",
    "seal_what_can_be",
    "seal_year",
    "sign_proposal",
    "source_names",
    "tells_departments",
    "validate",
    "withdraw_proposal",
    "year_appeals",
    "year_differences",
    "year_status",
    "years_to_send",
]
