"""Changing the ground. In: a folder with what shall change, two persons. Out: the effect shown, a proposal, its approval.

What was shown is a document of its own in the raw store; the approval is bound to its digest.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from fazhi.audit import Actor
from fazhi.model.canonical import canonical_bytes, digest
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.pipeline.final import is_sealed
from fazhi.pipeline.ground import Ground, Progress
from fazhi.pipeline.what_if import Standpoint, YearEffect, what_if, years_with_data
from fazhi.registry import Registry, load_registry
from fazhi.registry.calendar import WorkingDays
from fazhi.registry.diff import diff_files
from fazhi.review.ground import (
    TREE_ZH,
    Change,
    Places,
    Proposal,
    approve,
    ground_digest,
    proposal,
    propose,
    read_tree,
    tree_digest,
)
from fazhi.settings import Settings
from fazhi.systems import Editions, describe, diff, load_edition, load_editions
from fazhi.validate.suites import project_files

Document = dict[str, Any]

_HOLIDAYS = re.compile(r"[0-9]{4}\.csv")
_SUFFIXES = frozenset({".csv", ".yaml", ".md"})
_HEAD = "system.yaml"


@dataclass(frozen=True)
class Submitted:
    """What somebody wants to change: a tree, and the files to put in it by path; other files stay."""

    tree: str
    files: Mapping[str, bytes]


# --- what is submitted ----------------------------------------------------------------------------------------------


def submitted_registry(folder: Path) -> Submitted:
    """Files for the registry, or for the holidays when all of them are named after a year.

    Raises:
        UsageError: The folder has no such file, or files of both kinds.
    """
    files = _files_of(folder)
    tables = [name for name in files if name.endswith(".csv")]
    if not tables:
        raise UsageError(f"{folder} 里没有 .csv 文件")
    holidays = [name for name in tables if _HOLIDAYS.fullmatch(name)]
    if holidays and len(holidays) < len(tables):
        raise UsageError("单位名录和节假日安排请分两次提交：文件名为年份的是节假日安排")
    return Submitted("holidays" if holidays else "registry", files)


def submitted_editions(folder: Path) -> Submitted:
    """One edition's folder, or a folder of editions (a new edition together with the end of the one before).

    Raises:
        UsageError: There is no edition in it.
        ConfigurationError: An edition is faulty (all faults listed).
    """
    if (folder / _HEAD).is_file():
        return Submitted("systems", _edition_files(folder))
    inside = sorted(path.parent for path in folder.glob(f"*/{_HEAD}"))
    if not inside:
        raise UsageError(f"{folder} 里没有指标体系（缺少 {_HEAD}）")
    files = {path: content for one in inside for path, content in _edition_files(one).items()}
    return Submitted("systems", files)


def _edition_files(folder: Path) -> dict[str, bytes]:
    system_id = load_edition(folder).system_id
    return {f"{system_id}/{name}": content for name, content in _files_of(folder).items()}


def _files_of(folder: Path) -> dict[str, bytes]:
    if not folder.is_dir():
        raise UsageError(f"{folder} 不是目录")
    files = read_tree(folder)
    strange = [name for name in files if "/" in name or Path(name).suffix not in _SUFFIXES]
    if strange:
        raise UsageError(f"{folder} 里有不认识的文件：{'、'.join(strange)}；只接受 .csv、.yaml、.md")
    return files


# --- proposing ------------------------------------------------------------------------------------------------------


def propose_change(
    settings: Settings,
    submitted: Submitted,
    proposer: Actor,
    reason: str,
    *,
    now: datetime,
    progress: Progress | None = None,
) -> tuple[int, Document]:
    """Check a change completely, work out its effect and store it as proposed; nothing is applied.

    Returns:
        The proposal's number, and the document that was shown.

    Raises:
        ConfigurationError: The changed ground is faulty; all faults are listed.
        UsageError: Nothing changes, or the reason or the proposer is missing.
    """
    ground = Ground(settings)
    places = places_of(settings)
    compared_with = ground_digest(places)
    before = read_tree(places.of(submitted.tree))
    after = {**before, **submitted.files}
    if tree_digest(before) == tree_digest(after):
        raise UsageError(f"{TREE_ZH[submitted.tree]}没有任何变化，不需要提交")
    with _changed(settings, submitted) as changed:
        proposed = checked_standpoint(changed)
        current = standpoint(ground)
        document = {
            "tree": submitted.tree,
            "before": tree_digest(before),
            "after": tree_digest(after),
            "ground": compared_with,
            "changes": _changes(submitted.tree, before, after, current.editions, proposed.editions),
            "years": [
                _year_document(effect) for effect in _effects(ground, current, proposed, now, progress)
            ],
        }
    change = Change(submitted.tree, before, after, compared_with, canonical_bytes(document))
    return propose(ground.engine, ground.raw, change, proposer, reason, now=now), document


def approve_change(
    settings: Settings, proposal_id: int, decider: Actor, reason: str, *, now: datetime, shown: str = ""
) -> Proposal:
    """Approve a proposal and put it in force.

    Args:
        settings: Where the ground and the store are.
        proposal_id: The proposal.
        decider: Somebody else than the proposer.
        reason: Why.
        now: The present moment.
        shown: The digest (or its beginning) of the document that the decider has read, where the caller knows it.

    Raises:
        UsageError: As ``review.ground.approve``, or the decider has read another document.
    """
    ground = Ground(settings)
    found = proposal(ground.engine, proposal_id)
    if shown and not found.shown_digest.startswith(shown):
        raise UsageError(f"提议 {proposal_id} 的影响说明不是您看过的那一份（{shown}）；什么也没有改变")
    applied = approve(ground.engine, ground.raw, places_of(settings), proposal_id, decider, reason, now=now)
    if applied.tree == "systems":
        _write_suites(settings)
    return applied


def _write_suites(settings: Settings) -> None:
    """The suites of the editions now in force: validation asks for them; written again if killed on the way."""
    for path, text in project_files(load_editions(settings.systems_dir).all).items():
        target = settings.gx_dir / path
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")


def shown_document(settings: Settings, proposal_id: int) -> tuple[Proposal, Document]:
    """A proposal, and the document that was shown when it was made."""
    ground = Ground(settings)
    found = proposal(ground.engine, proposal_id)
    document: Document = json.loads(ground.raw.get(found.shown_digest))
    return found, document


def places_of(settings: Settings) -> Places:
    """Where the three folders of the ground lie."""
    return Places(settings.systems_dir, settings.registry_dir, settings.holidays_dir)


# --- effect ---------------------------------------------------------------------------------------------------------


def edition_what_if(
    settings: Settings, folder: Path, year: int, *, now: datetime, progress: Progress | None = None
) -> Document:
    """What a proposed edition would do to a year's accepted data.

    Raises:
        ConfigurationError: The edition is faulty, or the registry does not fit it.
        UsageError: It does not cover the year.
    """
    ground = Ground(settings)
    edition = load_edition(folder)
    if not edition.covers_year(year):
        raise UsageError(
            f"{folder} 是指标体系 {edition.system_id}，不适用于 {year} 年度（见 {_HEAD} 的 years）"
        )
    others = [
        one for one in ground.editions.all if one.system_id != edition.system_id and not one.covers_year(year)
    ]
    editions = Editions((*others, edition))
    current = standpoint(ground)
    proposed = Standpoint(editions, load_registry(settings.registry_dir, editions), current.calendar)
    return _year_document(
        what_if(ground.engine, ground.raw, current, proposed, year, now=now, progress=progress)
    )


def standpoint(ground: Ground) -> Standpoint:
    """The ground as it is."""
    return Standpoint(ground.editions, ground.registry, WorkingDays.load(ground.settings.holidays_dir))


def checked_standpoint(settings: Settings) -> Standpoint:
    """A ground with all its faults told at once.

    Raises:
        ConfigurationError: Editions, registry or holidays are faulty.
    """
    faults: list[str] = []
    editions: Editions | None = _tried(lambda: load_editions(settings.systems_dir), faults)
    registry: Registry | None = _tried(lambda: load_registry(settings.registry_dir, editions), faults)
    calendar: WorkingDays | None = _tried(lambda: WorkingDays.load(settings.holidays_dir), faults)
    if editions is None or registry is None or calendar is None:
        raise ConfigurationError(f"提交的内容有 {len(faults)} 处问题，更正后才能提交：", tuple(faults))
    return Standpoint(editions, registry, calendar)


def _tried(load: Callable[[], Any], faults: list[str]) -> Any:
    try:
        return load()
    except ConfigurationError as stop:
        faults.extend(stop.faults or (str(stop),))
        return None


def _effects(
    ground: Ground, current: Standpoint, proposed: Standpoint, now: datetime, progress: Progress | None
) -> Iterator[YearEffect]:
    for year in sorted(years_with_data(ground.engine)):
        is_open = _covered(current, year) and not is_sealed(ground, year, now)
        if is_open and _covered(proposed, year):
            yield what_if(ground.engine, ground.raw, current, proposed, year, now=now, progress=progress)


def _covered(point: Standpoint, year: int) -> bool:
    return any(edition.covers_year(year) for edition in point.editions.all)


@contextmanager
def _changed(settings: Settings, submitted: Submitted) -> Iterator[Settings]:
    """Settings of the ground as it would be, in a temporary folder."""
    places = places_of(settings)
    with tempfile.TemporaryDirectory(prefix="fazhi-ground-") as name:
        root = Path(name)
        for tree in TREE_ZH:
            files = read_tree(places.of(tree))
            for path, content in {**files, **(submitted.files if tree == submitted.tree else {})}.items():
                target = root / tree / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
            (root / tree).mkdir(exist_ok=True)
        yield replace(
            settings,
            systems_dir=root / "systems",
            registry_dir=root / "registry",
            holidays_dir=root / "holidays",
        )


def _changes(
    tree: str, before: Mapping[str, bytes], after: Mapping[str, bytes], old: Editions, new: Editions
) -> list[str]:
    if tree != "systems":
        return diff_files(before, after)
    known = {edition.system_id: edition for edition in old.all}
    lines: list[str] = []
    for edition in new.all:
        if edition.system_id not in known:
            about = describe(edition)
            lines.append(f"新增指标体系 {about.system_id}（{about.title_zh}），适用 {about.years_zh}")
        elif edition.digest != known[edition.system_id].digest:
            lines += diff(known[edition.system_id], edition).splitlines()
    return lines or ["只有写法不同，内容没有变化"]


def _year_document(effect: YearEffect) -> Document:
    return {
        "year": effect.year,
        "units": effect.units,
        "unchanged": effect.unchanged,
        "moves": [
            {
                **asdict(move),
                "before": _points(move.before),
                "after": _points(move.after),
                "difference": _difference(move.before, move.after),
            }
            for move in effect.moves
        ],
        "stops": [asdict(stop) for stop in effect.stops],
    }


def _points(hundredths: int | None) -> str | None:
    if hundredths is None:
        return None
    sign = "-" if hundredths < 0 else ""
    return f"{sign}{abs(hundredths) // 100}.{abs(hundredths) % 100:02d}"


def _difference(before: int | None, after: int | None) -> str | None:
    if before is None or after is None:
        return None
    told = _points(after - before)
    return f"+{told}" if after > before else told


# --- in words -------------------------------------------------------------------------------------------------------


def document_lines(document: Mapping[str, Any]) -> list[str]:
    """The document of a proposal in plain Chinese, a line each."""
    lines = [f"变更内容（{TREE_ZH[document['tree']]}）", *document["changes"], ""]
    if not document["years"]:
        lines.append("没有未封存而已有报送数据的年度，没有得分受到影响；已封存年度的结果只能更正。")
    for year in document["years"]:
        lines += year_lines(year)
    return lines


def year_lines(effect: Mapping[str, Any]) -> list[str]:
    """The effect on one year in plain Chinese, a line each."""
    moves: Sequence[Mapping[str, Any]] = effect["moves"]
    stops: Sequence[Mapping[str, Any]] = effect["stops"]
    lines = [
        f"对 {effect['year']} 年度的影响：{effect['units']} 个单位中，"
        f"{len(moves)} 个得分变化，{effect['unchanged']} 个不变"
    ]
    lines += [f"  {move['name_zh']}（{move['unit_code']}）：{_move_zh(move)}" for move in moves]
    if stops:
        lines.append("不能计分的数据有变化：")
    lines += [
        f"  {stop['name_zh']}（{stop['unit_code']}）{stop['indicator_code']} {stop['rule']}："
        f"{'增加' if stop['count'] > 0 else '减少'} {abs(stop['count'])} 处"
        for stop in stops
    ]
    return lines


def _move_zh(move: Mapping[str, Any]) -> str:
    if move["before"] is None:
        return f"原来没有得分，将得 {move['after']}"
    if move["after"] is None:
        return f"原得 {move['before']}，将没有得分"
    return f"{move['before']} → {move['after']}（{move['difference']}）"


def change_digest(document: Mapping[str, Any]) -> str:
    """The digest of what was shown, as the approval carries it."""
    return digest(document)
