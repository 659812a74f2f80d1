"""The audit log: who did what, when, to what. In: events inside write transactions. Out: a chain of digests."""

from fazhi.audit.chain import Actor, Event, append

__all__ = ["Actor", "Event", "append"]
