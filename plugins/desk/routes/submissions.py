"""A submission on the desk. In: its id and revision. Out: the page, the preview of a return, acts on it, downloads."""

from urllib.parse import quote

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from desk.language import N_
from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.decisions import Preview, ask, decide, preview, send_back, take_back
from fazhi.desk.submissions import (
    evidence_file,
    region_of_sender,
    revision_difference,
    submission_of,
    submission_page,
)
from fazhi.store import read

router = Router()

BASE = "/submissions/{submission_id:path}/{revision:int}"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LONGEST_REASON = 2000
"""Characters; longer ones are refused rather than cut."""
_ALREADY = N_("已经办理过，没有重复记录")
_DONE = {
    "approve": N_("已确认 {count} 处"),
    "refuse": N_("已记为不予认可 {count} 处"),
    "withdraw": N_("已撤回 {count} 处"),
}


@router.page(BASE, needs=Ability.READ, title="报送")
def submission(desk: DeskRequest, submission_id: str, revision: int) -> HTMLResponse:
    """The workbook with its problems, and what can be decided."""
    _region(desk, submission_id, revision)
    page = submission_page(
        desk.ground(),
        submission_id,
        revision,
        sheet=_number(desk, "sheet", least=0),
        first_row=_number(desk, "row", least=1),
    )
    return desk.page(
        "submissions/submission.html",
        page=page,
        path=path_of(submission_id, revision),
        may_decide=desk.person.may(Ability.DECIDE, page.region),
    )


@router.page(BASE + "/difference", needs=Ability.READ, title="两次报送的差别")
def difference(desk: DeskRequest, submission_id: str, revision: int) -> HTMLResponse:
    """What a later revision changed."""
    _region(desk, submission_id, revision)
    other_id = desk.request.query_params.get("other", "")
    other_revision = _number(desk, "other_revision", least=1) or 0
    _region(desk, other_id, other_revision)
    changed = revision_difference(desk.ground(), (other_id, other_revision), (submission_id, revision))
    return desk.page(
        "submissions/difference.html",
        changed=changed,
        before=(other_id, other_revision),
        after=(submission_id, revision),
        path=path_of(submission_id, revision),
    )


@router.page(BASE + "/preview", needs=Ability.READ, title="退回预览")
def preview_return(desk: DeskRequest, submission_id: str, revision: int) -> HTMLResponse:
    """Exactly what the department would get, and the button that sends it."""
    region = _region(desk, submission_id, revision)
    reason = _reason(desk, desk.request.query_params.get("reason", ""))
    shown = _preview(desk, submission_id, revision, reason or None)
    page = submission_page(desk.ground(), submission_id, revision)
    return desk.page(
        "submissions/preview.html",
        page=page,
        path=path_of(submission_id, revision),
        reason=reason,
        preview=shown,
        may_decide=desk.person.may(Ability.DECIDE, region),
    )


@router.download(BASE + "/marked.xlsx", needs=Ability.READ)
def marked(desk: DeskRequest, submission_id: str, revision: int) -> Response:
    """The marked workbook (整改清单)."""
    _region(desk, submission_id, revision)
    shown = _preview(desk, submission_id, revision, _asked_reason(desk))
    if shown.workbook is None:
        desk.refuse(404, "这份报送没有需要整改的内容，没有标注件")
    return desk.download(shown.workbook, f"{_stem(submission_id, revision)}-整改清单.xlsx", XLSX)


@router.download(BASE + "/receipt.html", needs=Ability.READ)
def receipt_page(desk: DeskRequest, submission_id: str, revision: int) -> Response:
    """The receipt as the department gets it, as a page."""
    _region(desk, submission_id, revision)
    shown = _preview(desk, submission_id, revision, _asked_reason(desk))
    return desk.download(
        shown.receipt.html.encode(), f"{_stem(submission_id, revision)}-回执.html", "text/html"
    )


@router.download(BASE + "/receipt.txt", needs=Ability.READ)
def receipt_text(desk: DeskRequest, submission_id: str, revision: int) -> Response:
    """The receipt as text."""
    _region(desk, submission_id, revision)
    shown = _preview(desk, submission_id, revision, _asked_reason(desk))
    return desk.download(
        shown.receipt.text.encode(), f"{_stem(submission_id, revision)}-回执.txt", "text/plain"
    )


@router.download(BASE + "/files/{sha256}", needs=Ability.READ)
def one_file(desk: DeskRequest, submission_id: str, revision: int, sha256: str) -> Response:
    """An evidence file of this submission, as it came; never shown in the browser."""
    _region(desk, submission_id, revision)
    name, content = evidence_file(desk.ground(), submission_id, revision, sha256)
    return desk.download(content, name, "application/octet-stream")


