"""A source of bare bytes: it says what no HTTP library would, and as slowly as it likes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

# What to send, each piece; a number is a pause in seconds.
Script = Iterable[bytes | float]


@contextmanager
def saying(script: Callable[[], Script], *, listens_first: bool = True) -> Iterator[str]:
    """The base URL of a server that answers every connection by the script, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def answer(connection: socket.socket) -> None:
        # whoever asked may have gone, which is what most of these tests are about
        with connection, suppress(OSError):
            # whole: what is closed with bytes unread is reset, and the answer lost
            asked = b""
            while listens_first and b"\r\n\r\n" not in asked and (more := connection.recv(65536)):
                asked += more
            for piece in script():
                if isinstance(piece, bytes):
                    connection.sendall(piece)
                elif over.wait(piece):
                    return

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=answer, args=(connection,), daemon=True))
                threads[-1].start()

    threads = [threading.Thread(target=accept, daemon=True)]
    threads[0].start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        for thread in threads:
            thread.join()


def make_head(*headers: str, status: str = "200 OK") -> bytes:
    """The head of an answer, whose connection serves for no other."""
    return "\r\n".join([f"HTTP/1.1 {status}", "Connection: close", *headers, "", ""]).encode("latin-1")
