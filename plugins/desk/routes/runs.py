"""Runs. In: a run, a region, what to look for. Out: runs with their findings page by page, their report, downloads."""

from collections.abc import Iterator

from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlalchemy import Connection

from desk.language import N_
from desk.templating import environment
from desk.web import DeskRequest, Router
from fazhi.desk import Ability
from fazhi.desk.places import known_regions
from fazhi.desk.runs import (
    FINDING_HEADS,
    Filters,
    Judged,
    Run,
    all_findings,
    as_cells,
    counts_by_severity,
    findings,
    judged,
    regions_judged,
    run_of,
    runs,
)
from fazhi.desk.tables import WORKBOOK_ROWS, csv_pieces, workbook_pieces
from fazhi.pipeline import report_path
from fazhi.store import read

router = Router()
RUN_TYPE_ZH = {
    "scheduled": N_("定时执行"),
    "manual": N_("手动执行"),
    "backfill": N_("补跑"),
    "asset_triggered": N_("数据到达触发"),
}
MODE_ZH = {"auto": N_("自动"), "dry_run": N_("只计算不推送"), "push": N_("计算并推送")}
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

environment().globals.update(run_type_zh=RUN_TYPE_ZH, mode_zh=MODE_ZH)


@router.page("/runs", needs=Ability.READ, title="执行")
def show_runs(desk: DeskRequest, year: int | None = None, after: str = "") -> HTMLResponse:
    """The runs of the pipeline, newest first."""
    if year is not None:
        desk.require_year(year)
    with read(desk.engine) as connection:
        found = runs(connection, None if year is None else [year], after or None)
    return desk.page("runs/list.html", found=found, year=year)


@router.page("/runs/{run_id}", needs=Ability.READ, title="核验结果")
def show_run(
    desk: DeskRequest,
    run_id: str,
    unit: str = "",
    indicator: str = "",
    rule: str = "",
    severity: str = "",
    text: str = "",
    after: str = "",
) -> HTMLResponse:
    """What a run found in a region."""
    filters = Filters(unit, indicator, rule, severity, text).checked()
    with read(desk.engine) as connection:
        run = _run(desk, connection, run_id)
        region = _region(desk, connection, run)
        of = judged(connection, run, region)
        found = findings(connection, of, filters, after or None)
        counts = counts_by_severity(connection, of, filters.unit)
    names = desk.names(of.run.year)
    return desk.page(
        "runs/run.html",
        of=of,
        region=region,
        filters=filters,
        asked=_asked(filters, region),
        found=found,
        counts=counts,
        names=names,
        called={
            "unit": names.units_called(filters.text),
            "indicator": names.indicators_called(filters.text),
        },
        has_report=_may_see_report(desk) and report_path(desk.settings, of.run.year, run_id).is_file(),
        workbook_rows=WORKBOOK_ROWS,
    )


@router.download("/runs/{run_id}/findings.csv", needs=Ability.READ)
def findings_csv(
    desk: DeskRequest,
    run_id: str,
    unit: str = "",
    indicator: str = "",
    rule: str = "",
    severity: str = "",
    text: str = "",
) -> Response:
    """All findings that the filters leave, as CSV, written while it is sent."""
    of, filters = _wanted(desk, run_id, Filters(unit, indicator, rule, severity, text))
    rows = as_cells(all_findings(desk.engine, of, filters), desk.names(of.run.year))
    heads = [head for head, _ in FINDING_HEADS]
    return _sent(desk, csv_pieces(heads, rows), f"核验问题-{of.run.year}-{of.region}.csv", "text/csv")


@router.download("/runs/{run_id}/findings.xlsx", needs=Ability.READ)
def findings_workbook(
    desk: DeskRequest,
    run_id: str,
    unit: str = "",
    indicator: str = "",
    rule: str = "",
    severity: str = "",
    text: str = "",
) -> Response:
    """The findings that the filters leave, as a workbook; it says so when there are more than it holds."""
    of, filters = _wanted(desk, run_id, Filters(unit, indicator, rule, severity, text))
    rows = as_cells(all_findings(desk.engine, of, filters), desk.names(of.run.year))
    cut = f"只列出前 {WORKBOOK_ROWS} 条，其余没有列出；请缩小查找范围，或者下载 CSV。"
    pieces = workbook_pieces("核验问题", FINDING_HEADS, rows, cut)
    return _sent(desk, pieces, f"核验问题-{of.run.year}-{of.region}.xlsx", _XLSX)


@router.download("/runs/{run_id}/report.html", needs=Ability.READ)
def report(desk: DeskRequest, run_id: str) -> Response:
    """The validation report as it was written at the end of the run; it names units of every region."""
    with read(desk.engine) as connection:
        run = _run(desk, connection, run_id)
    if not _may_see_report(desk):
        desk.refuse(403, "核验报告包含所有地区的单位，您只有部分地区的查看权限")
    path = report_path(desk.settings, run.year, run_id)
    if not path.is_file():
        desk.refuse(404, "这次执行没有留下核验报告")
    return desk.download(path.read_bytes(), f"核验报告-{run.year}.html", "text/html")


def _wanted(desk: DeskRequest, run_id: str, filters: Filters) -> tuple[Judged, Filters]:
    with read(desk.engine) as connection:
        run = _run(desk, connection, run_id)
        return judged(connection, run, _region(desk, connection, run)), filters.checked()


def _region(desk: DeskRequest, connection: Connection, run: Run) -> str:
    """The region asked for; by default the person's first one that was judged in the run's year."""
    if "region" in desk.request.query_params:
        return desk.chosen_region()
    here = regions_judged(connection, run.year)
    return next((region for region in desk.regions if region in here), desk.chosen_region())


def _run(desk: DeskRequest, connection: Connection, run_id: str) -> Run:
    run = run_of(connection, run_id)
    if run is None:
        desk.refuse(404, "没有这次执行")
    return run


def _may_see_report(desk: DeskRequest) -> bool:
    return len(desk.regions) == len(known_regions(desk.ground().registry))


def _asked(filters: Filters, region: str) -> dict[str, str]:
    """The filters as an address carries them."""
    return {
        "region": region,
        "unit": filters.unit,
        "indicator": filters.indicator,
        "rule": filters.rule,
        "severity": filters.severity,
        "text": filters.text,
    }


def _sent(desk: DeskRequest, pieces: Iterator[bytes], name: str, media_type: str) -> Response:
    """A download that is written while it is sent."""
    heads = desk.download(b"", name, media_type).headers
    return StreamingResponse(
        pieces,
        media_type=media_type,
        headers={"Content-Disposition": heads["Content-Disposition"]},
    )
