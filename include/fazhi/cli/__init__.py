"""The command line ``fazhi`` (contracts/cli.md). In: arguments and settings. Out: results on stdout, progress on stderr.

Exit status: 0 done and clean; 1 done, and something needs a person; 2 wrong usage or configuration; 3 a source or the
platform could not be reached. ``--json`` prints one document for machines. One module per topic; importing it adds its
commands.
"""

import sys
from io import TextIOWrapper
from typing import NoReturn

from sqlalchemy.exc import InterfaceError, OperationalError

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
from fazhi.model.errors import FazhiError, Unreachable, UsageError

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
    """Run the command line; what a person can put right is told in words, without a traceback.

    A ``FazhiError`` has its own exit status; a file or folder that cannot be read or written is wrong use (2); a
    database that went away is not reachable (3).
    """
    _escape_what_the_terminal_lacks()
    try:
        app()
    except FazhiError as stop:
        _stop(str(stop), stop.exit_status)
    except OSError as failure:
        _stop(_words_of(failure), UsageError.exit_status)
    except (OperationalError, InterfaceError):
        _stop("数据库连接中断，没有提交的不会保存；请稍后再试", Unreachable.exit_status)


def _escape_what_the_terminal_lacks() -> None:
    r"""A sign that the locale's encoding does not have is written as ``\uXXXX``, not told with a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _stop(message: str, status: int) -> NoReturn:
    err.print(message, style="bold red", markup=False, highlight=False, soft_wrap=True)
    sys.exit(status)


def _words_of(failure: OSError) -> str:
    reason = failure.strerror or str(failure)
    return f"{failure.filename} 不能读写：{reason}" if failure.filename else f"系统拒绝了这项操作：{reason}"
