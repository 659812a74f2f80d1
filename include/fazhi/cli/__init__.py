"""The command line ``fazhi`` (contracts/cli.md). In: arguments and settings. Out: results on stdout, progress on stderr.

Exit status: 0 done and clean; 1 done, and something needs a person; 2 wrong usage or configuration; 3 a source or the
platform could not be reached. ``--json`` prints one document for machines. One module per topic; importing it adds its
commands.
"""

import sys

from fazhi.cli import (
    administration,
    audit,
    backup,
    check,
    decisions,
    explain,
    final,
    ground,
    operations,
    outbox,
    results,
    returns,
    roles,
    submissions,
    systems,
    trying,
)
from fazhi.cli.app import app, err
from fazhi.model.errors import FazhiError

__all__ = [
    "administration",
    "app",
    "audit",
    "backup",
    "check",
    "decisions",
    "explain",
    "final",
    "ground",
    "main",
    "operations",
    "outbox",
    "results",
    "returns",
    "roles",
    "submissions",
    "systems",
    "trying",
]


def main() -> None:
    """Run the command line; a ``FazhiError`` is told in its own words, without a traceback."""
    try:
        app()
    except FazhiError as stop:
        err.print(str(stop), style="bold red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(stop.exit_status)
