"""How a source's answer can be none: refused for good, given up, of another shape."""

from __future__ import annotations

from shared.core.errors import SourceUnavailable

_WHAT_NEXT = {
    200: "look at the answer; HTTP_MAX_BYTES is the bound.",
    301: "set the base URL to where the source is now, if that is right.",
    308: "set the base URL to where the source is now, if that is right.",
    401: "check the API key and what is left of its quota.",
    403: "the source refuses this address or key: set PROXY_URL or another key.",
    404: "check the base URL; the source may have moved.",
    422: "a parameter is refused: compare the request with the source's documentation.",
}


class SourceRefused(SourceUnavailable):
    """The source will not answer this request however often it is asked now: key, quota, parameter,
    address, size.

    `answer` is what it says about it, the beginning of it and without secrets.
    """

    def __init__(self, message: str, status: int, answer: str = "") -> None:
        super().__init__(message, next_step=_WHAT_NEXT.get(status, "look at the answer and at the base URL."))
        self.status = status
        self.answer = answer


class GaveUp(SourceUnavailable):
    """Every attempt at one request failed: another request may not."""


class WrongShape(ValueError):
    """The answer is not what the next phase reads; the message says what is missing."""


class ErrorTold(WrongShape):
    """The answer is the error of a request, sent with status 200; `status` is the one that it
    means.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status
