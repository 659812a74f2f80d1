"""What the policies of compose and Kubernetes ask alike of secrets. In: variables, sets of names. Out: every breach, in words."""

import re
from collections.abc import Iterator, Set

_SECRET_NAME = re.compile(
    r"password|secret|token|fernet|jwt|_key|conn\b|broker_url|result_backend|store_url", re.IGNORECASE
)
_READ_FROM_ELSEWHERE = ("_FILE", "_CMD")


def in_the_environment(variable: str, value: str, not_a_secret: str) -> Iterator[str]:
    """A secret that an environment variable carries.

    Args:
        variable: Its name.
        value: What it says; a path only says where the secret is.
        not_a_secret: The one value that looks like a secret and is none.
    """
    harmless = variable.endswith(_READ_FROM_ELSEWHERE) or value in ("", not_a_secret) or value.startswith("/")
    if _SECRET_NAME.search(variable) and not harmless:
        yield f"{variable} carries a secret in the environment"
    if re.search(r"://[^/@\s]+:[^/@\s]+@", value):
        yield f"{variable} carries a password in an address"


def not_its_own(held: Set[str], needed: Set[str]) -> Iterator[str]:
    """Secrets that a service holds and does not need, or needs and does not hold."""
    if held - needed:
        yield f"holds secrets it does not need: {', '.join(sorted(held - needed))}"
    if needed - held:
        yield f"lacks secrets: {', '.join(sorted(needed - held))}"
