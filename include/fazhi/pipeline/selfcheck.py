"""The self-check of a department. In: files on its own computer. Out: what the pipeline would find in them.

Nothing is judged anew here: the files go the way of every submission (record, read, validate) through a store in
memory, and what needs data that only the pipeline has is named as not checked. Nothing is sent or kept.
"""

import hashlib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import Engine, select

from fazhi.collect.manifest import ListedFile, Manifest
from fazhi.collect.record import record
from fazhi.intake import Submitted, Wording, parse_slice, read_submission
from fazhi.intake.table import Table, find_table
from fazhi.model.errors import FazhiError, UsageError
from fazhi.model.findings import Finding
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.pipeline.due_words import due_zh
from fazhi.pipeline.ground import Ground
from fazhi.pipeline.identify import Identity, identify
from fazhi.review.listed import Listed, in_order, listed, without_echoes
from fazhi.review.returned import ReturnHead
from fazhi.sheets import ReadFile, read_file
from fazhi.sheets.limits import MAX_FILE_BYTES
from fazhi.store.engine import connect, read, write
from fazhi.store.findings import current_findings
from fazhi.store.raw import RawStore
from fazhi.store.tables import metadata, parse
from fazhi.systems.edition import Edition
from fazhi.systems.rule_kinds import judged_by
from fazhi.validate import validate_slice
from fazhi.validate.catalogue import rule_names

NEED_YEAR_BEFORE = frozenset({"JUMP", "AMOUNT_SCALE", "STALE_COPY", "INCOMPARABLE", "DEFINITION"})
NEED_EARLIER_PERIOD = frozenset({"CUMULATIVE_DECREASE"})
NEED_OFFICE = frozenset({"RECONCILE", "DOUBLE_COUNT"})
NEED_OTHER_UNITS = frozenset({"CONFLICT", "CROSS_UNIT_DUP", "TEXT_DUP"})
NEED_OTHER_VERSION = frozenset({"VERSION_CONFLICT", "DUP_FILE"})
NEED_PROCESS = frozenset({"LATE", "LOCKED"})
"""Rules that need what only the pipeline knows: the time of receipt and locks."""

_SOURCE = "self-check"


@dataclass(frozen=True)
class CheckedFile:
    """One file and what was found in it. ``problem`` is a failure of this program, never of the department."""

    path: Path
    content: bytes
    sha256: str
    identity: Identity
    unit_zh: str
    edition: Edition
    readable: bool
    findings: tuple[Listed, ...]
    not_checked: tuple[str, ...]
    problem: str = ""
    due_zh: str = ""

    @property
    def clean(self) -> bool:
        """Whether the department has nothing to do."""
        return not self.problem and not any(one.needs_action for one in self.findings)

    @property
    def not_checked_zh(self) -> tuple[str, ...]:
        """The rules that were not run, as a clerk calls them."""
        return tuple(rule_names()[rule].name_zh for rule in self.not_checked)

    def head(self, made_at: str, contact: str) -> ReturnHead:
        """What the marked copy says of the file."""
        period = self.identity.period
        return ReturnHead(
            file_name=self.path.name,
            sha256=self.sha256,
            unit_code=self.identity.sender_code,
            unit_zh=self.unit_zh,
            period_zh=period.name_zh if period is not None else "（填报期未知）",
            edition=self.edition,
            made_at=made_at,
            contact=contact,
            due_zh=self.due_zh,
            not_checked=self.not_checked_zh,
        )


@dataclass(frozen=True)
class _Given:
    """A file as given, read, with the evidence that it names."""

    path: Path
    content: bytes
    sha256: str
    file: ReadFile
    identity: Identity
    edition: Edition | None
    refused: str
    """Why its year cannot be assessed, empty when it can."""
    evidence: tuple[tuple[str, bytes], ...] = field(default=())

    @property
    def key(self) -> tuple[SubmissionKind, str, str]:
        """What a store keeps one current submission of."""
        return self.identity.kind, self.identity.sender_code, str(self.identity.period)

    @property
    def can_be_submitted(self) -> bool:
        """Whether it can go the whole way."""
        return (
            self.file.fault is None
            and bool(self.identity.sender_code)
            and self.identity.period is not None
            and self.edition is not None
        )


