"""The server under the gate: few connections, each with a time for its request, and no request of
two meanings.
"""

from __future__ import annotations

import io
import socket
import threading
from contextlib import suppress
from time import monotonic
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from local.host.bodies import MAX_PUSH
from local.host.gate import DECIDED

HOST = "127.0.0.1"
# Every push at once, and what scrapers ask of the replay meanwhile, is some 150.
MAX_CONNECTIONS = 256
HEADER_SECONDS = 10.0
BODY_SECONDS = 30.0
# For a client that reads its answer slowly: all of what is written at once.
WRITE_SECONDS = 30.0
# After a refusal, what still comes is read for a moment: a client that is writing would not see the
# answer.
DRAIN_SECONDS = 1.0
MAX_HEADERS = 256 * 1024
# Chunks have heads; a body in chunks of a byte or two is refused.
MAX_RAW = 2 * MAX_PUSH
_BACKLOG = 128
_ONCE = ("Host", "Origin", "Content-Length", "Content-Type", "Transfer-Encoding", "Authorization")
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
_FULL += b"All connections are in use; ask again.\n"


class TooMuch(ConnectionError):
    """More bytes than any request of ours has."""


class MeteredSocket(io.RawIOBase):
    """What a connection sends, as a stream that ends with TimeoutError at a time, and with TooMuch
    after some bytes.
    """

    def __init__(self, connection: socket.socket, seconds: float, most: int) -> None:
        self._connection = connection
        self._draining = False
        self.allow(seconds, most)

    def allow(self, seconds: float, most: int) -> None:
        """From now on so much time and so many bytes."""
        self._deadline, self._left = monotonic() + seconds, most

    def drain(self) -> None:
        """The request was read: what comes now matters to nobody, and is over after a moment."""
        self._draining = True
        self.allow(DRAIN_SECONDS, MAX_RAW)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        seconds = self._deadline - monotonic()
        if self._draining and (seconds <= 0 or self._left <= 0):
            return 0
        if self._left <= 0:
            raise TooMuch("more bytes came than any request has")
        if seconds <= 0:
            raise TimeoutError("the request did not come within its time")
        self._connection.settimeout(seconds)
        try:
            read = self._connection.recv_into(buffer)
        except TimeoutError:
            if self._draining:
                return 0
            raise
        finally:
            self._connection.settimeout(WRITE_SECONDS)
        self._left -= read
        return read


class RequestHandler(WSGIRequestHandler):
    """One request of one connection.

    Functions log what they do; a line per request would say it twice.
    """

    server: BoundedServer
    error_content_type = "text/plain; charset=utf-8"
    error_message_format = "%(message)s\n"

    def setup(self) -> None:
        super().setup()
        self.rfile.close()  # the socket's own stream has no bounds
        self._metered = MeteredSocket(self.connection, HEADER_SECONDS, MAX_HEADERS)
        self.rfile = io.BufferedReader(self._metered)

    def run_wsgi(self) -> None:
        wrong = self._two_meanings()
        if wrong:
            self.close_connection = True
            self._metered.drain()
            self.send_error(400, wrong)
            return
        self._metered.allow(BODY_SECONDS, MAX_RAW)
        super().run_wsgi()

    def make_environ(self) -> WSGIEnvironment:
        environ = super().make_environ()
        environ[DECIDED] = self._note_decision
        return environ

    def _note_decision(self, admitted: bool) -> None:
        self._metered.drain()
        if admitted:
            self.server.on_admitted(self.connection)

    def _two_meanings(self) -> str:
        """What about the request's form two readers would understand differently; empty where
        nothing is.
        """
        if self.request_version == "HTTP/0.9" or not self.path.startswith("/"):
            return "A request names a path of this server, and HTTP/1.0 or 1.1."
        for name in _ONCE:
            if len(self.headers.get_all(name, [])) > 1:
                return f"{name} is there twice."
        length, coding = self.headers.get("Content-Length"), self.headers.get("Transfer-Encoding")
        if length is not None and coding is not None:
            return "Content-Length and Transfer-Encoding exclude each other."
        if coding is not None and coding.strip().lower() != "chunked":
            return "Transfer-Encoding is chunked, or absent."
        if length is not None and not (length.isascii() and length.isdigit() and len(length) <= 15):
            return "Content-Length is a number of bytes."
        return ""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        pass


class BoundedServer(ThreadedWSGIServer):
    """A thread a connection, MAX_CONNECTIONS at most.

    Where all are taken, the one that has been waiting longest without a whole request makes room;
    where none waits, the new one is answered with 503.
    """

    def __init__(self, listening: socket.socket, app: WSGIApplication) -> None:
        port = listening.getsockname()[1]
        self._turn = threading.Lock()
        self._waiting: dict[socket.socket, bool] = {}
        super().__init__(HOST, port, app, RequestHandler, fd=listening.fileno())

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._turn:
            full = len(self._waiting) >= MAX_CONNECTIONS
            if full:
                oldest = next((each for each, waits in self._waiting.items() if waits), None)
                if oldest is not None:
                    self._waiting[oldest] = full = False
                    with suppress(OSError):
                        oldest.shutdown(socket.SHUT_RDWR)
            if not full:
                self._waiting[request] = True
        if full:
            request.settimeout(DRAIN_SECONDS)
            with suppress(OSError):
                request.sendall(_FULL)
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def on_admitted(self, connection: socket.socket) -> None:
        """The connection's request is whole and goes on to an application: it is not closed to make
        room.
        """
        with self._turn:
            if connection in self._waiting:
                self._waiting[connection] = False

    def connections(self) -> int:
        """How many are open now."""
        with self._turn:
            return len(self._waiting)

    def shutdown_request(self, request: Any) -> None:
        with self._turn:
            self._waiting.pop(request, None)
        super().shutdown_request(request)


def listen(port: int) -> socket.socket:
    """A listening socket on 127.0.0.1; port 0 takes a free one.

    Raises OSError where the port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((HOST, port))
        listening.listen(_BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening
