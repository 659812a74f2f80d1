"""Telling departments what became of their submissions. In: findings in force. Out: reviews at the portal, once each.

What is to be told is written down first, exactly as it will be sent, and marked as told when the portal has
taken it. Killed in between, the next run sends the same bytes again, which changes nothing there. A
submission is told of again only when its outcome or its findings differ from what it was last told.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, and_, exists, insert, or_, select, update

from fazhi.audit import SYSTEM, Event, append
from fazhi.collect.portal import SOURCE
from fazhi.collect.portal_client import PortalClient
from fazhi.collect.rivals import in_turn
from fazhi.model.canonical import canonical_bytes, digest
from fazhi.model.errors import SystemFault
from fazhi.model.privacy import mask_personal_data
from fazhi.model.terms import Severity
from fazhi.store import read
from fazhi.store.decisions import DecisionKey, Ruled, key_ruled_on, rulings
from fazhi.store.findings import current_findings
from fazhi.store.returns import (
    RETURN_FIX_ZH,
    RETURNED_RULE,
    StewardsReturn,
    return_message_zh,
    standing_returns,
)
from fazhi.store.tables import (
    current_parse,
    current_submission,
    current_validation,
    locked_out,
    parse,
    portal_copy,
    portal_report,
    slice_parse,
    submission,
)

REVIEWED_BY = "自动核验"
_PER_TRANSACTION = 64

CorrectionList = Callable[[str, int], bytes | None]
"""The correction workbook (整改清单) of a submission's id and revision; ``None`` where there is none."""


