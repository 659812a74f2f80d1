"""Evidence named in a row. In: the text of its cell, names of the files that came. Out: named, missing, doubtful.

Nothing is fetched: a web address is judged by its form and by whether an archived copy came with it. File names tell
of another year or another unit; whether the document proves the figure is for a person to judge.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from urllib.parse import urlsplit

from fazhi.intake.names import SHORTEST_NAME, NameFinder, comparable
from fazhi.intake.wording import Seen
from fazhi.registry.records import Unit
from fazhi.registry.registry import Registry
from fazhi.systems.edition import Indicator

_ADDRESS = re.compile(r"(?:https?:[/\\]*|www\.)[^\s\u3000]*", re.IGNORECASE)
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,18}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_NO_HOSTS = ("example.com", "example.org", "xxx.com", "localhost", "127.0.0.1")
_LOGIN = re.compile(r"/(?:login|signin|sso|cas|passport)(?:[/?.]|$)", re.IGNORECASE)
_JOINTS = re.compile("[;\uff1b\n]")
_RANGE = re.compile(r"(20[0-9]{2})年?(?:\s*[-—–~～至到]+\s*)(20[0-9]{2})(?![0-9])")
_DOCUMENT_YEAR = re.compile(r"[〔\[【(](20[0-9]{2})[〕\]】)]")
_YEAR = re.compile(r"(?<![0-9A-Za-z_.])(20[0-4][0-9])(?![0-9A-Za-z_.件个项人次份家户场名元条篇部起宗所卷])")
_DAY = re.compile(
    r"(?<![0-9])(20[0-4][0-9])[-._年]?(0?[1-9]|1[0-2])[-._月]?(0?[1-9]|[12][0-9]|3[01])(?![0-9])"
)
_REMEMBERED = 5_000
_BEFORE_ISSUER = re.compile(r"[\W0-9_年度月日附件号份第之一二三四五六七八九十]*")


@dataclass(frozen=True)
class Named:
    """What a cell names: every piece, which of them did not come, the web addresses, the files that came."""

    pieces: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    came: tuple[str, ...] = ()


class EvidenceFiles:
    """The evidence files of a submission, found by name whatever the case and Unicode form."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(_comparable(name) for name in names)
        self._cells: dict[str, Named] = {"": Named()}
        """What cells of the submission name: many rows name the same files."""

    def named(self, text: str) -> Named:
        """The pieces of evidence a cell names.

        Names are joined by semicolons of either width, ``、`` or line breaks; a name may itself contain
        ``、``. A web address is evidence that needs no file to be complete.
        """
        if text not in self._cells:
            self._cells[text] = self._named(text)
        return self._cells[text]

    def _named(self, text: str) -> Named:
        pieces: list[str] = []
        for piece in (part.strip() for part in _JOINTS.split(text)):
            whole = "、" not in piece or self._came(piece) or is_address(piece)
            pieces += [piece] if whole else [part.strip() for part in piece.split("、")]
        pieces = [piece for piece in pieces if piece]
        if not pieces:
            return Named()
        addresses = tuple(piece for piece in pieces if is_address(piece))
        came = tuple(piece for piece in pieces if self._came(piece))
        missing = tuple(piece for piece in pieces if piece not in addresses and piece not in came)
        return Named(tuple(pieces), missing, addresses, came)

    def _came(self, name: str) -> bool:
        return bool(self._names) and _comparable(name) in self._names


def is_address(piece: str) -> bool:
    """Whether a piece of evidence is a web address."""
    return _ADDRESS.match(piece) is not None


def judge_links(named: Named) -> Seen | None:
    """Web addresses that cannot be opened by their form, or that have no archived copy beside them."""
    told: list[tuple[str, str]] = []
    for address in named.addresses:
        fault = _address_fault(address)
        if fault is not None:
            told.append((f"{address}{fault[0]}", f"{address}: {fault[1]}"))
        elif not named.came:
            told.append((f"{address}没有附存档文件", f"{address}: no archived copy came with it"))
    if not told:
        return None
    return Seen(
        "LINK_DEAD",
        "；".join(named.addresses),
        "网址之外另附网页的存档文件",
        "；".join(zh for zh, _ in told),
        "; ".join(en for _, en in told),
        "an archived copy beside the address",
    )


