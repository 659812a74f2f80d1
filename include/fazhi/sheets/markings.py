"""Markings of secrecy. In: text of a cell, a line, a file name. Out: whether it is marked, never what it says.

A marking is a level with its star (``秘密★1年``), a level after ``密级``, or a level or ``内部资料`` standing on
a line of its own. Texts about secrecy are none.
"""

import re
import unicodedata

_LEVEL = "(?:绝密|机密|秘密)"
_TERM = r"(?:\d{1,3}(?:年|个?月|天|日)|长期|启用前)"
_BLANKS = re.compile(r"[^\S\n]+")
_INVISIBLE = dict.fromkeys([0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD])
_ANYWHERE = re.compile(rf"{_LEVEL}(?:[★☆✩✭✮✯✰⭐]|\*{_TERM})|密级[:：]?(?:为|是)?(?:{_LEVEL}|内部)")
_ALONE = re.compile(
    rf"^[(【\[〔<《“\"]?(?:{_LEVEL}(?:级|件|文件|资料|材料)?{_TERM}?|工作秘密"
    r"|内部(?:资料|文件|材料|使用|参考)[,，。;；:：!！·、-]*"
    r"(?:请?(?:注意保存|注意保密|妥善保管|不得外传|严禁外传|请勿外传|不得公开))?"
    r"|仅供内部(?:使用|参考|传阅))[)】\]〕>》”\"]?[。!！]?$",
    re.MULTILINE,
)
_IN_BYTES = {text: (text.encode("utf-16-le"), text.encode("gb18030")) for text in ("秘密★", "机密★", "绝密★")}
_HINTS = ("密", "内部")
_NAME_PARTS = re.compile(r"[-_—–·.,，、;；()（）【】\[\]〔〕《》“”\s]+")


def classified_marking(text: str) -> bool:
    """Whether text carries a marking of secrecy."""
    # No other character becomes one of these by NFKC, and what is taken out below only brings them together.
    if "密" not in text and ("内" not in text or "部" not in text):
        return False
    bare = _BLANKS.sub("", unicodedata.normalize("NFKC", text.replace("\r", "\n")).translate(_INVISIBLE))
    if not any(hint in bare for hint in _HINTS):
        return False
    return _ANYWHERE.search(bare) is not None or _ALONE.search(bare) is not None


def marking_in_bytes(content: bytes) -> str:
    """A level with its star that stands somewhere in a binary document, empty when there is none.

    Old Office formats keep Chinese text in UTF-16 and their properties in GBK.
    """
    return next((text for text, forms in _IN_BYTES.items() if any(form in content for form in forms)), "")


def marked_name(name: str) -> bool:
    """Whether a file name carries a marking of secrecy as a part of its own."""
    return classified_marking(name) or any(classified_marking(part) for part in _NAME_PARTS.split(name))
