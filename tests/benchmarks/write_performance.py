"""Writes docs/performance.md. In: a folder with what the benches' ``--json`` kept; the other benches, run now. Out: the page.

The folder may have ``year*.json`` (``bench_year.py``; several files are several sizes, two at least), ``backfill*.json``
(``bench_backfill.py``, a size each), ``same.json`` (``bench_same_checks.py``), ``airflow.json``, ``workers.json``
(``workers.py``), and ``validation.txt``, ``resubmission.txt`` and ``intake.txt``: what those benches print at
FAZHI_BENCH=full.
``make performance`` fills it and calls this.

A section whose measurements are in the folder is written anew, with its day, its machine and its load; every other section
stays as it is on the page, with the day that it has. So one measurement can be made again without the hours of the rest.
What was not measured is called an extrapolation, with the exponent that it rests on. ``--keep-others`` does not run the quick
benches and keeps their section.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.bench_year import EXTRAPOLATED, REGION_UNITS, ROOT, Spent, exponent, regions_of, summary

PAGE = ROOT / "docs" / "performance.md"
NIGHTS = "要多大的机器，一夜多久"
BACKFILLS = "补跑"
SAME_CHECKS = "同样的检查，四种做法"
AIRFLOW = "Airflow 的开销"
WORKERS = "几个工作进程"
QUICK = "各环节与对照"
NAMES = {
    "full year": "全年：采集、读取、核验、计分",
    "  collect": "　其中采集",
    "  read": "　其中读取",
    "  validate": "　其中核验，含 Great Expectations",
    "  score": "　其中计分",
    "publish": "推送并读回确认",
    "quiet night": "没有新报送的一夜",
    "1 % new": "百分之一单位重新报送的一夜",
    "pandas": "对照：pandas 读同样的表并汇总",
    "SQL": "对照：一条 SQL 汇总已入库的数",
}
SPACE = {
    "collect MiB": "采集进程的内存峰值（MiB）",
    "read MiB": "读取进程的内存峰值（MiB）",
    "validate MiB": "核验一个地区的进程的内存峰值（MiB）",
    "score MiB": "计分一个地区的进程的内存峰值（MiB）",
    "publish MiB": "推送进程的内存峰值（MiB）",
    "store MiB": "数据库大小（MiB）",
}
WHATEVER_REPORTS = ("  score", "publish")
"""What is done for every unit of the registry, also for those that report nothing."""
BY_REGION = ("validate MiB", "score MiB")
"""What grows with the units of one region, not with all."""
REGISTERED = 79
"""How many scored units the shipped registry has; more are made up."""
PROVINCE = 6_000
TARGETS = (PROVINCE, EXTRAPOLATED)
AIM = 1.05
"""The growth exponent of the full year, at most."""
WAYS = {
    "our gate": "本系统：每条规则一个 GX 期望",
    "GX per indicator": "（a）每个指标一个 GX 期望",
    "pandas": "（b）pandas",
    "SQL by hand": "（c）手写一条 SQL",
}
LARGE = {
    "validation": "大表：核验一个全年，对照手写的一条 SQL",
    "resubmission": "大表：百分之一的单位重新报送，对照核验全年",
    "intake": "读表，对照 calamine 和 openpyxl",
}
SECTIONS = (NIGHTS, BACKFILLS, SAME_CHECKS, AIRFLOW, WORKERS, *LARGE.values(), QUICK)
"""The titles of the page, in order."""
OTHERS = {
    "bench_validation.py": "核验：GX 加列出问题，对照只用一条 SQL 列出同样的问题",
    "bench_scoring.py": "计分：精确整数，对照逐个分数的循环和 polars、numpy 浮点",
    "bench_resubmission.py": "百分之一的单位重新报送，对照核验全年",
    "bench_publishing.py": "推送，对照只签名、只发送、不记账的客户端",
    "bench_desk.py": "工作台每一页，大库对照小库",
    "bench_dag_parse.py": "流程文件的解析",
}


def row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cells) + " |"


def nights(sizes: Sequence[dict[str, Any]]) -> str:
    """The table of the nights, with exponents and extrapolations."""
    cpu, wall = [summary(one, "cpu") for one in sizes], [summary(one) for one in sizes]
    last = sizes[-1]["units"]
    targets = [one for one in TARGETS if one > last]
    heads = [f"{one['units']:,} 个单位" for one in sizes] + ["增长指数"]
    heads += [f"{one:,} 个单位（推算）" for one in targets]
    lines = [row("", *heads), "| --- |" + " ---: |" * len(heads)]
    regions = [f"{one['regions']:,}" for one in sizes] + [""] + [f"{regions_of(one):,}" for one in targets]
    rows = [f"{one['rows']:,}" for one in sizes]
    beyond = [f"{_beyond([one['rows'] for one in sizes], sizes, target):,.0f}" for target in targets]
    lines += [
        row("地区数", *regions),
        row("当年的数值行数", *rows, _power([one["rows"] for one in sizes], sizes), *beyond),
    ]
    for name, title in {**NAMES, **SPACE}.items():
        costs = [one[name] for one in cpu]
        # a cost that shrank shows noise, not growth: nothing is said of sizes beyond
        says_nothing = costs[-1] <= costs[-2] or (name in WHATEVER_REPORTS and last <= REGISTERED)
        if name in SPACE:
            cells = [f"{cost:,.0f}" for cost in costs]
        else:
            cells = [f"{cost:,.1f}（{one[name]:,.1f}）" for cost, one in zip(costs, wall, strict=True)]
        far = ["—" if says_nothing else f"{_expected(name, costs, sizes, one):,.0f}" for one in targets]
        lines.append(row(title, *cells, _power(costs, sizes), *far))
    return "\n".join(lines)


def _power(costs: Sequence[float], sizes: Sequence[dict[str, Any]]) -> str:
    return f"{exponent(costs[-2], costs[-1], sizes[-2]['units'], sizes[-1]['units']):.2f}"


def _beyond(costs: Sequence[float], sizes: Sequence[dict[str, Any]], target: int) -> float:
    """A cost at a size that was not measured: by its power where it grows faster than its size, else along a line.

    A line and not a power below 1: that only shows a fixed part, which matters less and less.
    """
    (size, last), (cost, newest) = (one["units"] for one in sizes[-2:]), costs[-2:]
    power = exponent(cost, newest, size, last)
    if power > 1:
        return float(newest * (target / last) ** power)
    return float(newest + max(newest - cost, 0.0) / (last - size) * (target - last))


def _expected(name: str, costs: Sequence[float], sizes: Sequence[dict[str, Any]], target: int) -> float:
    """A cost beyond; of what is done region by region, the memory of one region of the usual size."""
    if name not in BY_REGION:
        return _beyond(costs, sizes, target)
    per_region = [{"units": one["units"] / one["regions"]} for one in sizes]
    if per_region[-1]["units"] >= REGION_UNITS:
        return costs[-1]
    return _beyond(costs, per_region, REGION_UNITS)


def planner(sizes: Sequence[dict[str, Any]]) -> str:
    """What a planner of capacity asks first: how long, how much memory, how much disk, for a province."""
    costs = [summary(one, "cpu") for one in sizes]

    def at(name: str) -> float:
        return (
            costs[-1][name]
            if sizes[-1]["units"] >= PROVINCE
            else _expected(name, [one[name] for one in costs], sizes, PROVINCE)
        )

    said = (
        "实测"
        if sizes[-1]["units"] >= PROVINCE
        else f"由 {sizes[-2]['units']:,} 和 {sizes[-1]['units']:,} 个单位推算"
    )
    full, memory = at("full year"), max(at(name) for name in SPACE if name != "store MiB")
    return f"""全省 {PROVINCE:,} 个单位（{regions_of(PROVINCE)} 个盟市；{said}，处理器时间，不含 Airflow 的开销）：

