"""The commands of docs/operations.zh-CN.md. In: a section's title. Out: its commands as they are printed, without comments."""

import shlex
from collections.abc import Sequence

from fazhi.settings import PROJECT_ROOT

MANUAL = PROJECT_ROOT / "docs" / "operations.zh-CN.md"
FIRST_INSTALLATION = "一、首次安装"
BACKUP_AND_RESTORE = "三、备份与恢复"
_MAINTENANCE = ("docker", "compose", "run", "--rm", "maintenance")


def commands(title: str | None = None) -> list[list[str]]:
    """The commands of the shell blocks of one section, or of all sections, split as a shell splits them."""
    text = MANUAL.read_text(encoding="utf-8")
    if title is not None:
        (text,) = [part for part in text.split("\n## ") if part.startswith(f"{title}\n")]
    blocks = [block.partition("\n```")[0] for block in text.split("```sh\n")[1:]]
    lines = (shlex.split(line, comments=True) for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def maintenance(*words: str) -> Sequence[str]:
    """The one command of backup and restore that a container of ``maintenance`` runs and that begins with these words."""
    found = {
        tuple(line[len(_MAINTENANCE) :])
        for line in commands(BACKUP_AND_RESTORE)
        if tuple(line[: len(_MAINTENANCE) + len(words)]) == (*_MAINTENANCE, *words)
    }
    (command,) = found
    return command
