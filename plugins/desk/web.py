"""What a route of the desk is written with. In: a function of a ``DeskRequest``. Out: a page, an act, a download.

>>> router = Router()
>>> @router.page("/scores/{year}/{region}", needs=Ability.READ, title="得分")
... def ranking(desk: DeskRequest, year: int, region: str): return desk.page("scores/ranking.html", rows=…)
>>> @router.act("/submissions/{submission_id}/{revision}/return", needs=Ability.DECIDE)
... def return_it(desk: DeskRequest, submission_id: str, revision: int): return desk.see("/", told="已退回")

The person is known and has the ability (in some region) before the body runs; of an act, the form has been found to be
ours. A body that has a region asks ``desk.require_region``. Bodies are plain functions: they run in a thread, so that
the store may take its time. What a body raises in words (``FazhiError``) becomes a page with these words.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NoReturn
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import Engine
from starlette.datastructures import FormData

from desk import security
from desk.language import LANGUAGES, N_, translated
from desk.standing import Standing, standing
from desk.templating import environment
from fazhi.desk import Ability, Person
from fazhi.desk.names import Names
from fazhi.desk.places import begun_years, known_regions, region_name
from fazhi.model.errors import ConfigurationError
from fazhi.pipeline import Ground, now_in_shanghai
from fazhi.settings import Settings
from fazhi.systems.edition import Edition

LARGEST_FORM = 1 << 20
"""Bytes of a form; an act that takes files says how many it takes."""

LANGUAGE_COOKIE, THEME_COOKIE, TOLD_COOKIE = "fazhi_desk_language", "fazhi_desk_theme", "fazhi_desk_told"
THEMES = ("auto", "light", "dark")
_TOLD_SECONDS = 120
_COOKIE_SECONDS = 365 * 86_400


SECTIONS = (
    ("/?year={year}&region={region}", N_("今日"), Ability.READ),
    ("/decisions", N_("我的决定"), Ability.DECIDE),
    ("/scores/{year}/{region}", N_("得分"), Ability.READ),
    ("/years/{year}/{region}", N_("年度结果"), Ability.READ),
    ("/runs", N_("执行"), Ability.READ),
    ("/ground", N_("考评依据"), Ability.READ),
    ("/trail", N_("审计"), Ability.AUDIT),
)
"""The sections of the desk: where, what they are called, who may open them."""


@dataclass(frozen=True)
class Section:
    """One entry of the navigation."""

    path: str
    title: str
    current: bool


class Refused(Exception):
    """A refusal with its status and its words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


