"""Reviewed changes of the ground: four eyes, bound to what was shown, the folder exchanged whole or not at all."""

import os
import shutil
import signal
import sys
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from fazhi.audit import Actor, verify
from fazhi.audit.show import Wanted, shown
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.review import ground as ground_room
from fazhi.review.ground import (
    Change,
    Places,
    approve,
    ground_digest,
    kept_tree,
    proposal,
    proposals,
    propose,
    read_tree,
    refuse,
    tree_digest,
)
from fazhi.store import open_store, read, write
from fazhi.store.raw import RawStore
from fazhi.store.tables import audit, ground_applied, ground_ruling

NOW = datetime.fromisoformat("2026-03-02T12:00:00+08:00")
PROPOSER, DECIDER = Actor("kp-1", "合成提出人"), Actor("kp-2", "合成批准人")
OLD = {"units.csv": b"old units", "README.md": b"old words", "deep/er.csv": b"same"}
NEW = {"units.csv": b"new units", "README.md": b"old words", "deep/er.csv": b"same", "more.csv": b"more"}
KILL_POINTS = 24


@dataclass(frozen=True)
class World:
    """A ground of three small folders, a raw store and a store."""

    engine: Engine
    raw: RawStore
    places: Places

    def propose(self, after=None, tree="registry", reason="合成理由") -> int:
        before = read_tree(self.places.of(tree))
        change = Change(tree, before, after or NEW, ground_digest(self.places), b'{"shown":1}')
        return propose(self.engine, self.raw, change, PROPOSER, reason, now=NOW)

    def approve(self, number: int, decider=DECIDER, reason="同意"):
        return approve(self.engine, self.raw, self.places, number, decider, reason, now=NOW)

    def lies_there(self, tree="registry") -> dict[str, bytes]:
        return read_tree(self.places.of(tree))

    def actions(self) -> list[str]:
        return [row["action"] for row in shown(self.engine, Wanted())]


def _world(engine: Engine, home: Path) -> World:
    places = Places(home / "systems", home / "registry", home / "holidays")
    for folder in (places.systems, places.registry, places.holidays):
        for path, content in OLD.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    return World(engine, RawStore(str(home / "raw")), places)


@pytest.fixture
def world(engine, tmp_path) -> World:
    return _world(engine, tmp_path / "home")


def test_an_approved_change_is_in_force_whole(world):
    number = world.propose()
    assert world.lies_there() == OLD
    assert proposal(world.engine, number).state == "open"
    applied = world.approve(number)
    assert applied.state == "applied"
    assert world.lies_there() == NEW
    assert world.lies_there("systems") == OLD
    assert sorted(path.name for path in world.places.registry.parent.iterdir()) == [
        "holidays",
        "raw",
        "registry",
        "systems",
    ]


def test_both_trees_can_be_got_back_by_their_digests(world):
    number = world.propose()
    found = world.approve(number)
    assert kept_tree(world.raw, found.before_digest) == OLD
    assert kept_tree(world.raw, found.after_digest) == NEW
    assert world.raw.get(found.shown_digest) == b'{"shown":1}'


def test_the_audit_chain_tells_who_and_what(world):
    number = world.propose()
    world.approve(number)
    rows = shown(world.engine, Wanted(subject=f"registry/{number}"))
    assert [(row["action"], row["actor_id"], row["actor_name"]) for row in rows] == [
        ("ground.proposed", "kp-1", "合成提出人"),
        ("ground.approved", "kp-2", "合成批准人"),
        ("ground.applied", "kp-2", "合成批准人"),
    ]
    assert {(row["before"], row["after"]) for row in rows} == {(tree_digest(OLD), tree_digest(NEW))}
    assert [row["details"]["reason"] for row in rows] == ["合成理由", "同意", ""]
    assert verify(world.engine).faults == ()


def test_the_proposer_does_not_approve(world):
    number = world.propose()
    with pytest.raises(UsageError, match="提出人与批准人不能是同一人"):
        world.approve(number, decider=replace(PROPOSER, name="换个名字"))
    with pytest.raises(UsageError, match="提出人与批准人不能是同一人"):
        refuse(world.engine, number, PROPOSER, "撤回", now=NOW)
    assert world.lies_there() == OLD
    assert proposal(world.engine, number).state == "open"
    assert world.actions() == ["ground.proposed"]


