"""Names of units as departments write them. In: a name, a code, a period, the registry. Out: what is wrong with it.

The code says which unit sends; the name has to agree with it. A former or alternative name that was in use in the
period is taken for the present one; one that had ended before is not; short, unknown and other units' names are for a
person to decide. Nothing is chosen by likeness: likenesses are only shown.
"""

import difflib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from fazhi.intake.wording import Seen
from fazhi.model.period import Period
from fazhi.registry.records import Unit
from fazhi.registry.registry import Registry

SHORTEST_NAME = 4
"""A shorter name is too likely to be part of another word to be found inside a text."""

_LIKENESSES = 3


def judge_name(written: str, code: str, registry: Registry, period: Period) -> Seen | None:
    """What is wrong with the name of the unit that has a code; ``None`` when it is the unit's full name.

    Args:
        written: The name as written.
        code: The unified social credit code of the sender.
        registry: Its units and names.
        period: The reporting period; a name counts when it was in use on any of its days.
    """
    own = registry.records_of(code)
    in_period = [unit for unit in own if _meets(unit.valid_from, unit.valid_to, period)]
    if not in_period:
        return None
    present, name = in_period[-1], comparable(written)
    if name == comparable(present.name_zh):
        return None
    return (
        _other_name_of(written, name, present, own, registry, period)
        or _predecessor(written, name, present, registry, period)
        or _not_certain(written, name, present, registry, period)
    )


def comparable(name: str) -> str:
    """A name without blanks, in half-width letters."""
    return re.sub(r"\s", "", unicodedata.normalize("NFKC", name))


class NameFinder:
    """Finds names inside texts; what a text costs does not grow with the number of names."""

    def __init__(self, names: Iterable[str]) -> None:
        """Remember the names, none of them shorter than ``SHORTEST_NAME``."""
        self._names = frozenset(names)
        lengths: defaultdict[str, set[int]] = defaultdict(set)
        for name in self._names:
            lengths[name[:SHORTEST_NAME]].add(len(name))
        self._lengths = {head: sorted(found, reverse=True) for head, found in lengths.items()}

    def found_in(self, text: str) -> Iterator[tuple[int, str]]:
        """Where a text has names, from its beginning on: the longest at each place, none inside another."""
        at = 0
        while at < len(text):
            name = self._longest_at(at, text)
            if name:
                yield at, name
            at += len(name) or 1

    def _longest_at(self, at: int, text: str) -> str:
        for length in self._lengths.get(text[at : at + SHORTEST_NAME], ()):
            if text[at : at + length] in self._names:
                return text[at : at + length]
        return ""


def _meets(first: date, last: date | None, period: Period) -> bool:
    return first <= period.last_day and (last is None or period.first_day <= last)


def _other_name_of(
    written: str, name: str, present: Unit, own: Sequence[Unit], registry: Registry, period: Period
) -> Seen | None:
    """A former, later or alternative name of the unit itself."""
    stretches = [(unit.valid_from, unit.valid_to) for unit in own if comparable(unit.name_zh) == name]
    stretches += [
        (alias.valid_from, alias.valid_to)
        for alias in registry.aliases
        if alias.unit_code == present.unit_code and comparable(alias.alias_zh) == name
    ]
    if not stretches:
        return None
    if any(last is None or period.first_day <= last for _, last in stretches):
        return _alias(written, present.name_zh)
    last_day = max(last for _, last in stretches if last is not None)
    return _ended(written, present, last_day, "已更名", "the unit was renamed")


def _predecessor(written: str, name: str, present: Unit, registry: Registry, period: Period) -> Seen | None:
    """The name of a unit whose duties passed to the sender."""
    for unit in registry.units:
        if comparable(unit.name_zh) != name or unit.unit_code == present.unit_code or unit.valid_to is None:
            continue
        if registry.successor_of(unit.unit_code, period.last_day) != present.unit_code:
            continue
        if _meets(unit.valid_from, unit.valid_to, period):
            return _alias(written, present.name_zh)
        return _ended(written, present, unit.valid_to, "职责已划转", "its duties passed to another unit")
    return None


def _not_certain(written: str, name: str, present: Unit, registry: Registry, period: Period) -> Seen:
    bearers = sorted(
        {
            unit.name_zh
            for unit in _named(registry, period)
            if name in (comparable(unit.name_zh), comparable(unit.short_name_zh))
        }
        | {
            unit.name_zh
            for alias in registry.aliases
            if comparable(alias.alias_zh) == name and _meets(alias.valid_from, alias.valid_to, period)
            for unit in _named(registry, period)
            if unit.unit_code == alias.unit_code
        }
    )
    if bearers == [present.name_zh]:
        return _ambiguous(written, present, "这是简称", "it is a short name")
    if bearers:
        listed = "、".join(bearers)
        return _ambiguous(
            written,
            present,
            f"名称属于{listed}，统一社会信用代码却是{present.name_zh}的",
            "the name is another unit's than the code",
        )
    like = _likenesses(name, (unit.name_zh for unit in _named(registry, period)))
    told = f"，名称相近的有{'、'.join(like)}" if like else ""
    return _ambiguous(
        written, present, f"名录里没有这个名称{told}", "no unit of this name is registered for the period"
    )


def _named(registry: Registry, period: Period) -> Iterable[Unit]:
    return (unit for unit in registry.units if _meets(unit.valid_from, unit.valid_to, period))


def _likenesses(name: str, names: Iterable[str]) -> list[str]:
    """Full names that hold every character of a short one in order, or that are spelt much alike."""
    known = sorted(set(names))
    holding = [one for one in known if _holds(one, name)]
    alike = difflib.get_close_matches(name, known, n=_LIKENESSES, cutoff=0.6)
    return list(dict.fromkeys((*holding, *alike)))[:_LIKENESSES]


def _holds(full: str, short: str) -> bool:
    characters = iter(full)
    return len(short) > 1 and all(character in characters for character in short)


def _alias(written: str, present: str) -> Seen:
    return Seen(
        "UNIT_ALIAS",
        written,
        present,
        f"填写的“{written}”予以保留，数据记在“{present}”名下。",
        "The name as written is kept; the figures are counted for the present unit.",
        present,
    )


def _ended(written: str, present: Unit, last_day: date, why_zh: str, why_en: str) -> Seen:
    return Seen(
        "UNIT_ALIAS",
        written,
        present.name_zh,
        f"该名称用到{last_day.isoformat()}为止，{why_zh}",
        f"it was in use until {last_day.isoformat()}; {why_en}",
        present.name_zh,
        case="ended",
    )


def _ambiguous(written: str, present: Unit, chinese: str, english: str) -> Seen:
    return Seen("UNIT_AMBIGUOUS", written, present.name_zh, chinese, english, present.name_zh)