class ReviewOutcome(StrEnum):
    """What became of a submission (submission-portal.openapi.yaml)."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"
    RETURNED = "returned"


@dataclass(frozen=True)
class ReportCounts:
    """What there was to tell.

    Attributes:
        due: Submissions whose outcome is new.
        told: How many of them the portal has taken.
        already: Submissions that were told the same before.
        waiting: Submissions that wait for a steward's decision; nothing is told yet.
        outcomes: How many of the due ones have which outcome.
        problems: What could not be told, in Chinese.
    """

    due: int = 0
    told: int = 0
    already: int = 0
    waiting: int = 0
    outcomes: Mapping[str, int] | None = None
    problems: tuple[str, ...] = ()


def outcome_of(
    findings: Iterable[Mapping[str, Any]], ruled: Mapping[DecisionKey, Ruled]
) -> ReviewOutcome | None:
    """What findings and decisions make of a submission; ``None`` while a steward has to decide.

    A blocking or a security finding returns it without anybody's decision: only the department can correct
    that (but for a claim of 不适用 that has been approved since the validation). So does a warning or a hold
    that a steward refused. A hold that nobody decided keeps it waiting, a warning that nobody confirmed is
    told as a warning.

    Args:
        findings: Rows of ``finding`` in force on the submission.
        ruled: What stands on each thing of the year that somebody ruled on.
    """
    open_severities = set()
    for row in findings:
        severity = Severity(row["severity"])
        on_it = _ruling_on(row, ruled)
        verdict = "" if on_it is None else on_it.verdict
        if verdict == "approve":
            continue
        if severity in (Severity.BLOCK, Severity.SECURITY) or verdict == "refuse":
            return ReviewOutcome.RETURNED
        open_severities.add(severity)
    if Severity.HOLD in open_severities:
        return None
    if Severity.WARN in open_severities:
        return ReviewOutcome.ACCEPTED_WITH_WARNINGS
    return ReviewOutcome.ACCEPTED


def report_back(
    engine: Engine,
    portal: PortalClient | None,
    year: int,
    correction_list: CorrectionList,
    *,
    now: datetime,
) -> ReportCounts:
    """Tell the portal what became of the year's current submissions that it has.

    Only submissions that were read and validated are told of.

    Args:
        engine: The store.
        portal: The portal's client; ``None`` counts what would be told and tells nothing.
        year: The assessment year.
        correction_list: Makes the correction workbook of a submission; asked only when one is due.
        now: When it was reviewed, with its offset.

    Raises:
        Unreachable: The portal could not be reached; what it has taken is marked, the rest comes next time.
        ConfigurationError: It refuses the token, or sends us elsewhere.
    """
    reviews, waiting = _reviews(engine, year)
    newest = _newest_reports(engine, year)
    due = [review for review in reviews if not review.is_told(newest.get(review.key))]
    outcomes = {outcome.value: sum(review.outcome is outcome for review in due) for outcome in ReviewOutcome}
    counts = ReportCounts(due=len(due), already=len(reviews) - len(due), waiting=waiting, outcomes=outcomes)
    if portal is None:
        return counts
    round_ = _Round(engine, portal, year, correction_list, now)
    for start in range(0, len(due), _PER_TRANSACTION):
        round_.tell(due[start : start + _PER_TRANSACTION], newest)
    return replace(counts, told=round_.told, problems=tuple(round_.problems))


@dataclass(frozen=True)
class _Review:
    """The outcome of one submission with the findings to tell."""

    submission_id: str
    revision: int
    outcome: ReviewOutcome
    findings: tuple[Mapping[str, str], ...]
    reviewed_by: str = REVIEWED_BY

    @property
    def key(self) -> tuple[str, int]:
        return self.submission_id, self.revision

    @property
    def digest(self) -> str:
        return digest({"outcome": self.outcome.value, "findings": [dict(one) for one in self.findings]})

    def is_told(self, newest: Mapping[str, Any] | None) -> bool:
        return newest is not None and newest["digest"] == self.digest and newest["reported_at"] is not None

    def body(self, correction_sha256: str | None, now: datetime) -> bytes:
        """The review as the portal takes it."""
        data: dict[str, Any] = {
            "outcome": self.outcome.value,
            "reviewed_at": now.isoformat(timespec="seconds"),
            "reviewed_by": self.reviewed_by,
            "findings": [dict(one) for one in self.findings],
        }
        if correction_sha256 is not None:
            data["correction_list_sha256"] = correction_sha256
        return canonical_bytes(data)


# --- what is to be told


def _reviews(engine: Engine, year: int) -> tuple[list[_Review], int]:
    """The reviews of the year's judged submissions, and how many submissions wait for a decision."""
    with read(engine) as connection:
        judged = _judged(connection, year)
        found = _findings_by_submission(connection, year)
        ruled = rulings(connection, year)
        sent_back = standing_returns(connection, year)
        refused = _locked_out(connection, year)
    reviews: list[_Review] = []
    waiting = 0
    for key in judged:
        rows = found.get(key, [])
        outcome = outcome_of(rows, ruled)
        if key in sent_back:
            reviews.append(_sent_back(sent_back[key], rows, ruled))
        elif outcome is None:
            waiting += 1
        else:
            reviews.append(_Review(*key, outcome, tuple(_told_finding(row, ruled) for row in rows)))
    return reviews + refused, waiting


def _sent_back(
    by_steward: StewardsReturn, rows: Iterable[Mapping[str, Any]], ruled: Mapping[DecisionKey, Ruled]
) -> _Review:
    """A steward's return: the reason first, then everything that was found."""
    reason = {
        "rule": RETURNED_RULE,
        "severity": Severity.BLOCK.value,
        "where": "整份文件",
        "message": return_message_zh(mask_personal_data(by_steward.reason).text) + RETURN_FIX_ZH,
    }
    return _Review(
        by_steward.submission_id,
        by_steward.revision,
        ReviewOutcome.RETURNED,
        (reason, *(_told_finding(row, ruled) for row in rows)),
        by_steward.decided_name,
    )


def _of_the_portal() -> Any:
    """Whether the portal has a submission, whoever brought it first."""
    has_it = exists().where(
        portal_copy.c.submission_id == submission.c.submission_id,
        portal_copy.c.revision == submission.c.revision,
    )
    return or_(submission.c.source == SOURCE, has_it)