- 平常一夜，没有新报送：约 {at("quiet night") / 60:,.1f} 分钟；百分之一的单位重新报送：约 {at("1 % new") / 60:,.1f} 分钟。
- 头一次读入并核算一个全年：约 {full / 60:,.0f} 分钟；几个年度的补跑见“补跑”一节的实测。
- 内存：最大的一个进程约 {memory / 1024:,.1f} GiB；几个工作进程同时做，就按几份准备，另加 Airflow 本身。
- 磁盘：数据库每个年度约 {at("store MiB") / 1024:,.1f} GiB，原件另计。"""


def aims(sizes: Sequence[dict[str, Any]]) -> str:
    """Whether the growth is what was aimed at, over the largest two sizes."""
    costs = [summary(one, "cpu") for one in sizes[-2:]]
    power, by_rows = (
        exponent(*(one["full year"] for one in costs), *(one[what] for one in sizes[-2:]))
        for what in ("units", "rows")
    )
    peaks = [
        max(cost for name, cost in one.items() if name in SPACE and name != "store MiB") for one in costs
    ]
    shares = [one["full year"] / one["pandas"] for one in costs]
    growth, rows = (sizes[-1][name] / sizes[-2][name] for name in ("units", "rows"))
    return (
        f"目标：全年的增长指数不大于 {AIM:g}，现为 {power:.2f}，{'达到' if power <= AIM else '没有达到'}；"
        f"内存：单位数为 {growth:.1f} 倍时，最大的进程为 {peaks[1] / peaks[0]:.2f} 倍。\n"
        f"单位数为 {growth:.1f} 倍，数值行数为 {rows:.1f} 倍，处理器时间为 {costs[1]['full year'] / costs[0]['full year']:.1f} 倍：\n"
        f"按行数算的增长指数为 {by_rows:.2f}。\n"
        f"机器忙时处理器时间也会变长，所以再看同一轮里的比值：全年与 pandas 对照之比，"
        f"{sizes[-2]['units']:,} 个单位时为 {shares[0]:.1f}，{sizes[-1]['units']:,} 个单位时为 {shares[1]:.1f}。"
    )


def backfills(measured: Sequence[dict[str, Any]]) -> str:
    """The backfills of several years."""
    lines = [
        row(
            "", "每个年度的处理器秒，从早到晚", "合计（墙钟秒）", "最后一年对第一年", "进程内存峰值", "数据库"
        ),
        "| --- | --- | ---: | ---: | ---: | ---: |",
        *(_one_backfill(one) for one in measured),
    ]
    table = "\n".join(lines)
    stopped = "".join(
        f"\n{one['units']:,} 个单位的测量中途停过，{'、'.join(one['stopped'])} 年有一步是接着做完的，所记的是下限。"
        for one in measured
        if one["stopped"]
    )
    return f"""从最早的年度起逐年补跑，与 Airflow 界面上补跑的次序相同：采集、读取、核验、计分，每一步在独立的进程里；不推送。
