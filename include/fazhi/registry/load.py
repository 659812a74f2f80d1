"""Reading the registry. In: a folder of CSV files and the editions. Out: a ``Registry`` or all faults.

Files (contracts/indicator-system.md): ``units.csv`` and ``sources.csv`` must be there; ``unit_aliases.csv``,
``lead_tasks.csv``, ``adjustments.csv`` and ``code_exceptions.csv`` may be missing. Any other CSV file in the
folder is refused: a misspelt name would silently drop its rows.
"""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from fazhi.model import canonical
from fazhi.model.errors import ConfigurationError
from fazhi.registry.checks import EditionSet, faults_between
from fazhi.registry.reading import FORMS, SOURCES, UNITS, Records, read_records
from fazhi.registry.registry import Registry
from fazhi.registry.tables import Fault, Row, read_rows

__all__ = ["EditionSet", "load_registry"]


def load_registry(registry_dir: Path, editions: EditionSet | None) -> Registry:
    """Read and check a registry.

    Args:
        registry_dir: The folder of the CSV files.
        editions: The editions whose profiles and indicator codes the registry must fit; ``None`` skips what
            needs them.

    Returns:
        The registry with its digest.

    Raises:
        ConfigurationError: Anything is wrong; ``faults`` names each with file, line and column.
    """
    faults = _stray_files(registry_dir)
    rows = {form.file: read_rows(registry_dir, form, faults) for form in FORMS}
    records = read_records(rows, faults)
    if rows[UNITS.file] and rows[SOURCES.file]:
        faults.extend(faults_between(records, editions))
    if faults:
        found = tuple(str(fault) for fault in sorted(set(faults)))
        raise ConfigurationError(f"单位名录({registry_dir})有{len(found)}处问题，更正后才能使用：", found)
    return _assembled(records, _digest(rows))


def _stray_files(folder: Path) -> list[Fault]:
    known = {form.file for form in FORMS}
    strays = sorted(path.name for path in folder.glob("*.csv") if path.name not in known)
    return [Fault(name, 0, "", "未知的文件；可用：" + "、".join(sorted(known))) for name in strays]


def _digest(rows: Mapping[str, Sequence[Row]]) -> str:
    """Digest of the cells: order of rows and columns, blanks around cells and line endings do not matter.

    Nor does a later column that nobody fills: nothing need be read anew because there might be one.
    """
    later = {form.file: form.later_columns for form in FORMS}
    return canonical.digest(
        {file: sorted(_row_digest(row, later[file]) for row in found) for file, found in rows.items()}
    )


def _row_digest(row: Row, later: Collection[str]) -> str:
    return canonical.digest({name: cell for name, cell in row.cells.items() if cell or name not in later})


def _assembled(records: Records, digest: str) -> Registry:
    return Registry(
        units=[placed.record for placed in records.units],
        aliases=[placed.record for placed in records.aliases],
        sources=[placed.record for placed in records.sources],
        lead_tasks=[placed.record for placed in records.lead_tasks],
        adjustments=[placed.record for placed in records.adjustments],
        digest=digest,
    )
