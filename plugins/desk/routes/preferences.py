"""How a person likes the pages. In: a language or a theme. Out: a cookie of this browser, nothing else."""

from fastapi.responses import Response

from desk.language import LANGUAGES
from desk.web import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, DeskRequest, Router
from fazhi.desk import Ability

router = Router()

_CHOICES = {"language": (LANGUAGE_COOKIE, tuple(LANGUAGES)), "theme": (THEME_COOKIE, THEMES)}


@router.act("/preferences", needs=Ability.READ)
def prefer(desk: DeskRequest) -> Response:
    """Keep a choice and go back to where it was made."""
    answer = desk.see(_own_path(str(desk.form.get("back", "/"))))
    for name, (cookie, choices) in _CHOICES.items():
        chosen = desk.form.get(name)
        if chosen is None:
            continue
        if chosen not in choices:
            desk.refuse(400, "没有这个选项")
        desk.keep_cookie(answer, cookie, str(chosen))
    return answer


def _own_path(path: str) -> str:
    """A path of the desk, whatever was sent; nobody is led to another site."""
    return path if path.startswith("/") and "\\" not in path and not path.startswith("//") else "/"
