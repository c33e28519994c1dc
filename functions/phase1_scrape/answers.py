"""What comes back from a source, read with care: bounded, unpacked as it streams, its headers taken
for what they are.

Nothing here raises for a header or a page that makes no sense: such a value is None, such a text is
shown as far as it can be.
"""

from __future__ import annotations

import re
import zlib
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from shared.core.http_deadline import check_time
from shared.core.printable import one_line
from shared.core.redaction import redact

# What the unpacker below knows, and so what is asked for.
ENCODINGS = "gzip, deflate"
# As much of an error page is read as can hold its message.
PAGE_BYTES = 4096
# More than any source means: a wait of 400 digits is not one to compute with.
_LONGEST_SECONDS = 1e9
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")


class TooLarge(Exception):
    """The answer is larger than an answer may be."""


class Garbled(Exception):
    """The answer cannot be unpacked."""


def read_body(response: httpx.Response, most: int) -> bytes:
    """The body unpacked.

    Raises TooLarge as soon as it is more than `most` bytes, Garbled where it cannot be unpacked.

    Never more than `most` bytes are unpacked, whatever the packed ones promise.
    """
    if response.is_stream_consumed:  # a transport within this process gave it whole
        if len(response.content) > most:
            raise TooLarge
        return response.content
    unpacker = _Unpacker(response.headers.get("content-encoding", ""))
    parts, size = [], 0
    for chunk in response.iter_raw():
        check_time()
        part = unpacker.unpack(chunk, most - size)
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
    unpacker.check_end()
    return b"".join(parts)


def read_page(response: httpx.Response) -> str:
    """The beginning of an answer that is no data (an error page, a refusal) as one clean line of
    text.
    """
    if response.is_stream_consumed:
        return page_text(response.content[:PAGE_BYTES], response.headers.get("content-type", ""))
    data = b""
    try:
        unpacker = _Unpacker(response.headers.get("content-encoding", ""))
        for chunk in response.iter_raw():
            data += unpacker.unpack(chunk, PAGE_BYTES - len(data))
            if len(data) >= PAGE_BYTES:
                break
    except (Garbled, httpx.HTTPError, httpx.StreamError):
        pass  # the status says enough
    return page_text(data[:PAGE_BYTES], response.headers.get("content-type", ""))


def page_text(data: bytes, content_type: str) -> str:
    """Bytes as one line of printable text, in the charset they claim or show; what cannot be
    decoded is left out.
    """
    claimed = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", content_type, re.ASCII | re.IGNORECASE)
    charset = claimed.group(1) if claimed else "utf-8"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        charset = "utf-16"
    elif "escape" in charset.lower():  # Python's own, no page's; it warns of what it cannot read
        charset = "utf-8"
    try:
        text = data.decode(charset, "replace")
    except (LookupError, ValueError):  # unknown, or none of text at all ("hex")
        text = data.decode("utf-8", "replace")
    return clean(text)


def clean(text: str) -> str:
    """One line without what cannot be printed or encoded: terminal sequences, control characters,
    lone surrogates.
    """
    return "".join(sign for sign in " ".join(one_line(text).split()) if sign.isprintable())


def quota_number(text: str) -> int | None:
    """A count as a quota header gives it ("490", "1.0"), else None ("unlimited", "-", "1e400")."""
    return int(float(text)) if _NUMBER.fullmatch(text.strip()) else None


def seconds_to_wait(text: str, now: datetime) -> float | None:
    """What Retry-After asks for, as a number of seconds or as an HTTP date; None where it is
    neither.
    """
    text = text.strip()
    if re.fullmatch(r"[0-9]+", text):
        return min(float(text), _LONGEST_SECONDS)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None  # neither form, a date beyond the calendar, or one without a zone: our own back-off serves


class _Unpacker:
    """gzip or deflate, a piece at a time."""

    def __init__(self, encoding: str) -> None:
        name = encoding.strip().lower()
        self._deflate = name == "deflate"
        self._zip: zlib._Decompress | None = None
        if name in ("gzip", "x-gzip"):
            self._zip = zlib.decompressobj(16 + zlib.MAX_WBITS)
        elif self._deflate:
            self._zip = zlib.decompressobj()
        elif name not in ("", "identity"):
            raise Garbled(f"packed as {redact(clean(name))[:40]!r}, which was not asked for")

    def unpack(self, chunk: bytes, room: int) -> bytes:
        """The next bytes, at most one more than there is room for."""
        if self._zip is None:
            return chunk
        if self._zip.eof:
            return b""
        try:
            return self._zip.decompress(chunk, room + 1)
        except zlib.error as error:
            if not self._deflate:
                raise Garbled(f"cannot be unpacked ({error})") from error
        # Some servers mean deflate without zlib's own head; known at the first piece.
        self._deflate, self._zip = False, zlib.decompressobj(-zlib.MAX_WBITS)
        return self.unpack(chunk, room)

    def check_end(self) -> None:
        if self._zip is not None and not self._zip.eof:
            raise Garbled("is cut short")