@pytest.mark.parametrize(
    "lie",
    [
        {"decided_by": "kp-1"},
        {"proposed_by": "kp-3"},
        {"proposed_by": "kp-3", "decided_by": "kp-1"},
        {"shown_digest": "0" * 64},
        {"ground_digest": "0" * 64},
        {"decided_by": ""},
        {"verdict": "maybe"},
    ],
)
def test_the_store_itself_refuses(world, lie):
    """Four eyes, what was shown and the ground compared with are constraints, whatever the code does."""
    found = proposal(world.engine, world.propose())
    row = {
        "proposal_id": found.proposal_id,
        "proposed_by": found.proposed_by,
        "shown_digest": found.shown_digest,
        "ground_digest": found.ground_digest,
        "verdict": "approve",
        "decided_by": "kp-2",
        "decider_name": "合成批准人",
        "reason": "同意",
        "decided_at": NOW.isoformat(),
    }
    with pytest.raises(IntegrityError), write(world.engine) as connection:
        connection.execute(insert(ground_ruling).values(**(row | lie)))
    with write(world.engine) as connection:
        connection.execute(insert(ground_ruling).values(**row))


def test_nothing_is_applied_that_has_no_ruling(world):
    number = world.propose()
    with pytest.raises(IntegrityError), write(world.engine) as connection:
        connection.execute(insert(ground_applied).values(proposal_id=number, applied_at=NOW.isoformat()))


@pytest.mark.parametrize("tree", ["systems", "registry", "holidays"])
def test_a_ground_that_changed_meanwhile_is_told(world, tree):
    number = world.propose()
    (world.places.of(tree) / "units.csv").write_bytes(b"changed by hand")
    lay_there = world.lies_there()
    with pytest.raises(UsageError, match="当时算出的影响不再作数；什么也没有改变"):
        world.approve(number)
    assert world.lies_there() == lay_there
    assert proposal(world.engine, number).state == "open"


def test_of_two_proposals_on_one_ground_the_second_is_told(world):
    first, second = world.propose(), world.propose({**OLD, "units.csv": b"other"})
    world.approve(first)
    with pytest.raises(UsageError, match="不再作数"):
        world.approve(second)
    assert world.lies_there() == NEW


def test_a_refused_proposal_changes_nothing_and_stays_refused(world):
    number = world.propose()
    refuse(world.engine, number, DECIDER, "不同意", now=NOW)
    assert proposal(world.engine, number).state == "refused"
    with pytest.raises(UsageError, match="已有结论（不同意）"):
        world.approve(number)
    assert world.lies_there() == OLD
    assert world.actions() == ["ground.proposed", "ground.refused"]


def test_approving_twice_applies_once(world):
    number = world.propose()
    world.approve(number)
    assert world.approve(number).state == "applied"
    assert world.actions() == ["ground.proposed", "ground.approved", "ground.applied"]


def test_the_same_proposal_twice_is_one(world):
    assert world.propose() == world.propose()
    assert world.propose(reason="另一个理由") == 2
    assert [one.state for one in proposals(world.engine)] == ["open", "open"]


@pytest.mark.parametrize(
    ("change", "told"),
    [({"after": OLD}, "没有任何变化"), ({"reason": " "}, "请写明理由")],
)
def test_what_makes_no_proposal(world, change, told):
    with pytest.raises(UsageError, match=told):
        world.propose(**change)
    assert proposals(world.engine) == []


def test_an_unknown_proposal_is_told(world):
    with pytest.raises(UsageError, match="没有编号为 7 的提议"):
        world.approve(7)


def test_links_in_the_folder_are_refused(world):
    (world.places.registry / "link.csv").symlink_to("/etc/hostname")
    with pytest.raises(ConfigurationError, match="是链接或特殊文件"):
        world.propose()


