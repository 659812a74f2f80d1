"""Why the desk refuses. In: words. Out: exceptions that the pages turn into 403, 404 and 409."""

from fazhi.model.errors import UsageError


class NotAllowed(UsageError):
    """The person may not do this, or not in this region."""


class NotFound(UsageError):
    """There is no such thing, or not in the year and region named."""


class ChangedMeanwhile(UsageError):
    """What was on the screen is no longer so; nothing was stored."""
