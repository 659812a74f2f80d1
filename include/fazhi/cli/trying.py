"""Trying things out: synthetic submissions and the sandbox. In: sizes and seeds. Out: files, a server."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from fazhi import pipeline
from fazhi.cli.app import OutOption, app, out, progress
from fazhi.model.errors import UsageError
from fazhi.sandbox.__main__ import PortalOptions
from fazhi.sandbox.__main__ import serve as serve_sandbox
from fazhi.settings import Settings
from fazhi.synth import synthesise


@app.command()
def synth(
    out_dir: OutOption,
    years: Annotated[str, typer.Option("--years", help="起止年度，例如 2021-2024")],
    units: Annotated[int | None, typer.Option("--units", help="被考评单位数，默认登记表全部")] = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
    regions: Annotated[
        int, typer.Option("--regions", min=1, max=99, help="超出登记表的单位分到几个盟市")
    ] = 1,
    faults: Annotated[str, typer.Option("--faults", help="埋入问题的比例，例如 0.005")] = "0",
    workbooks: Annotated[bool, typer.Option("--workbooks", help="写工作簿而不是 CSV")] = False,
) -> None:
    """生成合成报送（处处注明“合成数据”）和埋入问题清单 faults.csv。"""
    first, _, last = years.partition("-")
    if not (first.isdigit() and (last or first).isdigit()):
        raise UsageError(f"--years 应写作 2021-2024，收到“{years}”")
    loaded = Settings.load()
    ground = pipeline.Ground(loaded)
    outcome = synthesise(
        ground.registry,
        ground.editions,
        years=range(int(first), int(last or first) + 1),
        units=units,
        seed=seed,
        out=out_dir,
        faults_rate=_rate(faults),
        registry_dir=loaded.registry_dir,
        regions=regions,
        workbooks=workbooks,
        today=pipeline.now_in_shanghai().date(),
        progress=progress,
    )
    out.print(
        f"{outcome.submissions} 份报送，{len(outcome.faults)} 处埋入问题：{out_dir}",
        markup=False,
        highlight=False,
    )


def _rate(written: str) -> Fraction:
    try:
        return Fraction(written)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--faults 应是 0 到 1 之间的数，收到“{written}”") from None


@app.command()
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 = 任选空闲端口")] = 0,
    state: Annotated[
        Path | None, typer.Option("--state", help="状态文件，默认 var/sandbox/platform.db")
    ] = None,
    app_id: Annotated[str, typer.Option("--app-id")] = "fazhi-sandbox",
    secret: Annotated[str, typer.Option("--secret", help="默认每次启动随机生成并打印")] = "",
    submissions: Annotated[
        Path | None,
        typer.Option(
            "--submissions",
            help="门户上的报送：每份一个子文件夹，内有 submission.json（fazhi synth 写出的即是）",
        ),
    ] = None,
    portal_port: Annotated[
        int, typer.Option("--portal-port", min=0, max=65535, help="门户端口，0 = 任选空闲端口")
    ] = 0,
    portal_token: Annotated[
        str, typer.Option("--portal-token", help="门户令牌，默认每次启动随机生成并打印")
    ] = "",
) -> None:
    """本机沙箱考评平台和报送门户，遵守接口约定，仅供试用和测试。"""
    home = Settings.load().root / "var" / "sandbox"
    serve_sandbox(
        port=port,
        state=state or home / "platform.db",
        app_id=app_id,
        secret=secret,
        portal=PortalOptions(
            token=portal_token, folder=submissions, state=home / "portal.db", port=portal_port
        ),
    )
