"""Text that would run as a formula. In: text of a cell or the formula in it. Out: whether it is an attack.

Text that begins with ``=``, ``+``, ``-`` or ``@`` becomes a formula when the cell is exported again. A signed
number, a dash, a list mark, a telephone number or a mail address is none.
"""

import re
import unicodedata

LEADS = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")
_BLANKS = " \t\r\n'\""
_DDE = re.compile(r"[A-Za-z0-9_.]{1,64}\s*\|.{0,2000}!", re.DOTALL)
_CALL = re.compile(r"(?:^|[-+*/&^=<>(,])[A-Za-z_][A-Za-z0-9_.]{0,63}\(")
_REFERENCE = re.compile(r"\s*\$?[A-Za-z]{1,3}\$?[0-9]{1,7}\s*(?:$|[-+*/^&=<>:,!)](?!\s*$))")
_EQUATION = re.compile(r"=\s*[A-Za-z0-9$'\"(\[+\-@.{]")
_REACHING_OUT = re.compile(
    r"\b(?:WEBSERVICE|FILTERXML|IMPORTXML|IMPORTDATA|CALL|REGISTER(?:\.ID)?|EXEC|DDE|RTD)\s*\(", re.IGNORECASE
)


def runs_as_formula(text: str) -> bool:
    """Whether text would run when it is written into a spreadsheet again."""
    if not text or (text[0] not in LEADS and text[0] not in _BLANKS):
        return False
    bare = unicodedata.normalize("NFKC", text[:4_096].lstrip(_BLANKS))
    if not bare or bare[0] not in "=+-@":
        return False
    if bare[0] == "=":
        return _EQUATION.match(bare) is not None or _DDE.search(bare) is not None
    rest = bare.lstrip("=+-@ ")
    return bool(_DDE.search(rest) or _CALL.search(rest) or _REFERENCE.match(rest))


def reaches_out(formula: str) -> bool:
    """Whether a formula starts a program or fetches something from elsewhere."""
    return _REACHING_OUT.search(formula) is not None or _DDE.match(formula.lstrip("=+-@ ")) is not None
