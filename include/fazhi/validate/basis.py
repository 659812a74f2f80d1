"""What a validation rests on, and what of it has changed. In: the last basis, today's. Out: the parses to judge again.

A finding depends on its own row, on what its slice says of the parse, on the sender's submissions, on an approved
不适用, and on the other values that its rule compares it with. ``changed_parses`` follows each of these ways back from
what differs to the parses whose findings may differ; it may name too many, never too few (docs/adr/0011). All findings
of a parse are judged again or none, so that what is said of a whole file has one owner.
"""

import io
import json
import zlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, RowMapping, and_, delete, insert, select

from fazhi.store.bulk import chunks
from fazhi.store.tables import (
    finding,
    parse,
    submission,
    submission_file,
    validation,
    validation_basis,
    value,
    value_token,
)
from fazhi.systems.edition import Edition
from fazhi.validate.reported import Sent
from fazhi.validate.rules import YEARS_BACK
from fazhi.validate.sets import NumberSet, Told, from_steps, steps

Sender = tuple[str, str]
"""Kind and code."""
Subject = tuple[str, str]
"""Unit and indicator."""

_ARRAYS = b"PK"
"""What arrays that numpy wrote begin with."""
_WORTH_IT = 2
"""Above one parse in so many, judging all of them is simpler and hardly slower."""
_PLACES = {"value_id", "parse_id", "row_no", "sheet", "note", "provenance"}
_CONTENT = [
    column
    for column in value.c
    if column.name not in _PLACES and not column.name.startswith("cell_") and not column.name.endswith("_raw")
]
"""What another row may be compared with: everything but where it stands and its narrative, which tokens stand for."""


@dataclass(frozen=True)
class Basis:
    """What a validation of a slice rests on.

    Attributes:
        rules_digest: Everything that all findings depend on: edition, duties, rules, wording.
        compared: The current parses of all regions and of the years that are compared.
        parses: The slice's own parses, each with what the slice says of it.
        submissions: A number for each submission of the region's senders, superseded ones too (``reported``).
        excused: Unit, indicator and period of each approved 不适用.
    """

    rules_digest: str
    compared: NumberSet
    parses: Told
    submissions: NumberSet
    excused: frozenset[tuple[str, str, str]]

    def packed(self) -> bytes:
        """As bytes; ``rules_digest`` is kept beside them."""
        excused = json.dumps(sorted(self.excused), separators=(",", ":")).encode()
        written = io.BytesIO()
        np.savez(
            written,
            compared=steps(self.compared),
            parses=steps(self.parses.of),
            told=self.parses.digests,
            submissions=self.submissions.numbers,
            excused=np.frombuffer(excused, np.uint8),
        )
        return zlib.compress(written.getvalue(), 1)

    @classmethod
    def unpacked(cls, rules_digest: str, packed: bytes) -> "Basis | None":
        """What ``packed`` packed; ``None`` for what an earlier release did."""
        content = zlib.decompress(packed)
        if not content.startswith(_ARRAYS):
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as kept:
            return cls(
                rules_digest,
                from_steps(kept["compared"]),
                Told(from_steps(kept["parses"]), kept["told"]),
                NumberSet(kept["submissions"]),
                frozenset(map(tuple, json.loads(kept["excused"].tobytes()))),
            )


@dataclass(frozen=True)
class Kept:
    """What a validation rested on."""

    validation_id: int
    values_checked: int
    basis: Basis


@dataclass(frozen=True)
class Carried:
    """A validation whose findings stand, but on the parses to be judged again."""

    kept: Kept
    to_judge: frozenset[int]


def kept_basis(connection: Connection, year: int, region: str, rules_digest: str) -> Kept | None:
    """What the newest validation of a slice rested on; ``None`` if there is none, or it was under other rules."""
    statement = (
        select(validation_basis, validation.c.values_checked)
        .join(validation, validation.c.validation_id == validation_basis.c.validation_id)
        .where(
            validation_basis.c.year == year,
            validation_basis.c.region == region,
            validation_basis.c.rules_digest == rules_digest,
        )
    )
    row = connection.execute(statement).one_or_none()
    basis = None if row is None else Basis.unpacked(rules_digest, row.content)
    return None if row is None or basis is None else Kept(row.validation_id, row.values_checked, basis)


def carried_from(
    connection: Connection,
    edition: Edition,
    year: int,
    kept: Kept | None,
    new: Basis,
    others: frozenset[Sent],
) -> Carried | None:
    """The validation to go on from; ``None`` where everything has to be judged.

    Args:
        connection: An open connection that sees one moment.
        edition: The indicator system of the year.
        year: The assessment year.
        kept: What the newest validation rested on.
        new: What the validation to be made rests on.
        others: Kind, sender and period of the submissions that are not in ``kept``.
    """
    if kept is None or kept.basis.submissions - new.submissions:  # submissions only ever come
        return None
    old = kept.basis
    gone, come = old.compared - new.compared, new.compared - old.compared
    if (len(gone) + len(come)) * _WORTH_IT > len(new.parses):
        return None
    ways = _Ways(connection, edition, year, old, new, gone, come, others)
    to_judge = ways.changed_parses(kept.validation_id)
    if len(to_judge) * _WORTH_IT > len(new.parses):
        return None
    return Carried(kept, to_judge)


