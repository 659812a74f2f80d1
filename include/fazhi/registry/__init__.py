"""The registry: who is assessed, under which name, with which tasks. In: CSV files. Out: ``Registry``.

``load_registry`` reads units, aliases, sources, lead tasks, adjustments and approved code exceptions
(contracts/indicator-system.md, "Units and lead tasks"), refuses all of it when anything is wrong, and names
every fault with file, line and column. What comes out answers for any day and year from memory.
"""

from fazhi.registry.load import EditionSet, load_registry
from fazhi.registry.records import Adjustment, Alias, LeadTask, Source, Unit
from fazhi.registry.registry import Registry

__all__ = ["Adjustment", "Alias", "EditionSet", "LeadTask", "Registry", "Source", "Unit", "load_registry"]