def _locked_out(connection: Connection, year: int) -> list[_Review]:
    """What came while the year was locked goes back; what stood before stays."""
    query = (
        select(locked_out)
        .join(
            submission,
            and_(
                submission.c.submission_id == locked_out.c.submission_id,
                submission.c.revision == locked_out.c.revision,
            ),
        )
        .where(locked_out.c.year == year, _of_the_portal())
        .order_by(locked_out.c.submission_id, locked_out.c.revision)
    )
    return [
        _Review(
            row.submission_id,
            row.revision,
            ReviewOutcome.RETURNED,
            (
                {
                    "rule": "LOCKED",
                    "severity": Severity.BLOCK.value,
                    "where": "整份文件",
                    "message": (
                        f"{year}年度数据已于{row.locked_at}锁定，本次报送未采用，仍以第{row.kept_revision}次报送为准。"
                        "确需更正的，请申诉或申请更正，解锁后重新报送。"
                    ),
                },
            ),
        )
        for row in connection.execute(query)
    ]


def _judged(connection: Connection, year: int) -> list[tuple[str, int]]:
    """The portal's current submissions that are read and stand under a current validation, in order."""
    query = (
        select(submission.c.submission_id, submission.c.revision)
        .join(
            current_submission,
            and_(
                current_submission.c.submission_id == submission.c.submission_id,
                current_submission.c.revision == submission.c.revision,
            ),
        )
        .join(
            parse,
            and_(
                parse.c.submission_id == submission.c.submission_id,
                parse.c.revision == submission.c.revision,
            ),
        )
        .join(current_parse, current_parse.c.parse_id == parse.c.parse_id)
        .join(slice_parse, slice_parse.c.parse_id == parse.c.parse_id)
        .join(
            current_validation,
            and_(
                current_validation.c.year == slice_parse.c.year,
                current_validation.c.region == slice_parse.c.region,
            ),
        )
        .where(submission.c.year == year, _of_the_portal())
        .order_by(submission.c.submission_id)
    )
    return [(row[0], row[1]) for row in connection.execute(query)]


def _findings_by_submission(connection: Connection, year: int) -> dict[tuple[str, int], list[dict[str, Any]]]:
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in current_findings(connection, year):
        found.setdefault((row["submission_id"], row["revision"]), []).append(row)
    return found


def _ruling_on(row: Mapping[str, Any], ruled: Mapping[DecisionKey, Ruled]) -> Ruled | None:
    key = key_ruled_on(row)
    return None if key is None else ruled.get(key)


def _told_finding(row: Mapping[str, Any], ruled: Mapping[DecisionKey, Ruled]) -> dict[str, str]:
    """A finding in words: what was found, what a steward made of it, and what is to be done unless that is nothing."""
    place = " ".join(part for part in (row["sheet"], row["cell"]) if part)
    on_it = _ruling_on(row, ruled)
    told = "" if on_it is None else on_it.told_zh
    done = "" if on_it is not None and on_it.verdict == "approve" else row["fix_zh"]
    return {
        "rule": row["rule"],
        "severity": row["severity"],
        "where": place or "整份文件",
        "message": f"{row['message_zh']}{told}{done}",
    }


# --- telling


def _newest_reports(engine: Engine, year: int) -> dict[tuple[str, int], Mapping[str, Any]]:
    """What each submission was last told, or is to be told."""
    query = select(portal_report).where(portal_report.c.year == year).order_by(portal_report.c.report_no)
    with read(engine) as connection:
        return {
            (row["submission_id"], row["revision"]): dict(row) for row in connection.execute(query).mappings()
        }


