"""An expectation that only counts. In: the query of a rule. Out: how many rows it finds, asked of the database once.

``UnexpectedRowsExpectation`` asks twice, for the rows and for their number; the rows come from the listing. The committed
suites name GX's own kind, so that GX alone can run them. Importing this imports GX.
"""

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation

_COUNT = "unexpected_rows_query.row_count"


class CountedRowsExpectation(UnexpectedRowsExpectation):
    """What ``UnexpectedRowsExpectation`` says of a batch, without the rows."""

    metric_dependencies: ClassVar[tuple[str, ...]] = (_COUNT,)

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        count = metrics[_COUNT]
        return {"success": count == 0, "result": {"observed_value": count}}


COUNTED = "counted_rows_expectation"
"""What GX calls it."""


def counting(expectation: dict[str, Any]) -> dict[str, Any]:
    """An expectation of a committed suite as one that only counts."""
    return {**expectation, "type": COUNTED}
