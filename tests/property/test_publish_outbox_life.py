"""The life of the outbox under any order of scoring, pushing, faults, kills, losses and reconciling."""

import io
import itertools
import json

import requests
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from requests.adapters import BaseAdapter
from sqlalchemy import select
from urllib3 import HTTPResponse

from fazhi.model.canonical import digest
from fazhi.model.errors import Unreachable
from fazhi.model.terms import OutboxState
from fazhi.publish import PlatformClient, RetryPolicy, enqueue, outbox_counts, push, reconcile_year
from fazhi.publish.outbox import LEGAL_MOVES
from fazhi.sandbox.server import _with_wrong_digests
from fazhi.sandbox.service import PlatformService, Request
from fazhi.sandbox.state import State, Stored
from fazhi.store import connect, read
from fazhi.store.tables import metadata, outbox
from support.publish import APP_ID, NOW, SECRET, SYSTEM_DIGEST, YEAR, add_result, body_of, receipts, unit

UNITS = sorted(unit(number) for number in range(3))
OPEN = {"pending", "sent", "refused", "conflict"}
BEFORE_OR_AFTER = [f"{what} {when}" for what in ("lost", "busy", "killed") for when in ("before", "after")]
HAPPENINGS = ("well", "lie", *BEFORE_OR_AFTER)
happenings = st.lists(st.sampled_from(HAPPENINGS), max_size=6)
units = st.sampled_from(UNITS)


class KilledError(BaseException):
    """The process ends here: nothing may catch it."""


class Wire(BaseAdapter):
    """Carries requests to a platform in this process; what happens on the way is drawn."""

    def __init__(self, service):
        super().__init__()
        self.service = service
        self.coming = []

    def send(self, request, **_how):
        happening = self.coming.pop(0) if self.coming else "well"
        if happening.endswith("before"):
            return self._fail(happening, request)
        body = request.body or b""
        answer = self.service.handle(Request(request.method, request.path_url, request.headers, body))
        if happening.endswith("after"):
            return self._fail(happening, request)
        data = _with_wrong_digests(answer.data) if happening == "lie" else answer.data
        return self._response(request, answer.status, data)

    def _fail(self, happening, request):
        if happening.startswith("busy"):
            return self._response(request, 503, {"type": "about:blank", "title": "busy", "status": 503})
        raise KilledError if happening.startswith("killed") else requests.ConnectionError(request=request)

    @staticmethod
    def _response(request, status, data):
        response = requests.Response()
        response.status_code = status
        response.request = request
        response.raw = HTTPResponse(io.BytesIO(json.dumps(data).encode()), preload_content=False)
        return response

    def close(self):
        self.coming.clear()


