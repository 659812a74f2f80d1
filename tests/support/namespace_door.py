"""A door into a network namespace. In: a process of that namespace, a port there. Out: an address on this machine's loopback.

Whoever connects to the address is connected, from inside the namespace, to the port on the namespace's loopback.
"""

import contextlib
import ctypes
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_CHUNK = 65_536


@contextlib.contextmanager
def door(pid: int, port: int, outside: int = 0) -> Iterator[str]:
    """The address ``127.0.0.1:OUTSIDE`` that leads to ``port`` beside process ``pid``; needs root. 0 is any free one."""
    with socket.create_server(("127.0.0.1", outside)) as listener:
        ready: list[OSError | None] = []
        entered = threading.Event()
        threading.Thread(target=_serve, args=(listener, pid, port, ready, entered), daemon=True).start()
        entered.wait(30)
        if ready != [None]:
            raise OSError(f"the network namespace of process {pid} cannot be entered: {ready}")
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _serve(
    listener: socket.socket, pid: int, port: int, ready: list[OSError | None], entered: threading.Event
) -> None:
    """Enter the namespace with this thread alone; the listener stays where it was made."""
    try:
        _enter(Path(f"/proc/{pid}/ns/net"))
        ready.append(None)
    except OSError as failure:
        ready.append(failure)
        return
    finally:
        entered.set()
    while True:
        try:
            outer, _ = listener.accept()
        except OSError:  # the door is closed
            return
        try:
            inner = socket.create_connection(("127.0.0.1", port), timeout=10)
        except OSError:  # nobody listens there now: the caller sees its connection end
            outer.close()
            continue
        inner.settimeout(None)
        for source, target in ((outer, inner), (inner, outer)):
            threading.Thread(target=_carry, args=(source, target), daemon=True).start()


def _enter(namespace: Path) -> None:
    with namespace.open("rb") as file:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Bytes from one to the other until one of them ends."""
    with contextlib.suppress(OSError):  # the other side went first
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    with contextlib.suppress(OSError):
        source.shutdown(socket.SHUT_RD)
