"""A platform that keeps its contract, with faults on demand. In: signed requests. Out: receipts or faults.

For trying things out and for tests; never the real platform. ``python -m fazhi.sandbox --port 0 --state FILE
--app-id ID --secret SECRET`` prints its address as the first line and ends on TERM.

>>> from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPlatform
>>> with SandboxPlatform(app_id="demo", secret="…") as platform: ...
"""

from fazhi.sandbox.faults import Fault, FaultKind, Moment
from fazhi.sandbox.server import SandboxPlatform

__all__ = ["Fault", "FaultKind", "Moment", "SandboxPlatform"]
