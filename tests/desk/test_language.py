"""Every text of the desk has an English, and every English a text."""

import ast
from collections.abc import Iterator
from pathlib import Path

import yaml
from jinja2 import nodes

from fazhi.settings import PROJECT_ROOT
from support.airflow_room import plugin_module

language = plugin_module("desk.language")
templating = plugin_module("desk.templating")
ROOM = PROJECT_ROOT / "plugins" / "desk"
NAMED = {"told", "problem", "title"}


def texts_of_templates() -> Iterator[tuple[str, Path]]:
    environment = templating.environment()
    for path in sorted(templating.TEMPLATES.rglob("*.html")):
        tree = environment.parse(path.read_text(encoding="utf-8"))
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "_" and call.args:
                for text in call.args[0].find_all(nodes.Const) or ():
                    yield str(text.value), path
                if isinstance(call.args[0], nodes.Const):
                    yield str(call.args[0].value), path


def texts_of_code() -> Iterator[tuple[str, Path]]:
    for path in sorted(ROOM.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                yield from ((text, path) for text in _told_by(node))


def _told_by(call: ast.Call) -> Iterator[str]:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    place = language.TELLING.get(name)
    asked = [call.args[place]] if place is not None and len(call.args) > place else []
    asked += [keyword.value for keyword in call.keywords if keyword.arg in NAMED]
    for argument in asked:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and argument.value:
            yield argument.value


def words() -> set[str]:
    """The vocabularies that badges and verdicts show."""
    known = templating.environment().globals
    verdicts = {
        known["verdict_zh"](about, verdict)
        for about in (*known["decision_zh"], *known["request_zh"])
        for verdict in ("approve", "refuse", "withdraw")
    }
    return {*known["severity_zh"].values(), *known["decision_zh"].values(), *verdicts}


def test_every_text_has_an_english_and_no_english_is_an_orphan() -> None:
    asked = dict((*texts_of_templates(), *texts_of_code()))
    english = language.english()
    lacking = {text: str(path.relative_to(ROOM)) for text, path in asked.items() if text not in english}
    assert lacking == {}
    assert words() <= set(english)
    assert set(english) - set(asked) - words() == set()


def test_no_text_has_two_englishes() -> None:
    seen: dict[str, str] = {}
    for path in sorted(language.ENGLISH.glob("*.yaml")):
        for chinese in yaml.safe_load(path.read_text(encoding="utf-8")):
            assert chinese not in seen, f"{chinese}: {seen.get(chinese)} and {path.name}"
            seen[chinese] = path.name


def test_places_in_a_text_are_the_same_in_english() -> None:
    from string import Formatter

    for chinese, english in language.english().items():
        places = [{name for _, name, _, _ in Formatter().parse(text) if name} for text in (chinese, english)]
        assert places[0] == places[1], chinese


def test_the_english_is_english() -> None:
    for chinese, english in language.english().items():
        assert not any("\u4e00" <= sign <= "\u9fff" for sign in english), chinese


def test_a_text_without_english_is_shown_as_it_is() -> None:
    assert language.translated("没有这样的话 {n}", "en", {"n": 3}) == "没有这样的话 3"
