"""What a command asks: the endpoints of a runtime, found running, opened for the command, or of
this process's way to Google Cloud.
"""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from local.embedded.contents import STATE_FILE, states_beside
from local.host.folder_lock import FolderBusy, lock_folder
from local.host.token import OPERATOR_HEADER, Endpoint
from local.nba.place import Place
from shared.core.errors import ConfigError, DataError, Fatal, NotFound, StoreUnavailable

HOST = "127.0.0.1"
DELIVER = "/admin/publish"
API = "/dashboard/api/v1"
# A runtime loads its functions before it takes commands: about four seconds.
_STARTS_WITHIN_SECONDS, _LOOK_EVERY_SECONDS = 15.0, 0.2


class NoApi(Fatal):
    """The runtime does not answer a call of the API of operations."""


@dataclass(frozen=True)
class Client:
    """Asks a runtime. What it refuses is raised as DataError, what it does not have as NotFound."""

    endpoint: Endpoint

    def read(self, path: str, **query: str) -> Any:
        """GET something of a runtime; a parameter that is empty is not sent.

        Raises DataError, NotFound, StoreUnavailable, OSError; NoApi where the runtime has no such
        call of the API of operations.
        """
        given = {name: value for name, value in query.items() if value}
        return self._ask("GET", f"{path}?{urlencode(given)}" if given else path, None)

    def act(self, path: str, body: Mapping[str, Any] | None = None, who: str = "") -> Any:
        """POST something to a runtime, in somebody's name. Raises as read."""
        return self._ask("POST", path, body or {}, {OPERATOR_HEADER: quote(who)} if who else {})

    def publish(self, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Publish a message and give what follows as it happens: the events of /admin/publish, the
        last one idle or broken.

        Raises DataError, NotFound, StoreUnavailable, OSError.
        """
        with self._request("POST", DELIVER, asked) as response:
            last = ""
            try:
                for line in response:
                    event = dict(json.loads(line))
                    last = event["event"]
                    yield event
            except (OSError, ValueError, http.client.HTTPException) as error:
                yield {"event": "broken", "reason": f"The runtime ended meanwhile ({type(error).__name__})."}
                return
            if last not in ("idle", "broken"):
                yield {"event": "broken", "reason": "The runtime ended meanwhile."}

    def _ask(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> Any:
        with self._request(method, path, body, headers) as response:
            return json.loads(response.read())

    @contextmanager
    def _request(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection(HOST, self.endpoint.port)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {**self.endpoint.headers, **(headers or {})})
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise _refusal(response, f"{method} {path}")
            yield response
        except http.client.HTTPException as error:
            raise OSError(f"The runtime broke off its answer to {method} {path} ({type(error).__name__}).") from error
        finally:
            connection.close()


def _refusal(response: http.client.HTTPResponse, asked: str) -> Exception:
    """What an answer other than 200 is: by its status, with its own sentence."""
    text = response.read()
    try:
        sentence = str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        sentence = ""
    status = response.status
    # an older runtime has no dashboard, or one without this call
    if (
        f" {API}" in asked
        and status == http.client.NOT_FOUND
        and (not sentence or sentence.startswith("The requested URL"))
    ):
        return NoApi(
            f"This runtime does not answer {asked.partition('?')[0]}.",
            next_step="use the release that the runtime has, or deploy this one.",
        )
    if sentence and status == http.client.NOT_FOUND:
        return NotFound(sentence)
    if sentence and status == http.client.SERVICE_UNAVAILABLE:
        return StoreUnavailable(sentence)
    if sentence and 400 <= status < 500:
        return DataError(sentence)
    message = f" {sentence}" if sentence else ""
    return OSError(f"The runtime answered HTTP {status} to {asked}.{message} Next: ./nba logs says why.")


@contextmanager
def open_client(place: Place) -> Iterator[Client]:
    """The client of a place: of Google Cloud as you are signed in; of the runtime that has the
    state folder open; else of one that is opened for the block.

    Raises ConfigError (a folder without state, no project, a process that has the folder open and
    takes no commands), and what opening the stores raises.
    """
    if place.on_google:
        from local.host.deployed import open_deployed  # Google's clients cost a second

        with open_deployed(place.environment) as endpoint:
            yield Client(endpoint)
        return
    check_state(place.folder)
    running = find_running(place.folder)
    if running is not None:
        yield Client(running)
        return
    from local.host.runtime import open_runtime  # DuckDB, pyarrow and sqlglot cost three seconds

    with open_runtime(place.folder) as embedded:
        yield Client(embedded.server.endpoint)


def check_state(folder: Path) -> None:
    """Raises ConfigError for a folder that holds no state: only a day played, or a dashboard
    opened, makes one.
    """
    if not (folder / STATE_FILE).is_file():
        others = states_beside(folder)
        named = f", one of {', '.join(others[:5])}" if others else ""
        raise ConfigError(
            f"{folder} holds no state.", next_step=f"./nba play first, or name its folder with --dir{named}."
        )


def find_running(folder: Path) -> Endpoint | None:
    """Where the runtime that has a state folder open takes commands; None where nobody has it open.

    One that is just starting is waited for. Raises ConfigError where a process has the folder open
    that takes no commands, and where its token cannot be read.
    """
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while True:
        try:
            with lock_folder(folder):
                return None
        except FolderBusy as busy:
            endpoint, owner = busy.endpoint, busy.owner
        if endpoint is not None:
            return endpoint
        if time.monotonic() >= until:
            who = f"process {owner.pid}" if owner else "a process"
            raise ConfigError(
                f"{folder} is in use by {who}, which takes no commands.", next_step="wait for it, or end it."
            )
        time.sleep(_LOOK_EVERY_SECONDS)
