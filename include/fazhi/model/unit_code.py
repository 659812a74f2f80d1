"""Unified social credit codes (统一社会信用代码, GB 32100). In: text. Out: check characters, faults."""

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def check_character(first_seventeen: str) -> str:
    """The 18th character of a code.

    Raises:
        ValueError: A character outside the code's alphabet, or not 17 of them.
    """
    if len(first_seventeen) != 17:
        raise ValueError("a check character is computed over 17 characters")
    total = sum(ALPHABET.index(c) * w for c, w in zip(first_seventeen, _WEIGHTS, strict=True))
    return ALPHABET[(31 - total % 31) % 31]


def organisation_check(first_eight: str) -> str:
    """The 9th character of the organisation code inside (GB 11714); letters count A=10 … Z=35."""
    total = sum(int(c, 36) * w for c, w in zip(first_eight, _ORGANISATION_WEIGHTS, strict=True))
    return {10: "X", 11: "0"}.get(11 - total % 11, str(11 - total % 11))


def has_form(code: str) -> bool:
    """Whether the code has 18 characters of the code's alphabet, whatever its check character."""
    return len(code) == 18 and all(c in ALPHABET for c in code)


def faults(code: str) -> list[str]:
    """What is wrong with a code, in Chinese, naming the position; empty when it is right."""
    if len(code) != 18:
        return [f"应为18位，实为{len(code)}位"]
    foreign = [f"第{i}位“{c}”不是允许的字符" for i, c in enumerate(code, 1) if c not in ALPHABET]
    if foreign:
        return foreign
    expected = check_character(code[:17])
    return [] if code[17] == expected else [f"校验码不符：第18位应为“{expected}”，实为“{code[17]}”"]


def is_valid(code: str) -> bool:
    """Whether the code has the right form and check character."""
    return not faults(code)
