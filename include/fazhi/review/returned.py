"""What is said about a whole return. In: a submission and its findings. Out: the head of list and receipt."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from fazhi.model.terms import RULED_TOLD_ZH, RULED_ZH, SEVERITY_ZH, Severity
from fazhi.review.listed import Listed
from fazhi.store.returns import RETURNED_RULE
from fazhi.systems.edition import Edition

NO_CONTACT_ZH = "尚未设置联系方式（由系统管理员用 FAZHI_CONTACT 设置），请联系本级考评办"
CHECKED_BY_ITSELF_ZH = "尚未报送，请更正后再报送"
_BEFORE_THE_DEADLINE = "本期报送截止前"
BY_WHEN_ZH: dict[Severity, str] = {
    Severity.BLOCK: f"{_BEFORE_THE_DEADLINE}更正并重新报送，更正前不计分",
    Severity.HOLD: "请先与考评办联系，决定之前不计分",
    Severity.WARN: f"{_BEFORE_THE_DEADLINE}更正，或者在“情况说明”栏写明原因",
    Severity.NOTE: "不需要更正，请核对",
    Severity.SECURITY: "请立即处理，有关内容没有采用",
}
"""By when and what has to be done, by severity, where no day is set."""

CONFIRMED_ZH = RULED_TOLD_ZH["approve"]
"""What is said of a finding that a steward has confirmed or released."""

REFUSED_BY_WHEN_ZH: dict[Severity, str] = {
    Severity.BLOCK: BY_WHEN_ZH[Severity.BLOCK],
    Severity.HOLD: BY_WHEN_ZH[Severity.BLOCK],
    Severity.WARN: f"{_BEFORE_THE_DEADLINE}更正并重新报送",
}
"""By when what a steward did not accept has to be corrected; a hold, and a claim of 不适用, keep the value out of the score until then."""

RETURN_BY_WHEN_ZH = f"{_BEFORE_THE_DEADLINE}更正并重新报送；退回本身不改变计分"
"""The same of a steward's return, which settles nothing by itself (contracts/scoring.md, section 2)."""


@dataclass(frozen=True)
class ReturnHead:
    """What the first lines of a return say."""

    file_name: str
    sha256: str
    unit_code: str
    unit_zh: str
    period_zh: str
    edition: Edition
    made_at: str
    contact: str = ""
    revision_zh: str = CHECKED_BY_ITSELF_ZH
    due_zh: str = ""
    """By when corrections are due (``2025年1月20日前``), empty when no day is set."""
    not_checked: tuple[str, ...] = ()

    @property
    def contact_zh(self) -> str:
        """Whom to ask; says plainly when nobody set it."""
        return self.contact or NO_CONTACT_ZH

    @property
    def edition_zh(self) -> str:
        """The edition with its digest."""
        return f"{self.edition.system_id} {self.edition.title_zh}（摘要 {self.edition.digest[:16]}）"

    def by_when_zh(self, one: Listed) -> str:
        """By when a finding has to be dealt with, and what follows until then."""
        if one.is_confirmed:
            return CONFIRMED_ZH
        if one.is_refused:
            text = REFUSED_BY_WHEN_ZH[one.severity]
        else:
            text = RETURN_BY_WHEN_ZH if one.rule == RETURNED_RULE else BY_WHEN_ZH[one.severity]
        return text.replace(_BEFORE_THE_DEADLINE, self.due_zh or _BEFORE_THE_DEADLINE)


def summary_zh(findings: Sequence[Listed]) -> str:
    """How many of each severity and ruling there are, in one sentence without a full stop."""
    counts = Counter(one.handling_zh for one in findings)
    if not counts:
        return "没有发现问题"
    called = (*SEVERITY_ZH.values(), *reversed(RULED_ZH.values()))
    return f"共 {len(findings)} 处：" + "，".join(
        f"{name} {counts[name]} 处" for name in called if counts[name]
    )


def next_step_zh(findings: Sequence[Listed]) -> str:
    """What the department does next."""
    found = {one.severity for one in findings if not one.verdict}
    steps = [text for applies, text in _steps(findings, found) if applies]
    if not steps:
        return "不需要更正，自动处理的内容请核对一遍。" if Severity.NOTE in found else "不需要更正。"
    return "".join(steps)


def _steps(findings: Sequence[Listed], found: set[Severity]) -> tuple[tuple[bool, str], ...]:
    kept_out = any(one.severity is Severity.SECURITY and one.cell is None for one in findings)
    return (
        (
            any(one.rule == "CLASSIFIED" for one in findings),
            "文件带有涉密标志：请立即报告本单位保密工作机构，不要再通过网络传送。",
        ),
        (kept_out, "文件因安全原因没有采用，请按清单处理后重新报送。"),
        (
            not kept_out and bool(found & {Severity.BLOCK, Severity.SECURITY}),
            "请按“整改清单”逐条更正，在本单位原来的填报表或者标注件里改都可以，改完后重新报送。",
        ),
        (
            any(one.is_refused for one in findings),
            "列为“不予认可”的，审核人员没有认可，请更正后重新报送。",
        ),
        (
            Severity.HOLD in found,
            "列为“待审核决定”的，请准备说明材料并与考评办联系，决定作出之前有关数据不计分。",
        ),
        (
            Severity.WARN in found,
            "列为“请说明或更正”的，有误的更正，无误的在“情况说明”栏写明原因，然后重新报送。",
        ),
    )
