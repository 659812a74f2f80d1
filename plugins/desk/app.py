"""The desk as one application. In: the routes. Out: pages with safe headers, and a page for everything that goes wrong."""

import base64
import hashlib
import logging
import mimetypes
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from desk import security
from desk.language import N_, translated
from desk.routes import ROUTERS
from desk.templating import environment
from desk.web import LANGUAGE_COOKIE, DeskRequest, Refused
from fazhi.desk import ChangedMeanwhile, NotAllowed, NotFound, Person
from fazhi.model.errors import FazhiError, UsageError

logger = logging.getLogger("fazhi.desk")

STATIC = Path(__file__).with_name("static")
PLAIN_STYLE = (STATIC / "plain.css").read_text(encoding="utf-8")
"""The style of a page for people who are not logged in: they get no file of the desk, so it stands in the page."""

_PLAIN_DIGEST = base64.b64encode(hashlib.sha256(PLAIN_STYLE.encode()).digest()).decode()

HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'self' 'sha256-{_PLAIN_DIGEST}'; script-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    # not "no-referrer": browsers would then send forms with "Origin: null", and no form could be told to be ours
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

STORE_IS_DOWN = N_("暂时连不上数据库，数据没有改变。请稍后刷新；若持续如此，请联系系统管理员。")
OUR_FAULT = N_("系统出错，已记入日志。这不是您或报送单位的问题，数据没有保存。请联系系统管理员。")
TITLES = {
    400: N_("请求有误"),
    401: N_("请先登录"),
    403: N_("没有权限"),
    404: N_("没有这个页面"),
    405: N_("不支持这样的操作"),
    409: N_("内容已变化"),
    411: N_("请求有误"),
    413: N_("内容太大"),
    503: N_("暂时不可用"),
    500: N_("系统出错"),
}
TEXTS = {
    400: N_("地址中的参数不正确，请从菜单重新进入。"),
    404: N_("地址不正确，或内容已不存在。"),
    405: N_("这个地址不支持这样的操作。"),
}

app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
for router in ROUTERS:
    app.include_router(router.api)


@app.middleware("http")
async def with_safe_headers(
    request: Request, call_next: Callable[[Request], Awaitable[Response]]
) -> Response:
    """Every answer carries the policy of the desk, errors too."""
    answer = await call_next(request)
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    return answer


async def _anybody(request: Request) -> Person:
    return await security.person_of(request)


@app.get("/static/{name}", response_model=None)
def static_file(name: str, _person: Annotated[Person, Depends(_anybody)]) -> Response:
    """A style sheet or script of the desk."""
    found = _static_files().get(name)
    if found is None:
        raise HTTPException(404)
    content, media_type = found
    return Response(content, media_type=media_type, headers={"Cache-Control": "private, max-age=3600"})


@cache
def _static_files() -> dict[str, tuple[bytes, str]]:
    """The files by name: nothing of an address becomes a path."""
    return {
        path.name: (path.read_bytes(), mimetypes.guess_type(path.name)[0] or "application/octet-stream")
        for path in STATIC.iterdir()
        if path.is_file()
    }


def _answer(request: Request, status: int, text: str) -> HTMLResponse:
    desk: DeskRequest | None = getattr(request.state, "desk", None)
    if desk is None or status >= 500:
        return _plain(request, status, text)
    title = desk.say(TITLES.get(status, TITLES[400]))
    return desk.page("error.html", status=status, title=title, text=desk.say(text))


def _plain(request: Request, status: int, text: str, link: str = "") -> HTMLResponse:
    """A page that needs neither a login nor the store."""
    language = "en" if request.cookies.get(LANGUAGE_COOKIE) == "en" else "zh"

    def say(written: str, **values: object) -> str:
        return translated(written, language, values)

    page = environment().get_template("plain.html")
    title = TITLES.get(status, TITLES[400])
    shown = page.render(_=say, title=title, text=text, link=link, style=PLAIN_STYLE, language=language)
    return HTMLResponse(shown, status_code=status, headers=HEADERS)


@app.exception_handler(security.NotLoggedIn)
def _not_logged_in(request: Request, _error: Exception) -> Response:
    return _plain(request, 401, N_("您还没有登录，或登录已过期。"), security.login_url())


@app.exception_handler(Refused)
def _refused(request: Request, error: Refused) -> Response:
    return _answer(request, error.status, error.text)


@app.exception_handler(FazhiError)
def _told(request: Request, error: FazhiError) -> Response:
    statuses = {NotAllowed: 403, NotFound: 404, ChangedMeanwhile: 409, UsageError: 400}
    status = next((number for kind, number in statuses.items() if isinstance(error, kind)), 503)
    if status == 503:
        logger.error("%s", error)
    return _answer(request, status, str(error))


@app.exception_handler(RequestValidationError)
def _no_such_address(request: Request, error: RequestValidationError) -> Response:
    in_path = any(fault["loc"][0] == "path" for fault in error.errors())
    status = 404 if in_path else 400
    return _answer(request, status, TEXTS[status])


@app.exception_handler(HTTPException)
def _http(request: Request, error: HTTPException) -> Response:
    answer = _answer(request, error.status_code, TEXTS.get(error.status_code, TEXTS[400]))
    answer.headers.update(error.headers or {})
    return answer


@app.exception_handler(OperationalError)
@app.exception_handler(InterfaceError)
def _store_down(request: Request, error: Exception) -> Response:
    logger.error("the store cannot be reached: %s", error)
    return _plain(request, 503, STORE_IS_DOWN)


@app.exception_handler(Exception)
def _our_fault(request: Request, _error: Exception) -> Response:
    return _plain(request, 500, OUR_FAULT)
