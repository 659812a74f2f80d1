"""Two registries compared. In: the CSV files of each. Out: rows that appeared, went or changed, in plain Chinese.

Works on cells, so that every difference of content shows; holidays (``<year>.csv``) are compared the same way.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

_KEYS: Mapping[str, tuple[str, ...]] = {
    "units.csv": ("unit_code", "valid_from"),
    "unit_aliases.csv": ("unit_code", "alias_zh", "valid_from"),
    "sources.csv": ("source", "division_code", "years"),
    "lead_tasks.csv": ("year", "task_id"),
    "adjustments.csv": ("year", "unit_code", "code", "level", "indicator_code", "title_zh", "document"),
    "code_exceptions.csv": ("unit_code",),
}
_HOLIDAY_KEY = ("day",)
_NAMES = ("name_zh", "alias_zh", "title_zh")
_EMPTY = "（空）"

_Rows = dict[tuple[str, ...], dict[str, str]]


def diff_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The differences, a line each, by file and row.

    Args:
        before: Content of the files by path; sound, as ``load_registry`` or ``WorkingDays.load`` accept them.
        after: The same of the proposed ones.
    """
    told: list[str] = []
    for path in sorted({*before, *after}):
        if before.get(path) != after.get(path):
            told += _diff_file(path, before.get(path), after.get(path))
    return told


def _diff_file(path: str, before: bytes | None, after: bytes | None) -> list[str]:
    if not path.endswith(".csv"):
        what = "新增文件" if before is None else "删除文件" if after is None else "文件有修改"
        return [f"{path}：{what}"]
    old, new = _rows(path, before), _rows(path, after)
    lines = [
        *(f"  新增 {_row_zh(row)}" for key, row in sorted(new.items()) if key not in old),
        *(f"  删除 {_row_zh(row)}" for key, row in sorted(old.items()) if key not in new),
        *(
            f"  修改 {'，'.join(filter(None, key))}{_name(new[key])}：{'；'.join(_cells(old[key], new[key]))}"
            for key in sorted(old.keys() & new.keys())
            if old[key] != new[key]
        ),
    ]
    return [f"{path}：" if lines else f"{path}：只有行序或写法不同，内容没有变化", *lines]


def _rows(path: str, content: bytes | None) -> _Rows:
    if content is None:
        return {}
    key = _KEYS.get(path, _HOLIDAY_KEY)
    rows: _Rows = {}
    for cells in csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")):
        row = {name.strip(): (cell or "").strip() for name, cell in cells.items() if isinstance(name, str)}
        if any(row.values()):
            rows[tuple(row.get(name, "") for name in key)] = row
    return rows


def _row_zh(row: Mapping[str, str]) -> str:
    return "，".join(f"{name}={cell}" for name, cell in row.items() if cell)


def _name(row: Mapping[str, str]) -> str:
    named = next((row[name] for name in _NAMES if row.get(name)), "")
    return f"（{named}）" if named else ""


def _cells(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    names: Sequence[str] = list(dict.fromkeys((*old, *new)))
    for name in names:
        if old.get(name, "") != new.get(name, ""):
            yield f"{name} 由“{old.get(name) or _EMPTY}”改为“{new.get(name) or _EMPTY}”"
