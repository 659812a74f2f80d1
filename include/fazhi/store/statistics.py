"""What the planner knows of the store. In: a transaction that has written much. Out: statistics of what it wrote.

PostgreSQL plans by statistics that it gathers in its own time, some time after a commit. A year that is judged as soon
as it has been written would be judged by plans for empty tables, hundreds of times slower. SQLite plans without them.
"""

from typing import Literal, get_args

from sqlalchemy import Connection, text

Written = Literal["reported", "judged", "marked"]
"""What departments reported; what it is judged under; what little of it is to be judged again."""
ANALYZE_FUNCTIONS = tuple(f"fazhi_analyze_{written}" for written in get_args(Written))
"""What the application may call, for only the owner of a table may analyze it."""


def gather_statistics(connection: Connection, written: Written) -> None:
    """Let what comes next be planned by what the tables hold now; about a second, however many rows."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT public.fazhi_analyze_{written}()"))
