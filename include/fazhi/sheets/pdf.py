"""PDF evidence looked through in a process of its own. In: the bytes of a PDF. Out: what was found, never its text.

A PDF reader can be made to run for hours or to take all memory, so it runs where it can be ended: under limits of its
own, without the environment of the project. A PDF without text (a scan) has nothing to be found.

``python -m fazhi.sheets.pdf`` is that process: it answers every PDF that comes over its input with one line.
"""

import io
import json
import logging
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from types import TracebackType
from typing import IO, TYPE_CHECKING, Self

from fazhi.model.privacy import kinds_of_personal_data
from fazhi.sheets import limits
from fazhi.sheets.markings import classified_marking

if TYPE_CHECKING:
    from pypdf import PdfReader

_LENGTH_BYTES = 8


@dataclass(frozen=True)
class PdfLook:
    """What is in a PDF. ``refused`` says in Chinese and English why it could not be looked into, if it could not."""

    marked: bool = False
    personal: tuple[str, ...] = ()
    """Chinese names of the kinds of personal data."""

    encrypted: bool = False
    refused: tuple[str, str] = ("", "")
    seconds: float = 0.0
    """Of processor time."""


DAMAGED = PdfLook(refused=("打不开，文件已损坏", "The PDF is damaged and does not open."))
TOO_MUCH = PdfLook(
    refused=("结构过于复杂或者过大，查看超过限度", "The PDF is too large or complex to be looked into."),
    seconds=limits.MAX_PDF_SECONDS,
)


class PdfProcess:
    """The process that looks into PDFs, begun with the first one and ended with the block."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end()

    def look(self, content: bytes) -> PdfLook:
        """What is in a PDF; whatever its bytes, there is an answer."""
        if len(content) > limits.MAX_PDF_BYTES:
            return TOO_MUCH
        process = self._process = self._process or _begin()
        timer = Timer(limits.MAX_PDF_WALL_SECONDS, process.kill)
        timer.start()
        try:
            answer = _ask(process, content)
        finally:
            timer.cancel()
        if not answer:
            self._end()
            return TOO_MUCH
        look = json.loads(answer)
        return PdfLook(**look | {"personal": tuple(look["personal"]), "refused": tuple(look["refused"])})

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _begin() -> subprocess.Popen[bytes]:
    """Start the process; of the environment it gets only where the project's code lies."""
    where = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "fazhi.sheets.pdf"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": where},
    )


def _ask(process: subprocess.Popen[bytes], content: bytes) -> bytes:
    """The line that answers a PDF, empty when the process ended over it."""
    if process.stdin is None or process.stdout is None:
        return b""
    try:
        process.stdin.write(len(content).to_bytes(_LENGTH_BYTES, "big"))
        process.stdin.write(content)
        process.stdin.flush()
        return process.stdout.readline()
    except BrokenPipeError:
        return b""


# --- inside the process


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer PDFs until there are no more."""
    while length := requests.read(_LENGTH_BYTES):
        content = requests.read(int.from_bytes(length, "big"))
        _limit_processor_time()
        answers.write(json.dumps(vars(look_into(content)), ensure_ascii=True).encode() + b"\n")
        answers.flush()


def look_into(content: bytes) -> PdfLook:
    """Read as many pages as the time allows, the first in any case: a marking has to stand there."""
    # the reader is a dependency of this process alone
    from pypdf import PdfReader
    from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError

    begun = time.process_time()
    marked, personal = False, dict[str, None]()
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            return PdfLook(encrypted=True, seconds=time.process_time() - begun)
        for text in _texts(reader):
            marked = marked or classified_marking(text)
            personal |= dict.fromkeys(kinds_of_personal_data(text))
            if time.process_time() - begun > limits.PDF_SECONDS_PER_FILE:
                break
    except (FileNotDecryptedError, DependencyError):
        return PdfLook(encrypted=True, seconds=time.process_time() - begun)
    except (MemoryError, LimitReachedError):
        return TOO_MUCH
    except Exception:
        # a reader of broken files fails in every way there is; what was found until then counts
        if not marked:
            return DAMAGED
    return PdfLook(marked, tuple(personal), seconds=time.process_time() - begun)


def _texts(reader: "PdfReader") -> Iterator[str]:
    """The properties and the pages."""
    about = reader.metadata
    if about is not None:
        yield "\n".join(filter(None, (about.title, about.subject, about.keywords)))
    for page in reader.pages:
        yield page.extract_text()


def _limit_processor_time() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    most = int(used.ru_utime + used.ru_stime + limits.MAX_PDF_SECONDS) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def _main() -> None:
    """Answer over the standard streams, under the limits; what the reader wants to say goes nowhere."""
    logging.disable(logging.CRITICAL)
    resource.setrlimit(resource.RLIMIT_AS, (limits.MAX_PDF_MEMORY_BYTES, limits.MAX_PDF_MEMORY_BYTES))
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr
    serve(sys.stdin.buffer, answers)


if __name__ == "__main__":
    _main()
