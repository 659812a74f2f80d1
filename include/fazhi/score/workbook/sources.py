"""Sheets 来源 and 说明: where every value was read, what was decided, and the rules in words."""

from openpyxl import Workbook

from fazhi.model.exact import plain
from fazhi.model.period import Period
from fazhi.model.terms import DECISION_ZH, verdict_zh
from fazhi.score.explain import KIND_ZH
from fazhi.score.workbook.case import Case
from fazhi.score.workbook.grid import WHOLE, Grid, columns
from fazhi.systems.wording import shares_zh, years_zh


def source_numbers(case: Case) -> dict[int, int]:
    """The number that each used value has on 来源, by its input number."""
    inputs = (row for line in case.lines for row in line.inputs)
    return {row.input_no: number for number, row in enumerate(inputs, 1)}


def write_sources(book: Workbook, case: Case) -> None:
    """Write 来源."""
    grid = Grid(
        book,
        "来源",
        columns(
            number=("序号", 6),
            code=("指标代码", 9),
            period=("期间", 17),
            kind=("来自", 13),
            submission=("报送编号", 34),
            sheet=("工作表", 12),
            cell=("数值单元格", 10),
            cell_below=("分母单元格", 10),
            digest=("文件摘要（SHA-256）", 68),
        ),
    )
    row = grid.heading(
        "来源：每个被采用的数是从哪里读出来的",
        "文件摘要是原始文件内容的指纹，文件改动一个字节摘要就不同。CSV 文件没有工作表。",
    )
    row = grid.headers(row)
    grid.freeze("code", row)
    numbers = source_numbers(case)
    for line in case.lines:
        for used in line.inputs:
            grid.put(row, "number", numbers[used.input_no], WHOLE)
            for name, text in (
                ("code", used.indicator_code),
                ("period", Period.parse(used.period).name_zh),
                ("kind", KIND_ZH[used.kind]),
                ("submission", used.submission_id),
                ("sheet", used.sheet),
                ("cell", used.cell),
                ("cell_below", used.cell_denominator),
                ("digest", used.file_sha256),
            ):
                grid.put(row, name, text or "")
            row += 1
    _write_decisions(grid, row + 1, case)
    grid.printed("landscape")


def _write_decisions(grid: Grid, row: int, case: Case) -> None:
    grid.note(row, "审核决定：对本单位本年度数值和不适用申请作出的最近一次决定")
    row += 1
    heads = {
        "number": "序号",
        "code": "指标代码",
        "period": "期间",
        "kind": "事项",
        "submission": "理由",
        "sheet": "规则",
        "cell": "决定",
        "cell_below": "决定人",
        "digest": "决定时间",
    }
    for name, head in heads.items():
        grid.put(row, name, head, look="head", centred=True)
    for number, made in enumerate(case.dossier.decisions, 1):
        grid.put(row + number, "number", number, WHOLE)
        for name, text in (
            ("code", made.indicator_code),
            ("period", Period.parse(made.period).name_zh),
            ("kind", DECISION_ZH[made.kind]),
            ("submission", made.reason),
            ("sheet", made.rule),
            ("cell", verdict_zh(made.kind, made.verdict)),
            ("cell_below", made.decided_by),
            ("digest", made.decided_at),
        ):
            grid.put(row + number, name, text or "")
    if not case.dossier.decisions:
        grid.note(row + 1, "没有审核决定。")


def write_words(book: Workbook, case: Case) -> None:
    """Write 说明."""
    edition, head = case.edition, case.head
    grid = Grid(book, "说明", columns(what=("项目", 22), text=("内容", 96)))
    row = grid.headers(grid.heading("说明：依据和算法"))
    for what, text in (
        ("考评年度", f"{case.year}年"),
        ("指标体系", f"{edition.system_id}　{edition.title_zh}（{years_zh(edition)}）"),
        ("指标体系摘要", head.system_digest),
        ("得分内容摘要", head.content_digest),
        ("采用数值摘要", head.input_digest),
        ("占比", f"{shares_zh(edition)}（不得低于 0.10）；领导绩效考核总分 {plain(edition.total_points)} 分"),
        (
            "取值",
            "长期间的数替代它所包含的短期间的数；剩下的各期不重叠，按指标规定相加、取最后一期、取最晚日期或各期均为是。"
            "比率一律由分子、分母重新计算，不用填报的百分数。",
        ),
        (
            "分值",
            "三类指标按单位类型分得份额；没有适用指标的类别不参加，份额按比例归其余类别；类内按标准分（乘倍数）分配；"
            "每项舍去到 0.01 分，余下的百分之一分按余数从大到小逐项补齐，余数相同的代码在前者先补。",
        ),
        ("得分率", "按“规则”页的规则由全年数值算出，始终保持为分数，不先化成小数。"),
        ("得分", "分值×得分率，四舍五入到 0.01 分；基础分为各项得分之和，因此页面上的数相加正好等于合计。"),
        (
            "总得分",
            "R＝S＋B－Y，限制在 0 和规定的最高分之间。一票否决只影响等次；对折算分数的影响见“得分”页。",
        ),
        ("折算", "C＝T×a×R÷100，四舍五入到 0.01 分。"),
        (
            "四舍五入",
            "都是“五”进一。公式先用整数计算再取整，整数都小于十万亿，表格软件的计算没有误差；更长的数另列“大数核算”页。",
        ),
        ("法规依据", "各项指标的依据见“规则”页；标明“未核实”的，引用前须核对原文。"),
        (
            "未报送与不适用",
            "有职责而没有发生的，报 0；没有这项职责的，申请不适用，经批准后不计分。分母为零的比率不计分。",
        ),
    ):
        grid.put(row, "what", what, look="sum")
        grid.put(row, "text", text)
        row += 1
    grid.printed("portrait")
