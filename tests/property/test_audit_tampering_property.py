"""Whatever is done to the rows of the chain is found, and its place is named."""

from dataclasses import asdict, fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from fazhi.audit import GENESIS, Head, Link, link_digest, verify, verify_links
from support.audit import NOON, add_events

TEXTS = st.text(max_size=6)
CONTENT = ("actor_id", "actor_name", "at", "action", "subject", "before", "after", "details")


@st.composite
def chains(draw: st.DrawFn, least: int = 1) -> list[Link]:
    """A sound chain whose links may change their algorithm on the way."""
    rows = draw(
        st.lists(st.tuples(st.sampled_from(["sha256", "sm3"]), TEXTS, TEXTS), min_size=least, max_size=8)
    )
    chain: list[Link] = []
    for seq, (alg, actor, subject) in enumerate(rows, start=1):
        prev = chain[-1].digest if chain else GENESIS
        chain.append(_linked(Link(seq, prev, "", alg, actor, actor, NOON, "a.b", subject, "", "", "{}")))
    return chain


def _linked(link: Link) -> Link:
    return replace(link, digest=link_digest(asdict(link)))


def _rewritten_from(chain: list[Link], start: int) -> list[Link]:
    """The chain with all digests from an index on computed anew: what somebody with all rights could do."""
    made = list(chain[:start])
    for seq, link in enumerate(chain[start:], start=start + 1):
        made.append(_linked(replace(link, seq=seq, prev_digest=made[-1].digest if made else GENESIS)))
    return made


def _found(chain, heads=()) -> set[tuple[str, int]]:
    return {(fault.kind, fault.seq) for fault in verify_links(chain, heads).faults}


def _head(chain: list[Link], seq: int) -> Head:
    return Head(seq, chain[seq - 1].digest if seq else GENESIS, NOON)


@given(chains(), st.data())
def test_an_untouched_chain_stands_against_every_head(chain, data):
    seqs = data.draw(st.sets(st.integers(0, len(chain))))
    found = verify_links(chain, [_head(chain, seq) for seq in seqs])
    assert (found.count, found.head, found.faults) == (len(chain), chain[-1].digest, ())


@given(chains(), st.data())
def test_a_changed_row_is_named(chain, data):
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(CONTENT))
    other = data.draw(TEXTS.filter(lambda text: text != getattr(chain[index], name)))
    chain[index] = replace(chain[index], **{name: other})
    assert _found(chain) == {("changed", index + 1)}


@given(chains(), st.data())
def test_a_changed_algorithm_or_digest_is_named(chain, data):
    index = data.draw(st.integers(0, len(chain) - 1))
    name = data.draw(st.sampled_from(["alg", "digest", "prev_digest"]))
    other = data.draw(st.sampled_from(["sha256", "sm3", "md5", "shake_128", "", "0" * 64, "f" * 64]))
    if other == getattr(chain[index], name):
        return
    chain[index] = replace(chain[index], **{name: other})
    assert ("changed", index + 1) in _found(chain)


@given(chains(), st.data())
def test_a_removed_row_is_named(chain, data):
    index = data.draw(st.integers(0, len(chain) - 1))
    heads = [_head(chain, len(chain))]
    del chain[index]
    kind = "truncated" if index == len(chain) else "removed"
    assert _found(chain, heads) == {(kind, index + 1)}


@given(chains(least=2), st.data())
def test_a_cut_tail_is_named_only_against_heads(chain, data):
    left = data.draw(st.integers(0, len(chain) - 1))
    heads = [_head(chain, seq) for seq in range(len(chain) + 1)]
    assert _found(chain[:left]) == set()
    assert _found(chain[:left], heads) == {("truncated", left + 1)}


@given(chains(), st.data())
def test_an_inserted_row_is_named(chain, data):
    """A sound-looking row with the right link is put in, and the later rows are numbered on."""
    index = data.draw(st.integers(0, len(chain) - 1))
    forged = _linked(replace(chain[index], seq=index + 1, subject=data.draw(TEXTS) + "伪造"))
    later = [replace(link, seq=link.seq + 1) for link in chain[index:]]
    found = _found([*chain[:index], forged, *later])
    assert ("unlinked", index + 2) in found
    assert {("changed", link.seq) for link in later} <= found


@given(chains(), st.data())
def test_a_repeated_number_is_named(chain, data):
    index = data.draw(st.integers(0, len(chain) - 1))
    found = _found([*chain[: index + 1], chain[index], *chain[index + 1 :]])
    assert ("repeated", index + 1) in found


@given(chains(least=2), st.data())
def test_swapped_rows_are_named(chain, data):
    one, other = sorted(data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2, max_size=2)))
    chain[one], chain[other] = (
        replace(chain[other], seq=one + 1),
        replace(chain[one], seq=other + 1),
    )
    assert {("changed", one + 1), ("changed", other + 1)} <= _found(chain)


@given(chains(), st.data())
def test_a_chain_written_anew_shows_against_the_heads(chain, data):
    start = data.draw(st.integers(0, len(chain) - 1))
    heads = [_head(chain, seq) for seq in range(len(chain) + 1)]
    forged = list(chain)
    forged[start] = replace(forged[start], subject=forged[start].subject + "伪造")
    forged = _rewritten_from(forged, start)
    assert _found(forged) == set()
    assert _found(forged, heads) == {("rewritten", seq) for seq in range(start + 1, len(chain) + 1)}


@given(chains(least=2), st.data())
def test_several_changes_are_found_at_once(chain, data):
    indexes = data.draw(st.sets(st.integers(0, len(chain) - 1), min_size=2))
    for index in indexes:
        chain[index] = replace(chain[index], actor_name=chain[index].actor_name + "改")
    assert _found(chain) == {("changed", index + 1) for index in indexes}


@pytest.mark.parametrize("name", [field.name for field in fields(Link) if field.name not in ("seq",)])
def test_a_change_behind_the_databases_back_is_found(engine, name):
    """Somebody who may drop the triggers changes one cell of the stored row."""
    add_events(engine, 3)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.execute(text("DROP TRIGGER audit_no_update"))
        else:
            connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        connection.execute(text(f"UPDATE audit SET \"{name}\" = 'x' WHERE seq = 2"))
        connection.commit()
    assert ("changed", 2) in {(fault.kind, fault.seq) for fault in verify(engine).faults}
