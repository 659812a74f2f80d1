"""Collecting from the portal. In: a client, a year. Out: raw files kept, submissions recorded, how far we are.

The portal's list is eventually consistent (submission-portal.openapi.yaml), so it is asked for again from a
day before the last mark, and what is known is dropped. The mark moves only when the whole list was read, and
never beyond a submission whose files could not be had: killed at any instruction, the next run asks for more
and loses nothing. One submission that cannot be used is told and stops no other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select

from fazhi.collect.counts import CollectCounts, Progress
from fazhi.collect.manifest import Manifest, ManifestError, manifest_of
from fazhi.collect.portal_client import FileDamagedError, FileUnavailableError, PortalClient
from fazhi.collect.record import known_contents, record_again
from fazhi.collect.rivals import in_turn
from fazhi.model.canonical import sha256_hex
from fazhi.model.errors import Unreachable
from fazhi.store.engine import read
from fazhi.store.raw import RawStore
from fazhi.store.tables import portal_copy, portal_mark, submission

SOURCE = "portal"
OVERLAP = timedelta(days=1)
"""How long before the last mark the list is asked for again: a night's list is short, a lost one is worse."""

_FAILURES_IN_A_ROW = 3
"""So many submissions in a row whose files cannot be reached mean that the portal cannot."""

_LONGEST_NAME = 60
_FIRST_YEAR = 2000


def collect_portal(
    engine: Engine,
    raw: RawStore,
    portal: PortalClient,
    year: int,
    progress: Progress | None = None,
    *,
    now: datetime,
) -> CollectCounts:
    """Collect what is new at the portal for a year.

    Args:
        engine: The store.
        raw: Where the files are kept.
        portal: The portal's client.
        year: Only submissions of this assessment year are asked for and taken.
        progress: Told after each page.
        now: When they were received, with its offset.

    Raises:
        Unreachable: The portal could not be reached; what was recorded before stays.
        ConfigurationError: It refuses the token, or sends us elsewhere.
        SystemFault: It refuses the request as wrong.
    """
    mark = _mark(engine, year, portal.origin)
    night = _Night(engine, raw, portal, year, now)
    for page in portal.pages(year, _text(mark - OVERLAP) if mark is not None else None):
        night.take(page.items)
        if progress is not None:
            progress(f"已收取报送 {night.new + night.known}/{len(night.seen)}")
    night.move_mark(mark)
    return CollectCounts(
        found=len(night.seen), new=night.new, known=night.known, problems=tuple(night.problems)
    )


@dataclass(frozen=True)
class _Listed:
    """A submission of the list with the time that the portal gives it, where it gives a readable one."""

    manifest: Manifest
    updated_at: datetime | None

    @property
    def key(self) -> tuple[str, int]:
        return self.manifest.submission_id, self.manifest.revision

    def problem(self, what: str) -> str:
        """What is wrong, with whose submission it is about."""
        return f"门户报送 {self.key[0]} 第{self.key[1]}次：{what}"


