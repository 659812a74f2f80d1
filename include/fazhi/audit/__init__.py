"""The audit log: who did what, when, to what. In: events inside write transactions. Out: a chain of digests."""

from fazhi.audit.chain import GENESIS, SYSTEM, Actor, Event, Link, append, link_digest
from fazhi.audit.heads import Head, export_head, read_heads
from fazhi.audit.verify import ChainFault, Verified, links, verify, verify_links

__all__ = [
    "GENESIS",
    "SYSTEM",
    "Actor",
    "ChainFault",
    "Event",
    "Head",
    "Link",
    "Verified",
    "append",
    "export_head",
    "link_digest",
    "links",
    "read_heads",
    "verify",
    "verify_links",
]
