"""Who may look and who may act: verified tokens only, whatever is tried."""

from __future__ import annotations

import base64
import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest

from functions.dashboard.identity import IAP_HEADER, LOCAL_USER, Forbidden, Identity, Role, Unauthenticated, identify
from functions.dashboard.tokens import Keys, verifiers_of
from shared.core.clock import SystemClock
from shared.core.errors import StoreUnavailable
from shared.core.settings import Settings
from tests.support.signed_tokens import AUDIENCE, IAP_AUDIENCE, Issuer

SETTINGS = Settings(
    dashboard_readers="rea@example.com, Ron@Example.com",
    dashboard_operators="ada@example.com",
    dashboard_audiences=AUDIENCE,
)
BEHIND_IAP = dataclasses.replace(SETTINGS, dashboard_iap_audience=IAP_AUDIENCE)


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


def who(issuer: Issuer, headers: Mapping[str, str], settings: Settings = SETTINGS) -> Identity:
    keys = Keys(SystemClock(), issuer.transport)
    return identify({}, headers, settings, verifiers_of(settings, keys))


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_verified_email_has_the_role_of_the_settings(issuer: Issuer) -> None:
    assert who(issuer, bearer(issuer.token("ada@example.com"))) == Identity("ada@example.com", Role.OPERATOR)
    assert who(issuer, bearer(issuer.token("ron@example.com"))) == Identity("ron@example.com", Role.READER)
    assert not who(issuer, bearer(issuer.token("REA@example.com"))).may_act


def test_who_has_no_role_is_told_what_to_ask_for(issuer: Issuer) -> None:
    with pytest.raises(Forbidden, match="has no role here"):
        who(issuer, bearer(issuer.token("eve@example.com")))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "https://another.example"}, "wrong audience"),
        ({"aud": [AUDIENCE]}, "wrong audience"),
        ({"iss": "https://evil.example"}, "issuer is 'https://evil.example'"),
        ({"exp": 1}, "not valid"),
        ({"iat": 99_999_999_999, "exp": 99_999_999_999}, "not valid"),
        ({"email_verified": False}, "e-mail is not verified"),
        ({"email_verified": "true"}, "e-mail is not verified"),
        ({"email": None}, "names no e-mail"),
        ({"email": "ada"}, "names no e-mail"),
        ({"email": ["ada@example.com"]}, "names no e-mail"),
    ],
)
def test_a_signed_token_that_is_not_for_us_lets_nobody_in(issuer: Issuer, claims: dict[str, Any], why: str) -> None:
    with pytest.raises(Unauthenticated, match=why):
        who(issuer, bearer(issuer.token("ada@example.com", **claims)))


def test_a_forged_token_lets_nobody_in(issuer: Issuer) -> None:
    genuine = issuer.token("ron@example.com")
    header, _, signature = genuine.split(".")
    claims = issuer.claims("ada@example.com")
    forged = [
        issuer.token("ada@example.com", key=issuer.stranger),
        f"{header}.{part(claims)}.{signature}",
        f"{header}.{part(claims)}.SIGNATURE_REMOVED_BY_GOOGLE",
        f"{part({'alg': 'none', 'kid': 'k1'})}.{part(claims)}.",
        f"{part({'alg': 'HS256', 'kid': 'k1'})}.{part(claims)}.{signature}",
        f"{part({'alg': 'RS256', 'kid': 'k2'})}.{part(claims)}.{signature}",
        f"{part({'alg': ['RS256'], 'kid': ['k1']})}.{part(claims)}.{signature}",
        f"{part('RS256')}.{part(claims)}.{signature}",
        "a.b.c",
        "....",
        "x" * 100_000,
        "\u0000",
    ]
    for token in forged:
        with pytest.raises(Unauthenticated):
            who(issuer, bearer(token))


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": ""}, {"Authorization": "Basic YWRhOmFkYQ=="}, {"Authorization": "Bearer"}]
)
def test_without_a_token_nobody_is_let_in(issuer: Issuer, headers: dict[str, str]) -> None:
    with pytest.raises(Unauthenticated, match="No identity token"):
        who(issuer, headers)


def test_before_an_audience_is_set_nobody_is_let_in(issuer: Issuer) -> None:
    open_to_all = dataclasses.replace(SETTINGS, dashboard_audiences="")
    with pytest.raises(Unauthenticated, match="before the setting DASHBOARD_AUDIENCES names an audience"):
        who(issuer, bearer(issuer.token("ada@example.com")), open_to_all)


def test_behind_iap_its_assertion_alone_counts(issuer: Issuer) -> None:
    found = who(issuer, {IAP_HEADER: issuer.assertion("ada@example.com")}, BEHIND_IAP)
    assert found == Identity("ada@example.com", Role.OPERATOR)
    prefixed = issuer.assertion("accounts.google.com:ada@example.com")
    assert who(issuer, {IAP_HEADER: prefixed}, BEHIND_IAP).may_act
    with pytest.raises(Unauthenticated, match="No identity token"):
        who(issuer, bearer(issuer.token("ada@example.com")), BEHIND_IAP)
    with pytest.raises(Unauthenticated):
        who(issuer, {IAP_HEADER: issuer.token("ada@example.com")}, BEHIND_IAP)
    with pytest.raises(Unauthenticated, match="wrong audience"):
        who(issuer, {IAP_HEADER: issuer.assertion("ada@example.com", aud="/projects/2")}, BEHIND_IAP)
    with pytest.raises(Unauthenticated, match="No identity token"):
        who(issuer, {IAP_HEADER: issuer.assertion("ada@example.com")})


def test_the_local_user_comes_from_the_gate_and_from_no_header(issuer: Issuer) -> None:
    keys = verifiers_of(SETTINGS, Keys(SystemClock(), issuer.transport))
    assert identify({LOCAL_USER: "ada"}, {}, SETTINGS, keys) == Identity("ada", Role.OPERATOR)
    for name in (LOCAL_USER, "Nba.Local_User", "HTTP_NBA_LOCAL_USER"):
        with pytest.raises(Unauthenticated):
            identify({f"HTTP_{name}": "ada", LOCAL_USER: ""}, {name: "ada"}, SETTINGS, keys)


def test_public_keys_are_fetched_once_an_hour_and_their_absence_is_no_refusal(issuer: Issuer) -> None:
    class Clock:
        moment = SystemClock().now()

        def now(self) -> Any:
            return self.moment

    clock, before = Clock(), len(issuer.asked)
    keys = Keys(clock, issuer.transport)
    verify = verifiers_of(SETTINGS, keys)
    for hours in (0, 0.5, 0.9, 1.5):
        clock.moment = SystemClock().now() + timedelta(hours=hours)
        identify({}, bearer(issuer.token("ada@example.com")), SETTINGS, verify)
    assert len(issuer.asked) - before == 2
    down = Keys(SystemClock(), httpx.MockTransport(lambda request: httpx.Response(503)))
    with pytest.raises(StoreUnavailable, match="public keys cannot be fetched"):
        identify({}, bearer(issuer.token("ada@example.com")), SETTINGS, verifiers_of(SETTINGS, down))
