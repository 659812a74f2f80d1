"""``python -m fazhi.services up|down|status|roles``. In: a command. Out: Airflow started or ended, in Chinese.

``roles`` makes the roles of the steward desk in the Airflow of the environment (``fazhi.services.desk_roles``).
"""

import argparse
import sys
from pathlib import Path

from fazhi.model.errors import FazhiError
from fazhi.services.desk_roles import make_desk_roles
from fazhi.services.local_airflow import COMPONENTS, USUAL_PORT, LocalAirflow
from fazhi.services.local_airflow import _free as is_free
from fazhi.settings import PROJECT_ROOT, Settings


def main(arguments: list[str] | None = None) -> int:
    """Run the command; the exit status."""
    options = _parser().parse_args(arguments)
    try:
        if options.command == "roles":
            return _roles()
        airflow = LocalAirflow(options.home, port=_port(options), auth=options.auth, progress=_say)
        return int({"up": _up, "down": _down, "status": _status}[options.command](airflow))
    except FazhiError as error:
        print(error, file=sys.stderr)
        return error.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fazhi.services", description="本机的 Airflow")
    parser.add_argument(
        "command",
        choices=("up", "down", "status", "roles"),
        help="启动、停止、查看；设置审核工作台的角色",
    )
    parser.add_argument(
        "--home",
        type=Path,
        default=PROJECT_ROOT / "var" / "airflow",
        help="运行数据所在的文件夹（默认 var/airflow）",
    )
    parser.add_argument("--port", type=int, help="界面的端口（默认沿用上次的，首次为 8080 或任一空闲端口）")
    parser.add_argument(
        "--auth", choices=("simple", "fab"), default="simple", help="登录方式（默认 simple，仅供本机使用）"
    )
    return parser


def _port(options: argparse.Namespace) -> int | None:
    wish: int | None = options.port
    if wish or (options.home / "port").is_file() or not is_free(USUAL_PORT):
        return wish
    return USUAL_PORT


def _up(airflow: LocalAirflow) -> int:
    airflow.start()
    print(f"界面：{airflow.url}\n用户：{airflow.user}\n密码：{airflow.password}\n停止：make down")
    return 0


def _down(airflow: LocalAirflow) -> int:
    ended = airflow.stop()
    _say(f"已停止：{'、'.join(ended)}" if ended else "没有在运行")
    return 0


def _status(airflow: LocalAirflow) -> int:
    running = airflow.components
    for name in COMPONENTS:
        print(f"{name}:{f'运行中（进程 {running[name]}）' if name in running else '未运行'}")
    if airflow.running:
        print(f"界面：{airflow.url}")
    return 0 if airflow.running else 1


def _roles() -> int:
    made = make_desk_roles(Settings.load())
    print(f"审核工作台的角色：共 {made.roles} 个，新增权限 {made.added} 项，收回权限 {made.removed} 项")
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
