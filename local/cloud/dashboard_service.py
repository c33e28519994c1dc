"""The deployed dashboard as one person asks it: Cloud Run wants to know who asks, and the function
behind it as well.

Cloud Run checks the token in X-Serverless-Authorization where there is one, and takes the signature
out of the token that it has checked. The same token in Authorization reaches the function whole.
https://cloud.google.com/run/docs/authenticating/service-to-service
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx

from local.cloud.identity_token import IdentityToken
from shared.core.errors import ConfigError, PipelineError
from shared.core.redaction import excerpt

MAX_ANSWER = 32_000_000
CONNECT_SECONDS = 10.0
WHO = "/api/v1/whoami"
_ADDRESS = re.compile(r"https://[a-z0-9.-]+(:[0-9]+)?")
# Every answer of the dashboard has it (functions/dashboard/app.py), none of Cloud Run's own.
_POLICY, _OF_DASHBOARD = "Content-Security-Policy", "default-src 'none'"
_REDIRECTS = range(300, 400)
_SHOWN = 300


@dataclass(frozen=True)
class Answered:
    """What the dashboard answered."""

    status: int
    headers: httpx.Headers
    body: bytes


class NotAnswered(PipelineError):
    """The dashboard did not answer; `status` is what a browser is answered in its place."""

    def __init__(self, status: int, message: str, *, next_step: str) -> None:
        super().__init__(message, next_step=next_step)
        self.status = status


class DashboardService:
    """Asks the dashboard at an address, for one person; many threads may.

    Args:
        address: https://name, as Cloud Run gives it. Raises ConfigError for another.
        seconds: how long an answer may take.
    """

    def __init__(self, address: str, token: IdentityToken, seconds: float) -> None:
        self.address = address.rstrip("/")
        if not _ADDRESS.fullmatch(self.address):
            raise ConfigError(
                f"{address!r} is no address of a deployed dashboard.",
                next_step="name one such as https://dashboard-abc-uc.a.run.app (`terraform output dashboard`).",
            )
        self._token = token
        self._seconds = seconds
        # a cookie that something on the way sets is not kept from one request to the next
        self._client = httpx.Client(
            timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS),
            follow_redirects=False,
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        )

    def close(self) -> None:
        self._client.close()

    def ask_who(self) -> Mapping[str, Any]:
        """Who the dashboard takes the person for, and the role: {"who", "role"}.

        Raises as ask; ConfigError where the person has none.
        """
        answer = self.ask("GET", WHO)
        try:
            document: dict[str, Any] = json.loads(answer.body)
            if answer.status == HTTPStatus.OK:
                return {"who": str(document["who"]), "role": str(document["role"])}
            sentence = str(document["error"])
        except (ValueError, KeyError, TypeError):
            sentence = f"HTTP {answer.status} to {WHO}: {excerpt(answer.body.decode(errors='replace'), _SHOWN)}"
        if answer.status == HTTPStatus.FORBIDDEN:
            raise ConfigError(f"The dashboard refuses you. {sentence}")
        if answer.status == HTTPStatus.UNAUTHORIZED:
            raise ConfigError(
                f"The dashboard does not take the identity token of {self._token.owner}. {sentence}",
                next_step="see that dashboard_audiences of the deployment names gcloud's client id (docs/deploy.md).",
            )
        raise NotAnswered(
            answer.status, f"{self.address} answers no question: {sentence}", next_step="look into ./nba logs."
        )

    def ask(
        self, method: str, target: str, headers: Mapping[bytes, bytes] | None = None, body: bytes | None = None
    ) -> Answered:
        """The dashboard's own answer, whatever its status.

        Raises NotAnswered where something else answered or nothing did, and what IdentityToken.get
        raises.
        """
        token = self._token.get()
        bearer = f"Bearer {token}".encode()
        asked = self._client.build_request(
            method,
            f"{self.address}{target}",
            headers={**(headers or {}), b"Authorization": bearer, b"X-Serverless-Authorization": bearer},
            content=body,
        )
        try:
            answer = self._read(asked)
        except httpx.HTTPError as error:
            raise self._unreachable(method, error) from error
        if not answer.headers.get(_POLICY, "").startswith(_OF_DASHBOARD):
            if answer.status == HTTPStatus.UNAUTHORIZED:
                self._token.forget(token)
            raise self._explain(answer)
        return answer

    def _read(self, asked: httpx.Request) -> Answered:
        response = self._client.send(asked, stream=True)
        try:
            parts: list[bytes] = []
            size = 0
            for part in response.iter_bytes():
                size += len(part)
                if size > MAX_ANSWER:
                    raise NotAnswered(
                        HTTPStatus.BAD_GATEWAY,
                        f"The answer is over {MAX_ANSWER // 1_000_000} MB.",
                        next_step="ask for fewer dates.",
                    )
                parts.append(part)
            return Answered(response.status_code, response.headers, b"".join(parts))
        finally:
            response.close()

    def _unreachable(self, method: str, error: httpx.HTTPError) -> NotAnswered:
        why = excerpt(str(error) or type(error).__name__, _SHOWN)
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
            return NotAnswered(
                HTTPStatus.BAD_GATEWAY,
                f"{self.address} cannot be reached: {why}.",
                next_step="check the network, then load the page again.",
            )
        done = "see in the audit whether it was done." if method == "POST" else "load the page again."
        late = isinstance(error, httpx.TimeoutException)
        return NotAnswered(
            HTTPStatus.GATEWAY_TIMEOUT if late else HTTPStatus.BAD_GATEWAY,
            f"{self.address} did not answer within {self._seconds:g} s."
            if late
            else f"{self.address} broke off its answer: {why}.",
            next_step=done,
        )

    def _explain(self, answer: Answered) -> NotAnswered:
        """What stands before the dashboard has answered in its place."""
        status, owner = answer.status, self._token.owner
        if status == HTTPStatus.UNAUTHORIZED:
            return NotAnswered(
                status,
                f"Cloud Run does not take the identity token of {owner} (HTTP 401).",
                next_step="run `gcloud auth login`, then load the page again.",
            )
        if status == HTTPStatus.FORBIDDEN:
            return NotAnswered(
                status,
                f"Cloud Run does not let {owner} through (HTTP 403): that takes roles/run.invoker.",
                next_step=_ROLES,
            )
        if status in _REDIRECTS:
            there = excerpt(answer.headers.get("Location", ""), _SHOWN)
            return NotAnswered(
                HTTPStatus.BAD_GATEWAY,
                f"{self.address} sends on to {there or 'nowhere'}.",
                next_step=f"behind Identity-Aware Proxy, open {self.address} itself in the browser.",
            )
        return NotAnswered(
            status if status >= HTTPStatus.BAD_REQUEST else HTTPStatus.BAD_GATEWAY,
            f"Not the dashboard answered at {self.address}, but what stands before it: HTTP {status}.",
            next_step="load the page again; if it stays so, `./nba dashboard` asks for the address anew.",
        )


_ROLES = (
    "have whoever deploys name the e-mail in dashboard_readers or dashboard_operators, plan and apply; "
    "an account that is not meant is changed with `gcloud config set account`."
)
