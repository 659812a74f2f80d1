"""The ground: settings and the store. In: the environment. Out: tables on stdout."""

import typer
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from fazhi.cli.app import JsonOption, app, out, print_json, print_table
from fazhi.settings import DATABASE_SETTINGS, SECRET_SETTINGS, Settings
from fazhi.store import at_head, connect, upgrade

store_app = typer.Typer(help="数据库。", no_args_is_help=True)
app.add_typer(store_app, name="store")


@app.command()
def settings(as_json: JsonOption = False) -> None:
    """所有设置及其来源，密码不显示。"""
    loaded = Settings.load()
    shown = {
        name: {"value": _shown(name, str(getattr(loaded, name))), "origin": origin}
        for name, origin in loaded.origins.items()
    }
    if as_json:
        print_json(shown)
    else:
        print_table("设置", ("设置", "值", "来源"), ((n, s["value"], s["origin"]) for n, s in shown.items()))


def _shown(name: str, text: str) -> str:
    if name in SECRET_SETTINGS:
        return "******" if text else ""
    return _database_url(text) if name in DATABASE_SETTINGS and text else text


def _database_url(text: str) -> str:
    """The address without its password; one that cannot be read is not shown, for it may hold one."""
    try:
        return make_url(text).render_as_string(hide_password=True)
    except (ArgumentError, ValueError):
        return "（不是数据库地址）"


@store_app.command("upgrade")
def store_upgrade() -> None:
    """把数据库结构升级到最新版本。"""
    engine = connect(Settings.load().store_url)
    if not at_head(engine):
        upgrade(engine)
    out.print("数据库已是最新结构")