@dataclass
class DeskRequest:
    """One request to the desk, by somebody who may.

    ``form`` is what an act was sent, empty otherwise; ``now`` is the moment of the request in Asia/Shanghai.
    """

    request: Request
    person: Person
    standing: Standing
    now: datetime
    title: str = ""
    form: FormData = field(default_factory=FormData)
    _names: dict[int, Names] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The settings of this server."""
        return self.standing.settings

    @property
    def engine(self) -> Engine:
        """The store."""
        return self.standing.engine

    def ground(self) -> Ground:
        """Editions, registry, raw files, as they are now."""
        return self.standing.ground()

    def edition(self, year: int) -> Edition | None:
        """The edition of a year; none of a year before the first edition, or whose edition is gone."""
        try:
            return self.ground().edition(year)
        except ConfigurationError:
            return None

    def names(self, year: int) -> Names:
        """What the codes of a year are called, in the language of the page."""
        if year not in self._names:
            registry = self.ground().registry
            day = registry.deciding_day(year, self.now.date())
            self._names[year] = Names(registry, self.edition(year), day, self.language == "en")
        return self._names[year]

    @property
    def language(self) -> str:
        """``zh`` or ``en``."""
        chosen = self.request.cookies.get(LANGUAGE_COOKIE, "")
        return chosen if chosen in LANGUAGES else "zh"

    @property
    def theme(self) -> str:
        """``light``, ``dark`` or ``auto``."""
        chosen = self.request.cookies.get(THEME_COOKIE, "")
        return chosen if chosen in THEMES else "auto"

    def say(self, text: str, **values: object) -> str:
        """A Chinese text in the person's language, its places filled in."""
        return translated(text, self.language, values)

    def url(self, path: str, **query: object) -> str:
        """The address of a page of the desk; empty and missing values of the query are left out."""
        asked = urlencode({name: value for name, value in query.items() if value not in (None, "")})
        return f"{self.request.scope.get('root_path', '')}{path}{'?' if asked else ''}{asked}"

    # --- regions and years ---

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that the person may see, in order."""
        return self.person.regions(Ability.READ, known_regions(self.ground().registry))

    @property
    def years(self) -> tuple[int, ...]:
        """The assessment years that have begun and have an edition, the newest first."""
        return begun_years(self.ground().editions, self.now.date())

    def chosen_region(self) -> str:
        """The region asked for (path or ``?region=``), the person's first one by default.

        Raises:
            Refused: 404 or 403, as ``require_region``.
        """
        asked = self.request.path_params.get("region") or self.request.query_params.get("region")
        if asked:
            return self.require_region(str(asked))
        if not self.regions:
            self.refuse(403, "您没有任何地区的查看权限，请联系系统管理员")
        return self.regions[0]

    def chosen_year(self) -> int:
        """The year asked for (path or ``?year=``), the newest one by default.

        Raises:
            Refused: 404: there is no such assessment year, or it has not begun.
        """
        asked = self.request.path_params.get("year") or self.request.query_params.get("year")
        if not asked:
            if not self.years:
                self.refuse(404, "没有已经开始的考评年度")
            return self.years[0]
        return self.require_year(str(asked))

    def require_year(self, year: int | str) -> int:
        """The year itself.

        Raises:
            Refused: 404: there is no such assessment year, or it has not begun.
        """
        if str(year) not in {str(one) for one in self.years}:
            self.refuse(404, "没有这个考评年度")
        return int(year)

    def require_region(self, region: str, ability: Ability = Ability.READ) -> str:
        """The region itself.

        Raises:
            Refused: 404 for a region that does not exist, 403 for one in which the person may not.
        """
        if region not in known_regions(self.ground().registry):
            self.refuse(404, "没有这个地区")
        self.person.require(ability, region)
        return region

    def region_name(self, region: str) -> str:
        """What a region is called, in the person's language."""
        return region_name(self.ground().registry, region, english=self.language == "en")

    def sections(self) -> list[Section]:
        """The sections that the person may open; the year and region looked at go along."""
        year, region = self._looked_at("year", self.years), self._looked_at("region", self.regions)
        here = _first_part(self.here)
        return [
            Section(path.format(year=year, region=region), title, _first_part(path) == here)
            for path, title, ability in SECTIONS
            if self.person.may(ability)
        ]

    def _looked_at(self, name: str, choices: Sequence[object]) -> str:
        asked = self.request.path_params.get(name) or self.request.query_params.get(name)
        known = [str(choice) for choice in choices]
        return str(asked) if str(asked) in known else next(iter(known), "")

    # --- answers ---

    def page(self, template: str, *, status: int = 200, **context: object) -> HTMLResponse:
        """A page; ``desk`` and ``_`` are known to every template."""
        text = environment().get_template(template).render(desk=self, _=self.say, **context)
        answer = HTMLResponse(text, status_code=status)
        if TOLD_COOKIE in self.request.cookies:
            answer.delete_cookie(TOLD_COOKIE, path=self._cookie_path)
        return answer

    def see(self, path: str, *, told: str = "", problem: str = "") -> RedirectResponse:
        """Go on to a page after an act, with a message at its top.

        Args:
            path: A path of the desk, with its query.
            told: What was done.
            problem: What was not.
        """
        answer = RedirectResponse(f"{self.url('')}{path}", status_code=303)
        messages = [[kind, text] for kind, text in (("good", told), ("bad", problem)) if text]
        if messages:
            signed = _signer().dumps([self.person.id, messages])
            self.keep_cookie(answer, TOLD_COOKIE, signed, _TOLD_SECONDS)
        return answer

    @functools.cached_property
    def messages(self) -> list[tuple[str, str]]:
        """What the act before this page has to tell: kind (``good``, ``bad``) and text."""
        try:
            whose, messages = _signer().loads(
                self.request.cookies.get(TOLD_COOKIE, ""), max_age=_TOLD_SECONDS
            )
        except (BadSignature, ValueError):
            return []
        return [(kind, text) for kind, text in messages] if whose == self.person.id else []

    def download(self, content: bytes, name: str, media_type: str) -> Response:
        """A file to keep; never shown in the browser."""
        plain = "".join(
            sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "_" for sign in name
        )
        return Response(
            content,
            media_type=media_type,
            headers={
                "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
            },
        )

    def refuse(self, status: int, text: str) -> NoReturn:
        """Stop with a page that says why (a Chinese text that is translated).

        Raises:
            Refused: Always.
        """
        raise Refused(status, text)

    def keep_cookie(self, answer: Response, name: str, value: str, seconds: int = _COOKIE_SECONDS) -> None:
        """A cookie of the desk alone, out of reach of scripts."""
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=self._cookie_path,
            httponly=True,
            samesite="lax",
            secure=self.request.url.scheme == "https",
        )

    @property
    def csrf(self) -> str:
        """What a form carries to be known as ours."""
        return security.csrf_token(self.person, self.now)

    @property
    def html_language(self) -> str:
        """The language tag of the page."""
        return LANGUAGES[self.language]

    @property
    def is_development(self) -> bool:
        """Whether Airflow's auth manager is the one for development."""
        return security.is_development()

    @property
    def here(self) -> str:
        """The path and query of this page within the desk."""
        root = self.request.scope.get("root_path", "")
        path = self.request.scope["path"].removeprefix(root) or "/"
        query = self.request.url.query
        return f"{path}?{query}" if query else path

    @property
    def _cookie_path(self) -> str:
        return self.request.scope.get("root_path", "") or "/"


