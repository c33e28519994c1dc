"""Seals of forms: a press counts only from a page that this dashboard made for this person.

The seal binds the key of the press to who asked for the page and to the action, so that no other
site and no other person can make or reuse the form. The secret is made once and kept in the state.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from contextlib import suppress
from dataclasses import dataclass

from functions.dashboard.identity import Forbidden
from shared.core.errors import AlreadyExists
from shared.core.redaction import protect
from shared.stores.ports import State
from shared.stores.records import Record

PATH = "control/dashboard_secret"


@dataclass(frozen=True)
class _Secret(Record):
    """What seals are made with."""

    secret: str


def make_seal(state: State, *, key: str, who: str, action: str) -> str:
    """The seal of a press."""
    secret = _read_secret(state)
    return hmac.new(secret.encode(), "\n".join((key, who, action)).encode(), hashlib.sha256).hexdigest()


def check_seal(state: State, seal: str, *, key: str, who: str, action: str) -> None:
    """Raises Forbidden for a seal that is not of this press."""
    expected = make_seal(state, key=key, who=who, action=action)
    if not hmac.compare_digest(seal.encode("utf-8", "replace"), expected.encode()):
        raise Forbidden("The form is not one that this dashboard made for you. Next: open the page again.")


def _read_secret(state: State) -> str:
    document = state.get(PATH)
    if document is None:
        made = _Secret(secrets.token_hex(32))
        with suppress(AlreadyExists):
            state.create(PATH, made.to_document())
        document = state.get(PATH)
        assert document is not None, "it was created a moment ago, and nobody deletes it"
    secret = _Secret.from_document(document).secret
    protect(secret)
    return secret
