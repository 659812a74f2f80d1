"""The moves of final results without the score room: synthetic results of a few units (合成数据)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, func, insert, select, update

from fazhi.audit import Actor
from fazhi.model.canonical import digest
from fazhi.publish import final
from fazhi.publish.final.records import Draft, Kind, ProposedUnit
from fazhi.store import read, write
from fazhi.store.tables import current_result, final_version, outbox, result
from support.publish import unit

YEAR, REGION = 2023, "150200"
START = datetime.fromisoformat("2024-04-15T09:00:00+08:00")
STEWARD, OTHER, CHIEF, DEPUTY, CLERK = "kp-steward-1", "kp-steward-2", "kp-chief-1", "kp-deputy-1", "kp-clerk"


@dataclass
class Steps:
    """One region's year: what its results would be now, and the moves on them."""

    engine: Engine
    windows: final.Windows
    signers: final.Signers
    now: datetime = START
    scores: dict[str, str] = field(default_factory=lambda: {unit(1): "80.00", unit(2): "90.00"})

    def wait(self, days: int = 1) -> datetime:
        self.now += timedelta(days=days)
        return self.now

    def official(self, account: str) -> final.Official:
        return self.signers.official(account, REGION, self.now.date())

    # ---- what is computed --------------------------------------------------------------------------------

    def draft(self) -> Draft:
        """What would be proposed now: everything, or what differs from the sealed results."""
        with read(self.engine) as connection:
            sealed = final.seal_of(connection, YEAR, REGION) is not None
            held = self.final_versions(connection) if sealed else {}
        units = tuple(
            ProposedUnit(
                code,
                "合成单位",
                self.content(code),
                score,
                None,
                None,
                score,
                held[code][0] if sealed else None,
            )
            for code, score in sorted(self.scores.items())
            if not sealed or held[code][1] != self.content(code)
        )
        kind = Kind.CORRECTION if sealed else Kind.FINAL
        return Draft(YEAR, REGION, kind, "5" * 64, units)

    def content(self, code: str) -> str:
        return digest([code, self.scores[code]])

    @staticmethod
    def final_versions(connection):
        """The newest final version of each unit and its digest."""
        rows = connection.execute(
            select(final_version.c.unit_code, final_version.c.version, result.c.content_digest)
            .join(
                result,
                (result.c.year == final_version.c.year)
                & (result.c.unit_code == final_version.c.unit_code)
                & (result.c.version == final_version.c.version),
            )
            .where(final_version.c.year == YEAR)
            .order_by(final_version.c.version)
        )
        return {row.unit_code: (row.version, row.content_digest) for row in rows}

    # ---- moves -------------------------------------------------------------------------------------------

    def propose(self, account=STEWARD, reason="合成"):
        with write(self.engine) as connection:
            return final.propose(
                connection, self.draft(), self.official(account), reason, self.windows, self.now
            )

    def withdraw(self, account=STEWARD, reason="重算"):
        with write(self.engine) as connection:
            return final.withdraw(connection, YEAR, REGION, self.official(account), reason, self.now)

    def sign(self, given, account=CHIEF, *, role=None, barred=frozenset(), killed=False):
        """Sign; ``role`` overrides the list of signers, ``killed`` ends the process just before the commit."""
        official = self.official(account) if role is None else final.Official(Actor(account, account), role)
        draft = self.draft()
        with write(self.engine) as connection:
            signing = final.Signing(YEAR, REGION, given, draft.digest, barred)
            signed = final.sign(connection, signing, official, lambda: self.keep(connection, draft), self.now)
            if killed:
                raise KilledError
            return signed

    def keep(self, connection, draft):
        versions = {}
        for one in draft.units:
            newest = connection.scalar(
                select(func.max(result.c.version)).where(
                    result.c.year == YEAR, result.c.unit_code == one.unit_code
                )
            )
            versions[one.unit_code] = (newest or 0) + 1
            self.add_result(connection, one.unit_code, versions[one.unit_code], "final")
        return versions

    def add_result(self, connection, code, version, stage):
        connection.execute(
            insert(result).values(
                year=YEAR,
                unit_code=code,
                version=version,
                stage=stage,
                region=REGION,
                content_digest=self.content(code),
                input_digest="1" * 64,
                system_id="2021",
                system_digest="5" * 64,
                unit_name="合成单位",
                base=self.scores[code],
                bonus="0.00",
                deduction="0.00",
                score=self.scores[code],
                component=self.scores[code],
                share="0.10",
                total_points="1000.00",
                computed_at=self.now.isoformat(),
            )
        )
        pointer = current_result.c
        connection.execute(delete(current_result).where(pointer.year == YEAR, pointer.unit_code == code))
        connection.execute(
            insert(current_result).values(year=YEAR, unit_code=code, region=REGION, version=version)
        )

    def confirm(self):
        """Every queued result, as if sent and read back."""
        with write(self.engine) as connection:
            connection.execute(update(outbox).where(outbox.c.year == YEAR).values(state="confirmed"))

    def seal(self, account=STEWARD):
        with write(self.engine) as connection:
            return final.seal(connection, YEAR, REGION, self.official(account).actor, self.now)

    def appeal(self, code=None, account=CLERK):
        with write(self.engine) as connection:
            return final.file_appeal(
                connection,
                year=YEAR,
                region=REGION,
                unit_code=code or unit(1),
                indicator_code="",
                statement="有异议（合成数据）",
                by=Actor(account, account),
                windows=self.windows,
                now=self.now,
            )

    def decide(self, appeal_id, verdict="rejected", account=OTHER):
        with write(self.engine) as connection:
            return final.decide_appeal(
                connection, appeal_id, verdict, "合成理由", self.official(account), self.now
            )

    def status(self):
        with read(self.engine) as connection:
            return final.region_status(
                connection, YEAR, REGION, today=self.now.date(), windows=self.windows, signers=self.signers
            )

    def rows(self, table):
        with read(self.engine) as connection:
            return [dict(row) for row in connection.execute(select(table)).mappings()]


class KilledError(BaseException):
    """The process ends here: nothing may catch it."""
