"""A portal and a platform that keep their contracts, with faults on demand. In: requests. Out: answers or faults.

For trying things out and for tests; never the real ones. ``python -m fazhi.sandbox --port 0 --state FILE
--app-id ID --secret SECRET`` prints the platform's address as the first line and ends on TERM; with
``--portal`` it runs a portal beside it.

>>> from fazhi.sandbox import Fault, FaultKind, Moment, SandboxPlatform, SandboxPortal
>>> with SandboxPlatform(app_id="demo", secret="…") as platform: ...
>>> with SandboxPortal(token="…", folder=Path("out/submissions")) as portal: ...
"""

from fazhi.sandbox.faults import Fault, FaultKind, Moment
from fazhi.sandbox.portal import SandboxPortal
from fazhi.sandbox.server import SandboxPlatform

__all__ = ["Fault", "FaultKind", "Moment", "SandboxPlatform", "SandboxPortal"]