def keep_basis(connection: Connection, year: int, region: str, validation_id: int, basis: Basis) -> None:
    """Remember what the newest validation of a slice rests on."""
    connection.execute(
        delete(validation_basis).where(validation_basis.c.year == year, validation_basis.c.region == region)
    )
    connection.execute(
        insert(validation_basis).values(
            year=year,
            region=region,
            validation_id=validation_id,
            rules_digest=basis.rules_digest,
            content=basis.packed(),
        )
    )


@dataclass(frozen=True)
class _Ways:
    """The ways from what changed to the findings that may have changed."""

    connection: Connection
    edition: Edition
    year: int
    old: Basis
    new: Basis
    gone: frozenset[int]
    come: frozenset[int]
    sent: frozenset[Sent]
    """What was sent by the submissions that came."""

    def changed_parses(self, validation_id: int) -> frozenset[int]:
        """The slice's parses whose findings may differ from those of a validation."""
        ways: tuple[Iterable[int], ...] = (
            self._new_or_placed_otherwise(),
            self._of_changed_senders(),
            self._of_changed_excuses(),
            self._pointing_at_what_is_gone(validation_id),
            self._comparing(self._changed_values()),
            self._sharing(self._changed_tokens()),
        )
        own = self.new.parses.of
        return frozenset(number for way in ways for number in way if number in own)

    def _new_or_placed_otherwise(self) -> frozenset[int]:
        return self.new.parses.differing(self.old.parses)

    # --- submissions ---

    def _of_changed_senders(self) -> Iterator[int]:
        """Parses for the periods that more was submitted for, or submitted as the very file that was."""
        if not self.sent:
            return
        senders = {key[1] for key in self.sent}
        sent = defaultdict(set)
        for row in self._workbooks(senders):
            sent[row.kind, row.sender_code, row.period].add(row.sha256)
        again: dict[Sender, set[str]] = defaultdict(set)
        for key in self.sent:
            again[key[:2]] |= sent[key]
        touched = self.sent | {key for key, files in sent.items() if files & again.get(key[:2], set())}
        for row in self._parses_of(senders):
            if (row.kind, row.sender_code, row.period) in touched:
                yield row.parse_id

    def _workbooks(self, senders: Collection[str]) -> Iterator[Any]:
        same = and_(
            submission_file.c.submission_id == submission.c.submission_id,
            submission_file.c.revision == submission.c.revision,
        )
        columns = [submission.c[name] for name in ("kind", "sender_code", "period")]
        for some in chunks(sorted(senders)):
            yield from self.connection.execute(
                select(*columns, submission_file.c.sha256)
                .join(submission_file, same)
                .where(
                    submission_file.c.role == "workbook",
                    submission.c.sender_code.in_(some),
                    submission.c.year.between(self.year - YEARS_BACK, self.year),
                )
            )

    def _parses_of(self, senders: Collection[str]) -> Iterator[Any]:
        columns = [parse.c[name] for name in ("parse_id", "kind", "sender_code", "period")]
        for some in chunks(sorted(senders)):
            yield from self.connection.execute(
                select(*columns).where(parse.c.sender_code.in_(some), parse.c.year == self.year)
            )

    # --- decisions ---

    def _of_changed_excuses(self) -> Iterator[int]:
        changed = self.old.excused ^ self.new.excused
        subjects = {(unit, code) for unit, code, _ in changed}
        for row in self._values_about(subjects):
            if (row.unit_code, row.indicator_code, row.period) in changed:
                yield row.parse_id

    # --- other values ---

    def _pointing_at_what_is_gone(self, validation_id: int) -> Iterator[int]:
        """Findings that name a cell of a parse that is not current any more."""
        if not self.gone:
            return
        statement = (
            select(finding.c.parse_id, value.c.parse_id.label("other"))
            .join(value, value.c.value_id == finding.c.other_value_id)
            .where(finding.c.validation_id == validation_id)
        )
        yield from (row.parse_id for row in self.connection.execute(statement) if row.other in self.gone)

    def _changed_values(self) -> list[RowMapping]:
        """The rows that went or came, without those that came as they went."""
        rows = [row for some in chunks(sorted(self.gone | self.come)) for row in self._content(some)]
        if self._may_come_first():
            return rows
        went = {self._told(row) for row in rows if row["parse_id"] in self.gone}
        came = {self._told(row) for row in rows if row["parse_id"] in self.come}
        return [row for row in rows if self._told(row) in went ^ came]

    def _content(self, parses: Sequence[int]) -> Sequence[RowMapping]:
        statement = select(value.c.parse_id, *_CONTENT).where(value.c.parse_id.in_(parses))
        return self.connection.execute(statement).mappings().all()

    @staticmethod
    def _told(row: RowMapping) -> tuple[Any, ...]:
        return tuple(row[column.name] for column in _CONTENT)

    def _may_come_first(self) -> bool:
        """Whether a parse came that is older than one compared before: a finding names the first row of several."""
        return min(self.come, default=0) <= self.old.compared.largest

    def _comparing(self, changed: Sequence[RowMapping]) -> Iterator[int]:
        """The parses with a row that some rule compares with a changed one."""
        partners = self._partners()
        by_subject: dict[Subject, list[RowMapping]] = defaultdict(list)
        for other in changed:
            for code in partners.get(other["indicator_code"], frozenset()) | {other["indicator_code"]}:
                by_subject[other["unit_code"], code].append(other)
        for row in self._values_about(by_subject):
            others = by_subject.get((row.unit_code, row.indicator_code), ())
            if any(_may_be_compared(row, other) for other in others):
                yield row.parse_id

    def _partners(self) -> Mapping[str, frozenset[str]]:
        """For each indicator the others whose checks look at it."""
        found: dict[str, set[str]] = defaultdict(set)
        for check in self.edition.checks:
            named = {code for param in check.params.values() for code in _codes(param)}
            for code in named & self.edition.by_code.keys():
                found[code] |= named
        return {code: frozenset(others) for code, others in found.items()}

    def _values_about(self, subjects: Iterable[Subject]) -> Iterator[Any]:
        """The year's rows about some units and indicators, superseded ones too."""
        units: dict[str, set[str]] = defaultdict(set)
        for unit, code in subjects:
            units[unit].add(code)
        names = (
            "parse_id",
            "unit_code",
            "indicator_code",
            "kind",
            "reporter_code",
            "year",
            "period",
            "period_rank",
        )
        for some in chunks(sorted(units)):
            codes = sorted({code for unit in some for code in units[unit]})
            yield from self.connection.execute(
                select(*(value.c[name] for name in names)).where(
                    value.c.year == self.year, value.c.unit_code.in_(some), value.c.indicator_code.in_(codes)
                )
            )

    # --- tokens ---

    def _changed_tokens(self) -> set[tuple[str, str]]:
        """Kind and token of what went or came, without what the same sender had before about the same unit."""
        went, came = (self._tokens(parses) for parses in (self.gone, self.come))
        changed = went | came if self._may_come_first() else went ^ came
        return {one[:2] for one in changed}

    def _tokens(self, parses: Collection[int]) -> set[tuple[Any, ...]]:
        about = [value.c[name] for name in ("kind", "reporter_code", "unit_code", "year")]
        return {
            tuple(row)
            for some in chunks(sorted(parses))
            for row in self.connection.execute(
                select(value_token.c.kind, value_token.c.token, *about)
                .join(value, value.c.value_id == value_token.c.value_id)
                .where(value_token.c.parse_id.in_(some))
            )
        }

    def _sharing(self, tokens: Collection[tuple[str, str]]) -> Iterator[int]:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for kind, token in sorted(tokens):
            by_kind[kind].append(token)
        for kind, all_of_kind in by_kind.items():
            for some in chunks(all_of_kind):
                yield from self.connection.execute(
                    select(value_token.c.parse_id)
                    .distinct()
                    .where(value_token.c.kind == kind, value_token.c.token.in_(some))
                ).scalars()


def _may_be_compared(row: Any, other: RowMapping) -> bool:
    """Whether some family of rules compares a row with another of the same unit and a related indicator.

    The families of ``fazhi.validate.sql`` that look beyond their own submission: another source's figure for the
    period, an earlier period of the year, the same period of an earlier year.
    """
    same_year, same_period = row.year == other["year"], row.period == other["period"]
    same_reporter, same_kind = row.reporter_code == other["reporter_code"], row.kind == other["kind"]
    if same_year and same_period:
        return not (same_reporter and same_kind)
    if row.indicator_code != other["indicator_code"] or not same_kind:
        return False
    if same_year:
        return bool(same_reporter and row.period_rank > other["period_rank"])
    return bool(row.year > other["year"] and row.period[4:] == other["period"][4:])


def _codes(param: Any) -> tuple[str, ...]:
    if isinstance(param, str):
        return (param,)
    return tuple(one for one in param if isinstance(one, str)) if isinstance(param, (list, tuple)) else ()


__all__ = ["Basis", "Carried", "Kept", "carried_from", "keep_basis", "kept_basis"]
