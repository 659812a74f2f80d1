"""A year's final results: proposed, publicised, signed, sealed. In: digests and people. Out: rows that only grow.

>>> with write(engine) as connection:
...     proposal = propose(connection, draft, official, "", windows, now)
>>> with write(engine) as connection:
...     sign(connection, Signing(2024, "150200", proposal.digest, draft.digest), chief, keep, later)

The states and their moves are in ``records``, who may act in ``signers``, the time limits in ``windows``, the
moves themselves in ``steps``, what a person has to know in ``status``. The store refuses what must not be: a
proposer who signs, a judge who signs, a second signature, any change or removal of a row.
"""

from fazhi.publish.final.records import (
    MOVES,
    PHASE_ZH,
    Draft,
    Kind,
    Phase,
    Proposal,
    ProposedUnit,
    phase_of,
    proposals,
    proposed_units,
    seal_of,
    sealed_regions,
)
from fazhi.publish.final.signers import ROLE_ZH, Official, Role, Signer, Signers
from fazhi.publish.final.status import AppealRow, RegionStatus, appeals, due_for_sending, region_status
from fazhi.publish.final.steps import (
    Signing,
    decide_appeal,
    file_appeal,
    open_proposal,
    propose,
    seal,
    sign,
    unconfirmed_finals,
    withdraw,
)
from fazhi.publish.final.windows import Windows

__all__ = [
    "MOVES",
    "PHASE_ZH",
    "ROLE_ZH",
    "AppealRow",
    "Draft",
    "Kind",
    "Official",
    "Phase",
    "Proposal",
    "ProposedUnit",
    "RegionStatus",
    "Role",
    "Signer",
    "Signers",
    "Signing",
    "Windows",
    "appeals",
    "decide_appeal",
    "due_for_sending",
    "file_appeal",
    "open_proposal",
    "phase_of",
    "proposals",
    "propose",
    "proposed_units",
    "region_status",
    "seal",
    "seal_of",
    "sealed_regions",
    "sign",
    "unconfirmed_finals",
    "withdraw",
]