def check_files(ground: Ground, paths: Sequence[Path], now: datetime) -> tuple[CheckedFile, ...]:
    """Check files as the pipeline would, without sending or keeping anything.

    Args:
        ground: Editions and registry; its store is not touched.
        paths: Workbooks and CSVs of units and offices, with their evidence if at hand. Evidence that one of the
            others names is not checked as a table.
        now: The present moment in Asia/Shanghai.

    Raises:
        UsageError: A path is no file that can be opened.
    """
    contents = {path: _content(path) for path in dict.fromkeys(paths)}
    given = [_given(ground, path, content, now) for path, content in contents.items()]
    attached = _with_evidence(given)
    named = {name for one in attached for name, _ in one.evidence if one.path.name != name}
    files = [one for one in attached if one.path.name not in named or _has_table(one)]
    found: dict[Path, CheckedFile] = {}
    going = [one for one in files if one.can_be_submitted]
    if going:
        found |= _submit(ground, going, now)
    for one in files:
        if one.path not in found:
            found[one.path] = _alone(ground, one, now)
    return tuple(found[one.path] for one in files)


# --- what is given


def _content(path: Path) -> bytes:
    """The bytes of a file; of one beyond the limit just enough to see that it is.

    Raises:
        UsageError: It is missing, a folder, or cannot be opened.
    """
    if path.is_dir():
        raise UsageError(f"{path} 是文件夹，请给出要检查的文件")
    if not path.exists():
        raise UsageError(f"没有文件 {path}")
    if not path.is_file():
        raise UsageError(f"{path} 不是普通文件，不能检查")
    try:
        with path.open("rb") as opened:
            return opened.read(MAX_FILE_BYTES + 1)
    except OSError as failure:
        raise UsageError(f"{path} 打不开：{failure.strerror or failure}") from failure


