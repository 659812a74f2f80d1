"""The templates. In: ``templates/``. Out: one environment that escapes everything and allows no unknown name."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from desk.language import N_
from fazhi.model.terms import GROUP_ZH, SEVERITY_ZH

TEMPLATES = Path(__file__).with_name("templates")

STATUS_ZH = {
    "expected": N_("待报送"),
    "received": N_("已收到"),
    "accepted": N_("已采信"),
    "accepted_with_warnings": N_("采信并有提示"),
    "returned": N_("已退回"),
    "waiting": N_("待我办理"),
    "hold": N_("待审核决定"),
    "overdue": N_("已逾期"),
    "pending": N_("待推送"),
    "sent": N_("已推送"),
    "confirmed": N_("已核对"),
    "refused": N_("被拒绝"),
    "conflict": N_("有冲突"),
    "superseded": N_("已被替代"),
    "open": N_("办理中"),
    "done": N_("已办结"),
}
"""What a code is called on a badge; routes add theirs here."""


@cache
def environment() -> Environment:
    """The environment of all templates."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(severity_zh=SEVERITY_ZH, status_zh=STATUS_ZH, group_zh=GROUP_ZH)
    made.filters.update(moment=moment, day=day)
    return made


def moment(written: Any) -> str:
    """An ISO time as a person reads it: ``2026-03-02 09:15``."""
    text = str(written or "")
    return text[:16].replace("T", " ")


def day(written: Any) -> str:
    """The day of an ISO time."""
    return str(written or "")[:10]
