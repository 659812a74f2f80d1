"""Writing beside others that write the same. In: work for a transaction. Out: its result, as if done in turn."""

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from fazhi.store import write

_RIVALS = 4
"""How often somebody else may get ahead before the store's refusal is an error."""

Result = TypeVar("Result")


def in_turn(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Do work that looks before it writes, in a transaction of its own.

    Where two transactions look at the same moment and write the same key, the store refuses the second; done
    again, it sees what the first one wrote.

    Args:
        engine: The store.
        work: Reads, then writes only what is missing; may be called again.
    """
    for _ in range(_RIVALS):
        try:
            with write(engine) as connection:
                return work(connection)
        except IntegrityError:
            continue
    with write(engine) as connection:
        return work(connection)
