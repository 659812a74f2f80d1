"""One submission read. In: its workbook files, what is known of it, the edition. Out: values and findings.

Whatever the bytes, there is a reading: with values, or unreadable with one finding about the file.
"""

from collections.abc import Sequence

from fazhi.intake.rows import read_rows
from fazhi.intake.table import find_table
from fazhi.intake.values import Reading, Submitted
from fazhi.intake.wording import ReadFinding, Wording
from fazhi.model.findings import Finding
from fazhi.sheets import Cover, FileFault, ReadFile, cover_of, period_of, read_file, template_of
from fazhi.sheets.cover import PERIOD, UNIT_CODE, Entry, code_of
from fazhi.systems.edition import Edition


def read_submission(
    workbooks: Sequence[tuple[str, bytes]], submitted: Submitted, edition: Edition, wording: Wording
) -> Reading:
    """Read a submission.

    Args:
        workbooks: Name and content of each file that came as the workbook; there should be one.
        submitted: What is known of it.
        edition: The indicator system of its year.
        wording: The edition's words for the year.
    """
    if len(workbooks) != 1:
        return _unreadable(_not_one(workbooks), wording, submitted)
    name, content = workbooks[0]
    return read_document(read_file(content, name), submitted, edition, wording)


def read_document(file: ReadFile, submitted: Submitted, edition: Edition, wording: Wording) -> Reading:
    """Read a file whose cells are known already (the self-check reads the cover first)."""
    if file.fault is not None:
        return _unreadable(file.fault, wording, submitted)
    table = find_table(file, submitted.kind)
    if isinstance(table, FileFault):
        return _unreadable(table, wording, submitted)
    values, findings = read_rows(table, submitted, edition, wording)
    faults = [wording.fault(note) for note in file.notes]
    faults += _about_template(file, edition, wording)
    faults += _about_cover(file, submitted, wording)
    if not values:
        faults.append(
            wording.fault(FileFault("EMPTY", "空表", "至少一项指标的数据", "填报表中没有填写任何指标"))
        )
    return Reading(True, tuple(values), (*_on_file(faults, submitted), *findings))


def _not_one(workbooks: Sequence[tuple[str, bytes]]) -> FileFault:
    if not workbooks:
        return FileFault("EMPTY", "没有填报表", "一个填报表文件", "报送中没有填报表文件")
    names = "、".join(name for name, _ in workbooks)
    return FileFault(
        "NOT_TEMPLATE",
        names,
        "一个填报表文件",
        f"一次报送只能有一个填报表文件，收到{len(workbooks)}个：{names}",
    )


def _unreadable(fault: FileFault, wording: Wording, submitted: Submitted) -> Reading:
    return Reading(False, (), _on_file([wording.fault(fault)], submitted))


def _on_file(findings: Sequence[Finding | None], submitted: Submitted) -> tuple[ReadFinding, ...]:
    return tuple(
        ReadFinding(finding, unit_code=submitted.sender_code) for finding in findings if finding is not None
    )


def _about_template(file: ReadFile, edition: Edition, wording: Wording) -> list[Finding | None]:
    """A template of another edition asks for other indicators; one of another state of it does not."""
    system_id = template_of(file).get("system_id", "")
    if system_id in ("", edition.system_id):
        return []
    return [
        wording.finding(
            "TEMPLATE_VERSION",
            found=system_id,
            expected=edition.system_id,
            detail=f"填报表是指标体系“{system_id}”的，本年度使用“{edition.system_id}”，请下载新的填报表",
        )
    ]


def _about_cover(file: ReadFile, submitted: Submitted, wording: Wording) -> list[Finding | None]:
    cover, template = cover_of(file) or Cover({}), template_of(file)
    findings = []
    period = _entry(cover, PERIOD, template.get("period", ""))
    if period.text and period_of(period.text) != submitted.period:
        findings.append(
            wording.finding(
                "PERIOD_MISMATCH",
                sheet=period.sheet or None,
                cell=period.cell or None,
                found=period.text,
                expected=str(submitted.period),
                detail=f"报送的填报期是{submitted.period.name_zh}",
            )
        )
    code = _entry(cover, UNIT_CODE, template.get("unit_code", ""))
    if code.text and code_of(code.text) != submitted.sender_code:
        findings.append(
            wording.finding(
                "AUTHZ",
                sheet=code.sheet or None,
                cell=code.cell or None,
                found=code.text,
                expected=submitted.sender_code,
                detail="封面的统一社会信用代码不是报送单位的代码",
            )
        )
    return findings


def _entry(cover: Cover, label: str, in_template: str) -> Entry:
    """What the cover says, or where it says nothing, what the template was made for."""
    return cover.entries.get(label) or Entry(in_template, "", "")
