"""Evidence named in a row. In: the text of its cell, names of the files that came. Out: named, missing."""

import re
import unicodedata
from collections.abc import Iterable

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


class EvidenceFiles:
    """The evidence files of a submission, found by name whatever the case and Unicode form."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(_comparable(name) for name in names)

    def named(self, text: str) -> tuple[int, tuple[str, ...]]:
        """How many pieces of evidence a cell names and which of them did not come.

        Names are joined by semicolons of either width, ``、`` or line breaks; a name may itself contain
        ``、``. A web address is evidence that needs no file.
        """
        if not text:
            return 0, ()
        pieces = []
        for piece in (part.strip() for part in re.split(r"[;\uff1b\n]", text)):
            pieces += [piece] if self._came(piece) else [part.strip() for part in piece.split("、")]
        pieces = [piece for piece in pieces if piece]
        return len(pieces), tuple(piece for piece in pieces if not self._came(piece))

    def _came(self, name: str) -> bool:
        return _ADDRESS.match(name) is not None or _comparable(name) in self._names


def _comparable(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip().casefold()
