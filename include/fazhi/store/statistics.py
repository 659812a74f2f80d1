"""What the planner knows of the store. In: a transaction that has written much. Out: statistics of what it wrote.

PostgreSQL plans by statistics that it gathers in its own time, some time after a commit. A year that is judged as soon
as it has been written would be judged by plans for empty tables, hundreds of times slower. SQLite plans without them.
"""

from sqlalchemy import Connection, text


def gather_statistics(connection: Connection) -> None:
    """Let what is judged next be planned by what the tables hold now; a second at most, however many rows."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT public.fazhi_analyze()"))
