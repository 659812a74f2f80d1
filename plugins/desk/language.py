"""The two languages of the desk. In: a Chinese text. Out: itself, or its English.

The Chinese text is the key. ``english/<topic>.yaml`` has the English (``words.yaml`` what several topics say); a test
fails for a text without one, and for English that no text asks for. Texts that are neither in a template's ``_("…")``
nor in a call that ``TELLING`` names are marked with ``N_("…")``. What departments wrote is never translated.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

LANGUAGES = {"zh": "zh-CN", "en": "en"}
"""The languages and their tags in HTML."""

TELLING = {"say": 0, "refuse": 1, "N_": 0}
"""Calls whose argument at this place is a text to translate; so are all arguments named ``told``, ``problem``, ``title``."""

ENGLISH = Path(__file__).with_name("english")


def N_(text: str) -> str:  # noqa: N802 - the usual name of a mark that translates later
    """Mark a Chinese text that is translated where it is shown."""
    return text


@cache
def english() -> Mapping[str, str]:
    """Chinese → English."""
    found: dict[str, str] = {}
    for path in sorted(ENGLISH.glob("*.yaml")):
        found |= yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def translated(text: str, language: str, values: Mapping[str, object]) -> str:
    """A text in a language, with its named places filled in.

    Args:
        text: The Chinese text; places are written ``{name}``.
        language: ``zh`` or ``en``.
        values: What stands in the places.
    """
    written = english().get(text, text) if language == "en" else text
    return written.format(**values) if values else written
