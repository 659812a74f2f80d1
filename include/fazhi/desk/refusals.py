"""Why the desk refuses. In: words. Out: exceptions that the pages turn into 403, 404 and 409."""

from fazhi.model.errors import ChangedMeanwhile, UsageError

__all__ = ["ChangedMeanwhile", "NotAllowed", "NotFound"]


class NotAllowed(UsageError):
    """The person may not do this, or not in this region."""


class NotFound(UsageError):
    """There is no such thing, or not in the year and region named."""
