"""Editions to break. In: a shipped edition. Out: a copy that a test changes cell by cell."""

import csv
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from fazhi.model.errors import ConfigurationError
from fazhi.settings import PROJECT_ROOT
from fazhi.systems import Edition, load_edition

SHIPPED = PROJECT_ROOT / "include" / "indicator_systems"


class _Written(yaml.CSafeDumper):
    """Writes equal values twice instead of using anchors, which editions do not have."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


class Draft:
    """A copy of a shipped edition, open to changes."""

    def __init__(self, folder: Path, system_id: str = "2024") -> None:
        self.path = folder / system_id
        self.id = system_id
        shutil.copytree(SHIPPED / system_id, self.path)

    def load(self) -> Edition:
        return load_edition(self.path)

    def faults(self) -> tuple[str, ...]:
        with pytest.raises(ConfigurationError) as caught:
            self.load()
        return caught.value.faults

    def write(self, file: str, content: str | bytes) -> None:
        content = content.encode() if isinstance(content, str) else content
        (self.path / file).write_bytes(content)

    # indicators.csv

    def table(self) -> list[list[str]]:
        text = (self.path / "indicators.csv").read_text(encoding="utf-8")
        return list(csv.reader(io.StringIO(text, newline="")))

    def write_table(self, records: list[list[str]], newline: str = "\n", bom: bool = False) -> None:
        out = io.StringIO(newline="")
        csv.writer(out, lineterminator=newline).writerows(records)
        self.write("indicators.csv", out.getvalue().encode("utf-8-sig" if bom else "utf-8"))

    def row_of(self, code: str) -> int:
        """The row number as a steward counts it: the header is row 1."""
        return next(number for number, record in enumerate(self.table(), 1) if record[0] == code)

    def set(self, code: str, /, **cells: str) -> int:
        """Overwrite cells of an indicator's row; gives the row number."""
        records = self.table()
        row = self.row_of(code)
        for column, text in cells.items():
            records[row - 1][records[0].index(column)] = text
        self.write_table(records)
        return row

    # YAML files

    def data(self, file: str) -> Any:
        return yaml.load((self.path / file).read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    def dump(self, file: str, data: Any, **style: Any) -> None:
        style = {"allow_unicode": True, "sort_keys": False, "width": 10_000, **style}
        self.write(file, yaml.dump(data, Dumper=_Written, **style))

    def change(self, file: str, edit: Callable[[Any], object]) -> None:
        """Change a YAML file's data in place and write it back."""
        data = self.data(file)
        edit(data)
        self.dump(file, data)

    def replace(self, file: str, old: str, new: str) -> int:
        """Replace the one occurrence of a text; gives its line."""
        text = (self.path / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} occurs {text.count(old)} times"
        self.write(file, text.replace(old, new))
        return text[: text.index(old)].count("\n") + 1

    def line_of(self, file: str, text: str, last: bool = False) -> int:
        lines = (self.path / file).read_text(encoding="utf-8").splitlines()
        found = [number for number, line in enumerate(lines, 1) if text in line]
        return found[-1 if last else 0]
