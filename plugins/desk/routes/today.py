"""The first page: what is to be done today. In: year and region. Out: 今日."""

from fastapi.responses import HTMLResponse

from desk.web import DeskRequest, Router
from fazhi.desk import Ability

router = Router()


@router.page("/", needs=Ability.READ, title="今日")
def today(desk: DeskRequest) -> HTMLResponse:
    """What came in, what waits, what is overdue."""
    return desk.page("today.html", year=desk.chosen_year(), region=desk.chosen_region())
