"""Bonuses, deductions, vetoes, the component. In: recorded events, points. Out: B, Y, R, C in hundredths.

scoring.md section 5. Only events approved by somebody other than their drafter come in here at all
(``Adjustment.counts``). A bonus is counted once per achievement (events of one title), at its highest level;
for deductions every recorded occurrence counts. ``cap`` bounds the sum of a row, the edition's cap the sum
of bonuses.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from fazhi.model.terms import RuleType
from fazhi.registry.records import Adjustment
from fazhi.systems.edition import Edition, Grade, Indicator, code_key


@dataclass(frozen=True)
class Adjusted:
    """What a unit's events come to. Points are hundredths."""

    bonus: int
    deduction: int
    zeroed: frozenset[str]
    """Indicators whose rate is 0 because their data were falsified."""
    vetoes: tuple[Adjustment, ...]
    counted: tuple[Adjustment, ...]
    """The events that made B and Y, and the vetoes, in a fixed order."""


NO_ADJUSTMENT = Adjusted(0, 0, frozenset(), (), ())


def adjust(edition: Edition, events: Iterable[Adjustment]) -> Adjusted:
    """Work out B, Y, the falsified indicators and the vetoes of one unit and year."""
    counting = sorted((event for event in events if event.counts), key=_fixed_order)
    bonuses = _once_per_achievement(edition, _of_rule(edition, counting, RuleType.BONUS_CAPPED))
    deductions = [
        event
        for event in _of_rule(edition, counting, RuleType.DEDUCT_TOTAL)
        if _deducted(edition, event) > 0 or _zeroes(edition, event)
    ]
    vetoes = tuple(_of_rule(edition, counting, RuleType.VETO))
    return Adjusted(
        bonus=min(
            edition.cap_bonus, _hundredths(_by_row(edition, [(e, _earned(edition, e)) for e in bonuses]))
        ),
        deduction=_hundredths(_by_row(edition, [(e, _deducted(edition, e)) for e in deductions])),
        zeroed=frozenset(e.indicator_code for e in deductions if _zeroes(edition, e)),
        vetoes=vetoes,
        counted=(*bonuses, *deductions, *vetoes),
    )


def _fixed_order(event: Adjustment) -> tuple[object, ...]:
    return (
        code_key(event.code),
        event.title_zh,
        event.level,
        event.document,
        event.indicator_code,
        event.count,
        event.drafted_by,
        event.approved_by,
        str(event.approved_on),
    )


def _row(edition: Edition, event: Adjustment) -> Indicator | None:
    return edition.by_code.get(event.code)


def _of_rule(edition: Edition, events: Sequence[Adjustment], rule_type: RuleType) -> list[Adjustment]:
    rows = ((event, _row(edition, event)) for event in events)
    return [event for event, row in rows if row is not None and row.rule_type is rule_type]


def _once_per_achievement(edition: Edition, events: Sequence[Adjustment]) -> list[Adjustment]:
    """Of the events of one title, whatever their rows, the one that earns most; the others earn nothing."""
    best: dict[str, Adjustment] = {}
    for number, event in enumerate(events):
        achievement = "".join(event.title_zh.split()) or f"#{number}"
        if achievement not in best or _earned(edition, event) > _earned(edition, best[achievement]):
            best[achievement] = event
    return sorted((e for e in best.values() if _earned(edition, e) > 0), key=_fixed_order)


def _earned(edition: Edition, event: Adjustment) -> Fraction:
    """Points of a bonus event: by its level, once; or so many for each."""
    params = edition.by_code[event.code].rule_params
    each = _each(edition, event)
    return Fraction(params.get(event.level, 0)) if each is None else each * event.count


def _deducted(edition: Edition, event: Adjustment) -> Fraction:
    """Points of a deduction event: by its level or so many, for each occurrence."""
    params = edition.by_code[event.code].rule_params
    each = _each(edition, event)
    return (Fraction(params.get(event.level, 0)) if each is None else each) * event.count


def _each(edition: Edition, event: Adjustment) -> Fraction | None:
    params = edition.by_code[event.code].rule_params
    each = params.get("k", params.get("points"))
    return None if each is None else Fraction(each)


def _zeroes(edition: Edition, event: Adjustment) -> bool:
    return bool(edition.by_code[event.code].rule_params.get("zero_indicator")) and bool(event.indicator_code)


def _by_row(edition: Edition, events: Sequence[tuple[Adjustment, Fraction]]) -> Fraction:
    """The sum over rows, each bounded by its own cap."""
    rows: dict[str, Fraction] = {}
    for event, earned in events:
        rows[event.code] = rows.get(event.code, Fraction(0)) + earned
    return sum((_capped(edition, code, total) for code, total in rows.items()), Fraction(0))


def _capped(edition: Edition, code: str, total: Fraction) -> Fraction:
    cap = edition.by_code[code].rule_params.get("cap")
    return total if cap is None else min(total, Fraction(cap))


def _hundredths(number: Fraction) -> int:
    """Points as hundredths, half up."""
    return (200 * number.numerator + number.denominator) // (2 * number.denominator)


def result(base: int, adjusted: Adjusted, cap_total: int) -> int:
    """R = clamp(S + B - Y, 0, cap_total), all in hundredths."""
    return max(0, min(cap_total, base + adjusted.bonus - adjusted.deduction))


def component(edition: Edition, share: str, score: int, vetoed: bool) -> int:
    """C = round(T · a · R / 100, 2) in hundredths; a veto acts on R as the edition chose.

    Args:
        edition: For T and ``component_on_veto``.
        share: The year's share a, as written.
        score: R in hundredths.
        vetoed: Whether a veto stands.
    """
    if vetoed and edition.component_on_veto == "zero":
        score = 0
    elif vetoed and isinstance(edition.component_on_veto, int):
        score = min(score, edition.component_on_veto)
    return _hundredths(edition.total_points * Fraction(share) * score / 10_000)


def best_grade_allowed(edition: Edition, vetoes: Iterable[Adjustment]) -> int:
    """The index of the best grade that the vetoes leave (0 is the top grade)."""
    best = 0
    for event in vetoes:
        params = edition.by_code[event.code].rule_params
        if params.get("no_excellent"):
            best = max(best, 1)
        if "grade_cap" in params:
            best = max(best, _grade_index(edition.grades, str(params["grade_cap"])))
    return min(best, len(edition.grades) - 1)


def _grade_index(grades: Sequence[Grade], name: str) -> int:
    return next(index for index, grade in enumerate(grades) if name in (grade.name_zh, grade.name_en))
