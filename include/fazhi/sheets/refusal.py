"""Refusing a file. In: what was met while reading. Out: the exception that carries the fault to the reader."""

from fazhi.sheets import limits
from fazhi.sheets.cells import FileFault

ACCEPTED = "xlsx、xls、ods工作簿或CSV文件"


class RefusedError(Exception):
    """The file is not read; ``fault`` says why."""

    def __init__(self, fault: FileFault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


class DamagedError(RefusedError):
    """What the file holds at a place is not what its format has there.

    Raised where foreign bytes are taken apart and nowhere else, so that a failure of the project's own code is
    never told to a department as a damaged file.
    """

    def __init__(self) -> None:
        super().__init__(
            FileFault("FILE_TYPE", found="损坏的文件", expected=ACCEPTED, detail="文件已损坏，不能打开")
        )


def suspicious(detail: str) -> FileFault:
    """The fault of a file that breaks a limit."""
    return FileFault(
        "ZIP_BOMB", found=detail, expected=ACCEPTED, detail=f"{detail}，超出安全限度，已隔离，未打开"
    )


def wrong_kind(kind: str) -> FileFault:
    """The fault of a file of a kind that is not read."""
    return FileFault(
        "FILE_TYPE", found=kind, expected=ACCEPTED, detail=f"文件是{kind}，请另存为xlsx后重新报送"
    )


def with_macros() -> FileFault:
    """The fault of a file with macros."""
    return FileFault("MACRO", found="宏", expected="不含宏的xlsx工作簿", detail="文件内含宏，已隔离，未打开")


def encrypted(what: str) -> FileFault:
    """The fault of a file that asks for a password."""
    return FileFault("ENCRYPTED", found=what, expected=f"未加密的{ACCEPTED}", detail="文件设有密码")


class Meter:
    """What a file has used of its limits."""

    def __init__(self) -> None:
        self._cells = 0
        self._characters = 0

    def count_cells(self, number: int) -> None:
        """Count cells.

        Raises:
            RefusedError: There are too many.
        """
        self._cells += number
        if self._cells > limits.MAX_CELLS:
            raise RefusedError(suspicious(f"超过{limits.MAX_CELLS}个单元格"))

    def count_text(self, text: str) -> str:
        """Count the text of a cell and give it back.

        Raises:
            RefusedError: It is too long, or all texts together are.
        """
        self._characters += len(text)
        if len(text) > limits.MAX_CELL_CHARACTERS or self._characters > limits.MAX_CHARACTERS:
            raise RefusedError(suspicious("单元格文字过长"))
        return text