def _address_fault(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        host = (parts.hostname or "").casefold()
        has_port = parts.port is None or parts.port > 0
    except ValueError:
        return "不是完整的网址", "not a complete address"
    whole = address.casefold().startswith(("http://", "https://", "www."))
    if not whole or not has_port or not _HOST.fullmatch(host) or any(host.endswith(no) for no in _NO_HOSTS):
        return "不是完整的网址", "not a complete address"
    if _LOGIN.search(parts.path):
        return "是登录页面，他人打不开", "a login page that others cannot open"
    return None


@dataclass(frozen=True)
class Row:
    """What evidence is judged by: the unit, the indicator and the years a document may be of."""

    unit_code: str
    indicator: Indicator | None
    years: tuple[int, int]
    """The assessment year, and the year in which the submission came."""


def judge_names(named: Named, row: Row, units: "UnitNames | None") -> Seen | None:
    """File names that tell of another year or of another registered unit."""
    told = []
    for piece in named.pieces:
        if piece in named.addresses:
            continue
        fault = _wrong_year(piece, row.years) or (units.foreign_in(piece, row) if units is not None else None)
        if fault is not None:
            told.append(fault)
    if not told:
        return None
    return Seen(
        "EVIDENCE_MISMATCH",
        "；".join(piece for piece in named.pieces if piece not in named.addresses),
        f"本单位{row.years[0]}年度的佐证材料",
        "；".join(zh for zh, _ in told),
        "; ".join(en for _, en in told),
        f"evidence of this unit for {row.years[0]}",
    )


def _wrong_year(name: str, years: tuple[int, int]) -> tuple[str, str] | None:
    folded = unicodedata.normalize("NFKC", name)
    if "20" not in folded:  # with which every form of a year below begins
        return None
    first, last = years
    for start, end in _RANGE.findall(folded):
        if int(start) <= last and int(end) >= first:
            return None
    found = {int(year) for year in _DOCUMENT_YEAR.findall(folded)}
    found |= {int(year) for year in _YEAR.findall(folded)}
    found |= {int(year) for year, month, day in _DAY.findall(folded) if _is_day(year, month, day)}
    if not found or any(first <= year <= last for year in found):
        return None
    listed = "、".join(f"{year}年" for year in sorted(found))
    return (
        f"“{name}”是{listed}的，考评年度是{first}年",
        f"{name} is of {', '.join(map(str, sorted(found)))}, the assessment year is {first}",
    )


def _is_day(year: str, month: str, day: str) -> bool:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return False
    return True


class UnitNames:
    """The names of registered units, to be found inside the names of files.

    Regions and bodies above the units are no foreign units: documents are addressed to them or issued by them.
    """

    def __init__(self, registry: Registry, year: int) -> None:
        self._registry = registry
        self._year = year
        self._names: dict[str, set[str]] = {}
        self._above = {unit.parent_code for unit in registry.units}
        for unit in registry.units:
            for name in (unit.name_zh, unit.short_name_zh):
                self._add(name, unit.unit_code)
        for alias in registry.aliases:
            self._add(alias.alias_zh, alias.unit_code)
        self._units = {unit.unit_code: unit for unit in registry.units}
        self._finder = NameFinder(self._names)
        self._found: dict[str, tuple[str, tuple[tuple[int, str], ...]]] = {}
        """The names inside file names seen before: departments use the same ones for many rows and months."""

    def _add(self, name: str, code: str) -> None:
        name = comparable(name)
        if len(name) >= SHORTEST_NAME:
            self._names.setdefault(name, set()).add(code)

    def foreign_in(self, piece: str, row: Row) -> tuple[str, str] | None:
        """The other unit at the head of a file's name, where the issuer stands, while the own one is not in it."""
        squeezed, found = self._found_in(piece)
        if not found or any(row.unit_code in self._names[name] for _, name in found):
            return None
        at, first = found[0]
        if not _BEFORE_ISSUER.fullmatch(squeezed[:at]):
            return None
        if self._names[first] & self._allowed(row) or not self._is_issuer(first):
            return None
        return f"“{piece}”是{first}的材料", f"{piece} is of another unit ({first})"

    def _found_in(self, piece: str) -> tuple[str, tuple[tuple[int, str], ...]]:
        """A file's name as names are compared, and the names of units in it with their places."""
        known = self._found.get(piece)
        if known is None:
            squeezed = comparable(piece)
            known = squeezed, tuple(self._finder.found_in(squeezed))
            if len(self._found) < _REMEMBERED:
                self._found[piece] = known
        return known

    def _allowed(self, row: Row) -> set[str]:
        """The unit itself, its predecessors, the bodies above and those that answer for the indicator's sources."""
        unit = self._units.get(row.unit_code)
        allowed = {row.unit_code, *self._above, *self._registry.predecessors_of(row.unit_code, self._year)}
        if unit is not None:
            allowed.add(unit.parent_code)
        if row.indicator is not None:
            region = None if unit is None else self._registry.region_of(unit)
            allowed |= {code for _, code in self._registry.reporters(row.indicator, self._year, region)}
        return allowed

    def _is_issuer(self, name: str) -> bool:
        units: Sequence[Unit] = [self._units[code] for code in self._names[name] if code in self._units]
        return any(not unit.is_region and unit.is_scored for unit in units)


@lru_cache(maxsize=8)
def unit_names(registry: Registry, year: int) -> UnitNames:
    """The names of a registry's units, made once per registry and year."""
    return UnitNames(registry, year)


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
