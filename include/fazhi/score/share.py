"""The component's share of the leadership total. In: an edition and a year. Out: the share, refused below 0.10.

An edition with a smaller share does not load; this is asked again where a score is computed and where one
leaves the house, because a rule that holds in one place only is one edit away from not holding at all.
"""

from fractions import Fraction

from fazhi.model.errors import ConfigurationError
from fazhi.systems.edition import Edition

MINIMUM_SHARE = Fraction(1, 10)
"""法治政府建设考评在领导绩效考核中的占比不得低于 10 %."""


def require_share(share: str, about: str) -> str:
    """A share as written, if it is large enough.

    Args:
        share: Decimal text.
        about: Whose share, for the message.

    Raises:
        ConfigurationError: It is below 0.10.
    """
    if Fraction(share) < MINIMUM_SHARE:
        raise ConfigurationError(
            f"{about}的占比 {share} 低于 0.10：法治政府建设考评在领导绩效考核中的占比不得低于 0.10，"
            "请更正 system.yaml 的 share"
        )
    return share


def share_of(edition: Edition, year: int) -> str:
    """The year's share, as written.

    Raises:
        ConfigurationError: The edition gives none for the year, or one below 0.10.
    """
    return require_share(edition.share(year), f"指标体系 {edition.system_id} {year}年")
