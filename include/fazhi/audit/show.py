"""Looking through the audit log. In: what to look for. Out: rows as plain dictionaries, oldest first."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, or_, select

from fazhi.store import read
from fazhi.store.tables import audit


@dataclass(frozen=True)
class Wanted:
    """Which rows: a part of the subject, an action or its beginning, an actor's id or name, the last how many."""

    subject: str = ""
    action: str = ""
    actor: str = ""
    last: int = 200


def shown(engine: Engine, wanted: Wanted) -> list[dict[str, Any]]:
    """The newest rows that fit, oldest first; ``details`` as an object."""
    statement = select(audit).order_by(audit.c.seq.desc()).limit(wanted.last)
    if wanted.subject:
        statement = statement.where(audit.c.subject.contains(wanted.subject, autoescape=True))
    if wanted.action:
        whole = audit.c.action == wanted.action
        statement = statement.where(
            or_(whole, audit.c.action.startswith(f"{wanted.action}.", autoescape=True))
        )
    if wanted.actor:
        statement = statement.where(or_(audit.c.actor_id == wanted.actor, audit.c.actor_name == wanted.actor))
    with read(engine) as connection:
        rows = [dict(row) for row in connection.execute(statement).mappings()]
    return [{**row, "details": _details(row["details"])} for row in reversed(rows)]


def _details(stored: str) -> Any:
    try:
        return json.loads(stored)
    except ValueError:  # tampered with: shown as it stands, `fazhi audit verify` names it
        return stored
