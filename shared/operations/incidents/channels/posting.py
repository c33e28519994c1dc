"""POST of a few bytes to a web-hook: a time for the whole answer, no redirect, no secret in an
error.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import timedelta

import certifi
import httpx

from shared.core.http_deadline import TimedTransport, answer_within, check_time
from shared.core.redaction import without_begun_secret
from shared.operations.incidents.channels.message import SECONDS, NotDelivered, run_within
from shared.operations.incidents.sightings import cut_text

# Of an answer, what an error shows; no more of it is read.
_EXCERPT, _MOST_BYTES = 120, 4_096
LONGEST_WAIT = timedelta(hours=4)
# The message is refused, and would be again; others may be taken.
_REFUSED = frozenset({400, 413, 422})
# What can go wrong between connecting and the last byte; ValueError: what cannot be encoded.
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError)


def certificates(further: str) -> ssl.SSLContext:
    """The public authorities, and those of a file. Raises NotDelivered for a file that is none."""
    context = ssl.create_default_context(cafile=certifi.where())
    if further:
        try:
            context.load_verify_locations(cafile=further)
        except (OSError, ValueError) as error:
            raise NotDelivered(
                f"ALERT_CA_FILE={further!r} cannot be read ({type(error).__name__}).",
                next_step="name a file of PEM certificates.",
            ) from error
    return context


def post(name: str, url: str, body: bytes, headers: Mapping[str, str], authorities: str) -> None:
    """Post, and take any 2xx for yes. Raises NotDelivered, without the address."""
    run_within(SECONDS, lambda: _post(name, url, body, headers, authorities), name)


def _post(name: str, url: str, body: bytes, headers: Mapping[str, str], authorities: str) -> str:
    verify = certificates(authorities) if url.startswith("https") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        with (
            answer_within(SECONDS),
            httpx.Client(
                transport=TimedTransport(verify=verify, trust_env=False),
                timeout=SECONDS,
                follow_redirects=False,
                trust_env=False,
            ) as client,
            client.stream("POST", url, content=body, headers={"Accept-Encoding": "identity", **headers}) as response,
        ):
            status, wait = response.status_code, _seconds_to_wait(response.headers.get("retry-after", ""))
            text = b"" if 200 <= status < 300 else _beginning(response)
    except _NO_ANSWER as error:
        # its text may quote the address
        raise NotDelivered(
            f"{name} gave no answer ({type(error).__name__}).", next_step=f"look at {name}'s address and the network."
        ) from error
    if not 200 <= status < 300:
        shown = without_begun_secret(cut_text(text.decode(errors="replace"), _EXCERPT))
        raise NotDelivered(
            f"{name} answered {status}{f': {shown}' if shown else ''}.",
            next_step=f"look at {name}'s address and what it says.",
            wait=wait,
            alone=status in _REFUSED,
        )
    return ""


def _beginning(response: httpx.Response) -> bytes:
    found = b""
    for part in response.iter_raw():
        check_time()
        found += part
        if len(found) >= _MOST_BYTES:
            break
    return found


def _seconds_to_wait(text: str) -> timedelta | None:
    """Retry-After in seconds; a date is not waited for, the back-off is."""
    if not (text.isascii() and text.isdigit()):
        return None
    return min(LONGEST_WAIT, timedelta(seconds=min(int(text[:9]), 10**6)))
