"""Whose file it is and for when, by the file alone. In: a file's cells, editions, registry. Out: an identity.

For the self-check, where no portal says who sends what. The template's own marks go before the cover, so that a
cover that was changed is found; a CSV is known by its rows. Nothing is guessed: what stays unknown stays empty.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from fazhi.intake.table import Table, find_table
from fazhi.model.errors import UsageError
from fazhi.model.period import Period
from fazhi.model.terms import SubmissionKind
from fazhi.registry import Registry
from fazhi.sheets import Cover, ReadFile, cover_of, period_of, template_of
from fazhi.sheets.cover import PERIOD, UNIT_CODE, UNIT_NAME, Entry, code_of
from fazhi.systems.edition import Edition


@dataclass(frozen=True)
class Identity:
    """Whose file it is and for when; empty or ``None`` what the file does not say.

    ``unit_at`` and ``period_at`` are where it says so, or where it should.
    """

    kind: SubmissionKind
    sender_code: str
    period: Period | None
    period_text: str
    unit_at: Entry
    period_at: Entry


_NOWHERE = Entry("", "", "")


def identify(file: ReadFile, editions: Sequence[Edition], registry: Registry, today: date) -> Identity:
    """Find out whose file it is."""
    cover, marks = cover_of(file) or Cover({}), template_of(file)
    found = find_table(file, SubmissionKind.UNIT)
    table = found if isinstance(found, Table) else None
    unit_at = cover.entries.get(UNIT_CODE) or _beside(file, UNIT_CODE)
    period_at = cover.entries.get(PERIOD) or _beside(file, PERIOD)
    texts = [marks.get("period", ""), period_at.text, *_texts(table, "period")]
    period = _period(texts)
    day = _day(registry, period, today)
    sender = _sender(registry, [code_of(marks.get("unit_code", "")), code_of(unit_at.text)])
    sender = sender or _by_name(registry, cover.text(UNIT_NAME), day)
    kind, sender = _kind(table, sender, period, editions, registry)
    return Identity(kind, sender, period, next(filter(None, texts), ""), unit_at, period_at)


def _beside(file: ReadFile, label: str) -> Entry:
    """Where the cover asks for an entry that is not filled."""
    cover = file.sheet("封面")
    for row in cover.rows if cover is not None else ():
        if "".join(row.text(1).split()).rstrip(":\uff1a") == label:
            return Entry("", "封面", f"B{row.number}")
    return _NOWHERE


def _texts(table: Table | None, key: str) -> list[str]:
    """The different entries of a column, the most frequent first."""
    if table is None or key not in table.columns:
        return []
    counted = Counter(text for row in table.rows() if (text := table.text(row, key)))
    return [text for text, _ in counted.most_common()]


def _period(texts: Iterable[str]) -> Period | None:
    return next((period for text in texts if (period := period_of(text)) is not None), None)


def _day(registry: Registry, period: Period | None, today: date) -> date:
    try:
        return registry.deciding_day(period.year, today) if period is not None else today
    except UsageError:
        return today


def _sender(registry: Registry, codes: Sequence[str]) -> str:
    """The first code that some unit has or had; else the first one written."""
    written = [code for code in codes if code]
    return next((code for code in written if registry.known_code(code)), written[0] if written else "")


def _by_name(registry: Registry, name: str, day: date) -> str:
    """The code of the only unit of that name."""
    units = registry.find_by_name(name, day) if name else ()
    return units[0].unit_code if len(units) == 1 else ""


# --- a unit about itself, or an office about many


def _kind(
    table: Table | None,
    sender: str,
    period: Period | None,
    editions: Sequence[Edition],
    registry: Registry,
) -> tuple[SubmissionKind, str]:
    codes = [code_of(text) for text in _texts(table, "unit_code")]
    if table is None or not codes:
        return SubmissionKind.UNIT, sender
    edition = next((one for one in editions if period is not None and one.covers_year(period.year)), None)
    if edition is None or period is None:
        return SubmissionKind.UNIT, sender or codes[0]
    if sender:
        office = set(codes) != {sender} and _reports_most(sender, table, edition, registry, period.year)
        return (SubmissionKind.OFFICE if office else SubmissionKind.UNIT), sender
    about = (registry.unit_on(code, period.last_day) for code in codes)
    region = next((registry.region_of(unit) for unit in about if unit is not None), None)
    authorities = _authorities(table, edition, registry, period.year, region)
    if authorities and (len(codes) > 1 or not _asks_only_itself(table, edition)):
        return SubmissionKind.OFFICE, authorities[0]
    return SubmissionKind.UNIT, codes[0]


def _reports_most(sender: str, table: Table, edition: Edition, registry: Registry, year: int) -> bool:
    """Whether most indicators of the table are the sender's to report about others.

    A bureau that is the authority of some register, and lists its subordinate bodies in its own workbook, is no
    office here.
    """
    found = [edition.by_code.get(code_of(text)) for text in _texts(table, "indicator_code")]
    known = [indicator for indicator in found if indicator is not None]
    own = [
        indicator
        for indicator in known
        if any(sender == authority for _, authority in registry.reporters(indicator, year))
    ]
    return 2 * len(own) > len(known)


def _authorities(
    table: Table, edition: Edition, registry: Registry, year: int, region: str | None
) -> list[str]:
    """The authorities that may report every indicator of the table about units of a region."""
    shared: set[str] | None = None
    for text in _texts(table, "indicator_code"):
        indicator = edition.by_code.get(code_of(text))
        if indicator is None:
            continue
        reporters = {authority for _, authority in registry.reporters(indicator, year, region)}
        shared = reporters if shared is None else shared & reporters
    return sorted(shared or ())


def _asks_only_itself(table: Table, edition: Edition) -> bool:
    """Whether a unit is asked for any of the indicators in its own table."""
    indicators = (edition.by_code.get(code_of(text)) for text in _texts(table, "indicator_code"))
    return any(indicator is not None and indicator.asked_of_unit for indicator in indicators)
