"""The life of a year's final results under any order of moves: the store is true whatever people try."""

import shutil
import tempfile
from datetime import timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import DBAPIError

from fazhi.audit import verify
from fazhi.model.errors import UsageError
from fazhi.publish import enqueue, final
from fazhi.registry.calendar import WorkingDays
from fazhi.settings import PROJECT_ROOT
from fazhi.store import open_store, read, write
from fazhi.store.tables import audit, decision, final_outcome, final_seal, final_version, outbox, year_lock
from fazhi.systems import load_editions
from support.decisions import NEXT_ORDINAL
from support.final_steps import CHIEF, DEPUTY, OTHER, REGION, STEWARD, YEAR, KilledError, Steps
from support.publish import body_of, unit

EDITION = load_editions(PROJECT_ROOT / "include" / "indicator_systems").for_year(YEAR)
CALENDAR = WorkingDays.load(PROJECT_ROOT / "include" / "holidays")
SIGNERS = final.Signers.load(PROJECT_ROOT / "include" / "signers")
UNITS = [unit(1), unit(2)]
FREE = {final.Phase.OPEN, final.Phase.SEALED}


@cache
def empty_store() -> Path:
    """A migrated store to copy: migrating takes longer than living."""
    path = Path(tempfile.mkdtemp(prefix="fazhi-final-life-")) / "template.db"
    engine = open_store(f"sqlite:///{path}")
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    return path


@pytest.fixture(scope="module", autouse=True)
def _no_leftovers():
    yield
    shutil.rmtree(empty_store().parent, ignore_errors=True)


