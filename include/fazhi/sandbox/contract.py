"""The contracts as data. In: an OpenAPI file. Out: faults of JSON data, with pointers.

The schemas are compiled to closures: a year's results have hundreds of thousands of lines, and a general
validator takes 100 µs for each. A keyword that is not known here stops the start.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_PLATFORM = "assessment-platform.openapi.yaml"
_PORTAL = "submission-portal.openapi.yaml"
_REVIEW = "/v1/submissions/{submission_id}/review"
_ANNOTATIONS = frozenset({"description", "default"})

Fault = tuple[str, str]
"""JSON pointer and detail."""

Check = Callable[[Any, str], Iterator[Fault]]
"""Yields the faults of a value that stands at a pointer."""


def faults(schema: str, data: Any) -> list[dict[str, str]]:
    """What keeps ``data`` from being a ``schema`` of the contract: JSON pointer and detail of every fault.

    Args:
        schema: A name under ``components/schemas``, e.g. ``Result``.
        data: Parsed JSON.
    """
    return [{"pointer": pointer, "detail": detail} for pointer, detail in _check_of(schema)(data, "")]


def review_faults(data: Any) -> list[dict[str, str]]:
    """What keeps ``data`` from being a review of the portal's contract: JSON pointer and detail of every fault.

    Args:
        data: Parsed JSON.
    """
    return [{"pointer": pointer, "detail": detail} for pointer, detail in _review_check()(data, "")]


@cache
def _check_of(schema: str) -> Check:
    return _compiled(_document(_PLATFORM)["components"]["schemas"][schema])


@cache
def _review_check() -> Check:
    body = _document(_PORTAL)["paths"][_REVIEW]["put"]["requestBody"]
    return _compiled(body["content"]["application/json"]["schema"])


@cache
def _document(name: str) -> dict[str, Any]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    document: dict[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return document


def _compiled(schema: dict[str, Any]) -> Check:
    """One check of a schema's keywords; the type comes first and silences the rest."""
    if "$ref" in schema:
        return _check_of(schema["$ref"].rsplit("/", 1)[1])
    # a comma in an unquoted description of the file makes the rest of it a keyword without a value
    words = [word for word, value in schema.items() if value is not None and word not in _ANNOTATIONS]
    checks = [_KEYWORDS[word](schema) for word in words if word != "type"]
    is_of_type = _type_test(schema["type"])
    expected = f"应为 {schema['type']}"

    def check(value: Any, pointer: str) -> Iterator[Fault]:
        if not is_of_type(value):
            yield pointer, expected
            return
        for one in checks:
            yield from one(value, pointer)

    return check


def _type_test(names: str | list[str]) -> Callable[[Any], bool]:
    tests = [_TYPES[name] for name in ([names] if isinstance(names, str) else names)]
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _holds(test: Callable[[Any], bool], detail: str) -> Check:
    def check(value: Any, pointer: str) -> Iterator[Fault]:
        if value is not None and not test(value):
            yield pointer, detail

    return check


def _required(schema: dict[str, Any]) -> Check:
    names = schema["required"]

    def check(value: Any, pointer: str) -> Iterator[Fault]:
        yield from ((pointer, f"缺少 {name}") for name in names if name not in value)

    return check


def _properties(schema: dict[str, Any]) -> Check:
    checks = {name: _compiled(part) for name, part in schema["properties"].items()}

    def check(value: Any, pointer: str) -> Iterator[Fault]:
        for name, one in checks.items():
            if name in value:
                yield from one(value[name], f"{pointer}/{name}")

    return check


def _no_other_properties(schema: dict[str, Any]) -> Check:
    if schema["additionalProperties"] is not False:
        raise ValueError("additionalProperties is only known as false")
    known = schema["properties"].keys()

    def check(value: Any, pointer: str) -> Iterator[Fault]:
        yield from ((pointer, f"不应有 {name}") for name in value if name not in known)

    return check


def _items(schema: dict[str, Any]) -> Check:
    item = _compiled(schema["items"])

    def check(value: Any, pointer: str) -> Iterator[Fault]:
        for place, one in enumerate(value):
            yield from item(one, f"{pointer}/{place}")

    return check


def _pattern(schema: dict[str, Any]) -> Check:
    # in JSON Schema "$" is the very end; in Python it also stands before a last newline
    search = re.compile(re.sub(r"\$$", r"\\Z", schema["pattern"])).search
    return _holds(lambda value: search(value) is not None, f"应符合 {schema['pattern']}")


def _format(schema: dict[str, Any]) -> Check:
    name = schema["format"]
    return _holds(_FORMATS[name], f"应为 {name}")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_moment(text: str) -> bool:
    try:
        return text[10:11] == "T" and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


_FORMATS: dict[str, Callable[[str], bool]] = {"date": _is_day, "date-time": _is_moment}

_KEYWORDS: dict[str, Callable[[dict[str, Any]], Check]] = {
    "required": _required,
    "properties": _properties,
    "additionalProperties": _no_other_properties,
    "items": _items,
    "pattern": _pattern,
    "format": _format,
    "enum": lambda schema: _holds(
        lambda value: value in schema["enum"], f"只能是 {'、'.join(schema['enum'])}"
    ),
    "minimum": lambda schema: _holds(lambda value: value >= schema["minimum"], f"不小于 {schema['minimum']}"),
    "minItems": lambda schema: _holds(
        lambda value: len(value) >= schema["minItems"], f"至少 {schema['minItems']} 项"
    ),
}
