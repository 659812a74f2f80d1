"""Repairs of the outbox. In: settings, a year, an account. Out: rows that go on, recorded in the audit chain."""

from collections.abc import Sequence
from datetime import datetime

from fazhi.audit import Actor
from fazhi.pipeline.final import Desk
from fazhi.pipeline.ground import Counts
from fazhi.pipeline.results import platform_client
from fazhi.publish.repair import Forgotten, forgotten, record_floors, try_again
from fazhi.settings import Settings
from fazhi.store import read, write


def retry_refused(
    settings: Settings, year: int, units: Sequence[str], *, by: Actor, reason: str, now: datetime
) -> Counts:
    """Make refused results pending again, all of the year or some units' ones; the next push sends them.

    Raises:
        UsageError: No reason, or a unit without a refused result.
    """
    with write(Desk(settings).ground.engine) as connection:
        return {"year": year, "pending": try_again(connection, year, units, by, reason, now)}


def forgotten_versions(settings: Settings, year: int) -> list[Forgotten]:
    """What the platform holds and our store does not know: it is behind, as after restoring a backup."""
    with platform_client(settings) as client:
        held = dict(client.held_results(year))
    with read(Desk(settings).ground.engine) as connection:
        return forgotten(connection, year, held)


def recover_versions(settings: Settings, year: int, *, account: str, reason: str, now: datetime) -> Counts:
    """Let our versions go on above the platform's, on a signature; the next scoring gives them their numbers.

    Raises:
        UsageError: The account may not sign for a region of the year, no reason, or nothing to recover.
    """
    desk = Desk(settings)
    officials = [
        desk.signers.official(account, region, now.date(), to_sign=True) for region in desk.regions(year, now)
    ]
    found = forgotten_versions(settings, year)
    with write(desk.ground.engine) as connection:
        record_floors(connection, year, found, officials[0].actor, reason, now)
    return {"year": year, "recovered": len(found)}
