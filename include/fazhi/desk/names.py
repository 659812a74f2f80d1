"""What codes are called on a screen. In: registry, edition, day, language. Out: names; a code that nobody knows is told as such."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from fazhi.registry import Registry
from fazhi.systems.edition import Edition
from fazhi.validate.catalogue import rule_names


@dataclass(frozen=True)
class Names:
    """Names of a year's units, indicators and rules."""

    registry: Registry
    edition: Edition | None
    """The edition that the codes are of; ``None`` when it is not at hand."""
    day: date
    english: bool = False

    def unit(self, code: str) -> str:
        """What a unit was called on the day, or last."""
        known = self._unit_names.get(code)
        if known is not None:
            return known
        if not code:
            return "No unit code given" if self.english else "没有填写单位代码"
        return f"Unregistered unit {code}" if self.english else f"未登记的单位 {code}"

    @cached_property
    def _unit_names(self) -> Mapping[str, str]:
        latest = {unit.unit_code: unit for unit in self.registry.units}
        latest |= {unit.unit_code: unit for unit in self.registry.units_on(self.day)}
        return {
            code: (unit.name_en if self.english and unit.name_en else unit.name_zh)
            for code, unit in latest.items()
        }

    def indicator(self, code: str) -> str:
        """An indicator's name; empty for a code that the edition does not have."""
        known = None if self.edition is None else self.edition.by_code.get(code)
        if known is None:
            return ""
        return known.name_en if self.english and known.name_en else known.name_zh

    def rule(self, code: str) -> str:
        """A rule's name; the code itself where this release knows no such rule."""
        return self._rule_names.get(code, code)

    @property
    def rules(self) -> Mapping[str, str]:
        """Every rule's name, in the order of the catalogue."""
        return self._rule_names

    @cached_property
    def _rule_names(self) -> Mapping[str, str]:
        return {code: one.name_en if self.english else one.name_zh for code, one in rule_names().items()}

    def units_called(self, text: str, most: int = 10) -> tuple[tuple[str, str], ...]:
        """Units whose name or code holds a text, with their names, in code order."""
        return _holding(self._unit_names, text, most)

    def indicators_called(self, text: str, most: int = 10) -> tuple[tuple[str, str], ...]:
        """Indicators whose name or code holds a text."""
        indicators = () if self.edition is None else self.edition.indicators
        return _holding({one.code: self.indicator(one.code) for one in indicators}, text, most)


def _holding(names: Mapping[str, str], text: str, most: int) -> tuple[tuple[str, str], ...]:
    wanted = text.strip().casefold()
    if not wanted:
        return ()
    found = (
        (code, name) for code, name in names.items() if wanted in name.casefold() or wanted == code.casefold()
    )
    return tuple(sorted(found)[:most])