Body = Callable[..., Any]


@dataclass
class Kind:
    """What sort of route: its method, and what is asked of a request before the body runs."""

    needs: Ability
    title: str = ""
    takes_form: bool = False
    largest: int = LARGEST_FORM
    files: int = 0


class Router:
    """The routes of one topic; ``api`` is what FastAPI includes."""

    def __init__(self) -> None:
        self.api = APIRouter()

    def page(self, path: str, *, needs: Ability, title: str) -> Callable[[Body], Body]:
        """A page (GET).

        Args:
            path: Its path within the desk.
            needs: The ability that the person must have, in some region.
            title: Its Chinese title.
        """
        return self._route("GET", path, Kind(needs, title))

    def download(self, path: str, *, needs: Ability) -> Callable[[Body], Body]:
        """A file (GET)."""
        return self._route("GET", path, Kind(needs))

    def act(
        self, path: str, *, needs: Ability, largest: int = LARGEST_FORM, files: int = 0
    ) -> Callable[[Body], Body]:
        """A change of state (POST, never anything else).

        Args:
            path: Its path within the desk.
            needs: The ability that the person must have, in some region.
            largest: The most bytes that it takes.
            files: The most files that it takes.
        """
        return self._route("POST", path, Kind(needs, takes_form=True, largest=largest, files=files))

    def _route(self, method: str, path: str, kind: Kind) -> Callable[[Body], Body]:
        def add(body: Body) -> Body:
            endpoint = _with_desk(body, functools.partial(_admit, kind))
            self.api.add_api_route(path, endpoint, methods=[method], response_model=None, name=body.__name__)
            return body

        return add


def _with_desk(body: Body, admit: Callable[[Request], Awaitable[DeskRequest]]) -> Body:
    """The body as FastAPI calls it: its first parameter is what ``admit`` lets in."""

    async def desk_of(request: Request) -> DeskRequest:
        return await admit(request)

    signature = inspect.signature(body)
    first, *others = signature.parameters.values()
    asked = first.replace(annotation=Annotated[DeskRequest, Depends(desk_of)])

    if inspect.iscoroutinefunction(body):

        @functools.wraps(body)
        async def endpoint(*args: Any, **kwargs: Any) -> Any:
            return await body(*args, **kwargs)

    else:

        @functools.wraps(body)
        def endpoint(*args: Any, **kwargs: Any) -> Any:
            return body(*args, **kwargs)

    endpoint.__signature__ = signature.replace(parameters=[asked, *others])  # type: ignore[attr-defined]
    return endpoint


async def _admit(kind: Kind, request: Request) -> DeskRequest:
    person = await security.person_of(request)
    desk = DeskRequest(request, person, standing(), now_in_shanghai(), kind.title)
    request.state.desk = desk
    person.require(kind.needs)
    if kind.takes_form:
        desk.form = await _form(desk, kind)
    return desk


async def _form(desk: DeskRequest, kind: Kind) -> FormData:
    """The form, after it was found to be ours.

    Raises:
        Refused: It is too large, cannot be read, or does not come from a page of ours.
    """
    length = desk.request.headers.get("content-length", "0")
    if not length.isdecimal() or "transfer-encoding" in desk.request.headers:
        desk.refuse(411, "请求没有说明长度，不予受理")
    if int(length) > kind.largest:
        desk.refuse(413, "提交的内容太大，没有受理")
    form = await desk.request.form(max_files=kind.files, max_fields=5_000)
    if not security.is_ours(desk.request, form.get(security.CSRF_FIELD), desk.person, desk.now):
        desk.refuse(403, "这次提交不是从本页面发出的，或页面已过期，没有受理；请刷新页面后重新操作")
    return form


def _first_part(path: str) -> str:
    """Which section a path belongs to: ``scores`` of ``/scores/2024/150200``."""
    return path.partition("?")[0].split("/")[1]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(security.secret(b"messages"))
