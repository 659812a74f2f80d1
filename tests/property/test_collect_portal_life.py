"""Whatever the portal's list does, what was collected is what was ever listed, once each."""

import tempfile
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select

from fazhi.collect import collect_portal
from fazhi.model.errors import Unreachable
from fazhi.sandbox import Fault, FaultKind, SandboxPortal
from fazhi.store import open_store, read, tables
from fazhi.store.raw import RawStore
from support.portal import BEGIN, TOKEN, client_of, put_on

FAULTS = st.sampled_from(
    [
        Fault(FaultKind.LATE, path="/v1/submissions"),
        Fault(FaultKind.DUPLICATE, path="cursor="),
        Fault(FaultKind.DAMAGE, path="/v1/files/", times=2),
        Fault(FaultKind.DAMAGE, path="/v1/files/", times=3),
        Fault(FaultKind.TRUNCATE, times=1),
        Fault(FaultKind.CUT, times=2),
        Fault(FaultKind.STATUS, status=503, times=2),
        Fault(FaultKind.STATUS, status=429, times=9),
        Fault(FaultKind.STATUS, status=500, path="/v1/files/", times=4),
    ]
)


class PortalLife(RuleBasedStateMachine):
    """Nights of collecting from a portal whose list grows, lags and stumbles."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        home = Path(self.folder.name)
        self.engine = open_store(f"sqlite:///{home / 'fazhi.db'}")
        self.raw = RawStore(str(home / "raw"))
        self.portal = SandboxPortal(token=TOKEN)
        self.portal.start()
        self.now = BEGIN
        self.listed: set[tuple[str, int]] = set()

    def teardown(self):
        if hasattr(self, "portal"):
            self.portal.stop()
            self.engine.dispose()
            self.folder.cleanup()

    @rule(
        name=st.sampled_from("abc"), revision=st.integers(1, 3), late=st.integers(0, 5), shared=st.booleans()
    )
    def send(self, name, revision, late, shared):
        """A department sends; some items are listed with a time that is some hours old, many with one time."""
        if (name, revision) in self.listed:
            return
        self.listed.add((name, revision))
        minutes = (self.now - BEGIN).total_seconds() / 60 - 60 * late
        content = b"same" if shared else f"{name}{revision}".encode()
        period = {"a": "2024-Q1", "b": "2024-Q2", "c": "2024"}[name]
        put_on(self.portal, name, {"表.csv": content}, minutes=minutes, revision=revision, period=period)

    @rule(fault=FAULTS)
    def stumble(self, fault):
        self.portal.faults.add(fault)

    @rule(limit=st.sampled_from([1, 2, 200]))
    def night(self, limit):
        self.now += timedelta(hours=8)
        self.collect(limit)

    def collect(self, limit=200):
        import fazhi.collect.portal_client as module

        usual, module.PAGE = module.PAGE, limit
        try:
            with client_of(self.portal) as client:
                return collect_portal(self.engine, self.raw, client, 2024, now=self.now)
        except Unreachable:
            return None
        finally:
            module.PAGE = usual

    def recorded(self):
        with read(self.engine) as connection:
            rows = connection.execute(select(tables.submission.c.submission_id, tables.submission.c.revision))
            return sorted(map(tuple, rows))

    @invariant()
    def nothing_is_doubled_or_made_up(self):
        if hasattr(self, "engine"):
            recorded = self.recorded()
            assert len(recorded) == len(set(recorded))
            assert set(recorded) <= self.listed

    @rule()
    def a_calm_night_brings_everything(self):
        self.portal.faults.clear()
        self.now += timedelta(hours=1)
        counts = self.collect()
        assert counts is not None
        assert set(self.recorded()) == self.listed
        with read(self.engine) as connection:
            current = {
                row.submission_id: row.revision
                for row in connection.execute(select(tables.current_submission))
            }
            files = connection.execute(select(tables.submission_file.c.sha256)).scalars().all()
        assert current == {
            name: max(revision for known, revision in self.listed if known == name) for name, _ in self.listed
        }
        for sha256 in files:
            self.raw.get(sha256)


TestPortalLife = PortalLife.TestCase
TestPortalLife.settings = settings(max_examples=12, stateful_step_count=12, deadline=None)
