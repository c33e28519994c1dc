"""Bodies of requests: read whole within their bound, and taken only as one JSON object that any
part can work with.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO
from wsgiref.types import WSGIEnvironment

from shared.core.redaction import excerpt
from shared.core.strict_json import read_strict

# Pub/Sub's largest message is 10 MB; a push has it in base64, with its attributes escaped.
MAX_BODY = 10_000_000
MAX_PUSH = 15_000_000
# No message of ours is nested deeper than 10; json's own bound is the interpreter's stack.
MAX_DEPTH = 64
_CHUNK = 1 << 16


class Refusal(Exception):
    """A request that is answered with a status and a sentence, and not acted on."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def check_declared(environ: WSGIEnvironment, limit: int) -> None:
    """Raises Refusal (413) for a body whose declared length is over the limit: not a byte of it is
    read.
    """
    if int(environ.get("CONTENT_LENGTH") or 0) > limit:
        raise _too_large(limit)


def read_body(environ: WSGIEnvironment, limit: int) -> bytes:
    """The whole body, of at most `limit` bytes, declared or chunked.

    Raises Refusal: 413 too large, 408 too slow, 400 cut off or with broken chunks.
    """
    stream: BinaryIO = environ["wsgi.input"]
    chunked = environ.get("wsgi.input_terminated", False)
    declared = limit + 1 if chunked else int(environ.get("CONTENT_LENGTH") or 0)
    parts: list[bytes] = []
    size = 0
    try:
        while size < declared:
            part = stream.read(min(_CHUNK, declared - size))
            if not part:
                break
            parts.append(part)
            size += len(part)
    except TimeoutError:
        raise Refusal(408, "The body did not come within its time.") from None
    except OSError as error:
        raise Refusal(400, f"The body cannot be read: {error}.") from error
    if size > limit:
        raise _too_large(limit)
    if not chunked and size < declared:
        raise Refusal(400, f"The body has {size} bytes; Content-Length says {declared}.")
    return b"".join(parts)


def check_object(body: bytes) -> None:
    """Raises Refusal (400) unless the body is one JSON object in UTF-8, whose texts have an
    encoding, not too deep.
    """
    if not body:
        raise Refusal(400, "The body is empty; send a JSON object, {} at least.")
    try:
        value = read_strict(body.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refusal(400, f"The body is not UTF-8 (byte {error.start}).") from error
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:
        raise Refusal(400, f"The body is not JSON: {excerpt(str(error), 200)}.") from error
    if not isinstance(value, dict):
        raise Refusal(400, f"The body is a JSON {_KINDS[type(value)]}; send an object.")
    if _deeper_than(value, MAX_DEPTH):
        raise _too_deep()
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise Refusal(400, "The body has half a surrogate pair, which is no character.") from None


_KINDS = {list: "array", str: "text", int: "number", float: "number", bool: "boolean", type(None): "null"}


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _too_large(limit: int) -> Refusal:
    return Refusal(413, f"The body is over {limit // 1_000_000} MB, more than any message has.")


def _too_deep() -> Refusal:
    return Refusal(400, f"The body is nested deeper than {MAX_DEPTH}.")
