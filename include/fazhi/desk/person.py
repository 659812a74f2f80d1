"""Who sits at the desk. In: an account with its permissions. Out: what it may do, and where.

Roles are bundles of abilities (``fazhi.desk.roles``); the desk itself only ever asks for an ability. Each ability
reaches over all regions or over those that are named.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from fazhi.audit import Actor
from fazhi.desk.refusals import NotAllowed

ALL_REGIONS = "*"
"""Stands for every region among the regions of an ability."""


class Ability(StrEnum):
    """What a person may do at the desk."""

    READ = "read"
    """See everything but the audit log."""
    DECIDE = "decide"
    """Return, confirm, release, refuse, propose: the steward's decisions."""
    SIGN = "sign"
    """Sign and grant what a second person has to."""
    OPERATE = "operate"
    """Import the ground, repair what was sent."""
    AUDIT = "audit"
    """Read and verify the audit log."""


ABILITY_ZH = {
    Ability.READ: "查看",
    Ability.DECIDE: "审核",
    Ability.SIGN: "签发",
    Ability.OPERATE: "运维",
    Ability.AUDIT: "监督",
}


@dataclass(frozen=True)
class Person:
    """An account at the desk.

    Args:
        id: The account's id in the auth manager (FAB: a number).
        name: The account's name, as decisions and ``signers.csv`` have it.
        full_name: The name a person bears, for screens; may be empty.
        abilities: The regions of each ability, ``ALL_REGIONS`` for every one.
    """

    id: str
    name: str
    full_name: str = ""
    abilities: Mapping[Ability, frozenset[str]] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Full name and account."""
        return f"{self.full_name}（{self.name}）" if self.full_name else self.name

    @property
    def actor(self) -> Actor:
        """The person as the audit log names it: the account, and its id beside the name."""
        return Actor(self.name, f"{self.full_name or self.name} #{self.id}")

    def may(self, ability: Ability, region: str | None = None) -> bool:
        """Whether the person has an ability in a region; without a region, in any."""
        reach = self.abilities.get(ability, frozenset())
        return bool(reach) if region is None else not reach.isdisjoint((ALL_REGIONS, region))

    def regions(self, ability: Ability, among: Iterable[str]) -> tuple[str, ...]:
        """Those of some regions in which the person has an ability, in their order."""
        return tuple(region for region in among if self.may(ability, region))

    def require(self, ability: Ability, region: str | None = None) -> None:
        """Go on only with an ability.

        Raises:
            NotAllowed: The person does not have it, or not in this region.
        """
        if not self.may(ability, region):
            where = "" if region is None else f"（地区 {region}）"
            raise NotAllowed(f"您没有“{ABILITY_ZH[ability]}”权限{where}，请联系系统管理员")
