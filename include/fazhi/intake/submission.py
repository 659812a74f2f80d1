"""One submission read. In: its files, what is known of it, the edition, the registry. Out: values and findings.

Whatever the bytes, there is a reading: with values, or unreadable with findings about the file. A classified marking
anywhere stops everything else: nothing of the submission is then read or shown.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from fazhi.intake.cleaning import Cleaned, classified_fault, cleaned, personal_data, places_of
from fazhi.intake.covers import judge_cover
from fazhi.intake.evidence import EvidenceFiles, unit_names
from fazhi.intake.rows import RowContext, RowsRead, read_rows
from fazhi.intake.table import find_table
from fazhi.intake.values import Reading, Submitted
from fazhi.intake.wording import ReadFinding, Seen, Wording
from fazhi.model.findings import Finding
from fazhi.model.privacy import mask_personal_data
from fazhi.registry.registry import Registry
from fazhi.sheets import FileFault, ReadFile, read_file
from fazhi.sheets.attachments import inspect_attachment
from fazhi.sheets.cover import COVER_SHEET
from fazhi.sheets.markings import marked_name
from fazhi.systems.edition import Edition

Evidence = Iterable[tuple[str, bytes]]
"""Name and content of each evidence file; looked at one by one."""


def read_submission(
    workbooks: Sequence[tuple[str, bytes]],
    submitted: Submitted,
    edition: Edition,
    wording: Wording,
    *,
    registry: Registry | None = None,
    evidence: Evidence = (),
) -> Reading:
    """Read a submission.

    Args:
        workbooks: Name and content of each file that came as the workbook; there should be one.
        submitted: What is known of it.
        edition: The indicator system of its year.
        wording: The edition's words for the year.
        registry: Its units and names; ``None`` leaves unchecked what needs them.
        evidence: Name and content of the evidence files, to be inspected.
    """
    names = [name for name, _ in workbooks]
    faults = _of_evidence(submitted, evidence)
    marked = _classified_among(names, faults)
    if marked is not None:
        return _unreadable([marked], wording, submitted)
    if len(workbooks) != 1:
        return _unreadable([_not_one(names), *faults], wording, submitted)
    name, content = workbooks[0]
    with _collector_paused():
        return _read(read_file(content, name), submitted, edition, wording, registry, faults)


def read_document(
    file: ReadFile,
    submitted: Submitted,
    edition: Edition,
    wording: Wording,
    *,
    registry: Registry | None = None,
    evidence: Evidence = (),
) -> Reading:
    """Read a file whose cells are known already (the self-check reads the cover first)."""
    faults = _of_evidence(submitted, evidence)
    marked = _classified_among([file.name], faults)
    if marked is not None:
        return _unreadable([marked], wording, submitted)
    with _collector_paused():
        return _read(file, submitted, edition, wording, registry, faults)


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No search for reference cycles while one workbook is read: it takes as long as the reading and finds none.

    Cells and values live until the reading ends, within the limits of a file, and nothing of the readers refers to
    itself. Evidence is looked at outside.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read(
    file: ReadFile,
    submitted: Submitted,
    edition: Edition,
    wording: Wording,
    registry: Registry | None,
    of_evidence: Sequence[FileFault],
) -> Reading:
    if file.fault is not None:
        return _unreadable([file.fault, *of_evidence], wording, submitted)
    marked = classified_fault(file)
    if marked is not None:
        return _unreadable([marked], wording, submitted)
    table = find_table(file, submitted.kind)
    if isinstance(table, FileFault):
        return _unreadable([table, *of_evidence], wording, submitted)
    clean = cleaned(file, table)
    read = read_rows(_context(clean, submitted, edition, wording, registry))
    seen = [*_elsewhere(clean, read), *_about_cover(clean, submitted, edition, registry)]
    seen += _in_names(submitted, read)
    faults = [*file.notes, *table.notes, *of_evidence]
    if not read.values:
        faults.append(
            FileFault(
                "EMPTY",
                "空表",
                "至少一项指标的数据",
                "填报表中没有填写任何指标",
                detail_en="No indicator is filled in.",
            )
        )
    findings = [wording.fault(fault) for fault in faults] + [wording.word(one) for one in seen]
    return Reading(True, read.values, (*_on_file(findings, submitted), *read.findings))


def _context(
    clean: Cleaned, submitted: Submitted, edition: Edition, wording: Wording, registry: Registry | None
) -> RowContext:
    names = (mask_personal_data(name).text for name in submitted.evidence)
    known = unit_names(registry, submitted.period.year) if registry is not None else None
    return RowContext(clean, submitted, edition, wording, registry, EvidenceFiles(names), known)


# --- the parts


def _about_cover(
    clean: Cleaned, submitted: Submitted, edition: Edition, registry: Registry | None
) -> list[Seen]:
    unreadable = frozenset(
        f"B{row}"
        for (sheet, row, _), found in clean.seen.items()
        if (sheet or "").strip() == COVER_SHEET and any(one.case == "private_use" for one in found)
    )
    return judge_cover(clean.file, submitted, edition, registry, unreadable)


def _elsewhere(clean: Cleaned, read: RowsRead) -> list[Seen]:
    """What was masked or taken out of cells that stand in no row that is a value."""
    columns = {column for column, _ in clean.table.columns.values()}
    on_values = {
        place
        for place in clean.seen
        if place[0] == clean.table.sheet.name and place[1] in read.rows and place[2] in columns
    }
    rest = {place: found for place, found in clean.seen.items() if place not in on_values}
    return list(places_of(rest, clean.file, clean.table))


def _in_names(submitted: Submitted, read: RowsRead) -> list[Seen]:
    """Personal data in the names of evidence files that no row names; on a row it is told there."""
    masked = [mask_personal_data(name) for name in submitted.evidence]
    return [
        personal_data(one.text, one.kinds) for one in masked if one.kinds and one.text not in read.evidence
    ]


def _of_evidence(submitted: Submitted, evidence: Evidence) -> list[FileFault]:
    faults = []
    for name, content in evidence:
        faults += [
            replace(fault, found=mask_personal_data(fault.found).text)
            for fault in inspect_attachment(name, content)
        ]
    for number, name in enumerate(submitted.evidence, 1):
        if marked_name(name):
            faults.append(
                _classified(
                    f"第{number}个佐证材料的文件名带有涉密标志",
                    f"The name of evidence file {number} bears it.",
                )
            )
    return faults


def _classified_among(names: Sequence[str], faults: Sequence[FileFault]) -> FileFault | None:
    """The marking that stops everything: on the name of the workbook, or on evidence."""
    if any(marked_name(name) for name in names):
        return _classified("填报表的文件名带有涉密标志", "The name of the workbook bears it.")
    return next((fault for fault in faults if fault.rule == "CLASSIFIED"), None)


def _classified(chinese: str, english: str) -> FileFault:
    return FileFault("CLASSIFIED", "涉密标志", "不含涉密标志的文件", chinese, detail_en=english)


def _not_one(names: Sequence[str]) -> FileFault:
    if not names:
        return FileFault(
            "EMPTY",
            "没有填报表",
            "一个填报表文件",
            "报送中没有填报表文件",
            detail_en="The submission has no workbook.",
        )
    listed = "、".join(names)
    return FileFault(
        "NOT_TEMPLATE",
        listed,
        "一个填报表文件",
        f"一次报送只能有一个填报表文件，收到{len(names)}个：{listed}",
        detail_en=f"One workbook is expected, {len(names)} came.",
    )


def _unreadable(faults: Sequence[FileFault], wording: Wording, submitted: Submitted) -> Reading:
    return Reading(False, (), _on_file([wording.fault(fault) for fault in faults], submitted))


def _on_file(findings: Sequence[Finding | None], submitted: Submitted) -> tuple[ReadFinding, ...]:
    return tuple(
        ReadFinding(finding, unit_code=submitted.sender_code) for finding in findings if finding is not None
    )
