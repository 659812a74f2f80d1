"""Collect: what departments and offices sent. In: the inbox folder, the portal. Out: raw files, current submissions.

Nothing is opened here but the manifest and, for a bare workbook, its cover sheet; what the files say is read
by the intake. What became of a submission is told to the portal that brought it (``report_back``).
"""

from fazhi.collect.counts import CollectCounts
from fazhi.collect.folder import collect_folder
from fazhi.collect.manifest import ListedFile, Manifest, ManifestError, read_manifest
from fazhi.collect.portal import collect_portal
from fazhi.collect.portal_client import PortalClient
from fazhi.collect.reporting import CorrectionList, ReportCounts, ReviewOutcome, report_back

__all__ = [
    "CollectCounts",
    "CorrectionList",
    "ListedFile",
    "Manifest",
    "ManifestError",
    "PortalClient",
    "ReportCounts",
    "ReviewOutcome",
    "collect_folder",
    "collect_portal",
    "read_manifest",
    "report_back",
]
