"""Collect: what departments and offices sent. In: the inbox folder. Out: raw files, current submissions.

Nothing is opened here but the manifest and, for a bare workbook, its cover sheet; what the files say is read
by the intake.
"""

from fazhi.collect.folder import CollectCounts, collect_folder
from fazhi.collect.manifest import ListedFile, Manifest, ManifestError, read_manifest

__all__ = ["CollectCounts", "ListedFile", "Manifest", "ManifestError", "collect_folder", "read_manifest"]