各年度的报送一样多，先补的年度留在库里，所以最后一年对第一年之比说明库满了以后慢不慢。

{table}{stopped}"""


def _one_backfill(one: dict[str, Any]) -> str:
    years = [Spent(**spent) for spent in one["by_year"].values()]
    together = Spent.together(years)
    return row(
        f"{one['units']:,} 个单位、{one['years']} 个年度（每年 {one['rows']:,} 行数值）",
        "、".join(f"{spent.cpu:,.0f}" for spent in years),
        f"{together.cpu:,.0f}（{together.seconds:,.0f}）",
        f"{years[-1].cpu / years[0].cpu:.2f}",
        f"{together.mib:,.0f} MiB",
        f"{one['store_mib'] / 1024:,.1f} GiB",
    )


def same_checks(kept: dict[str, Any]) -> str:
    """The same checks four ways."""
    sizes = kept["sizes"]
    ours = sizes[-1]["seconds"]["our gate"]
    lines = [
        row("", *(f"{one['rows']:,} 行（秒）" for one in sizes), "对本系统之比"),
        "| --- |" + " ---: |" * (len(sizes) + 1),
    ]
    for name, title in WAYS.items():
        seconds = [one["seconds"][name] for one in sizes]
        lines.append(row(title, *(f"{one:.3f}" for one in seconds), f"{seconds[-1] / ours:.2f}"))
    table = "\n".join(lines)
    return f"""只看一行数和它的指标的六条规则，在同样的行上，处理器秒；四种做法找到的条数相同，否则本项报错。
