"""The roles of the desk. In: the regions. Out: for each role its abilities, and the permissions that Airflow keeps.

Under FAB an ability is a permission on a resource of its own: ``can_edit on Fazhi decide`` reaches over all regions,
``can_edit on Fazhi decide 150200`` over one. ``permissions_of`` also lists what a role needs of Airflow itself: a
steward reads runs and starts none, an operator starts runs and decides nothing.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from fazhi.desk.person import ALL_REGIONS, Ability


class Role(StrEnum):
    """Who works at the desk."""

    VIEWER = "viewer"
    STEWARD = "steward"
    CHIEF = "chief"
    OPERATOR = "operator"
    AUDITOR = "auditor"


ROLE_ZH = {
    Role.VIEWER: "查看员",
    Role.STEWARD: "审核员",
    Role.CHIEF: "签发人",
    Role.OPERATOR: "运维员",
    Role.AUDITOR: "监督员",
}

ABILITIES: dict[Role, tuple[Ability, ...]] = {
    Role.VIEWER: (Ability.READ,),
    Role.STEWARD: (Ability.READ, Ability.DECIDE),
    Role.CHIEF: (Ability.READ, Ability.DECIDE, Ability.SIGN),
    Role.OPERATOR: (Ability.READ, Ability.OPERATE),
    Role.AUDITOR: (Ability.READ, Ability.AUDIT),
}

METHODS: dict[Ability, str] = {
    Ability.READ: "GET",
    Ability.DECIDE: "PUT",
    Ability.SIGN: "PUT",
    Ability.OPERATE: "PUT",
    Ability.AUDIT: "GET",
}
"""By which method Airflow's auth manager is asked for an ability; FAB keeps them as ``can_read`` and ``can_edit``."""

_ACTIONS = {"GET": "can_read", "PUT": "can_edit"}


@dataclass(frozen=True, order=True)
class Permission:
    """An action on a resource, as FAB keeps it."""

    action: str
    resource: str


def resource_of(ability: Ability, region: str = ALL_REGIONS) -> str:
    """The resource that stands for an ability in a region."""
    return f"Fazhi {ability.value}" if region == ALL_REGIONS else f"Fazhi {ability.value} {region}"


def role_name(role: Role, region: str = ALL_REGIONS) -> str:
    """The role's name in Airflow: ``Fazhi Steward``, ``Fazhi Steward 150200``."""
    return f"Fazhi {role.value.capitalize()}" + ("" if region == ALL_REGIONS else f" {region}")


def role_names(regions: Iterable[str]) -> dict[str, tuple[Role, str]]:
    """All roles by their names in Airflow: each for all regions, and for each region."""
    return {role_name(role, region): (role, region) for region in (ALL_REGIONS, *regions) for role in Role}


def permissions_of(role: Role, region: str = ALL_REGIONS) -> tuple[Permission, ...]:
    """What a role holds in Airflow: its abilities in a region, and what it needs of Airflow itself."""
    return tuple(sorted({*_of_the_desk(role, region), *_of_airflow(role)}))


def _of_the_desk(role: Role, region: str) -> Iterator[Permission]:
    for ability in ABILITIES[role]:
        yield Permission(_ACTIONS[METHODS[ability]], resource_of(ability, region))


def _of_airflow(role: Role) -> Iterator[Permission]:
    for resource in _READ:
        yield Permission("can_read", resource)
    for resource in ("My Profile", "My Password"):
        yield Permission("can_read", resource)
        yield Permission("can_edit", resource)
    if role is Role.OPERATOR:
        for action, resource in _RUN:
            yield Permission(action, resource)
    if role is Role.AUDITOR:
        yield Permission("can_read", "Audit Logs")


_READ = (
    "Website",
    "DAGs",
    "DAG Runs",
    "DAG Versions",
    "DAG Warnings",
    "Task Instances",
    "Task Logs",
    "Assets",
    "Backfills",
    "Plugins",
)

_RUN = (
    ("can_edit", "DAGs"),
    ("can_create", "DAG Runs"),
    ("can_edit", "DAG Runs"),
    ("can_create", "Backfills"),
    ("can_edit", "Backfills"),
    ("can_edit", "Task Instances"),
    ("can_read", "ImportError"),
    ("can_read", "Pools"),
    ("can_read", "Jobs"),
    ("can_read", "XComs"),
)
