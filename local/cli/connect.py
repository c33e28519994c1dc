"""The runtime that a command talks to: the one that has the state folder open, or one opened for
the command.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from local.console.lines import complain
from local.embedded.contents import STATE_FILE, states_beside
from local.host.folder_lock import FolderBusy, state_folder
from local.host.ports import note, port_of
from local.host.runtime import open_runtime
from local.host.token import Endpoint
from shared.core.errors import ConfigError


class NoState(ConfigError):
    """There is no state folder where one was named."""


def existing_state(environment: Mapping[str, str]) -> Path:
    """The state folder asked for.

    Raises NoState where it holds no state: only `make run` and `make serve` make one.
    """
    folder = state_folder(environment)
    if (folder / STATE_FILE).is_file():
        return folder
    others = states_beside(folder)
    named = f", one of {', '.join(others[:5])}" if others else ""
    raise NoState(f"{folder} holds no state.", next_step=f"`make run` first, or say LOCAL_DIR=...{named}.")


@contextmanager
def connect(environment: Mapping[str, str]) -> Iterator[Endpoint]:
    """Where the state folder's runtime takes commands, opened for the block where no process has it
    open.

    Raises NoState; FolderBusy where a process has it open that serves nothing; ConfigError,
    ArchiveError.
    """
    port, folder = port_of(environment), existing_state(environment)
    try:
        with open_runtime(folder, port=port) as embedded:
            message = note(port, embedded.server.port)
            if message:
                complain(message)
            yield embedded.server.endpoint
    except FolderBusy as busy:
        endpoint = busy.endpoint
        if endpoint is None:
            raise
        yield endpoint