@router.act(BASE + "/decide", needs=Ability.DECIDE)
def decide_findings(desk: DeskRequest, submission_id: str, revision: int) -> RedirectResponse:
    """Confirm, release or refuse the chosen problems."""
    verdict = _field(desk, "verdict")
    if verdict not in _DONE:
        desk.refuse(400, "请选择裁定结果")
    chosen = [int(text) for text in map(str, desk.form.getlist("finding")) if _is_id(text)]
    stored = decide(
        desk.ground(),
        desk.person,
        (submission_id, revision),
        chosen,
        verdict=verdict,
        reason=_reason(desk, _field(desk, "reason")),
        shown=_field(desk, "shown"),
        now=desk.now,
    )
    told = desk.say(_DONE[verdict], count=stored) if stored else desk.say(_ALREADY)
    return desk.see(path_of(submission_id, revision), told=told)


@router.act(BASE + "/return", needs=Ability.DECIDE)
def return_it(desk: DeskRequest, submission_id: str, revision: int) -> RedirectResponse:
    """Send the submission back with its list of corrections."""
    stored = send_back(
        desk.ground(),
        desk.person,
        (submission_id, revision),
        reason=_reason(desk, _field(desk, "reason")),
        shown=_field(desk, "shown"),
        now=desk.now,
    )
    told = N_("已退回；夜间随核验结果通知报送单位，通知前可以撤销") if stored else _ALREADY
    return desk.see(path_of(submission_id, revision), told=desk.say(told))


@router.act(BASE + "/undo-return", needs=Ability.DECIDE)
def undo_it(desk: DeskRequest, submission_id: str, revision: int) -> RedirectResponse:
    """Take back one's own return while the department has not been told."""
    of = (submission_id, revision)
    stored = take_back(
        desk.ground(), desk.person, of, reason=_reason(desk, _field(desk, "reason")), now=desk.now
    )
    told = N_("已撤销退回") if stored else _ALREADY
    return desk.see(path_of(*of), told=desk.say(told))


@router.act(BASE + "/ask", needs=Ability.DECIDE)
def ask_for(desk: DeskRequest, submission_id: str, revision: int) -> RedirectResponse:
    """Record what the department asks for: 不适用, a waiver, a later deadline."""
    names = ("kind", "reason", "indicator_code", "finding_id", "until")
    wanted = {name: _field(desk, name) for name in names}
    wanted["reason"] = _reason(desk, wanted["reason"])
    number = ask(desk.ground(), desk.person, (submission_id, revision), wanted, now=desk.now)
    told = desk.say("申请已登记（编号 {number}），由另一位审核员裁定", number=number)
    return desk.see(path_of(submission_id, revision), told=told)


# --- what the routes share ---


def path_of(submission_id: str, revision: int) -> str:
    """The path of a submission's page; an id is the portal's word and is quoted."""
    return f"/submissions/{quote(submission_id, safe='')}/{revision}"


def _region(desk: DeskRequest, submission_id: str, revision: int) -> str:
    """The submission's region, once the person may see it."""
    with read(desk.engine) as connection:
        sent = submission_of(connection, submission_id, revision)
    return desk.require_region(region_of_sender(desk.ground().registry, sent["sender_code"]))


def _preview(desk: DeskRequest, submission_id: str, revision: int, reason: str | None) -> Preview:
    shown = preview(desk.ground(), (submission_id, revision), would_return=reason, now=desk.now)
    if shown is None:
        desk.refuse(404, "这份报送还没有读取，夜间运行以后再看")
    return shown


def _asked_reason(desk: DeskRequest) -> str | None:
    return _reason(desk, desk.request.query_params.get("reason", "")) or None


def _number(desk: DeskRequest, name: str, *, least: int) -> int | None:
    written = desk.request.query_params.get(name, "")
    return max(least, int(written)) if written.isdecimal() and len(written) < 10 else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19


def _field(desk: DeskRequest, name: str) -> str:
    given = desk.form.get(name, "")
    return given.strip() if isinstance(given, str) else ""


def _reason(desk: DeskRequest, written: str) -> str:
    if len(written) > LONGEST_REASON:
        desk.refuse(400, "理由太长，请写在 2000 字以内")
    return written.strip()


def _stem(submission_id: str, revision: int) -> str:
    return (
        "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in submission_id)[:80]
        + f"-r{revision}"
    )
