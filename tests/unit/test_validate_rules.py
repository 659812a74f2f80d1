"""Orphans in both directions, and what a rule's SQL must never hold."""

import re

import pytest

from fazhi.systems.rule_kinds import RULE_KINDS
from fazhi.validate.rules import VALUE_RULES, ValueRule
from fazhi.validate.sql import gx_query, listing_statement
from fazhi.validate.words import _WORDS
from support.validate import EDITIONS

BY_VALUES = {kind.rule for kind in RULE_KINDS.values() if kind.judged_by == "values"}
RULES = list(VALUE_RULES.values())
BY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.rule)


def test_every_rule_kind_judged_over_values_is_implemented_and_worded():
    assert set(VALUE_RULES) == BY_VALUES
    assert set(_WORDS) == BY_VALUES


@pytest.mark.parametrize("edition", EDITIONS.all, ids=lambda edition: edition.system_id)
def test_every_rule_kind_has_a_check_in_the_edition_and_every_check_a_rule_kind(edition):
    assert {check.rule for check in edition.checks} == set(RULE_KINDS)


@pytest.mark.parametrize("edition", EDITIONS.all, ids=lambda edition: edition.system_id)
def test_every_check_has_words_a_basis_status_and_two_examples(edition):
    for check in edition.checks:
        assert check.example_pass != check.example_fail, check.check_id
        assert check.legal_basis_status in ("seed", "found", "unverified"), check.check_id
        assert check.legal_basis, check.check_id


@BY_RULE
def test_a_rule_holds_nothing_that_crashes_a_gx_query(rule: ValueRule):
    query = gx_query(rule)
    assert ":" not in query
    assert set(re.findall(r"\{[^}]*\}", query)) == {"{batch}"}
    assert " JOIN " in query, "GX gives {batch} an alias of its own in queries without a join"


@BY_RULE
def test_a_rule_stays_in_whole_numbers(rule: ValueRule):
    assert not re.search(r"\d\.\d|REAL|FLOAT|NUMERIC|DOUBLE|ROUND\(", rule.condition, re.IGNORECASE)


@BY_RULE
def test_the_first_filter_needs_no_parameter(rule: ValueRule):
    if rule.family == "row":
        assert not re.search(r"\bc\.", rule.first_filter)


def test_the_listing_names_every_rule():
    statement = listing_statement()
    missing = [rule for rule in VALUE_RULES if f"'{rule}'" not in statement]
    assert missing == []
