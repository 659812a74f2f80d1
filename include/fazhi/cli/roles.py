"""Roles of the database. In: three names. Out: least-privilege grants on PostgreSQL, or the SQL that makes them."""

import sys
from typing import Annotated

import typer

from fazhi.cli.administration import store_app
from fazhi.cli.app import out
from fazhi.settings import Settings
from fazhi.store import connect
from fazhi.store.roles import Roles, make_roles, role_statements

_DEFAULT = Roles()


@store_app.command("roles")
def store_roles(
    owner: Annotated[str, typer.Option("--owner", help="表的所有者，用来升级数据库结构")] = _DEFAULT.owner,
    application: Annotated[
        str, typer.Option("--app", help="程序日常使用：只能添加，审计记录不能改、不能删")
    ] = _DEFAULT.application,
    reader: Annotated[str, typer.Option("--reader", help="只能查询")] = _DEFAULT.reader,
    sql: Annotated[bool, typer.Option("--sql", help="只输出 SQL 语句，不执行")] = False,
) -> None:
    """在 PostgreSQL 上建立三个最小权限角色；可重复执行，每次升级数据库结构后再执行一次。不设口令。"""
    roles = Roles(owner, application, reader)
    if sql:
        sys.stdout.write("".join(f"{statement};\n" for statement in role_statements(roles)))
        return
    make_roles(connect(Settings.load().store_url), roles)
    out.print(f"已建立并授权：{owner}、{application}、{reader}", markup=False, highlight=False)
