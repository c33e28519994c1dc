"""What a message brings about: every message that is published while a push of it is handled, and
those of these.

A command that publishes beside a run that is being played tells of its own messages alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import quote, unquote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Delivered-Message"
_ENVIRON = "HTTP_X_DELIVERED_MESSAGE"
_handled: ContextVar[str] = ContextVar("handled_message", default="")


class Causes:
    """The messages that followed from some that are being followed; others are not kept.

    Safe from any thread.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._followed: list[set[str]] = []
        self._ever: set[str] = set()

    @contextmanager
    def follow(self) -> Iterator[set[str]]:
        """A set that fills, while the block lasts, with the ids of what the block publishes and all
        that follows.

        The block publishes within `beginning(found)`.
        """
        found: set[str] = set()
        with self._turn:
            self._followed.append(found)
        try:
            yield found
        finally:
            with self._turn:
                self._ever |= found
                # by identity: two of them may hold the same ids
                self._followed = [each for each in self._followed if each is not found]

    @contextmanager
    def beginning(self, found: set[str]) -> Iterator[None]:
        """What is published in the block, by this thread, is what is followed."""
        name = f"publish {id(found)}"
        with self._turn:
            found.add(name)
        token = _handled.set(name)
        try:
            yield
        finally:
            _handled.reset(token)
            with self._turn:
                found.discard(name)

    def was_followed(self, message_id: str) -> bool:
        """Whether a message is one that was followed, now or earlier in this process."""
        with self._turn:
            return message_id in self._ever or any(message_id in found for found in self._followed)

    def on_published(self, message_id: str, cause: str = "") -> None:
        """A message was published; by default because of the one that this thread handles."""
        cause = cause or _handled.get()
        if not cause:
            return
        with self._turn:
            for found in self._followed:
                if cause in found:
                    found.add(message_id)


def header(message_id: str) -> dict[str, str]:
    """What tells a function's server which message a push is of."""
    return {HEADER: quote(message_id, safe="")}


def handling(app: WSGIApplication) -> WSGIApplication:
    """A function's app: what it publishes meanwhile has the pushed message as its cause."""

    def handle(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        token = _handled.set(unquote(environ.get(_ENVIRON, "")))
        try:
            return app(environ, start_response)
        finally:
            _handled.reset(token)

    return handle
