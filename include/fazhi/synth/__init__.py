"""Submissions that the project makes. In: editions, the registry, a seed or published figures. Out: folders.

``synthesise`` makes a synthetic city of any size, with planted faults and the list of them;
``write_published`` turns the figures that public texts state into submissions. Both write what
``fazhi.collect`` reads: one folder per submission with its ``submission.json``
(contracts/submission-portal.openapi.yaml) and its files. The same arguments give the same bytes.
"""

from fazhi.synth.published import PublishedOutcome, published_inbox, write_published
from fazhi.synth.synthesise import Planted, SynthOutcome, synthesise

__all__ = ["Planted", "PublishedOutcome", "SynthOutcome", "published_inbox", "synthesise", "write_published"]
