"""Reading pages and stores of the desk in tests. In: HTML, a city. Out: words, rows, tables."""

import csv
import io
import re
from html import unescape
from typing import Any

from sqlalchemy import select

from fazhi.store import read
from fazhi.store.tables import result, result_input
from support.desk_city import DeskCity


def words(html: str) -> str:
    """The page's text, blanks in one."""
    body = html[html.index("<main") :]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def rows_of(city: DeskCity, *columns: Any, **equal: Any) -> list[Any]:
    """Some columns of the rows that equal something."""
    with read(city.engine) as connection:
        statement = select(*columns)
        for name, wanted in equal.items():
            statement = statement.where(columns[0].table.c[name] == wanted)
        return connection.execute(statement).all()


def scored(city: DeskCity, year: int) -> dict[str, str]:
    """The score of every unit."""
    return {row.unit_code: row.score for row in rows_of(city, result.c.unit_code, result.c.score, year=year)}


def busiest(city: DeskCity, year: int) -> str:
    """The unit with the most values behind its score."""
    """The unit with the most values behind its score."""
    codes = [row.unit_code for row in rows_of(city, result_input.c.unit_code, year=year)]
    return max(set(codes), key=codes.count)


def in_csv(answer: Any) -> list[list[str]]:
    """The rows of a CSV that office programs read."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
