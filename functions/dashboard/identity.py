"""Who asks, and what he may do: a verified e-mail has a role by the settings, nobody else has one.

On one machine the runtime's own gate stands before every request and names its user. Deployed, the
person's identity token is in the Authorization header; behind IAP its assertion is in another. Both
are verified here, whoever let the request in: signature, issuer, audience, expiry.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.core.settings import Settings

# The gate of the local runtime sets this; no header of a request can.
LOCAL_USER = "nba.local_user"
IAP_HEADER = "X-Goog-IAP-JWT-Assertion"


class Role(enum.StrEnum):
    """What somebody may do."""

    READER = "reader"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Identity:
    """Who asks."""

    who: str
    role: Role

    @property
    def may_act(self) -> bool:
        return self.role is Role.OPERATOR


class Unauthenticated(Exception):
    """Nobody is known to have asked: 401."""


class Forbidden(Exception):
    """Somebody is known, and may not: 403."""


Verify = Callable[[str], Mapping[str, Any]]
"""Claims of a token. Raises Unauthenticated where anything about it is wrong."""


@dataclass(frozen=True)
class Verifiers:
    """How the two kinds of token are verified."""

    identity_token: Verify
    iap_assertion: Verify


def identify(environ: Mapping[str, Any], headers: Mapping[str, str], settings: Settings, verify: Verifiers) -> Identity:
    """Who asks.

    Raises Unauthenticated, and Forbidden where the e-mail has no role.
    """
    local = environ.get(LOCAL_USER)
    if local:
        return Identity(str(local), Role.OPERATOR)
    email = _verified_email(headers, settings, verify)
    if email in list_emails(settings.dashboard_operators):
        return Identity(email, Role.OPERATOR)
    if email in list_emails(settings.dashboard_readers):
        return Identity(email, Role.READER)
    raise Forbidden(
        f"{email} has no role here. Next: ask for a place in dashboard_readers or dashboard_operators of the "
        "deployment's settings."
    )


def list_emails(setting: str) -> frozenset[str]:
    """The e-mails of a setting, in lower case; commas or spaces part them."""
    return frozenset(setting.replace(",", " ").lower().split())


def _verified_email(headers: Mapping[str, str], settings: Settings, verify: Verifiers) -> str:
    """With IAP its assertion alone counts: a token beside it went past IAP."""
    if settings.dashboard_iap_audience:
        claims = verify.iap_assertion(headers.get(IAP_HEADER, ""))
    else:
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        claims = verify.identity_token(token.strip() if scheme.lower() == "bearer" else "")
        if claims.get("email_verified") is not True:
            raise Unauthenticated("The token's e-mail is not verified.")
    email = claims.get("email")
    if not isinstance(email, str) or "@" not in email:
        raise Unauthenticated("The token names no e-mail.")
    # IAP writes accounts.google.com:somebody@example.com in some of its claims
    return email.rpartition(":")[2].lower()