class OutboxLife(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.engine = connect("sqlite://")
        metadata.create_all(self.engine)
        self.platform = State(":memory:")
        service = PlatformService(
            self.platform, app_id=APP_ID, secret=SECRET, minimum_share="0.10", clock=lambda: 1_728_927_000.0
        )
        self.wire = Wire(service)
        self.client = PlatformClient(
            "http://platform.invalid",
            APP_ID,
            SECRET,
            retry=RetryPolicy(attempts=2, first_wait=0.0),
            clock=lambda: 1_728_927_000.0,
            sleep=lambda _seconds: None,
            new_session=self.session,
        )
        self.versions = dict.fromkeys(UNITS, 0)
        self.final_since = {}
        self.scores = itertools.count(1)
        self.before = {}

    def session(self):
        session = requests.Session()
        session.mount("http://", self.wire)
        return session

    def teardown(self):
        if not hasattr(self, "engine"):
            return
        self.wire.coming.clear()
        for _ in range(2):
            self.queue()
            push(self.engine, self.client, YEAR, system_digest=SYSTEM_DIGEST, now=NOW)
            reconcile_year(self.engine, self.client, YEAR, now=NOW)
        counts = outbox_counts(self.engine, YEAR)
        assert counts["pending"] == counts["sent"] == counts["refused"] == 0
        newest = {}
        for (code, version), row in self.rows().items():
            newest[code] = (version, row["digest"], row["state"])
        for code, (version, ours, state) in newest.items():
            held = self.platform.newest(YEAR, code)
            agrees = (held.version, held.digest) == (version, ours)
            assert state == ("confirmed" if agrees else "conflict")
        self.client.close()
        self.engine.dispose()
        self.platform.close()

    def rows(self):
        with read(self.engine) as connection:
            found = connection.execute(
                select(outbox).where(outbox.c.year == YEAR).order_by(outbox.c.unit_code, outbox.c.version)
            ).mappings()
            return {(row["unit_code"], row["version"]): dict(row) for row in found}

    def queue(self):
        enqueue(self.engine, YEAR, body_of=body_of, now=NOW)

    @rule(code=units, stage=st.sampled_from(["provisional", "provisional", "final"]))
    def score(self, code, stage):
        self.versions[code] += 1
        if stage == "final":
            self.final_since.setdefault(code, self.versions[code])
        score = f"{next(self.scores)}.00"
        add_result(self.engine, code, self.versions[code], stage=stage, score=score)

    @rule()
    def queue_what_is_due(self):
        self.queue()
        self.queue()

    @rule(coming=happenings)
    def push_what_is_due(self, coming):
        self.wire.coming = list(coming)
        try:
            push(self.engine, self.client, YEAR, system_digest=SYSTEM_DIGEST, now=NOW)
        except (Unreachable, KilledError):
            assert set(BEFORE_OR_AFTER) & set(coming)

    @rule(coming=happenings)
    def compare(self, coming):
        self.wire.coming = list(coming)
        try:
            reconcile_year(self.engine, self.client, YEAR, now=NOW)
        except (Unreachable, KilledError):
            return
        if coming:
            return
        for (code, version), row in self.rows().items():
            newer = any(other == code and later > version for other, later in self.rows())
            if row["state"] == "confirmed" and not newer:
                held = self.platform.newest(YEAR, code)
                assert (held.version, held.digest) == (version, row["digest"])

    @rule(code=units)
    def platform_forgets(self, code):
        self.platform.forget(YEAR, code)

    @rule(code=units, ahead=st.integers(0, 2))
    def somebody_else_stores(self, code, ahead):
        held = self.platform.newest(YEAR, code)
        version = (held.version if held else 0) + 1 + ahead
        stranger = Stored(code, version, digest([code, version]), "{}", f"foreign-{next(self.scores)}", "t")
        self.platform.store(YEAR, stranger)

    @invariant()
    def every_move_is_of_the_graph(self):
        if not hasattr(self, "engine"):
            return
        now = self.rows()
        assert self.before.keys() <= now.keys(), "a row vanished"
        for key, row in now.items():
            old = self.before.get(key)
            if old is None:
                assert row["state"] in ("pending", "superseded")
                continue
            assert {name: old[name] for name in ("body", "digest", "idempotency_key", "stage")} == {
                name: row[name] for name in ("body", "digest", "idempotency_key", "stage")
            }
            if old["state"] != row["state"]:
                assert (OutboxState(old["state"]), OutboxState(row["state"])) in LEGAL_MOVES
        self.before = now

    @invariant()
    def only_the_newest_row_of_a_unit_is_open(self):
        if not hasattr(self, "engine"):
            return
        rows = self.rows()
        for code in UNITS:
            versions = [version for other, version in rows if other == code]
            still_open = [version for version in versions if rows[code, version]["state"] in OPEN]
            assert still_open in ([], versions[-1:])

    @invariant()
    def receipts_are_for_what_we_sent(self):
        if not hasattr(self, "engine"):
            return
        rows = self.rows()
        for code, version, said in receipts(self.engine):
            assert rows[code, version]["digest"] == said

    @invariant()
    def nothing_provisional_is_stored_after_a_final_result(self):
        if not hasattr(self, "engine"):
            return
        for code, version, _ in self.platform.every_version(YEAR):
            row = self.rows().get((code, version))
            ours = row is not None and (code, version, row["digest"]) in self.platform.every_version(YEAR)
            if ours and row["stage"] == "provisional":
                assert version < self.final_since.get(code, version + 1)


TestOutboxLife = OutboxLife.TestCase
TestOutboxLife.settings = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
