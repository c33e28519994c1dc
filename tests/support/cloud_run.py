"""What stands before a deployed function, and gcloud, as a person's machine meets them.

The front end is a real server with TLS. It does to the token what Cloud Run's does:
https://cloud.google.com/run/docs/authenticating/service-to-service
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from google.auth import jwt
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.support.alert_receivers import make_certificate
from tests.support.signed_tokens import Issuer

# Of gcloud itself: the audience of every token that it makes for a person.
GCLOUD = "32555940559.apps.googleusercontent.com"
REMOVED = "SIGNATURE_REMOVED_BY_GOOGLE"
_HEADERS = ("HTTP_X_SERVERLESS_AUTHORIZATION", "HTTP_AUTHORIZATION")
_PAGE = "<html><head><title>{0}</title></head><body><h1>Error: {0}</h1></body></html>"


@dataclass
class CloudRun:
    """A front end: `invokers` are let through to `app`; `reached` is what came to it."""

    app: WSGIApplication
    issuer: Issuer
    invokers: set[str]
    address: str = ""
    ca_file: str = ""
    reached: list[WSGIEnvironment] = field(default_factory=list)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        checked = next((name for name in _HEADERS if name in environ), "")
        token = environ.get(checked, "").removeprefix("Bearer ")
        if not checked:
            return _refuse("403 Forbidden", start_response)
        try:
            claims = jwt.decode(token, certs=self.issuer.certificates, audience=[GCLOUD])
        except ValueError:
            return _refuse("401 Unauthorized", start_response)
        if claims["email"] not in self.invokers:
            return _refuse("403 Forbidden", start_response)
        environ[checked] = f"Bearer {token.rpartition('.')[0]}.{REMOVED}"
        # it speaks http with the container, and says what the browser's side speaks
        environ |= {"HTTP_X_FORWARDED_PROTO": "https", "wsgi.url_scheme": "http"}
        self.reached.append(dict(environ))
        return self.app(environ, start_response)


def _refuse(status: str, start_response: StartResponse) -> list[bytes]:
    start_response(status, [("Content-Type", "text/html; charset=UTF-8"), ("Server", "Google Frontend")])
    return [_PAGE.format(status).encode()]


class _Silent(WSGIRequestHandler):
    def log(self, *_arguments: object, **_options: object) -> None:
        """Nothing is printed."""


@contextmanager
def serve_tls(front: CloudRun, folder: Path) -> Iterator[CloudRun]:
    """The front end at its `address`; `ca_file` is who signed its certificate."""
    front.ca_file, context = make_certificate(folder)
    server = make_server("127.0.0.1", 0, front, threaded=True, ssl_context=context, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    front.address = f"https://localhost:{server.server_port}"
    try:
        yield front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


_SCRIPT = """#!/bin/sh
cd "{folder}"
echo "$*" >> calls
if [ -s failure ]; then cat failure >&2; exit 1; fi
case "$*" in
  "auth print-identity-token") sleep 0.1; cat token ;;
  "run services describe "*) cat address ;;
  "auth list "*) cat account ;;
  *) echo "ERROR: unknown: $*" >&2; exit 2 ;;
esac
"""


@dataclass(frozen=True)
class Gcloud:
    """A program gcloud in a folder of its own, which goes first on the PATH."""

    folder: Path

    @classmethod
    def write(cls, folder: Path) -> Gcloud:
        """Make the program; it prints what it was given to print."""
        folder.mkdir(parents=True)
        program = folder / "gcloud"
        program.write_text(_SCRIPT.format(folder=folder), encoding="utf-8")
        program.chmod(0o755)
        return cls(folder)

    def print_token(self, token: str) -> None:
        (self.folder / "token").write_text(f"{token}\n", encoding="utf-8")

    def print_address(self, address: str) -> None:
        (self.folder / "address").write_text(f"{address}\n", encoding="utf-8")

    def print_account(self, account: str) -> None:
        (self.folder / "account").write_text(f"{account}\n", encoding="utf-8")

    def fail(self, sentence: str) -> None:
        """From now on it ends with this; with nothing, it works again."""
        (self.folder / "failure").write_text(sentence, encoding="utf-8")

    def path(self, before: str) -> str:
        return f"{self.folder}:{before}"

    @property
    def calls(self) -> list[str]:
        """The command lines so far."""
        calls = self.folder / "calls"
        return calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
