"""Collecting from a folder. In: the inbox, a year. Out: raw files kept, submissions recorded.

Content goes into the raw store first, then one transaction records what refers to it: killed in between, a
run leaves files that nobody refers to yet, and the next one goes on. What cannot be used is told and stays
where it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from fazhi.collect.counts import CollectCounts, Progress
from fazhi.collect.inbox import (
    MANIFEST,
    MAX_MANIFEST_BYTES,
    Bare,
    Described,
    Strange,
    UnusableError,
    find_in,
    items,
    read_plain,
)
from fazhi.collect.manifest import ListedFile, Manifest, ManifestError, read_manifest
from fazhi.collect.record import Recorded, known_contents, record_again
from fazhi.model.canonical import sha256_hex
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.sheets import Cover, cover_of, read_file
from fazhi.sheets.cover import FILLED_BY, FILLED_ON
from fazhi.store.engine import read
from fazhi.store.raw import RawStore

SOURCE = "folder"
SHANGHAI = ZoneInfo("Asia/Shanghai")

_PER_TRANSACTION = 64


def collect_folder(
    engine: Engine,
    raw: RawStore,
    inbox: Path,
    year: int,
    progress: Progress | None = None,
    *,
    now: datetime | None = None,
) -> CollectCounts:
    """Collect the submissions of a year from the inbox.

    Args:
        engine: The store.
        raw: Where the files are kept.
        inbox: The folder; one that does not exist holds nothing.
        year: Only submissions of this assessment year are taken.
        progress: Told after each transaction.
        now: When they were received; the clock's time by default.

    Raises:
        Unreachable: The folder cannot be listed.
    """
    received_at = (now or datetime.now(SHANGHAI)).isoformat(timespec="seconds")
    if not inbox.exists():
        return CollectCounts(problems=(f"收件文件夹 {inbox} 不存在，没有可收取的报送",))
    bare: list[_BareOf] = []
    problems: list[str] = []
    described = _look_through(inbox, year, bare, problems)
    new = known = done = 0
    while batch := list(islice(described, _PER_TRANSACTION)):
        recorded = _collect(engine, raw, batch, received_at)
        new, known = new + recorded.new, known + recorded.known
        problems += recorded.problems
        done += len(batch)
        if progress is not None:
            progress(f"已收取报送 {done} 份")
    for item in bare:
        recorded = _collect_bare(engine, raw, item, received_at, alone=_is_alone(item, bare))
        new, known = new + recorded.new, known + recorded.known
        problems += recorded.problems
        done += 1
        if progress is not None:
            progress(f"已收取报送 {done} 份")
    return CollectCounts(found=done, new=new, known=known, problems=tuple(problems))


@dataclass(frozen=True)
class _BareOf:
    """A bare workbook whose cover says whose it is and for when."""

    item: Bare
    content: bytes
    unit_code: str
    period: Period
    cover: Cover


def _look_through(
    inbox: Path, year: int, bare: list[_BareOf], problems: list[str]
) -> Iterator[tuple[Path, Manifest]]:
    """The submissions of the year with a manifest, one by one: a province's do not fit into memory.

    Args:
        inbox: The folder.
        year: The assessment year.
        bare: Receives the year's workbooks without a manifest.
        problems: Receives what is wrong with the rest.
    """
    for item in items(inbox):
        try:
            if isinstance(item, Strange):
                problems.append(item.problem)
            elif isinstance(item, Described):
                manifest = _manifest(item.folder)
                if manifest.period.year == year:
                    yield item.folder, manifest
            else:
                read_bare = _cover(item)
                if read_bare.period.year == year:
                    bare.append(read_bare)
        except UnusableError as unusable:
            problems.append(str(unusable))


def _manifest(folder: Path) -> Manifest:
    try:
        return read_manifest(read_plain(folder / MANIFEST, MAX_MANIFEST_BYTES))
    except ManifestError as fault:
        raise UnusableError(f"{folder / MANIFEST}：{fault}；更正后将在下次收取") from fault


def _cover(item: Bare) -> _BareOf:
    content = read_plain(item.workbook)
    file = read_file(content, item.workbook.name)
    if file.fault is not None:
        raise UnusableError(
            f"{item.workbook}：{file.fault.detail}；没有附 {MANIFEST}，不能确定报送单位，未收取"
        )
    cover = cover_of(file)
    if cover is None or not cover.unit_code or cover.period is None:
        raise UnusableError(
            f"{item.workbook}：没有附 {MANIFEST}，封面上又没有填写统一社会信用代码和填报期，"
            "不能确定报送单位和填报期，未收取"
        )
    return _BareOf(item, content, cover.unit_code, cover.period, cover)


# --- submissions with a manifest


def _collect(
    engine: Engine, raw: RawStore, batch: Sequence[tuple[Path, Manifest]], received_at: str
) -> Recorded:
    with read(engine) as connection:
        contents = known_contents(connection, [manifest.submission_id for _, manifest in batch])
    new: list[Manifest] = []
    known, problems = 0, []
    for folder, manifest in batch:
        content = contents.get((manifest.submission_id, manifest.revision))
        if content == manifest.content_digest:
            known += 1
        elif content is not None:
            problems.append(
                f"{folder}：报送 {manifest.submission_id} 第{manifest.revision}次已经收取过，内容却不同；"
                "更正后的报送请提高修订号(revision)重新报送"
            )
        else:
            try:
                _keep(raw, folder, manifest.files)
                new.append(manifest)
            except UnusableError as unusable:
                problems.append(str(unusable))
    recorded = record_again(engine, SOURCE, new, received_at)
    return Recorded(recorded.new, known + recorded.known, (*problems, *recorded.problems))


def _keep(raw: RawStore, folder: Path, files: Iterable[ListedFile]) -> None:
    """Read every file of a submission, check it against its manifest and keep it.

    Raises:
        UnusableError: A file is missing or is not what the manifest says.
    """
    contents = []
    for file in files:
        path = find_in(folder, file.name)
        content = read_plain(path)
        if len(content) != file.size or sha256_hex(content) != file.sha256:
            raise UnusableError(
                f"{path}：内容与 {MANIFEST} 所记的大小或SHA-256不符（可能尚未复制完整或传输受损），"
                "未收取，下次再试"
            )
        contents.append(content)
    for content in contents:
        raw.put(content)


# --- bare workbooks


def _is_alone(item: _BareOf, bare: Sequence[_BareOf]) -> bool:
    """Whether no other workbook of the inbox is of the same unit and period."""
    return sum((other.unit_code, other.period) == (item.unit_code, item.period) for other in bare) == 1


def _collect_bare(engine: Engine, raw: RawStore, item: _BareOf, received_at: str, *, alone: bool) -> Recorded:
    """Collect a bare workbook as the next revision of its unit and period, unless its content is known.

    Alone, content that is not the current one is a new revision, also when it returns to an earlier one.
    Beside other workbooks of the same unit and period, only content that never came before is.
    """
    try:
        contents = [(item.item.workbook.name, "workbook", item.content)]
        contents += [(path.name, "evidence", read_plain(path)) for path in item.item.evidence]
    except UnusableError as unusable:
        return Recorded(problems=(str(unusable),))
    files = tuple(ListedFile(name, role, raw.put(content), len(content)) for name, role, content in contents)
    manifest = Manifest(
        submission_id=f"folder-{sha256_hex(f'{item.unit_code}|{item.period}'.encode())[:20]}",
        revision=1,
        kind=SubmissionKind.UNIT,
        sender_code=item.unit_code,
        period=item.period,
        submitted_at=_submitted_at(item.cover, received_at),
        submitted_by=item.cover.text(FILLED_BY),
        files=files,
    )
    recorded = record_again(
        engine, SOURCE, [manifest], received_at, next_revision="new" if alone else "unseen"
    )
    if alone:
        return recorded
    return replace(
        recorded,
        problems=(
            *recorded.problems,
            f"{item.item.workbook}：{item.period.name_zh}同一单位({item.unit_code})在收件文件夹中有多份填报表，"
            "以修订号最高的为准，请只保留一份",
        ),
    )


def _submitted_at(cover: Cover, received_at: str) -> str:
    """The day on the cover, or where it names none, the time of receipt."""
    try:
        day = datetime.fromisoformat(cover.text(FILLED_ON))
    except ValueError:
        return received_at
    return day.replace(tzinfo=SHANGHAI).isoformat(timespec="seconds")
