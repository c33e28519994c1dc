"""Tokens verified with Google's public keys: signature, issuer, audience, expiry."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
from google.auth import exceptions, jwt

from functions.dashboard.identity import Unauthenticated, Verifiers
from shared.core.clock import Clock
from shared.core.errors import StoreUnavailable
from shared.core.settings import Settings

# https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken
IDENTITY_CERTS = "https://www.googleapis.com/oauth2/v1/certs"
IDENTITY_ISSUERS = ("accounts.google.com", "https://accounts.google.com")
# https://cloud.google.com/iap/docs/signed-headers-howto
IAP_CERTS = "https://www.gstatic.com/iap/verify/public_key"
IAP_ISSUERS = ("https://cloud.google.com/iap",)
# Keys are published a day or more before they sign.
KEPT = timedelta(hours=1)
SKEW_SECONDS = 10
MOST_CHARACTERS = 8_000


class Keys:
    """Public keys by their address, fetched at most once an hour."""

    def __init__(self, clock: Clock, transport: httpx.BaseTransport | None = None) -> None:
        self._clock = clock
        self._transport = transport
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[datetime, Mapping[str, str]]] = {}

    def of(self, address: str) -> Mapping[str, str]:
        """Key id -> certificate. Raises StoreUnavailable."""
        with self._lock:
            found = self._kept.get(address)
            now = self._clock.now()
            if found is None or not now - KEPT <= found[0] <= now:
                found = (now, self._fetch(address))
                self._kept[address] = found
            return found[1]

    def _fetch(self, address: str) -> Mapping[str, str]:
        try:
            with httpx.Client(timeout=5.0, transport=self._transport) as client:
                response = client.get(address)
                response.raise_for_status()
                certificates: Mapping[str, str] = json.loads(response.content)
        except (httpx.HTTPError, ValueError) as error:
            raise StoreUnavailable(f"Google's public keys cannot be fetched: {error!r}.") from error
        return certificates


@dataclass(frozen=True)
class TokenVerifier:
    """Verifies the tokens of one issuer for the audiences that a setting names."""

    keys: Keys
    certificates: str
    issuers: Sequence[str]
    audiences: frozenset[str]
    setting: str

    def __call__(self, token: str) -> Mapping[str, Any]:
        """The claims.

        Raises Unauthenticated that says what is wrong, StoreUnavailable without Google's keys.
        """
        if not self.audiences:
            raise Unauthenticated(f"Nobody may ask before the setting {self.setting} names an audience.")
        if not token:
            raise Unauthenticated("No identity token came with the request. Next: open it with `./nba dashboard`.")
        if len(token) > MOST_CHARACTERS:
            raise Unauthenticated(f"The token has {len(token)} characters; at most {MOST_CHARACTERS} are accepted.")
        try:
            claims: Mapping[str, Any] = jwt.decode(  # type: ignore[no-untyped-call]  # google-auth has no types here
                token,
                certs=self.keys.of(self.certificates),
                audience=list(self.audiences),
                clock_skew_in_seconds=SKEW_SECONDS,
            )
        except (ValueError, exceptions.GoogleAuthError) as error:
            raise Unauthenticated(f"The token is not valid: {_first_line(error)}.") from error
        if claims.get("iss") not in self.issuers:
            raise Unauthenticated(f"The token's issuer is {str(claims.get('iss'))[:80]!r}.")
        return claims


def _first_line(error: Exception) -> str:
    """What is wrong, without the token that the library may quote."""
    return str(error).partition("\n")[0].partition(":")[0][:120]


def verifiers_of(settings: Settings, keys: Keys) -> Verifiers:
    """How this deployment verifies."""
    return Verifiers(
        identity_token=TokenVerifier(
            keys, IDENTITY_CERTS, IDENTITY_ISSUERS, _split(settings.dashboard_audiences), "DASHBOARD_AUDIENCES"
        ),
        iap_assertion=TokenVerifier(
            keys, IAP_CERTS, IAP_ISSUERS, _split(settings.dashboard_iap_audience), "DASHBOARD_IAP_AUDIENCE"
        ),
    )


def _split(setting: str) -> frozenset[str]:
    return frozenset(setting.replace(",", " ").split())