本系统的时间里有 GX 自身的固定开销；其余规则和逐个单元格的说明不在这里，在“整夜”和“大表”里。

{table}"""


def airflow(kept: dict[str, Any]) -> str:
    """What Airflow adds."""
    run, alone = kept["airflow"], kept["functions"]["seconds"]
    tasks, added = run["tasks"], run["seconds"] - alone
    provincial = len(tasks) - 2 + 2 * regions_of(PROVINCE)
    return f"""{kept["units"]} 个单位、{kept["year"]} 年、{len(tasks)} 个任务，SQLite、LocalExecutor，墙钟秒：

| | 秒 |
| --- | ---: |
| 同样的函数在一个进程里依次做 | {alone:.1f} |
| 流程一次执行，从触发到结束 | {run["seconds"]:.1f} |
| 　其中各任务自己的时间之和（各起一个进程，重新装载程序） | {sum(tasks.values()):.1f} |
| Airflow 多用的 | {added:.1f} |
| 　平均每个任务 | {added / len(tasks):.2f} |

多用的时间随任务数，不随数据多少：任务数是 {len(tasks) - 2} 加上每个地区 2 个，全省的一次执行是 {provincial} 个任务，依次做约多
{added / len(tasks) * provincial / 60:.1f} 分钟（推算），各地区同时做则更少。两种做法一先一后，机器上别的工作对两者的影响不一定相同：
测前、测后的平均负载是 {kept["load"][0]:.1f} 和 {kept["load"][1]:.1f}，超过核数时这一节只能看数量级。"""


def workers(kept: dict[str, Any]) -> str:
    """How much faster several workers are."""
    seconds = {int(name): spent for name, spent in kept["seconds"].items()}
    lines = [row("工作进程", "墙钟秒", "一个进程的几倍快"), "| ---: | ---: | ---: |"]
    lines += [row(str(name), f"{spent:.1f}", f"{seconds[1] / spent:.2f}") for name, spent in seconds.items()]
    table = "\n".join(lines)
    return f"""{kept["units"]} 个单位、{kept["regions"]} 个地区、{kept["values"]:,} 行数值，核验并计分，{kept["cores"]} 核的一台机器，
PostgreSQL 也在上面，最多能快到核数的倍数；写数据库的时候一个等一个。几种做法留下的结果逐份相同。

{table}"""


def outputs() -> str:
    """What the quick benches print, run now."""
    parts = []
    for name, title in OTHERS.items():
        done = subprocess.run(
            [sys.executable, str(Path(__file__).with_name(name))], capture_output=True, text=True
        )
        said = done.stdout.rstrip() or done.stderr.rstrip()[-500:]
        verdict = "" if done.returncode == 0 else "\n\n**这一项没有达到目标，或没有跑成。**"
        parts.append(f"### {title}\n\n`tests/benchmarks/{name}`\n\n```text\n{said}\n```{verdict}")
    said = "\n\n".join(parts)
    return f"以下为快速档的原样输出；`FAZHI_BENCH=full make bench` 给出大规模的数字。\n\n{said}"


def whole_nights(sizes: Sequence[dict[str, Any]]) -> str:
    """What a planner asks first, and the table behind it.

    Raises:
        SystemExit: There are fewer than two sizes: no growth to speak of.
    """
    if len(sizes) < 2:
        raise SystemExit("needs at least two sizes in year*.json")
    return f"""{planner(sizes)}

每一步在独立的进程里，走的就是流程所调用的函数；采集、读取和推送每个年度一次，核验和计分每个地区一次，与流程一样。
约 {REGION_UNITS} 个单位算一个地区：{PROVINCE:,} 个单位分在 {regions_of(PROVINCE)} 个盟市。
时间为处理器秒，括号里是墙钟秒；增长指数是最大两档之间的，按处理器时间算，1 为与单位数成正比。
“推算”不是测量：指数大于 1 的按指数外推，不大于 1 的按最大两档连成的直线外推（指数小于 1 只说明有固定开销），没有增长的不外推。
核验的内存只随一个地区的单位数增长，按 {REGION_UNITS} 个单位的地区推算（全省共用的名录没有计入）；
计分一次只取几十个单位，内存不随单位数增长。
外推的倍数越大越不可靠：{EXTRAPOLATED:,} 个单位只能看数量级。没有写进表里的规模没有测过。

