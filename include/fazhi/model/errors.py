"""The ways a run can stop. In: what went wrong, in words. Out: exceptions with an exit status (cli.md).

None of these is ever a department's fault: faults of a submission are findings, not exceptions.
"""


class FazhiError(Exception):
    """A stop that a person can understand; the message is shown as it is, without a traceback."""

    exit_status = 2


class ConfigurationError(FazhiError):
    """A setting, an edition or the registry is wrong. ``faults`` lists all of them at once."""

    exit_status = 2

    def __init__(self, message: str, faults: tuple[str, ...] = ()) -> None:
        super().__init__("\n".join([message, *(f"  - {fault}" for fault in faults)]))
        self.faults = faults


class UsageError(FazhiError):
    """A command or a run was asked for something that makes no sense (a future year, a missing reason)."""

    exit_status = 2


class ChangedMeanwhile(UsageError):
    """What somebody decided on is not what was on the screen any more; nothing was stored."""


class Unreachable(FazhiError):
    """A source or the platform could not be reached; nothing is lost and the next run continues."""

    exit_status = 3


class SystemFault(FazhiError):
    """The pipeline itself is at fault (a rule crashed, two counts disagree); nothing is blamed on a department."""

    exit_status = 2
