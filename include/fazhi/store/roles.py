"""Least-privilege roles on PostgreSQL. In: three role names. Out: the statements that make and grant them, and running them.

``owner`` owns the tables and migrates; ``application`` runs the pipeline: it adds rows, changes only what ``CHANGED``
lists and has no DDL; ``reader`` only reads. None of the grants depends on what was granted before.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, text

from fazhi.model.errors import UsageError
from fazhi.store.statistics import ANALYZE_FUNCTIONS
from fazhi.store.tables import metadata

CHANGED: Mapping[str, str] = {
    "current_parse": "UPDATE, DELETE",
    "current_result": "UPDATE, DELETE",
    "current_submission": "UPDATE, DELETE",
    "current_validation": "UPDATE, DELETE",
    "desk_seen": "UPDATE",
    "finding": "UPDATE",
    "outbox": "UPDATE",
    "parse_dim": "DELETE",
    "portal_mark": "UPDATE, DELETE",
    "portal_report": "UPDATE",
    "slice_parse": "UPDATE, DELETE",
    "validation_basis": "UPDATE, DELETE",
    "value_token": "DELETE",
    "year_lock": "UPDATE",
}
"""What the application may do to rows beyond adding them: pointers, states on their graph, bookkeeping."""

_VERSION_TABLE = "alembic_version"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Roles:
    """The names of the three roles."""

    owner: str = "fazhi_owner"
    application: str = "fazhi_app"
    reader: str = "fazhi_reader"

    def checked(self) -> "Roles":
        """The names themselves.

        Raises:
            UsageError: A name is no plain PostgreSQL name, or one role is named twice.
        """
        names = (self.owner, self.application, self.reader)
        for name in names:
            if not _NAME.fullmatch(name):
                raise UsageError(f"角色名“{name}”不可用，只能由小写字母、数字和下划线组成，且不以数字开头")
        if len(set(names)) < len(names):
            raise UsageError("三个角色的名称不能相同")
        return self


def role_statements(roles: Roles) -> tuple[str, ...]:
    """The statements, in order; repeating them changes nothing. They set no password.

    Raises:
        UsageError: A role's name is not usable.
    """
    return tuple(_statements(roles.checked()))


def make_roles(engine: Engine, roles: Roles) -> None:
    """Make and grant the roles, all of it or nothing; asks for a role that may create roles and owns the schema.

    Raises:
        UsageError: The store is no PostgreSQL, or a name is not usable.
    """
    if engine.dialect.name != "postgresql":
        raise UsageError("只有 PostgreSQL 数据库有角色；SQLite 靠文件权限")
    with engine.begin() as connection:
        for statement in role_statements(roles):
            connection.execute(text(statement.replace(":", r"\:")))


def _statements(roles: Roles) -> Iterator[str]:
    everyone = (roles.owner, roles.application, roles.reader)
    for name in everyone:
        yield (
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
            f"THEN CREATE ROLE {name} LOGIN; END IF; END $$"
        )
    yield (
        "DO $$ BEGIN EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database()); END $$"
    )
    yield "REVOKE CREATE ON SCHEMA public FROM PUBLIC"
    yield f"GRANT CREATE, USAGE ON SCHEMA public TO {roles.owner}"
    yield f"GRANT USAGE ON SCHEMA public TO {roles.application}, {roles.reader}"
    for table in sorted([*metadata.tables, _VERSION_TABLE]):
        yield f"ALTER TABLE public.{table} OWNER TO {roles.owner}"
        yield f"REVOKE ALL ON public.{table} FROM PUBLIC, {roles.application}, {roles.reader}"
        yield f"GRANT SELECT ON public.{table} TO {roles.application}, {roles.reader}"
        if table != _VERSION_TABLE:
            more = f", {CHANGED[table]}" if table in CHANGED else ""
            yield f"GRANT INSERT{more} ON public.{table} TO {roles.application}"
    yield f"ALTER FUNCTION public.fazhi_audit_refuse() OWNER TO {roles.owner}"
    for function in ANALYZE_FUNCTIONS:
        yield f"ALTER FUNCTION public.{function}() OWNER TO {roles.owner}"
        yield f"REVOKE EXECUTE ON FUNCTION public.{function}() FROM PUBLIC, {roles.reader}"
        yield f"GRANT EXECUTE ON FUNCTION public.{function}() TO {roles.application}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {roles.application}"
