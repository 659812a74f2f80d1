"""Push and reconcile a year's outbox in a process of its own, to be killed (合成数据)."""

from multiprocessing.connection import Connection

from fazhi.publish import PlatformClient, push, reconcile_year
from fazhi.store import open_store
from support.publish import APP_ID, NOW, SECRET, SYSTEM_DIGEST, YEAR


def push_once(store_url: str, platform_url: str, word: Connection) -> None:
    """Say that everything is ready, wait for the word, push."""
    engine = open_store(store_url)
    word.send("ready")
    word.recv()
    with PlatformClient(platform_url, APP_ID, SECRET) as client:
        push(engine, client, YEAR, system_digest=SYSTEM_DIGEST, now=NOW)
        reconcile_year(engine, client, YEAR, now=NOW)
