"""The receipt (回执) and the list of corrections of a stored submission. In: the store. Out: HTML, text, xlsx.

The receipt says what was read, what was changed automatically, what must be corrected, by when and whom to ask, and
what a steward has confirmed. The page loads nothing from anywhere and runs nothing.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from sqlalchemy import Engine

from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import ValueType
from fazhi.registry import Registry
from fazhi.review.listed import Listed, place_zh
from fazhi.review.marked import write_marked
from fazhi.review.returned import next_step_zh, summary_zh
from fazhi.review.stored import Returned, returned
from fazhi.store.engine import read
from fazhi.store.raw import RawStore
from fazhi.systems.edition import Edition

_PARTS = {
    ValueType.RATIO: (("分子", "numerator"), ("分母", "denominator")),
    ValueType.COUNT: (("数值", "value"),),
    ValueType.AMOUNT: (("数值", "value"),),
    ValueType.SCORE: (("数值", "value"),),
    ValueType.BOOLEAN: (("是否", "boolean"),),
    ValueType.DATE: (("日期", "date"),),
}
_READ_AS = {
    "numerator": "numerator",
    "denominator": "denominator",
    "value": "amount",
    "boolean": "boolean_value",
    "date": "date_value",
}


@dataclass(frozen=True)
class ReadLine:
    """One indicator as it was read."""

    code: str
    name_zh: str
    unit_zh: str
    unit_code: str
    reading: str
    place: str


@dataclass(frozen=True)
class Receipt:
    """A receipt as a page and as plain text."""

    html: str
    text: str


def write_receipt(
    engine: Engine,
    edition: Edition,
    registry: Registry,
    submission_id: str,
    revision: int,
    *,
    contact: str = "",
    due_zh: str = "",
    would_return: str | None = None,
) -> Receipt | None:
    """Write the receipt of a submission.

    Args:
        engine: The store.
        edition: The indicator system of its year.
        registry: Names of units.
        submission_id: The submission.
        revision: Its revision.
        contact: Whom a department asks; without one the receipt says that none is set.
        due_zh: By when corrections are due (``2025年1月20日前``); empty when no day is set.
        would_return: The reason of a steward's return that is only previewed.

    Returns:
        ``None`` when the submission was not read yet.

    Raises:
        UsageError: There is no such submission.
    """
    with read(engine) as connection:
        back = returned(
            connection,
            edition,
            registry,
            submission_id,
            revision,
            contact=contact,
            due_zh=due_zh,
            would_return=would_return,
        )
    if back is None:
        return None
    lines = read_lines(back, edition)
    return Receipt(_html(back, lines), _text(back, lines))


def correction_list(
    engine: Engine,
    raw: RawStore,
    edition: Edition,
    registry: Registry,
    submission_id: str,
    revision: int,
    *,
    contact: str = "",
    due_zh: str = "",
    would_return: str | None = None,
) -> bytes | None:
    """The department's own workbook, marked; the arguments are those of ``write_receipt``.

    Returns:
        An xlsx workbook; ``None`` when the submission was not read yet or there is nothing to correct.

    Raises:
        UsageError: There is no such submission.
        SystemFault: The raw store lost the file.
    """
    with read(engine) as connection:
        back = returned(
            connection,
            edition,
            registry,
            submission_id,
            revision,
            contact=contact,
            due_zh=due_zh,
            would_return=would_return,
        )
    return None if back is None or not back.to_correct else marked_of(back, raw)


def marked_of(back: Returned, raw: RawStore) -> bytes:
    """The marked workbook of a submission; only the list when no workbook came."""
    name, content = "", b""
    if back.workbook is not None:
        name, content = back.workbook[0], raw.get(back.workbook[1])
    return write_marked(name, content, back.head, back.findings)


def read_lines(back: Returned, edition: Edition) -> tuple[ReadLine, ...]:
    """What was read, one line per row of the table."""
    return tuple(_read_line(row, edition, back.head.unit_code) for row in back.values)


def _read_line(row: Mapping[str, Any], edition: Edition, sender: str) -> ReadLine:
    indicator = edition.by_code.get(row["indicator_code"])
    parts = _PARTS[indicator.value_type] if indicator is not None else (("内容", "value"),)
    read_parts = [f"{label} {_reading(row, part)}" for label, part in parts]
    if row["not_applicable"]:
        read_parts = ["不适用"]
    place = row["cell_row"] or row["cell_value"] or ""
    return ReadLine(
        code=row["indicator_code"] or "（没有编码）",
        name_zh=indicator.name_zh if indicator is not None else "不在指标体系中的编码",
        unit_zh=indicator.unit_zh if indicator is not None else "",
        unit_code="" if row["unit_code"] == sender else row["unit_code"],
        reading=mask_personal_data("，".join(read_parts)).text,
        place=place_zh(" ".join(filter(None, (row["sheet"], place)))),
    )


def _reading(row: Mapping[str, Any], part: str) -> str:
    """A part as it counts; what was written where it could not be read, and that it is missing."""
    found = row[_READ_AS[part]]
    if found is not None:
        return {1: "是", 0: "否"}[found] if part == "boolean" else str(found)
    written = row[f"{part}_raw"]
    return f"未采用（填的是“{written.strip()}”）" if written and written.strip() else "未填"


# --- as text


def _text(back: Returned, lines: tuple[ReadLine, ...]) -> str:
    head = back.head
    out = [
        "法治政府建设考评数据报送回执",
        "",
        f"报送单位：{head.unit_zh}（{head.unit_code}）",
        f"填报期：{head.period_zh}",
        f"报送：{head.revision_zh}",
        f"收到时间：{back.received_at}",
        f"填报表：{head.file_name}",
        f"文件 SHA-256：{head.sha256}",
        f"佐证材料：{'、'.join(back.evidence) or '没有'}",
        f"指标体系：{head.edition_zh}",
        f"结果：{summary_zh(back.findings)}。",
        f"下一步：{next_step_zh(back.findings)}",
        f"联系：{head.contact_zh}",
        "",
        f"一、需要处理的内容（{len(back.to_correct)} 处）",
    ]
    for number, one in enumerate(back.to_correct, 1):
        out += _text_of(number, one, head.by_when_zh(one))
    out += ["（没有）"] if not back.to_correct else []
    out += ["", f"二、系统自动处理的内容（{len(back.changed)} 处）"]
    for number, one in enumerate(back.changed, 1):
        out.append(f"{number}. {one.place_zh}：{_before_after(one)}")
    out += ["（没有）"] if not back.changed else []
    out += ["", f"三、读取到的数据（{len(lines)} 行）"]
    out += [
        f"{line.code} {line.name_zh}{f'（{line.unit_code}）' if line.unit_code else ''}：{line.reading}（{line.place}）"
        for line in lines
    ]
    out += ["（没有）"] if not lines else []
    if back.confirmed:
        out += ["", f"四、审核人员已确认的内容（{len(back.confirmed)} 处，不需要处理）"]
        out += [f"{number}. {one.place_zh}：{one.message_zh}" for number, one in enumerate(back.confirmed, 1)]
    return "\n".join(out) + "\n"


def _text_of(number: int, one: Listed, by_when: str) -> list[str]:
    indicator = " ".join(filter(None, (one.indicator_code, one.indicator_zh)))
    return [
        f"{number}. 【{one.handling_zh}】{one.place_zh}{f'，{indicator}' if indicator else ''}",
        f"   问题：{one.message_zh}",
        *([f"   {one.ruling_zh}"] if one.is_refused else []),
        f"   怎样更正：{one.fix_zh}",
        f"   期限：{by_when}",
    ]


def _before_after(one: Listed) -> str:
    """``“１２”→“12”``, and what was done in words."""
    changed = f"“{one.value}”→“{one.expected}”。" if one.value and one.expected else ""
    return f"{changed}{one.message_zh}"


# --- as a page


def _html(back: Returned, lines: tuple[ReadLine, ...]) -> str:
    files = resources.files("fazhi.review")
    style = files.joinpath("receipt.css").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(files.joinpath("receipt.html.j2").read_text(encoding="utf-8"))
    return template.render(
        back=back,
        head=back.head,
        lines=lines,
        summary=summary_zh(back.findings),
        next_step=next_step_zh(back.findings),
        style=Markup(style),  # noqa: S704 - a file of this package
        style_digest="sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )
