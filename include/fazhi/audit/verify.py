"""Verifying the audit chain. In: its rows, and heads exported earlier. Out: every place where it was tampered with.

The chain alone shows changed, removed, inserted and reordered rows. That its tail was cut off, or that all of it was
written anew, shows only against heads that were exported off the host (``fazhi.audit.heads``).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, Engine, select

from fazhi.audit.chain import GENESIS, Link, link_digest
from fazhi.audit.heads import Head
from fazhi.store import read
from fazhi.store.tables import audit

_BATCH = 1_000


@dataclass(frozen=True)
class ChainFault:
    """One thing that is wrong; ``seq`` is the number of the row where it shows.

    ``kind``: ``changed`` (the row is not what its digest says), ``removed`` (rows are missing before this one, from
    ``seq`` on), ``repeated`` (the number occurs twice), ``unlinked`` (it does not follow the row before it),
    ``truncated`` (the chain ends before an exported head), ``rewritten`` (it differs from an exported head).
    """

    kind: str
    seq: int
    message_zh: str


@dataclass(frozen=True)
class Verified:
    """What was found: how many links, the last digest, how many heads were compared, and the faults."""

    count: int
    head: str
    heads: int
    faults: tuple[ChainFault, ...]


def links(connection: Connection) -> Iterator[Link]:
    """The links of the chain, by number."""
    statement = select(audit).order_by(audit.c.seq)
    for row in connection.execute(statement, execution_options={"yield_per": _BATCH}).mappings():
        yield Link(**row)


def verify(engine: Engine, heads: Sequence[Head] = ()) -> Verified:
    """Check the whole chain of a store, also against heads exported earlier."""
    with read(engine) as connection:
        return verify_links(links(connection), heads)


def verify_links(chain: Iterable[Link], heads: Sequence[Head] = ()) -> Verified:
    """Check links as they come; memory does not grow with the chain.

    Args:
        chain: The links in the order in which they are stored.
        heads: Heads exported earlier, in any order.
    """
    walk = _Walk()
    held: dict[int, str] = {}
    wanted = {head.seq for head in heads}
    for link in chain:
        walk.step(link)
        if link.seq in wanted:
            held[link.seq] = link.digest
    told = [fault for head in sorted(set(heads)) if (fault := _head_fault(head, held, walk)) is not None]
    return Verified(walk.count, walk.prev_digest, len(heads), (*walk.faults, *told))


class _Walk:
    """Goes along the chain and remembers what the next link must carry."""

    def __init__(self) -> None:
        self.count = 0
        self.next_seq = 1
        self.prev_digest = GENESIS
        self.faults: list[ChainFault] = []

    def step(self, link: Link) -> None:
        """Check one link against the one before it and against its own digest."""
        if link.seq < self.next_seq:
            self._tell("repeated", link.seq, f"第 {link.seq} 条的序号重复或顺序颠倒")
        elif link.seq > self.next_seq:
            gap = _range_zh(self.next_seq, link.seq - 1)
            self._tell("removed", self.next_seq, f"{gap}被删除")
        elif link.prev_digest != self.prev_digest:
            self._tell(
                "unlinked", link.seq, f"第 {link.seq} 条与前一条接不上：前一条被替换，或此处插入、调换过记录"
            )
        if not _is_sound(link):
            self._tell("changed", link.seq, f"第 {link.seq} 条的内容与其摘要不符：内容被改动过")
        self.count += 1
        self.next_seq = link.seq + 1
        self.prev_digest = link.digest

    def _tell(self, kind: str, seq: int, message_zh: str) -> None:
        self.faults.append(ChainFault(kind, seq, message_zh))


def _is_sound(link: Link) -> bool:
    try:
        return link_digest(asdict(link)) == link.digest
    except (
        ValueError
    ):  # an unknown algorithm, or something that canonical JSON cannot hold: never written by us
        return False


def _head_fault(head: Head, held: dict[int, str], walk: _Walk) -> ChainFault | None:
    if held.get(head.seq, GENESIS if head.seq == 0 else None) == head.digest:
        return None
    if head.seq >= walk.next_seq:
        return ChainFault(
            "truncated",
            walk.next_seq,
            f"{head.exported_at} 导出的链头是第 {head.seq} 条，"
            f"现在只到第 {walk.next_seq - 1} 条：末尾的{_range_zh(walk.next_seq, head.seq)}被删除",
        )
    return ChainFault(
        "rewritten",
        head.seq,
        f"第 {head.seq} 条与 {head.exported_at} 导出的链头不一致：第 {head.seq} 条或更早的记录被重写过",
    )


def _range_zh(first: int, last: int) -> str:
    return f"第 {first} 条" if first == last else f"第 {first} 条至第 {last} 条"