{nights(sizes)}

{aims(sizes)}

对照的两种做法只得到合计：没有单元格位置、没有核验问题、没有历史，也不能重算；列出来是为了说明“多做的事”花了多少。"""


def measured_in(folder: Path) -> dict[str, str]:
    """The sections that can be written from what a folder keeps."""
    written: dict[str, str] = {}
    if sizes := sizes_in(folder):
        written[NIGHTS] = whole_nights(sizes)
    if several := _every(folder, "backfill"):
        written[BACKFILLS] = backfills(several)
    for title, name, tell in (
        (SAME_CHECKS, "same", same_checks),
        (AIRFLOW, "airflow", airflow),
        (WORKERS, "workers", workers),
    ):
        for kept in _every(folder, name):
            written[title] = tell(kept)
    for name, title in LARGE.items():
        printed = folder / f"{name}.txt"
        if printed.is_file():
            text = printed.read_text(encoding="utf-8").rstrip()
            written[title] = f"`FAZHI_BENCH=full tests/benchmarks/bench_{name}.py`\n\n```text\n{text}\n```"
    return written


def on_the_page(text: str) -> dict[str, str]:
    """The sections of the page as it is."""
    _introduction, *sections = text.split("\n## ")
    return {title: body.strip() for title, _newline, body in (one.partition("\n") for one in sections)}


def page(old: str, written: dict[str, str], circumstances: str = "") -> str:
    """The page with some sections written anew, and the others as they were."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    measured = (
        f"*{datetime.now(UTC):%Y-%m-%d} 测：{os.cpu_count()} 核、{memory:.0f} GiB 内存、"
        f"Python {platform.python_version()}；写下时最近 15 分钟平均负载 {os.getloadavg()[2]:.1f}。{circumstances}*"
    )
    sections = on_the_page(old) | {title: f"{measured}\n\n{body}" for title, body in written.items()}
    shown = "\n\n".join(f"## {title}\n\n{sections.get(title, '没有测。')}" for title in SECTIONS)
    return f"""# 性能

<!-- 由 tests/benchmarks/write_performance.py 写成，请勿手改：一节一节写，没有重新测的一节照旧 -->

全部数据为合成数据；没有另外注明的，数据库为 SQLite。每一节写着它自己是哪一天、在什么机器上测的。
平均负载超过核数说明机器上还有别的工作，墙钟时间偏慢；处理器时间、比值和增长指数比墙钟时间可靠。

重新测量：`make performance`（快速档）；`FAZHI_BENCH=province make performance` 测 67、600、2,000 个单位，
`full` 测到 6,000 个单位，要数小时。只重测一节的，把那一项的结果放进一个文件夹，再运行
`tests/benchmarks/write_performance.py 文件夹 --keep-others`。

{shown}
"""


def sizes_in(folder: Path) -> list[dict[str, Any]]:
    """The sizes measured of whole nights, the smallest first."""
    found = [size for kept in _every(folder, "year") for size in kept["sizes"]]
    return sorted(found, key=lambda size: int(size["units"]))


def _every(folder: Path, kind: str) -> list[dict[str, Any]]:
    """What the files of a kind keep, the smallest first."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob(f"{kind}*.json")]
    return sorted(found, key=lambda one: int(one.get("units", 0)))


def main() -> int:
    """Write the page."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path, help="what the benches' --json kept")
    parser.add_argument(
        "--keep-others", action="store_true", help="leave the quick benches' section as it is"
    )
    parser.add_argument("--circumstances", default="", help="a sentence on what else ran meanwhile")
    options = parser.parse_args()
    written = measured_in(options.folder)
    if not options.keep_others:
        written[QUICK] = outputs()
    old = PAGE.read_text(encoding="utf-8") if PAGE.is_file() else ""
    PAGE.write_text(page(old, written, options.circumstances), encoding="utf-8")
    print(PAGE.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
