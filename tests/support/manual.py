"""The commands of docs/operations.zh-CN.md. In: a section's title. Out: its commands as they are printed, without comments."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from fazhi.settings import PROJECT_ROOT

MANUAL = PROJECT_ROOT / "docs" / "operations.zh-CN.md"
THE_HOUR = "新工程师的第一个小时"
FIRST_INSTALLATION = "一、首次安装"
BACKUP_AND_RESTORE = "三、备份与恢复"
_MAINTENANCE = ("docker", "compose", "run", "--rm", "maintenance")
_COMMENT = re.compile(r"(^|\s+)#\s.*$")
_ITEM = re.compile(r"^(\d+)\. \*\*(.+?)\*\*(.*?)(?=^\d+\. |\Z)", re.M | re.S)
_PROGRAMS = "make|docker|sudo|git|mkdir"
_COMMAND_OR_PLACE = re.compile(rf"`((?:{_PROGRAMS}) [^`]+)`|第([一二三四五六七八九十]+)节的?“([^”]+)”")


@dataclass(frozen=True)
class Step:
    """One step of the hour: its own commands and those of the parts that it sends its reader to, in their order."""

    number: int
    title: str
    commands: tuple[str, ...]


def section(title: str) -> str:
    """The text of one section.

    Raises:
        ValueError: There is none, or more than one.
    """
    text = MANUAL.read_text(encoding="utf-8")
    (found,) = [part for part in text.split("\n## ") if part.startswith((f"{title}\n", f"{title}、"))]
    return found


def commands(title: str | None = None) -> list[list[str]]:
    """The commands of the shell blocks of one section, or of all sections, split as a shell splits them."""
    text = MANUAL.read_text(encoding="utf-8") if title is None else section(title)
    return [shlex.split(line) for line in _lines(text, "sh")]


def hour() -> list[Step]:
    """The steps of a new engineer's first hour."""
    return [
        Step(int(number), title, tuple(_of_step(text)))
        for number, title, text in _ITEM.findall(section(THE_HOUR))
    ]


def crontab() -> list[str]:
    """The lines of the host's crontab."""
    return _lines(section(BACKUP_AND_RESTORE), "crontab")


def maintenance(*words: str) -> Sequence[str]:
    """The one command of backup and restore that a container of ``maintenance`` runs and that begins with these words."""
    found = {
        tuple(line[len(_MAINTENANCE) :])
        for line in commands(BACKUP_AND_RESTORE)
        if tuple(line[: len(_MAINTENANCE) + len(words)]) == (*_MAINTENANCE, *words)
    }
    (command,) = found
    return command


def _of_step(text: str) -> list[str]:
    found: list[str] = []
    for command, number, part in _COMMAND_OR_PLACE.findall(text):
        if command:
            found.append(command)
            continue
        (named,) = [one for one in section(number).split("\n### ") if one.startswith(f"{part}\n")]
        found += _lines(named, "sh")
    return found


def _lines(text: str, language: str) -> list[str]:
    """The lines of all blocks of a language, without comments."""
    blocks = [block.partition("\n```")[0] for block in text.split(f"```{language}\n")[1:]]
    lines = [_COMMENT.sub("", line) for block in blocks for line in block.splitlines()]
    return [line for line in lines if line]
