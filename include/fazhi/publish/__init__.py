"""From results to the platform, once. In: results of the store. Out: outbox rows, signed requests, receipts.

>>> enqueue(engine, 2024, body_of=result_body, now=now)
>>> with PlatformClient(url, app_id, secret) as client:
...     push(engine, client, 2024, system_digest=edition.digest, now=now)
...     reconcile_year(engine, client, 2024, now=now)
>>> outbox_counts(engine, 2024)
{'year': 2024, 'pending': 0, 'sent': 0, 'confirmed': 67, 'refused': 0, 'conflict': 0}

Each step commits its rows, may be killed anywhere and repeated. Pushed is not confirmed: only reconciling
confirms.
"""

from fazhi.publish.client import PlatformClient
from fazhi.publish.outbox import enqueue, not_yet_queued, outbox_counts, outbox_rows
from fazhi.publish.push import push
from fazhi.publish.reconcile import reconcile_year
from fazhi.transport import RetryPolicy

__all__ = [
    "PlatformClient",
    "RetryPolicy",
    "enqueue",
    "not_yet_queued",
    "outbox_counts",
    "outbox_rows",
    "push",
    "reconcile_year",
]
