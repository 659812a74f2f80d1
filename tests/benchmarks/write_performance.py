"""Writes docs/performance.md. In: what ``bench_year.py --json`` kept, and the other benches, run now. Out: the page.

``python tests/benchmarks/write_performance.py YEAR.json [--only-table]``. The page says on what machine, in which tier and
under which load it was measured; what was not measured is called an extrapolation, with the exponent that it rests on.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import EXTRAPOLATED, ROOT, exponent

PAGE = ROOT / "docs" / "performance.md"
NAMES = {
    "full year": "全年：采集、读取、核验、计分（秒）",
    "  collect": "　其中采集（秒）",
    "  read": "　其中读取（秒）",
    "  validate": "　其中核验，含 Great Expectations（秒）",
    "  score": "　其中计分（秒）",
    "publish": "推送并读回确认（秒）",
    "quiet night": "没有新报送的一夜（秒）",
    "1 % new": "百分之一单位重新报送的一夜（秒）",
    "backfill": "补跑（秒）",
    "pandas": "对照：pandas 读同样的表并汇总（秒）",
    "SQL": "对照：一条 SQL 汇总已入库的数（秒）",
    "memory MiB": "内存峰值（MiB）",
    "store MiB": "数据库大小（MiB）",
}
WHATEVER_REPORTS = ("  score", "publish")
"""What is done for every unit of the registry, also for those that report nothing."""
REGISTERED = 79
"""How many scored units the shipped registry has; more are made up."""
TARGETS = (6_000, EXTRAPOLATED)
OTHERS = {
    "bench_validation.py": "核验：GX 加列出问题，对照只用一条 SQL 列出同样的问题",
    "bench_scoring.py": "计分：精确整数，对照逐个分数的循环和 polars、numpy 浮点",
    "bench_resubmission.py": "百分之一的单位重新报送，对照核验全年",
    "bench_publishing.py": "推送，对照只签名、只发送、不记账的客户端",
    "bench_intake.py": "读表，对照 calamine 和 openpyxl",
    "bench_desk.py": "工作台每一页，大库对照小库",
    "bench_dag_parse.py": "流程文件的解析",
}


def table(measured: dict[str, Any]) -> str:
    """The table of the nights, with exponents and extrapolations."""
    sizes, costs = measured["sizes"], measured["costs"]
    last = sizes[-1]["units"]
    targets = [one for one in TARGETS if one > last]
    heads = (
        [f"{one['units']:,} 个单位" for one in sizes]
        + ["增长指数"]
        + [f"{one:,} 个单位（推算）" for one in targets]
    )
    lines = ["| | " + " | ".join(heads) + " |", "| --- |" + " ---: |" * len(heads)]
    rows = [f"{one['rows']:,}" for one in sizes] + [""] * (1 + len(targets))
    lines.append("| 当年的数值行数 | " + " | ".join(rows) + " |")
    for name, title in NAMES.items():
        power = exponent(costs[-2][name], costs[-1][name], sizes[-2]["units"], last)
        # a cost that shrank shows noise, not growth: nothing is said of sizes beyond
        says_nothing = power <= 0 or (name in WHATEVER_REPORTS and last <= REGISTERED)
        beyond = ["—" if says_nothing else f"{_beyond(costs, name, sizes, one):,.0f}" for one in targets]
        title = f"{sizes[-1]['years']} 个年度的{title}" if name == "backfill" else title
        lines.append(
            "| "
            + " | ".join([title, *(f"{cost[name]:,.2f}" for cost in costs), f"{power:.2f}", *beyond])
            + " |"
        )
    return "\n".join(lines)


def _beyond(costs: list[dict[str, float]], name: str, sizes: list[dict[str, Any]], target: int) -> float:
    """A cost at a size that was not measured: by its power where it grows faster than its size, else along a line.

    A line and not a power below 1: that only shows a fixed part, which matters less and less.
    """
    (size, cost), (last, newest) = (
        (one["units"], two[name]) for one, two in zip(sizes[-2:], costs[-2:], strict=True)
    )
    power = exponent(cost, newest, size, last)
    if power > 1:
        return float(newest * (target / last) ** power)
    return float(newest + max(newest - cost, 0.0) / (last - size) * (target - last))


def outputs() -> str:
    """What the other benches print."""
    parts = []
    for name, title in OTHERS.items():
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(name))], capture_output=True, text=True
        )
        said = done.stdout.rstrip() or done.stderr.rstrip()[-500:]
        verdict = "" if done.returncode == 0 else "\n\n**这一项没有达到目标，或没有跑成。**"
        parts.append(f"### {title}\n\n`tests/benchmarks/{name}`\n\n```text\n{said}\n```{verdict}")
    return "\n\n".join(parts)


def page(measured: dict[str, Any], others: str) -> str:
    """The whole page."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[2]
    where = f"{os.cpu_count()} 核、{memory:.0f} GiB 内存、Python {platform.python_version()}、SQLite"
    tier = {"": "快速档（只证明能跑，不宜引用）", "city": "城市档", "full": "全量档"}[measured["tier"]]
    return f"""# 性能

<!-- 由 tests/benchmarks/write_performance.py 写成，请勿手改 -->

{datetime.now(UTC):%Y-%m-%d}，{where}，{tier}；写本页时最近 15 分钟平均负载 {load:.1f}，
超过核数说明机器上还有别的工作，绝对数字偏慢。比值和增长指数比绝对数字可靠。全部数据为合成数据。

## 整夜

每个规模在独立的进程里，走的就是流程所调用的函数。“推算”不是测量：增长指数大于 1 的按指数外推，
不大于 1 的按最大两档连成的直线外推（指数小于 1 只说明有固定开销），负的不外推（只是测量误差）。外推的倍数越大越不可靠：
17 万个单位只能看数量级，内存一项尤其如此，因为实际按地区分别核验和计分。没有写进表里的规模没有测过。
名录里的 {REGISTERED} 个单位不论报不报送都要计分、推送，所以不超过 {REGISTERED} 个单位时，计分和推送两行看不出增长，也不外推；
它们的规模增长见下面各环节的基准测试。

{table(measured)}

对照的两种做法只得到合计：没有单元格位置、没有核验问题、没有历史，也不能重算；列出来是为了说明“多做的事”花了多少。

重新测量：`FAZHI_BENCH=city python tests/benchmarks/bench_year.py --json year.json`（`full` 为 67、600、6,000 个单位，要数小时），再
`python tests/benchmarks/write_performance.py year.json`。

## 各环节与对照

以下为快速档的原样输出；`FAZHI_BENCH=full make bench` 给出大规模的数字。

{others}
"""


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("year", type=Path, help="what bench_year.py --json kept")
    parser.add_argument("--only-table", action="store_true", help="print the table and write nothing")
    options = parser.parse_args()
    measured = json.loads(options.year.read_text(encoding="utf-8"))
    if options.only_table:
        print(table(measured))
        return 0
    PAGE.write_text(page(measured, outputs()), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
