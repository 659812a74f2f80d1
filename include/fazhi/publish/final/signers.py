"""Who may propose, decide and sign. In: ``signers.csv``. Out: the role of an account on a day.

The file names accounts, not only persons: ``account_id,name_zh,role,region,valid_from,valid_to,document``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from fazhi.audit import Actor
from fazhi.model.errors import ConfigurationError, UsageError
from fazhi.registry.tables import Fault, Row, RowReader, TableForm, read_rows

FORM = TableForm(
    "signers.csv",
    ("account_id", "name_zh", "role", "region", "valid_from", "valid_to", "document"),
    required=True,
)


class Role(StrEnum):
    """What an account may do about a year's final results."""

    STEWARD = "steward"
    DEPUTY = "deputy"
    CHIEF = "chief"

    @property
    def signs(self) -> bool:
        """Whether the role may sign."""
        return self is not Role.STEWARD


ROLE_ZH = {Role.STEWARD: "考评管理员", Role.DEPUTY: "代理负责人", Role.CHIEF: "考评负责人"}


@dataclass(frozen=True)
class Signer:
    """One account's role in a region over some days; an empty region means every region."""

    account_id: str
    name_zh: str
    role: Role
    region: str
    valid_from: date
    valid_to: date | None
    document: str

    def serves(self, account_id: str, region: str, day: date) -> bool:
        """Whether this is the account's role for a region on a day."""
        in_time = self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)
        return self.account_id == account_id and self.region in ("", region) and in_time


@dataclass(frozen=True)
class Official:
    """An account acting in its role."""

    actor: Actor
    role: Role


class Signers:
    """The accounts with a role."""

    def __init__(self, signers: Sequence[Signer]) -> None:
        self.all = tuple(signers)

    @classmethod
    def load(cls, signers_dir: Path) -> "Signers":
        """Read the file.

        Raises:
            ConfigurationError: Anything is wrong; ``faults`` names each with line and column.
        """
        faults: list[Fault] = []
        signers = [_signer(row, faults) for row in read_rows(signers_dir, FORM, faults)]
        if faults:
            found = tuple(str(fault) for fault in sorted(set(faults)))
            raise ConfigurationError(
                f"签发人员名单（{signers_dir}）有{len(found)}处问题，更正后才能使用：", found
            )
        return cls(signers)

    def official(self, account_id: str, region: str, day: date, *, to_sign: bool = False) -> Official:
        """The account in its role; the highest, if it has several.

        Args:
            account_id: The account.
            region: The region concerned.
            day: The day on which it acts.
            to_sign: Whether it is about to sign.

        Raises:
            UsageError: The account has no such role on that day.
        """
        serving = [one for one in self.all if one.serves(account_id, region, day)]
        if to_sign:
            serving = [one for one in serving if one.role.signs]
        if not serving:
            what = "签发" if to_sign else "办理最终结果"
            raise UsageError(f"账号 {account_id} 在 {day} 没有{what}地区 {region} 的权限，名单见 {FORM.file}")
        best = max(serving, key=lambda one: list(Role).index(one.role))
        return Official(Actor(best.account_id, best.name_zh), best.role)

    def named(self, region: str, day: date, *, to_sign: bool = False) -> tuple[str, ...]:
        """The names of the accounts that may act for a region on a day, in the order of the file."""
        return tuple(
            one.name_zh
            for one in self.all
            if one.serves(one.account_id, region, day) and (one.role.signs or not to_sign)
        )


def _signer(row: Row, faults: list[Fault]) -> Signer:
    cells = RowReader(row, faults)
    role = cells.word("role", tuple(Role))
    valid_from, valid_to = cells.interval()
    return Signer(
        account_id=cells.text("account_id"),
        name_zh=cells.text("name_zh"),
        role=Role(role) if role in tuple(Role) else Role.STEWARD,
        region=cells.optional("region"),
        valid_from=valid_from,
        valid_to=valid_to,
        document=cells.text("document"),
    )
