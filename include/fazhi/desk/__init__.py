"""The steward desk without its pages. In: the store, the ground, a person. Out: what a page shows, and acts.

One module for each topic. A read model is a function that takes a store ``Engine`` or a read connection, the
ground where names are needed, and a ``Person`` where rights matter; it gives frozen dataclasses. No page reads all
findings or values: lists are ``Slice``s with an opaque cursor, and what is counted is counted up to a bound that is
told. An act binds to the digest of what was shown and is stored once, whoever clicks twice. Nothing here knows HTTP,
HTML or Airflow; ``plugins/desk`` does.

>>> from fazhi.desk import Ability, Person, Slice
"""

from fazhi.desk.paging import PAGE_SIZE, Bounded, Slice, cursor_of, key_of, sliced
from fazhi.desk.person import ALL_REGIONS, Ability, Person
from fazhi.desk.refusals import ChangedMeanwhile, NotAllowed, NotFound

__all__ = [
    "ALL_REGIONS",
    "PAGE_SIZE",
    "Ability",
    "Bounded",
    "ChangedMeanwhile",
    "NotAllowed",
    "NotFound",
    "Person",
    "Slice",
    "cursor_of",
    "key_of",
    "sliced",
]
