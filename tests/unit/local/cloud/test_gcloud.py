"""What gcloud prints, and what a person is told where it prints nothing: gcloud is a script here,
and the real one where it is installed.
"""

from __future__ import annotations

import os
import shutil
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from local.cloud.gcloud import find_account, find_address, print_identity_token
from local.cloud.identity_token import IdentityToken
from shared.core.errors import ConfigError, Fatal, NotFound, StoreUnavailable
from shared.core.redaction import redact
from tests.support.cloud_run import GCLOUD, Gcloud
from tests.support.signed_tokens import Issuer

NOBODY = """ERROR: (gcloud.auth.print-identity-token) You do not currently have an active account selected.
Please run:

  $ gcloud auth login
"""
RUN_OUT = """ERROR: (gcloud.auth.print-identity-token) There was a problem refreshing your current auth tokens:
('invalid_grant: Bad Request', {'error': 'invalid_grant'})
Please run:

  $ gcloud auth login

to obtain new credentials.
"""
OFFLINE = """ERROR: (gcloud.auth.print-identity-token) There was a problem refreshing your current auth tokens:
HTTPSConnectionPool(host='oauth2.googleapis.com', port=443): Max retries exceeded with url: /token (Caused by
NameResolutionError("Failed to resolve 'oauth2.googleapis.com' ([Errno -3] Temporary failure in name resolution)"))
Please run:

  $ gcloud auth login
"""
NO_SERVICE = "ERROR: (gcloud.run.services.describe) Cannot find service [dev-dashboard]\n"
NO_ROLE = (
    "ERROR: (gcloud.run.services.describe) PERMISSION_DENIED: Permission 'run.services.get' denied on resource"
    " 'namespaces/p/services/dev-dashboard' (or resource may not exist).\n"
)


@pytest.fixture
def gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gcloud:
    made = Gcloud.write(tmp_path / "bin")
    monkeypatch.setenv("PATH", made.path(os.environ["PATH"]))
    return made


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    return Issuer()


class Clock:
    """A clock that is set."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def expiring(issuer: Issuer, at: datetime) -> str:
    return issuer.token("ada@example.com", aud=GCLOUD, exp=int(at.timestamp()))


def test_the_address_is_that_of_the_service_in_its_region(gcloud: Gcloud) -> None:
    gcloud.print_address("https://dev-dashboard-abc-uc.a.run.app")
    assert find_address("dev-dashboard", "p", "us-west1") == "https://dev-dashboard-abc-uc.a.run.app"
    line = "run services describe dev-dashboard --region=us-west1 --project=p --format=value(status.url)"
    assert gcloud.calls == [line]
    gcloud.print_address("")
    with pytest.raises(Fatal, match=r"has no address yet\. Next: wait"):
        find_address("dev-dashboard", "p", "us-west1")


@pytest.mark.parametrize(
    ("says", "kind", "sentence"),
    [
        (NOBODY, ConfigError, "nobody signed in, or the sign-in has run out. Next: run `gcloud auth login`."),
        (RUN_OUT, ConfigError, "the sign-in has run out. Next: run `gcloud auth login`."),
        (OFFLINE, StoreUnavailable, "Next: check the network"),
        (NO_SERVICE, NotFound, "project p has no service dev-dashboard in us-west1. Next: name where it is"),
        (NO_ROLE, ConfigError, "may not look up the service dev-dashboard of p. Next: ask for roles/run.viewer"),
        ("ERROR: gcloud crashed (KeyError): 'x'\n", Fatal, "failed: ERROR: gcloud crashed (KeyError): 'x'"),
    ],
    ids=["nobody", "run out", "offline", "no service", "no role", "crashed"],
)
def test_every_failure_says_what_to_do(gcloud: Gcloud, says: str, kind: type[Exception], sentence: str) -> None:
    gcloud.fail(says)
    with pytest.raises(kind) as raised:
        find_address("dev-dashboard", "p", "us-west1")
    assert sentence in str(raised.value)


def test_the_account_is_the_one_that_is_signed_in(gcloud: Gcloud) -> None:
    gcloud.print_account("ada@example.com")
    assert find_account() == "ada@example.com"
    assert gcloud.calls == ["auth list --filter=status:ACTIVE --format=value(account)"]
    gcloud.print_account("")
    with pytest.raises(ConfigError, match=r"signed in\. Next: say who acts with --who, or run `gcloud auth login`"):
        find_account()


def test_without_gcloud_who_acts_can_be_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"no gcloud on the PATH\. Next: say who acts with --who, or install it"):
        find_account()


def test_without_gcloud_it_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match=r"There is no gcloud on the PATH\. Next: install it"):
        print_identity_token()


@pytest.fixture
def real_gcloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one, with a configuration of its own that nobody is signed in to."""
    if shutil.which("gcloud") is None:
        pytest.skip("needs gcloud on the PATH")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CORE_CHECK_GCE_METADATA", "false")


@pytest.mark.usefixtures("real_gcloud")
def test_the_real_gcloud_with_nobody_signed_in_is_understood() -> None:
    for ask in (print_identity_token, find_account):
        with pytest.raises(ConfigError, match="nobody signed in"):
            ask()


def test_ten_threads_have_one_token_made(gcloud: Gcloud, issuer: Issuer) -> None:
    now = datetime.now(UTC)
    gcloud.print_token(expiring(issuer, now + timedelta(hours=1)))
    token, found = IdentityToken(Clock(now)), []
    threads = [threading.Thread(target=lambda: found.append(token.get())) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 10
    assert len(set(found)) == 1
    assert gcloud.calls == ["auth print-identity-token"]
    assert token.owner == "ada@example.com"


def test_a_token_is_made_again_five_minutes_before_it_expires_and_when_it_was_refused(
    gcloud: Gcloud, issuer: Issuer
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    clock = Clock(start)
    first, second = (expiring(issuer, start + timedelta(hours=hours)) for hours in (1, 2))
    token = IdentityToken(clock)
    gcloud.print_token(first)
    assert token.get() == first
    gcloud.print_token(second)
    clock.at = start + timedelta(minutes=54, seconds=59)
    assert token.get() == first
    clock.at = start + timedelta(minutes=55)
    assert token.get() == second
    token.forget(first)
    assert token.get() == second
    assert len(gcloud.calls) == 2
    token.forget(second)
    assert token.get() == second
    assert len(gcloud.calls) == 3


def test_the_token_is_redacted_wherever_it_is_written(gcloud: Gcloud, issuer: Issuer) -> None:
    printed = issuer.token("bo@example.com")
    gcloud.print_token(printed)
    print_identity_token()
    assert redact(f"Authorization: Bearer {printed}") == "Authorization: Bearer ***"


@pytest.mark.parametrize("printed", ["", "WARNING: nothing", "a.b.c", "e30.e30.e30"])
def test_what_is_no_token_is_never_sent_anywhere(gcloud: Gcloud, printed: str) -> None:
    gcloud.print_token(printed)
    with pytest.raises(Fatal, match=r"characters that are no identity token\. Next: "):
        IdentityToken(Clock(datetime.now(UTC))).get()