@dataclass
class _Night:
    """One reading of the list."""

    engine: Engine
    raw: RawStore
    portal: PortalClient
    year: int
    now: datetime
    seen: dict[tuple[str, int], str] = field(default_factory=dict)
    new: int = 0
    known: int = 0
    problems: list[str] = field(default_factory=list)
    latest: datetime | None = None
    earliest_open: datetime | None = None
    undated: bool = False
    failures_in_a_row: int = 0

    def take(self, items: Iterable[Any]) -> None:
        """Collect what is new on a page."""
        fresh = [listed for item in items if (listed := self._read(item)) is not None]
        with read(self.engine) as connection:
            contents = known_contents(connection, [listed.manifest.submission_id for listed in fresh])
        ready: list[Manifest] = []
        try:
            for listed in fresh:
                if self._is_ready(listed, contents.get(listed.key)):
                    ready.append(listed.manifest)
        finally:
            self._record(ready, fresh)

    def move_mark(self, mark: datetime | None) -> None:
        """Remember how far the list was read, once all of it was."""
        times = [time for time in (mark, self.latest) if time is not None]
        if self.undated or not times:
            return
        reached = min(max(times), self.now)  # a time to come would hide what the portal gets until then
        if self.earliest_open is not None:
            reached = min(reached, self.earliest_open)
        row = {
            "source": SOURCE,
            "year": self.year,
            "origin": self.portal.origin,
            "updated_at": _text(reached),
            "marked_at": _text(self.now),
        }

        def work(connection: Connection) -> None:
            connection.execute(
                delete(portal_mark).where(portal_mark.c.source == SOURCE, portal_mark.c.year == self.year)
            )
            connection.execute(insert(portal_mark), [row])

        in_turn(self.engine, work)

    # --- one submission

    def _read(self, item: Any) -> _Listed | None:
        """A submission of this year that was not on the list before, in this reading."""
        updated_at = _moment(item)
        try:
            listed = _Listed(manifest_of(item), updated_at)
        except ManifestError as fault:
            if _year(item) in (None, self.year):
                self.problems.append(f"门户报送 {_name(item)}：{fault}；未收取，更正后将在下次收取")
            return None
        if listed.manifest.period.year != self.year:
            return None
        if updated_at is None:
            self.undated = True
        elif self.latest is None or updated_at > self.latest:
            self.latest = updated_at
        content, met = listed.manifest.content_digest, self.seen.get(listed.key)
        if met is None:
            self.seen[listed.key] = content
            return listed
        if met != content:
            self.problems.append(_other_content(listed))
        return None

    def _is_ready(self, listed: _Listed, known: str | None) -> bool:
        """Whether a submission is new and its files are kept; a known one is counted, a faulty one told."""
        if known is not None:
            if known == listed.manifest.content_digest:
                self.known += 1
            else:
                self.problems.append(_other_content(listed))
            return False
        try:
            self._keep(listed.manifest)
        except FileDamagedError as damaged:
            self._leave_open(listed, str(damaged))
        except FileUnavailableError as unavailable:
            self.problems.append(listed.problem(str(unavailable)))
        except Unreachable as unreachable:
            self._leave_open(listed, str(unreachable))
            self.failures_in_a_row += 1
            if self.failures_in_a_row >= _FAILURES_IN_A_ROW:
                raise
        else:
            self.failures_in_a_row = 0
            return True
        return False

    def _keep(self, manifest: Manifest) -> None:
        """Fetch every file of a submission that is not kept yet.

        Raises:
            FileUnavailableError: Naming the file.
            Unreachable: The portal could not be reached.
        """
        for file in manifest.files:
            if self.raw.has(file.sha256):
                continue
            if file.size > self.portal.largest_file:
                raise FileUnavailableError(
                    f"文件“{file.name}”有{file.size}字节，超过{self.portal.largest_file}字节的上限，未收取"
                )
            try:
                self.raw.put(self.portal.file(file.sha256))
            except FileUnavailableError as fault:
                raise type(fault)(f"文件“{file.name}”{fault}") from None

    def _leave_open(self, listed: _Listed, problem: str) -> None:
        """Tell what could not be had, and keep the mark before it."""
        self.problems.append(listed.problem(problem))
        if listed.updated_at is None:
            return
        if self.earliest_open is None or listed.updated_at < self.earliest_open:
            self.earliest_open = listed.updated_at

    def _record(self, ready: Sequence[Manifest], fresh: Sequence[_Listed]) -> None:
        recorded = record_again(self.engine, SOURCE, ready, _text(self.now))
        self.new += recorded.new
        self.known += recorded.known
        self.problems += recorded.problems
        _note_copies(self.engine, [listed.manifest for listed in fresh])


def _note_copies(engine: Engine, manifests: Sequence[Manifest]) -> None:
    """Write down which submissions that came from elsewhere the portal has as well: it is told about them."""
    contents = {(one.submission_id, one.revision): one.content_digest for one in manifests}
    ids = sorted({submission_id for submission_id, _ in contents})
    with read(engine) as connection:
        rows = connection.execute(
            select(submission.c.submission_id, submission.c.revision, submission.c.content_digest).where(
                submission.c.submission_id.in_(ids), submission.c.source != SOURCE
            )
        )
        same = [(row[0], row[1]) for row in rows if contents.get((row[0], row[1])) == row[2]]

    def work(connection: Connection) -> None:
        noted = {tuple(row) for row in connection.execute(select(portal_copy))}
        missing = [key for key in same if key not in noted]
        if missing:
            connection.execute(
                insert(portal_copy), [{"submission_id": name, "revision": number} for name, number in missing]
            )

    if same:
        in_turn(engine, work)


def _mark(engine: Engine, year: int, origin: str) -> datetime | None:
    """How far the list of this portal and year was read."""
    query = select(portal_mark.c.updated_at).where(
        portal_mark.c.source == SOURCE, portal_mark.c.year == year, portal_mark.c.origin == origin
    )
    with read(engine) as connection:
        text = connection.execute(query).scalar_one_or_none()
    return datetime.fromisoformat(text) if text is not None else None


def _text(moment: datetime) -> str:
    return moment.isoformat()


def _other_content(listed: _Listed) -> str:
    return listed.problem("已经收取过，内容却不同；更正后的报送请提高修订号（revision）重新报送")


def _moment(item: Any) -> datetime | None:
    """When the portal last changed an item, where it says so readably."""
    text = item.get("updated_at") if isinstance(item, dict) else None
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or moment.utcoffset() is None or not _FIRST_YEAR <= moment.year < MAXYEAR:
        return None
    return moment


def _year(item: Any) -> int | None:
    year = item.get("year") if isinstance(item, dict) else None
    return year if isinstance(year, int) else None


def _name(item: Any) -> str:
    """What an unusable item is called: its id where that can be shown, else its digest's beginning."""
    name = item.get("submission_id") if isinstance(item, dict) else None
    if isinstance(name, str) and name.strip() and name.isprintable():
        return name.strip()[:_LONGEST_NAME]
    return f"（没有可用的编号，内容摘要 {sha256_hex(repr(item).encode('utf-8', 'replace'))[:12]}）"
