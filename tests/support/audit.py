"""Events for tests of the audit chain."""

from sqlalchemy import Engine

from fazhi.audit import Actor, Event, append
from fazhi.store import write

NOON = "2026-03-02T12:00:00+08:00"


def event_at(number: int) -> Event:
    """An event unlike the others."""
    return Event(
        "decision.recorded", f"2026/合成单位/{number}", NOON, str(number), str(number + 1), {"n": number}
    )


def add_events(engine: Engine, count: int) -> None:
    """Append so many events, each in its own transaction."""
    for number in range(count):
        with write(engine) as connection:
            append(connection, Actor(f"u{number}", f"合成人员{number}"), event_at(number))
