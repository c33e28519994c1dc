"""One port of this machine for everything that answers HTTP: the functions, the replay and the
runtime's own pages.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import functions_framework
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from local.embedded.causes import handling
from local.host.connections import HOST, BoundedServer, listen
from local.host.gate import DASHBOARD, Gate, Pages
from local.host.token import Endpoint, new_token
from shared.core.errors import ConfigError

STOP_POLL_SECONDS = 0.05
FUNCTIONS = Path(__file__).resolve().parents[2] / "functions"


class PortTaken(ConfigError):
    """Another program has the port."""


class Server:
    """A threaded WSGI server on 127.0.0.1; applications are mounted by path, before or after it
    starts.

    In front of them is a Gate: requests of this machine alone, and those that act bring the
    server's token. Every request has a connection of its own: werkzeug closes it after the answer,
    which costs 0.1 ms here.

    Args:
        port: 0 takes a free one. Raises PortTaken where the port is taken.
        token: what commands and pushes have to bring; by default a new one.
        pages, token_in_query: see Gate.
    """

    def __init__(
        self, port: int = 0, *, token: str | None = None, pages: Pages = DASHBOARD, token_in_query: bool = False
    ) -> None:
        self.token = token or new_token()
        self._app = DispatcherMiddleware(NotFound("Nothing is mounted at this path."))
        gate = Gate(self._app, lambda: self.port, self.token, pages=pages, token_in_query=token_in_query)
        with closing(_listening(port)) as listening:
            self._server = BoundedServer(listening, gate)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_POLL_SECONDS,), name="server", daemon=True
        )

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def base_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def endpoint(self) -> Endpoint:
        """Where commands of this process reach it."""
        return Endpoint(self.port, self.token)

    def connections(self) -> int:
        """How many connections are open now."""
        return self._server.connections()

    def mount(self, path: str, app: WSGIApplication) -> None:
        """Serve an application under a path such as /functions/grading."""
        self._app.mounts[path] = _mount_at_root(app)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Accept no more requests; those being answered may end by themselves."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()


def _mount_at_root(app: WSGIApplication) -> WSGIApplication:
    """An app whose own root is the path it is mounted at, without a redirect to the path with a
    slash.
    """

    def serve_at_root(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        return app(environ, start_response)

    return serve_at_root


def load_function(name: str, folder: Path) -> WSGIApplication:
    """The app that functions-framework makes of {folder}/{name}/main.py, for its entry point
    `name`.

    The framework is made for one function a process: it leaves its target and signature in the
    environment, the function's folder on sys.path and its module as "main". All of that is put
    back, so the next function starts clean. Raises ConfigError where there is no such file or entry
    point; whatever the module raises when it is loaded.
    """
    source = folder / name / "main.py"
    with _put_back():
        try:
            create_app: Callable[..., WSGIApplication] = functions_framework.create_app
            app = create_app(target=name, source=str(source))
        except functions_framework.exceptions.FunctionsFrameworkException as error:
            raise ConfigError(
                f"The function {name} cannot be loaded: {error}.", next_step=f"give {source} a function {name}."
            ) from error
    return app


def mount_functions(server: Server, names: Iterable[str], folder: Path, pages: Collection[str] = ()) -> None:
    """Load every function and serve it: for pushes at /functions/{name}, those that people ask at
    /{name}.
    """
    for name in names:
        path = f"/{name}" if name in pages else f"/functions/{name}"
        server.mount(path, handling(load_function(name, folder)))


@contextmanager
def _put_back() -> Iterator[None]:
    environment, path, main = dict(os.environ), list(sys.path), sys.modules.get("main")
    os.environ.pop("FUNCTION_SIGNATURE_TYPE", None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        sys.path[:] = path
        sys.modules.pop("main", None)
        if main is not None:
            sys.modules["main"] = main


def _listening(port: int) -> socket.socket:
    try:
        return listen(port)
    except OSError as error:
        raise PortTaken(
            f"Port {port} cannot be used: {error.strerror or error}.",
            next_step="choose another PORT, or 0 for a free one.",
        ) from error
