"""All faults of an edition at once. In: places and messages. Out: one ``ConfigurationError`` in Chinese.

A place names the file, the row and the column (or the path inside a YAML file); every fault is one line that
a steward can act on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fazhi.model.errors import ConfigurationError

Path = tuple[str | int, ...]
"""The way to a value inside a tree: keys and list positions (from 0)."""


@dataclass
class Faults:
    """The faults found so far, in the order of the files."""

    found: list[str] = field(default_factory=list)

    def add(self, place: str, message: str) -> None:
        """Note one fault; the same sentence is noted once."""
        fault = f"{place}：{message}"
        if fault not in self.found:
            self.found.append(fault)

    def raise_if_any(self, title: str) -> None:
        """Stop with everything that was found.

        Raises:
            ConfigurationError: At least one fault was noted.
        """
        if self.found:
            raise ConfigurationError(f"{title}（共 {len(self.found)} 处），未予采用：", tuple(self.found))


def path_text(path: Path) -> str:
    """A path as a steward reads it, lists counted from 1: ``profiles[2].shares``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            text += f".{step}" if text else step
    return text


def tree_place(file: str, lines: Mapping[Path, int]) -> Callable[[Path], str]:
    """How places inside a YAML file are named: file, line and path."""

    def place(path: Path) -> str:
        known = path
        while known and known not in lines:
            known = known[:-1]
        line = f" 第{lines[known]}行" if known in lines else ""
        return f"{file}{line} {path_text(path)}".rstrip()

    return place


def cell_place(file: str, row: int, column: str, code: str = "") -> str:
    """The name of a place in a CSV file: row (the header is row 1) and column."""
    return f"{file} 第{row}行 {column} 列" + (f"({code})" if code else "")
