"""What the person on duty needs. In: settings and a moment. Out: alarms, and what old files may go.

``raised`` looks at everything that has to move and says what does not (``watch``, ``waiting``, ``machine``); ``prune``
says which files are past their keeping (``retention``). From when on, and for how long, is data: ``limits.yaml``. Nothing
here changes the store or leaves the host; telling is Airflow's (``plugins/operations_notifier.py``).
"""

from fazhi.operations.limits import Kind, Limits, Retention, Severity
from fazhi.operations.retention import Pruned, prune
from fazhi.operations.telling import Told, in_words, news
from fazhi.operations.watch import Alarm, raised

__all__ = [
    "Alarm",
    "Kind",
    "Limits",
    "Pruned",
    "Retention",
    "Severity",
    "Told",
    "in_words",
    "news",
    "prune",
    "raised",
]