def test_a_file_system_that_cannot_exchange_is_told_before_the_ruling(world, monkeypatch):
    def refuse_to(*_paths):
        raise OSError(22, "Invalid argument")

    number = world.propose()
    monkeypatch.setattr(ground_room, "_exchange", refuse_to)
    with pytest.raises(ConfigurationError, match="不能整体替换"):
        world.approve(number)
    assert world.lies_there() == OLD
    assert proposal(world.engine, number).state == "open"


# --- kill -9 --------------------------------------------------------------------------------------------------------


def _approve_and_die(home: Path, url: str, number: int, at_line: int) -> int:
    """Approve in a process of its own, killed at a line of the room; how many lines it ran, 0 = killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            seen = 0

            def trace(frame, event, _argument):
                nonlocal seen
                if frame.f_code.co_filename != ground_room.__file__:
                    return None
                if event == "line":
                    seen += 1
                    if seen == at_line:
                        os.kill(os.getpid(), signal.SIGKILL)
                return trace

            places = Places(home / "systems", home / "registry", home / "holidays")
            engine = open_store(url)
            sys.settrace(trace)
            approve(engine, RawStore(str(home / "raw")), places, number, DECIDER, "同意", now=NOW)
            sys.settrace(None)
            os.write(writing, str(seen).encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    assert told or os.WTERMSIG(status) == signal.SIGKILL
    return int(told or 0)


def _killed_everywhere(tmp_path: Path, points: int) -> set[str]:
    empty = tmp_path / "empty.db"
    open_store(f"sqlite:///{empty}").dispose()
    calm = _world(open_store(f"sqlite:///{tmp_path / 'calm.db'}"), tmp_path / "calm")
    number = calm.propose()
    lines = _approve_and_die(tmp_path / "calm", f"sqlite:///{tmp_path / 'calm.db'}", number, at_line=0)
    assert calm.lies_there() == NEW
    assert lines > points
    states = set()
    for at_line in sorted({1 + place * (lines - 1) // (points - 1) for place in range(points)}):
        home, url = tmp_path / str(at_line), f"sqlite:///{tmp_path / f'{at_line}.db'}"
        shutil.copy(empty, tmp_path / f"{at_line}.db")
        world = _world(open_store(url), home)
        number = world.propose()
        assert _approve_and_die(home, url, number, at_line) == 0
        assert world.lies_there() in (OLD, NEW)
        states.add(proposal(world.engine, number).state)
        world.approve(number)
        assert world.lies_there() == NEW
        assert proposal(world.engine, number).state == "applied"
        assert world.actions() == ["ground.proposed", "ground.approved", "ground.applied"]
        assert verify(world.engine).faults == ()
        assert not ground_room._staging(world.places.registry).exists()
        world.engine.dispose()
    return states


def test_killed_at_any_line_the_folder_is_whole_and_the_next_approval_finishes(tmp_path):
    assert _killed_everywhere(tmp_path, KILL_POINTS) == {"open", "approved", "applied"}


@pytest.mark.ci
def test_killed_at_many_more_lines(tmp_path):
    assert _killed_everywhere(tmp_path, 150) == {"open", "approved", "applied"}


def test_what_was_cut_short_is_finished_by_the_next_approval_of_another(world, monkeypatch):
    first = world.propose()
    real = ground_room._apply
    monkeypatch.setattr(ground_room, "_apply", lambda *_arguments: None)
    assert world.approve(first).state == "approved"
    monkeypatch.setattr(ground_room, "_apply", real)
    second = world.propose({**OLD, "units.csv": b"third"})
    with pytest.raises(UsageError, match="不再作数"):
        world.approve(second)
    assert proposal(world.engine, first).state == "applied"
    assert world.lies_there() == NEW


def test_an_approved_change_over_a_folder_changed_by_hand_is_told(world, monkeypatch):
    number = world.propose()
    real = ground_room._apply
    monkeypatch.setattr(ground_room, "_apply", lambda *_arguments: None)
    world.approve(number)
    monkeypatch.setattr(ground_room, "_apply", real)
    (world.places.registry / "units.csv").write_bytes(b"by hand")
    with pytest.raises(UsageError, match="在此期间被直接改动过；什么也没有改变"):
        world.approve(number)
    assert world.lies_there()["units.csv"] == b"by hand"
    with read(world.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 2
