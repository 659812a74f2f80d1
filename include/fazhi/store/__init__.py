"""The store. In: rows of the stages. Out: committed rows; the only room that knows SQL dialects.

>>> from fazhi.store import open_store, read, write
>>> engine = open_store("sqlite:///var/fazhi.db")
>>> with write(engine) as connection: ...
"""

from fazhi.store.engine import at_head, become_the_writer, connect, open_store, read, upgrade, write

__all__ = ["at_head", "become_the_writer", "connect", "open_store", "read", "upgrade", "write"]
