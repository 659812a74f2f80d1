"""The sandbox's compiled schemas against a general JSON Schema validator, on damaged results and notices."""

import copy

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fazhi.sandbox.contract import _compiled, faults
from support.publish import contract

LINE = {"indicator_code": "D4.1", "full_mark": "60.00", "points": "-1.05", "status": "clamp"}
RESULT = {
    "year": 2024,
    "unit_code": "111502990000000017",
    "unit_name": "合成单位",
    "stage": "final",
    "version": 2,
    "correction_of": 1,
    "indicator_system": "2024",
    "indicator_system_digest": "5" * 64,
    "score": "89.56",
    "grade": "良好",
    "rank": 3,
    "component": {"share": "0.10", "total_points": "1000.00", "points": "89.56"},
    "lines": [LINE, {**LINE, "status": "scored"}],
    "input_digest": "1" * 64,
    "computed_at": "2024-10-14T01:30:00+08:00",
}
NOTICE = {
    "notice_no": "合成督〔2024〕1号",
    "kind": "bulletin",
    "year": 2024,
    "unit_code": "111502990000000017",
    "subject": "合成通报",
    "items": [{"indicator_code": "D4.1", "text": "合成事项"}],
    "addressees": [{"role": "unit", "name": "合成单位"}],
    "issued_on": "2024-10-15",
    "reply_by": "2024-10-31",
}
WORDS = ["", "1.0", "1.00", "-0.05", "+1.00", "final", "scored", "unit", "2024-02-30", "2024-02-29", "1.00 "]
ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from(WORDS),
    st.just([]),
    st.just({}),
    st.just([{}]),
    st.just([LINE]),
)


def places(data, path=()):
    """Every path of keys and indexes in a document."""
    yield path
    pairs = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for step, part in pairs:
        yield from places(part, (*path, step))


def damaged(data, path, how, value):
    data = copy.deepcopy(data)
    if not path:
        return value
    *way, last = path
    holder = data
    for step in way:
        holder = holder[step]
    if how == "remove":
        del holder[last]
    elif how == "add" and isinstance(holder, dict):
        holder["unheard-of"] = value
    else:
        holder[last] = value
    return data


def judged_generally(schema, data):
    whole = {**contract()["components"]["schemas"][schema], "components": contract()["components"]}
    validator = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker(["date"]))
    return {"".join(f"/{step}" for step in error.absolute_path) for error in validator.iter_errors(data)}


@pytest.mark.parametrize(("schema", "whole"), [("Result", RESULT), ("Notice", NOTICE)])
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_damage_is_pointed_at_where_a_general_validator_sees_it(schema, whole, data):
    path = data.draw(st.sampled_from(list(places(whole))).filter(lambda path: path != ("computed_at",)))
    how = data.draw(st.sampled_from(["replace", "remove", "add"]))
    document = damaged(whole, path, how, data.draw(ANYTHING))
    assert {fault["pointer"] for fault in faults(schema, document)} == judged_generally(schema, document)


@pytest.mark.parametrize(("schema", "whole"), [("Result", RESULT), ("Notice", NOTICE)])
def test_a_whole_document_has_no_fault(schema, whole):
    assert faults(schema, whole) == []


def test_a_last_newline_is_not_the_end_of_a_number():
    assert faults("Result", {**RESULT, "score": "89.56\n"}) == [
        {"pointer": "/score", "detail": r"应符合 ^-?[0-9]+\.[0-9]{2}$"}
    ]


def test_a_keyword_that_is_not_known_stops_the_start():
    with pytest.raises(KeyError, match="maxLength"):
        _compiled({"type": "string", "maxLength": 5})
