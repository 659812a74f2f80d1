"""The sandbox as a process. In: arguments. Out: the platform's address, first on stdout; ends on TERM."""

import argparse
import os
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fazhi.sandbox.portal import SandboxPortal
from fazhi.sandbox.server import SandboxPlatform


@dataclass(frozen=True)
class PortalOptions:
    """The portal beside the platform.

    Attributes:
        token: The bearer token that it takes; one is made up and printed when empty.
        folder: Submissions to list.
        state: SQLite file that keeps uploads and reviews; ``None`` forgets at the end.
        port: Port to listen on, 0 for a free one.
    """

    token: str = ""
    folder: Path | None = None
    state: Path | None = None
    port: int = 0


def serve(
    *,
    app_id: str,
    secret: str = "",
    state: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    minimum_share: str = "0.10",
    control: bool = False,
    portal: PortalOptions | None = None,
) -> None:
    """Serve until TERM or Ctrl-C; the first line of stdout is the platform's address.

    With a portal, a later line is the portal's address. What was made up is printed as settings.

    Args:
        app_id: The application that may ask.
        secret: Its secret; one is made up and printed on the second line when empty.
        state: SQLite file that survives restarts; ``None`` forgets at the end.
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        minimum_share: Of every year.
        control: Whether the control routes under ``/_sandbox/`` exist.
        portal: The portal to run beside it; none by default.
    """
    platform = SandboxPlatform(
        app_id=app_id,
        secret=secret or (made_up := secrets.token_urlsafe(24)),
        state=state,
        host=host,
        port=port,
        minimum_share=minimum_share,
        control=control,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the serving loop, which runs in the thread that receives the signal
        signal.signal(number, lambda *_: threading.Thread(target=platform.shutdown).start())
    print(platform.url, flush=True)
    if not secret:
        print(f"FAZHI_PLATFORM_APP_ID={app_id} FAZHI_PLATFORM_SECRET={made_up}", flush=True)
    with _portal(portal, host, control):
        platform.serve_forever()
    platform.close()


@contextmanager
def _portal(options: PortalOptions | None, host: str, control: bool) -> Iterator[None]:
    """The portal beside the platform, if there is to be one; it says where it is."""
    if options is None:
        yield
        return
    token = options.token or secrets.token_urlsafe(24)
    with SandboxPortal(
        token=token,
        folder=options.folder,
        state=options.state,
        host=host,
        port=options.port,
        control=control,
    ) as running:
        shown = "" if options.token else f" FAZHI_PORTAL_TOKEN={token}"
        print(f"FAZHI_PORTAL_URL={running.url}{shown}", flush=True)
        yield


def main() -> int:
    """``python -m fazhi.sandbox``."""
    parser = argparse.ArgumentParser(
        prog="python -m fazhi.sandbox", description="沙箱考评平台和报送门户：只供试用和测试"
    )
    parser.add_argument("--host", default="127.0.0.1", help="监听地址")
    parser.add_argument("--port", type=int, default=0, help="监听端口，0 为任一空闲端口")
    parser.add_argument("--state", type=Path, help="保存状态的 SQLite 文件；不给则退出即忘")
    parser.add_argument(
        "--app-id", default=os.environ.get("FAZHI_PLATFORM_APP_ID", "fazhi-sandbox"), help="应用标识"
    )
    parser.add_argument(
        "--secret", default=os.environ.get("FAZHI_PLATFORM_SECRET", ""), help="应用密钥；不给则随机生成并打印"
    )
    parser.add_argument("--minimum-share", default="0.10", help="各年度占比下限")
    parser.add_argument("--control", action="store_true", help="开放 /_sandbox/ 控制地址（故障、封存年度）")
    parser.add_argument("--portal", action="store_true", help="同时运行沙箱报送门户")
    parser.add_argument(
        "--submissions", type=Path, help="门户上的报送：每份一个子文件夹，内有 submission.json"
    )
    parser.add_argument("--portal-state", type=Path, help="保存门户状态的 SQLite 文件；不给则退出即忘")
    parser.add_argument("--portal-port", type=int, default=0, help="门户监听端口，0 为任一空闲端口")
    parser.add_argument(
        "--portal-token",
        default=os.environ.get("FAZHI_PORTAL_TOKEN", ""),
        help="门户令牌；不给则随机生成并打印",
    )
    given = vars(parser.parse_args())
    portal = PortalOptions(
        token=given.pop("portal_token"),
        folder=given.pop("submissions"),
        state=given.pop("portal_state"),
        port=given.pop("portal_port"),
    )
    serve(**{**given, "portal": portal if given["portal"] else None})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
