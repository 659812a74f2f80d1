"""Whether a service of the compose stack is well. In: what to ask. Out: exit status 0 or 1.

``healthy.py api | scheduler | component NAME | worker | sandbox``. Cheap: Airflow's own commands cost six seconds of
CPU each time. ``component`` asks the api-server, whose word is about the whole deployment; ``worker`` asks the worker
of this container over the broker, whose address stays off the command line.
"""

import json
import os
import sys
import urllib.request
from pathlib import Path
from typing import Any

_API = "http://apiserver:8080/api/v2/monitor/health"
_OWN_API = "http://127.0.0.1:8080/api/v2/monitor/health"
_SCHEDULER = "http://127.0.0.1:8974/health"
_SANDBOX = "http://127.0.0.1:8000/v1/health"
_PATIENCE = 8


def _json(url: str) -> dict[str, Any]:
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310 - fixed addresses of the stack
        return dict(json.load(answer))


def _component(url: str, name: str) -> bool:
    return (_json(url).get(name) or {}).get("status") == "healthy"


def _answers(url: str) -> bool:
    with urllib.request.urlopen(url, timeout=_PATIENCE) as answer:  # noqa: S310
        return int(answer.status) < 400


def _worker() -> bool:
    from celery import Celery  # a second of CPU, for workers only

    broker = Path("/run/secrets/celery_broker_url").read_text(encoding="ascii").strip()
    name = f"celery@{os.environ['FAZHI_WORKER_NAME']}"  # Celery's own form of --celery-hostname
    replies = Celery(broker=broker).control.ping(destination=[name], timeout=_PATIENCE)
    return any(name in reply for reply in replies)


def main(asked: list[str]) -> int:
    """Ask; an exception is an unhealthy service too."""
    match asked:
        case ["api"]:
            well = _component(_OWN_API, "metadatabase")
        case ["scheduler"]:
            well = _answers(_SCHEDULER)  # 503 and no word of why when its job's heartbeat is old
        case ["component", name]:
            well = _component(_API, name)
        case ["worker"]:
            well = _worker()
        case ["sandbox"]:
            well = _answers(_SANDBOX)
        case _:
            raise SystemExit(__doc__)
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
