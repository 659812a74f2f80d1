"""The sandbox platform as a process. In: arguments. Out: its address, first on stdout; ends on TERM."""

import argparse
import os
import secrets
import signal
import threading
from pathlib import Path

from fazhi.sandbox.server import SandboxPlatform


def serve(
    *,
    app_id: str,
    secret: str = "",
    state: Path | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    minimum_share: str = "0.10",
    control: bool = False,
) -> None:
    """Serve until TERM or Ctrl-C; the first line of stdout is the address.

    Args:
        app_id: The application that may ask.
        secret: Its secret; one is made up and printed on the second line when empty.
        state: SQLite file that survives restarts; ``None`` forgets at the end.
        host: Address to listen on.
        port: Port to listen on, 0 for a free one.
        minimum_share: Of every year.
        control: Whether the control routes under ``/_sandbox/`` exist.
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
    platform.serve_forever()
    platform.close()


def main() -> int:
    """``python -m fazhi.sandbox``."""
    parser = argparse.ArgumentParser(
        prog="python -m fazhi.sandbox", description="沙箱考评平台：只供试用和测试"
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
    serve(**vars(parser.parse_args()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
