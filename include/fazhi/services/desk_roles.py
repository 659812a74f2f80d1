"""The roles of the steward desk in Airflow. In: the regions of the registry. Out: FAB's roles, exactly as they should be.

``python -m fazhi.services roles`` is run where Airflow's database can be reached, after ``airflow db migrate`` and after
each change of regions; repeating it changes nothing. A permission that somebody added to such a role is taken away again:
what a role may do is written in ``fazhi.desk.roles`` alone. Users are given roles with ``airflow users add-role``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fazhi.desk.places import known_regions
from fazhi.desk.roles import Permission, permissions_of, role_names
from fazhi.model.errors import ConfigurationError
from fazhi.pipeline import Ground
from fazhi.settings import Settings


@dataclass(frozen=True)
class RolesMade:
    """What was done: how many roles there are, and how many permissions were added and taken away."""

    roles: int
    added: int
    removed: int


def make_desk_roles(settings: Settings) -> RolesMade:
    """Make the roles of the desk in the Airflow of this process's environment.

    Raises:
        ConfigurationError: Airflow's auth manager is not FAB, or the registry cannot be read.
    """
    _require_fab()
    from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder

    wanted = role_names(known_regions(Ground(settings).registry))
    with get_application_builder() as builder:
        return _make(builder.sm, {name: permissions_of(*of) for name, of in wanted.items()})


def _require_fab() -> None:
    from airflow.configuration import conf

    manager = conf.get("core", "auth_manager")
    if not manager.endswith(".FabAuthManager"):
        raise ConfigurationError(
            f"登录由 {manager} 管理，没有可设置的角色；请把 AIRFLOW__CORE__AUTH_MANAGER 设为 FabAuthManager"
        )


def _make(manager: Any, wanted: Mapping[str, tuple[Permission, ...]]) -> RolesMade:
    added = removed = 0
    for name, permissions in wanted.items():
        role = manager.add_role(name)
        held = {Permission(one.action.name, one.resource.name): one for one in role.permissions}
        for permission in permissions:
            if permission not in held:
                made = manager.create_permission(permission.action, permission.resource)
                manager.add_permission_to_role(role, made)
                added += 1
        for permission, stored in held.items():
            if permission not in permissions:
                manager.remove_permission_from_role(role, stored)
                removed += 1
    return RolesMade(len(wanted), added, removed)