@dataclass
class _Round:
    """One round of telling."""

    engine: Engine
    portal: PortalClient
    year: int
    correction_list: CorrectionList
    now: datetime
    told: int = 0
    problems: list[str] = field(default_factory=list)

    def tell(self, due: Sequence[_Review], newest: Mapping[tuple[str, int], Mapping[str, Any]]) -> None:
        """Write down what some submissions are told, tell it, and mark what the portal has taken.

        Raises:
            Unreachable: The portal could not be reached; what it has taken is marked.
            ConfigurationError: It refuses the token, or sends us elsewhere.
        """
        bodies: dict[tuple[str, int], bytes] = {}
        for review in due:
            if newest.get(review.key, {}).get("digest") == review.digest:
                continue
            try:
                bodies[review.key] = self._body(review)
            except SystemFault as fault:
                self.problems.append(f"{_name(*review.key)}：整改清单没有送达，审核结果也未告知。{fault}")
        queued = in_turn(self.engine, lambda connection: self._queue(connection, due, bodies))
        taken: list[Mapping[str, Any]] = []
        try:
            for report in queued:
                problem = self._put(report)
                if problem is None:
                    taken.append(report)
                else:
                    self.problems.append(problem)
        finally:
            in_turn(self.engine, lambda connection: self._mark(connection, taken))
            self.told += len(taken)

    def _body(self, review: _Review) -> bytes:
        """The review as the portal takes it, its correction workbook uploaded."""
        workbook = self.correction_list(*review.key) if review.findings else None
        return review.body(self.portal.upload(workbook) if workbook is not None else None, self.now)

    def _queue(
        self, connection: Connection, due: Sequence[_Review], bodies: Mapping[tuple[str, int], bytes]
    ) -> list[Mapping[str, Any]]:
        """What is to be sent, one row a review; where somebody else just wrote it down, theirs stands."""
        queued: list[Mapping[str, Any]] = []
        for review in due:
            last = _last_report(connection, review.key)
            if last is None or last["digest"] != review.digest:
                if review.key not in bodies:
                    continue  # no body, or somebody else just wrote down another outcome: the next round looks again
                last = {
                    "submission_id": review.submission_id,
                    "revision": review.revision,
                    "report_no": last["report_no"] + 1 if last is not None else 1,
                    "year": self.year,
                    "outcome": review.outcome.value,
                    "digest": review.digest,
                    "body": bodies[review.key].decode(),
                    "queued_at": self.now.isoformat(timespec="seconds"),
                    "reported_at": None,
                }
                connection.execute(insert(portal_report), [last])
            queued.append(last)
        return queued

    def _put(self, report: Mapping[str, Any]) -> str | None:
        """Tell one outcome; the problem in Chinese where the portal does not take it."""
        name = _name(report["submission_id"], report["revision"])
        try:
            taken = self.portal.put_review(report["submission_id"], report["body"].encode())
        except SystemFault as refused:
            return f"{name}：审核结果没有送达。{refused}"
        return None if taken else f"{name}：门户上没有这份报送（答复 404），审核结果没有送达，下次再试"

    def _mark(self, connection: Connection, taken: Sequence[Mapping[str, Any]]) -> None:
        at = self.now.isoformat(timespec="seconds")
        for report in taken:
            here = (
                portal_report.c.submission_id == report["submission_id"],
                portal_report.c.revision == report["revision"],
                portal_report.c.report_no == report["report_no"],
                portal_report.c.reported_at.is_(None),
            )
            if connection.execute(update(portal_report).where(*here).values(reported_at=at)).rowcount:
                append(connection, SYSTEM, _event(report, at))


def _name(submission_id: str, revision: int) -> str:
    return f"门户报送 {submission_id} 第{revision}次"


def _last_report(connection: Connection, key: tuple[str, int]) -> dict[str, Any] | None:
    query = (
        select(portal_report)
        .where(portal_report.c.submission_id == key[0], portal_report.c.revision == key[1])
        .order_by(portal_report.c.report_no.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return dict(row) if row is not None else None


def _event(report: Mapping[str, Any], at: str) -> Event:
    return Event(
        action="submission.reviewed",
        subject=f"{report['year']}/{report['submission_id']}/{report['revision']}",
        at=at,
        after=report["digest"],
        details={"outcome": report["outcome"], "report_no": report["report_no"]},
    )