def _sha256(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _given(ground: Ground, path: Path, content: bytes, now: datetime) -> _Given:
    file = read_file(content, path.name)
    identity = identify(file, ground.editions.all, ground.registry, now.date())
    edition, refused = None, ""
    if identity.period is not None:
        try:
            edition = ground.edition(identity.period.year)
            ground.registry.deciding_day(identity.period.year, now.date())
        except FazhiError as stop:
            edition, refused = None, str(stop).splitlines()[0]
    return _Given(path, content, _sha256(path), file, identity, edition, refused)


def _with_evidence(given: Sequence[_Given]) -> list[_Given]:
    """Each file with the evidence that it names, from the files given and from its own folder."""
    contents = {_comparable(one.path.name): (one.path.name, one.content) for one in given}
    return [_attach(one, contents) for one in given]


def _attach(one: _Given, contents: Mapping[str, tuple[str, bytes]]) -> _Given:
    wanted = set(_names(one))
    if not wanted:
        return one
    found = {key: pair for key, pair in contents.items() if key in wanted}
    for path in _folder(one.path.resolve().parent):
        key = _comparable(path.name)
        if key in wanted and key not in found and path.is_file():
            found[key] = (path.name, _content(path))
    found.pop(_comparable(one.path.name), None)
    return _Given(**{**vars(one), "evidence": tuple(found[key] for key in sorted(found))})


def _folder(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as failure:
        raise UsageError(
            f"文件夹 {folder} 不能列出，无法查找佐证材料：{failure.strerror or failure}"
        ) from failure


def _has_table(one: _Given) -> bool:
    return one.file.fault is None and isinstance(find_table(one.file, one.identity.kind), Table)


def _names(one: _Given) -> Iterator[str]:
    """The names that the evidence column may mean; a name may itself contain ``、``."""
    table = find_table(one.file, one.identity.kind) if one.file.fault is None else None
    if not isinstance(table, Table):
        return
    for row in table.rows():
        for piece in table.text(row, "evidence").replace("\uff1b", ";").replace("\n", ";").split(";"):
            yield _comparable(piece)
            yield from map(_comparable, piece.split("、"))


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()


# --- the whole way, in memory


def _rounds(files: Sequence[_Given]) -> list[list[_Given]]:
    """Batches in which no two files are of the same sender and period, in the order given."""
    by_key: dict[tuple[SubmissionKind, str, str], list[_Given]] = {}
    for one in files:
        by_key.setdefault(one.key, []).append(one)
    longest = max(map(len, by_key.values()), default=0)
    return [[same[number] for same in by_key.values() if number < len(same)] for number in range(longest)]


def _submit(ground: Ground, files: Sequence[_Given], now: datetime) -> dict[Path, CheckedFile]:
    """Send the files through a store in memory, one round after the other, and list what was found in each.

    Further files of one sender and period come as rivals of the first, so that two versions are noticed.
    """
    raw_url = f"memory://{_SOURCE}-{uuid4().hex}"
    engine, raw = connect("sqlite:///:memory:"), RawStore(raw_url)
    found: dict[Path, CheckedFile] = {}
    try:
        metadata.create_all(engine)
        for number, batch in enumerate(_rounds(files)):
            moment = now + timedelta(seconds=number)
            ids = _record(engine, raw, batch, moment, first=len(found) + 1)
            problems = _judge(ground, engine, raw, batch, moment)
            for one in batch:
                found[one.path] = _checked(ground, engine, ids[one.path], one, files, problems, now)
    finally:
        engine.dispose()
        _empty(raw_url)
    return found


def _judge(
    ground: Ground, engine: Engine, raw: RawStore, batch: Sequence[_Given], now: datetime
) -> list[str]:
    """Read and validate the years of a round; gives the failures of the reader."""
    years = sorted({_period(one).year for one in batch})
    problems: list[str] = []
    for year in years:
        counts = parse_slice(engine, raw, ground.edition(year), ground.registry, year, now.date(), now=now)
        problems += counts.problems
    for year in years:
        for region in ground.registry.regions(year, now.date()):
            validate_slice(
                engine, ground.edition(year), ground.registry, year, region, now.date(), None, now=now
            )
    return problems


def _empty(raw_url: str) -> None:
    """Forget the files; a memory file system lives as long as the process."""
    import fsspec

    memory, root = fsspec.core.url_to_fs(raw_url)
    if memory.exists(root):
        memory.rm(root, recursive=True)


def _record(
    engine: Engine, raw: RawStore, files: Sequence[_Given], now: datetime, first: int
) -> dict[Path, str]:
    moment = now.isoformat(timespec="seconds")
    ids: dict[Path, str] = {}
    manifests = []
    for number, one in enumerate(files, first):
        ids[one.path] = f"{_SOURCE}-{number:05}"
        contents = [(one.path.name, "workbook", one.content)]
        contents += [(name, "evidence", content) for name, content in one.evidence]
        manifests.append(
            Manifest(
                submission_id=ids[one.path],
                revision=1,
                kind=one.identity.kind,
                sender_code=one.identity.sender_code,
                period=_period(one),
                submitted_at=moment,
                submitted_by="",
                files=tuple(
                    ListedFile(name, role, raw.put(content), len(content)) for name, role, content in contents
                ),
            )
        )
    with write(engine) as connection:
        record(connection, _SOURCE, manifests, moment)
    return ids


def _period(one: _Given) -> Period:
    if one.identity.period is None:
        raise UsageError(f"{one.path}：没有填报期")
    return one.identity.period


def _checked(
    ground: Ground,
    engine: Engine,
    submission_id: str,
    one: _Given,
    files: Sequence[_Given],
    problems: Sequence[str],
    now: datetime,
) -> CheckedFile:
    year = _period(one).year
    edition = ground.edition(year)
    not_checked = _not_checked(one, edition, files)
    with read(engine) as connection:
        readable = connection.execute(
            select(parse.c.readable).where(parse.c.submission_id == submission_id)
        ).scalar()
        rows = [
            row
            for row in current_findings(connection, year)
            if row["submission_id"] == submission_id and row["rule"] not in NEED_PROCESS
        ]
    return _result(
        ground,
        one,
        edition,
        bool(readable),
        [listed(row, edition) for row in rows],
        not_checked,
        now,
        next((problem for problem in problems if submission_id in problem), ""),
    )


def _result(
    ground: Ground,
    one: _Given,
    edition: Edition,
    readable: bool,
    findings: Iterable[Listed],
    not_checked: tuple[str, ...],
    now: datetime,
    problem: str = "",
) -> CheckedFile:
    listed_here = in_order(without_echoes(findings))
    return CheckedFile(
        path=one.path,
        content=one.content,
        sha256=one.sha256,
        identity=one.identity,
        unit_zh=_unit_zh(ground, one, now),
        edition=edition,
        readable=readable,
        findings=listed_here,
        not_checked=tuple(rule for rule in not_checked if all(rule != found.rule for found in listed_here)),
        problem=problem,
        due_zh=due_zh(ground, one.identity.period, now) if one.edition and one.identity.period else "",
    )


def _unit_zh(ground: Ground, one: _Given, now: datetime) -> str:
    code = one.identity.sender_code
    day = now.date()
    if one.identity.period is not None and not one.refused:
        day = ground.registry.deciding_day(one.identity.period.year, day)
    records = ground.registry.records_of(code)
    on_day = ground.registry.unit_on(code, day)
    unit = on_day or (records[-1] if records else None)
    return unit.name_zh if unit is not None else code


# --- what the rules that were not run need


def _not_checked(one: _Given, edition: Edition, files: Sequence[_Given]) -> tuple[str, ...]:
    """The rule codes of the edition that could not be run with the files given."""
    period = _period(one)
    others = [other for other in files if other.path != one.path]
    own = [_period(other) for other in others if other.key[:2] == one.key[:2]]
    lacking = set(NEED_PROCESS)
    if not any(other.year < period.year for other in own):
        lacking |= NEED_YEAR_BEFORE
    if not any(other.year == period.year and other < period for other in own):
        lacking |= NEED_EARLIER_PERIOD
    if not any(other.key[:2] == one.key[:2] for other in others):
        lacking |= NEED_OTHER_VERSION
    same_year = [other for other in others if _period(other).year == period.year]
    if not any(other.identity.kind is not one.identity.kind for other in same_year):
        lacking |= NEED_OFFICE
    if not any(other.identity.sender_code != one.identity.sender_code for other in same_year):
        lacking |= NEED_OTHER_UNITS
    return _of_edition(edition, period.year, lacking)


def _of_edition(edition: Edition, year: int, rules: Iterable[str]) -> tuple[str, ...]:
    wanted = set(rules)
    return tuple(
        dict.fromkeys(check.rule for check in edition.checks if check.rule in wanted and check.in_force(year))
    )


# --- files that cannot go the whole way


def _alone(ground: Ground, one: _Given, now: datetime) -> CheckedFile:
    """A file that cannot be read, or that does not say whose it is or for when: what can be said without."""
    edition = one.edition or _newest(ground, now)
    period = one.identity.period
    year = period.year if one.edition is not None and period is not None else _year_of(edition, now)
    known_period = period if one.edition is not None else None
    no_table = not _has_table(one)
    findings = (
        []
        if no_table or _is_blank(one)
        else [_listed(found, edition) for found in _about_identity(one, edition)]
    )
    readable = not no_table
    if no_table or _is_blank(one) or known_period is not None:
        submitted = Submitted(
            one.identity.kind,
            one.identity.sender_code,
            known_period or Period.whole_year(year),
            tuple(name for name, _ in one.evidence),
        )
        reading = read_submission([(one.path.name, one.content)], submitted, edition, Wording(edition, year))
        readable = reading.readable
        findings += [_listed(found.finding, edition, found.indicator_code) for found in reading.findings]
    by_values = (check.rule for check in edition.checks if judged_by(check.rule, check.params) == "values")
    not_checked = (
        () if not readable else _of_edition(edition, year, {*by_values, *NEED_PROCESS, *NEED_OTHER_VERSION})
    )
    return _result(ground, one, edition, readable, findings, not_checked, now)


def _is_blank(one: _Given) -> bool:
    """Whether the table has its header and not one row; a file without content is not asked whose it is."""
    table = find_table(one.file, one.identity.kind) if one.file.fault is None else None
    return isinstance(table, Table) and not any(True for _ in table.rows())


def _newest(ground: Ground, now: datetime) -> Edition:
    begun = [edition for edition in ground.editions.all if edition.from_year <= now.year]
    return max(begun or ground.editions.all, key=lambda edition: edition.from_year)


def _year_of(edition: Edition, now: datetime) -> int:
    last = edition.to_year if edition.to_year is not None else max(now.year, edition.from_year)
    return min(last, max(now.year, edition.from_year))


def _listed(found: Finding, edition: Edition, indicator_code: str | None = None) -> Listed:
    return listed({**vars(found), "indicator_code": indicator_code}, edition)


def _about_identity(one: _Given, edition: Edition) -> Iterator[Finding]:
    """What is missing to know whose file it is and for when."""
    identity = one.identity
    if not identity.sender_code:
        yield Finding(
            **_words(edition, "UNIT_UNKNOWN"),
            message_zh="文件没有写明是哪个单位报送的：封面的“统一社会信用代码”没有填写，单位名称也不能对应到唯一的单位。",
            message_en="The file does not say which unit it is from.",
            fix_zh="请在封面填写本单位的统一社会信用代码（18位）；CSV 请填写 unit_code 列。",
            sheet=identity.unit_at.sheet or None,
            cell=identity.unit_at.cell or None,
            expected="18位统一社会信用代码",
        )
    if identity.period is None or one.refused:
        yield Finding(
            **_words(edition, "PERIOD_MISMATCH"),
            message_zh=_period_message(one),
            message_en="The reporting period is missing, cannot be read, or cannot be assessed.",
            fix_zh="请在封面把填报期写作 2024、2024-H1、2024-Q3 或 2024-07 的形式（年份换成实际年份）；CSV 请填写 period 列。",
            sheet=identity.period_at.sheet or None,
            cell=identity.period_at.cell or None,
            value_raw=identity.period_text or None,
            expected="可以考评的填报期",
        )


def _period_message(one: _Given) -> str:
    if one.refused:
        return f"填报期“{one.identity.period_text}”不能考评：{one.refused}。"
    if one.identity.period_text:
        return f"填报期“{one.identity.period_text}”不能识别。"
    return "文件没有写明填报期。"


def _words(edition: Edition, rule: str) -> dict[str, Any]:
    check = edition.check_for(rule)
    return {"check_id": check.check_id, "rule": check.rule, "severity": check.severity}
