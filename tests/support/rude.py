"""A server on loopback that says, byte for byte, what it is told: for answers that no honest server gives."""

import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Say = Callable[[bytes], object]
Speech = Callable[[Say], None]


def once(status: str, body: bytes, *headers: str) -> Speech:
    """A whole answer with its length, and more headers."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
    return lambda say: say("\r\n".join(lines).encode() + body) and None


def dripping(seconds_between: float) -> Speech:
    """An answer of a million bytes, one at a time."""

    def speech(say: Say) -> None:
        say(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        for _ in range(1_000_000):
            say(b" ")
            time.sleep(seconds_between)

    return speech


@contextmanager
def rude_server(speech: Speech) -> Iterator[str]:
    """Answer every request with the speech; gives the server's address."""

    class Session(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while (line := self.rfile.readline().strip().lower()) != b"":
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            self.rfile.read(length)
            try:
                speech(self.wfile.write)
            except ConnectionError:
                return  # the client has heard enough

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Session) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