class FinalLife(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.home = Path(tempfile.mkdtemp(dir=empty_store().parent))
        shutil.copy(empty_store(), self.home / "fazhi.db")
        self.engine = open_store(f"sqlite:///{self.home / 'fazhi.db'}")
        self.steps = Steps(self.engine, final.Windows(EDITION, CALENDAR), SIGNERS)
        self.read_digests = ["0" * 64]
        self.open = None
        self.moves = 0
        self.sealed = False
        self.judges = set()
        self.appeals = {}
        self.phase = final.Phase.OPEN

    def teardown(self):
        if hasattr(self, "engine"):
            assert verify(self.engine).faults == ()
            self.engine.dispose()
            shutil.rmtree(self.home)

    # ---- what people do ----------------------------------------------------------------------------------

    @rule(code=st.sampled_from(UNITS), score=st.sampled_from(["80.00", "85.00", "90.00"]))
    def a_result_changes(self, code, score):
        """A resubmission, a decision, another edition."""
        self.steps.scores[code] = score

    @rule(days=st.integers(1, 9))
    def time_passes(self, days):
        self.steps.wait(days)

    @precondition(lambda self: self.phase is final.Phase.OPEN)
    @rule()
    def all_goes_well(self):
        """The path without a warning: proposed, publicised, signed, sent, confirmed, sealed."""
        signer = min({CHIEF, DEPUTY} - self.judges)
        for step in (
            lambda: self.somebody_proposes(STEWARD),
            lambda: self.time_passes(9),
            lambda: self.somebody_signs(signer, "newest", 0, False),
            lambda: self.what_was_signed_is_sent(True),
            self.somebody_seals,
        ):
            step()
            self.the_state_moves_along_its_graph()

    @rule(account=st.sampled_from([STEWARD, OTHER]))
    def somebody_proposes(self, account):
        self.steps.now += timedelta(seconds=1)
        changed = bool(self.steps.draft().units)
        if self.done(lambda: self.steps.propose(account), self.phase in FREE and changed):
            with read(self.engine) as connection:
                self.open = final.open_proposal(connection, YEAR, REGION)
            self.read_digests.append(self.open.digest)

    @precondition(lambda self: self.open is not None)
    @rule(account=st.sampled_from([STEWARD, OTHER, CHIEF]))
    def somebody_withdraws(self, account):
        self.steps.now += timedelta(seconds=1)
        may = account in (self.open.proposed_by, CHIEF)
        if self.done(lambda: self.steps.withdraw(account), may):
            self.open = None

    @rule(
        account=st.sampled_from([CHIEF, DEPUTY, STEWARD]),
        which=st.sampled_from(["newest", "any", "any"]),
        number=st.integers(0, 20),
        killed=st.booleans(),
    )
    def somebody_signs(self, account, which, number, killed):
        given = self.read_digests[-1 if which == "newest" else number % len(self.read_digests)]
        expected = self.may_be_signed(given, account)
        try:
            done = self.done(
                lambda: self.steps.sign(given, account, role=final.Role.CHIEF, killed=killed), expected
            )
        except KilledError:
            assert expected
            return
        if done:
            self.open = None
            with pytest.raises(UsageError):
                self.steps.sign(given, DEPUTY)

    def may_be_signed(self, given, account):
        proposal = self.open
        if proposal is None or not proposal.digest == given == self.steps.draft().digest:
            return False
        if account == proposal.proposed_by or account in self.judges:
            return False
        if proposal.kind is final.Kind.CORRECTION:
            return True
        objections = [one for one in self.appeals.values() if one[0] == "appeal"]
        undecided = any(verdict is None for _, _, verdict in objections)
        upheld = any(v == "upheld" and n == proposal.number for _, n, v in objections)
        return self.steps.now.date() > proposal.objection_until and not undecided and not upheld

    @precondition(lambda self: self.phase is not final.Phase.OPEN)
    @rule(code=st.sampled_from(UNITS))
    def a_unit_objects(self, code):
        appeal_id, kind = self.steps.appeal(code)
        self.moves += 1
        assert kind == ("appeal" if self.phase is final.Phase.PUBLICISED else "correction_request")
        self.appeals[appeal_id] = (kind, self.open.number if self.open else 0, None)

    @precondition(lambda self: self.appeals)
    @rule(
        number=st.integers(0, 20),
        verdict=st.sampled_from(["upheld", "rejected"]),
        account=st.sampled_from([OTHER, "kp-steward-3", DEPUTY]),
    )
    def an_appeal_is_decided(self, number, verdict, account):
        appeal_id = sorted(self.appeals)[number % len(self.appeals)]
        kind, of, before = self.appeals[appeal_id]
        self.steps.now += timedelta(seconds=1)
        if self.done(lambda: self.steps.decide(appeal_id, verdict, account), before is None):
            self.appeals[appeal_id] = (kind, of, verdict)
            self.judges.add(account)

    @rule(account=st.sampled_from([CHIEF, DEPUTY]))
    def a_signer_judges_a_finding(self, account):
        if len(self.judges | {account}) > 1 and {CHIEF, DEPUTY} <= self.judges | {account}:
            return  # somebody has to be left to sign
        with write(self.engine) as connection:
            connection.execute(
                insert(decision).values(
                    ordinal=NEXT_ORDINAL,
                    kind="hold",
                    year=YEAR,
                    unit_code=UNITS[0],
                    indicator_code="A1.1",
                    period=str(YEAR),
                    verdict="approve",
                    reason="合成",
                    requested_by="",
                    decided_by=account,
                    decided_at=self.steps.now.isoformat(),
                )
            )
        self.judges.add(account)

    @rule(confirmed=st.booleans())
    def what_was_signed_is_sent(self, confirmed):
        enqueue(self.engine, YEAR, body_of=body_of, now=self.steps.now)
        if confirmed:
            self.steps.confirm()

    @rule()
    def somebody_seals(self):
        self.steps.now += timedelta(seconds=1)
        with read(self.engine) as connection:
            signed = connection.scalar(select(func.count()).select_from(final_version))
            confirmed = connection.scalar(
                select(func.count()).select_from(outbox).where(outbox.c.state == "confirmed")
            )
        if self.sealed:
            assert not self.steps.seal()
        elif self.done(self.steps.seal, bool(signed) and signed == confirmed):
            self.sealed = True

    @precondition(lambda self: self.sealed)
    @rule(what=st.sampled_from([final_seal, final_outcome, final_version]))
    def somebody_tries_to_unseal(self, what):
        with pytest.raises(DBAPIError, match="only added to"), write(self.engine) as connection:
            connection.execute(delete(what))

    def done(self, act, expected):
        """Whether a move went through; it must exactly when the model says so."""
        try:
            act()
            happened = True
        except UsageError:
            happened = False
        assert happened == expected
        self.moves += happened
        return happened

    # ---- what must always hold ---------------------------------------------------------------------------

    @invariant()
    def the_state_moves_along_its_graph(self):
        if not hasattr(self, "engine"):
            return
        with read(self.engine) as connection:
            history = final.proposals(connection, YEAR, REGION)
            phase = final.phase_of(history, final.seal_of(connection, YEAR, REGION))
        assert phase is self.phase or (self.phase, phase) in final.MOVES
        event(phase.value)
        self.phase = phase
        assert self.sealed == (phase in (final.Phase.SEALED, final.Phase.CORRECTING))
        assert sum(one.is_open for one in history) == (self.open is not None)

    @invariant()
    def what_is_final_was_signed_by_another_pair_of_eyes(self):
        if not hasattr(self, "engine"):
            return
        outcomes = {row["number"]: row for row in self.steps.rows(final_outcome)}
        finals = self.steps.rows(final_version)
        for row in outcomes.values():
            assert row["outcome"] == "withdrawn" or row["decided_by"] != row["proposed_by"]
        assert all(outcomes[row["number"]]["outcome"] == "signed" for row in finals)
        queued = {(row["unit_code"], row["version"]) for row in self.steps.rows(outbox)}
        assert queued <= {(row["unit_code"], row["version"]) for row in finals}

    @invariant()
    def every_move_is_in_the_audit_chain_once(self):
        if hasattr(self, "engine"):
            assert len(self.steps.rows(audit)) == self.moves

    @invariant()
    def values_are_locked_while_results_are_proposed(self):
        if hasattr(self, "engine"):
            held = [row for row in self.steps.rows(year_lock) if row["lifted_at"] is None]
            assert len(held) <= 1
            if self.open is not None and self.phase is final.Phase.PUBLICISED:
                assert len(held) == 1


FinalLife.TestCase.settings = settings(
    max_examples=12,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestFinalLife = FinalLife.TestCase
