"""The identity token of the person at this machine, kept while it is good."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from google.auth import jwt

from local.cloud.gcloud import print_identity_token
from shared.core.clock import Clock
from shared.core.errors import Fatal

# A token lives for an hour; a request that it is sent with ends well within this.
RENEWED_BEFORE = timedelta(minutes=5)


@dataclass(frozen=True)
class _Kept:
    token: str
    expires_at: datetime
    email: str


class IdentityToken:
    """Asks gcloud once, however many threads want the token, and again five minutes before it
    expires.
    """

    def __init__(self, clock: Clock, make: Callable[[], str] = print_identity_token) -> None:
        self._clock = clock
        self._make = make
        self._turn = threading.Lock()
        self._kept: _Kept | None = None

    def get(self) -> str:
        """The token. Raises what gcloud.print_identity_token raises; Fatal for what is no token."""
        with self._turn:
            if self._kept is None or self._clock.now() >= self._kept.expires_at - RENEWED_BEFORE:
                self._kept = _read(self._make())
            return self._kept.token

    def forget(self, token: str) -> None:
        """Somebody refused it: the next one who asks gets another."""
        with self._turn:
            if self._kept is not None and self._kept.token == token:
                self._kept = None

    @property
    def owner(self) -> str:
        """Whose the last token was, as far as is known."""
        kept = self._kept
        return kept.email if kept is not None and kept.email else "the account that gcloud is signed in with"


def _read(token: str) -> _Kept:
    """What the token says of itself; those who are sent it verify it."""
    try:
        claims: dict[str, Any] = jwt.decode(token, verify=False)  # type: ignore[no-untyped-call]  # it has no types here
        expires_at = datetime.fromtimestamp(float(claims["exp"]), UTC)
    except (ValueError, KeyError, TypeError, OverflowError):
        raise Fatal(
            f"gcloud printed {len(token)} characters that are no identity token.",
            next_step="run `gcloud auth login`, as a person: a token of an account without one does not open the page.",
        ) from None
    return _Kept(token, expires_at, str(claims.get("email", "")))
