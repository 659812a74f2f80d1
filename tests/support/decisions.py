"""Rows of ``decision`` written by hand."""

from sqlalchemy import func, select

from fazhi.store.tables import decision

NEXT_ORDINAL = select(func.count() + 1).select_from(decision).scalar_subquery()
"""A number that no ruling on the same thing has yet."""
