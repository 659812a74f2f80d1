"""Secrets where they do not belong. In: secret words, places with their text. Out: which word is where; never the word itself."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

_SHORTEST = 12


def words_of(secrets: Mapping[str, str]) -> dict[str, set[str]]:
    """What to look for, by the name of the secret: the secret, the password inside an address, both as a URL writes them."""
    found: dict[str, set[str]] = {}
    for name, secret in secrets.items():
        parts = {secret, urlsplit(secret).password or ""} if "://" in secret else {secret}
        found[name] = {
            word for part in parts for word in (part, quote(part, safe="")) if len(word) >= _SHORTEST
        }
        if not found[name]:
            raise ValueError(f"the secret {name} is too short to be looked for")
    return found


def leaks(secrets: Mapping[str, str], places: Iterable[tuple[str, str]]) -> list[str]:
    """``place: secret`` for each secret in each place."""
    words = words_of(secrets)
    return [
        f"{place}: {name}"
        for place, text in places
        for name, forms in words.items()
        if any(word in text for word in forms)
    ]
