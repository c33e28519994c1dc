"""`make serve`: the runtime up on one port until interrupted (SIGINT or SIGTERM)."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType

from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, TERMINATED, WRONG_INPUT
from local.console.lines import complain, say
from local.host.folder_lock import FolderBusy, state_folder
from local.host.ports import note, port_of
from local.host.runtime import EmbeddedRuntime, open_runtime
from local.host.token import TOKEN_FILE
from local.replay import ArchiveError
from shared.core.errors import ConfigError, PipelineError
from shared.core.pipeline import load_pipeline


def stop_on_signals(embedded: EmbeddedRuntime) -> list[int]:
    """From now on SIGINT and SIGTERM end what is delivered in order; the numbers of those that
    came.
    """
    came: list[int] = []

    def end(number: int, _frame: FrameType | None) -> None:
        came.append(number)
        embedded.dispatcher.stop()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    return came


def deliver_until_stopped(embedded: EmbeddedRuntime, came: Sequence[int], say_so: Callable[[str], None]) -> int:
    """Deliver whatever comes, until a signal (see stop_on_signals), whose number is returned.

    Raises FolderGone soon after somebody removed the state folder; whatever broke the bus.
    """
    embedded.stores.file.on_wait = say_so
    folder = embedded.stores.folder
    try:
        embedded.dispatcher.run_until_stopped(folder.check)
    except PipelineError:
        folder.check()  # what a store says of a folder that is gone is not the cause
        raise
    return came[0] if came else signal.SIGINT


def serve(embedded: EmbeddedRuntime) -> int:
    """Print what is served and deliver whatever comes, until a signal, whose number is returned.

    Raises as deliver_until_stopped.
    """
    came = stop_on_signals(embedded)
    url = embedded.server.base_url
    say(f"Serving {embedded.folder} on {url} at simulated time {embedded.clock.now().isoformat()}")
    for name, function in load_pipeline().functions.items():
        # a browser brings the token once; functions that messages come to ask for it in a header
        opened = f"{url}/{name}/open?token={embedded.server.token}" if function.http else f"{url}/functions/{name}"
        say(f"  {opened}")
    say(f"  {url}/replay/   {url}/admin/status")
    say(f"All but the replay ask for the token in {embedded.folder / TOKEN_FILE}: Authorization: Bearer ...")
    say("Publish with: ./nba publish TOPIC '{...}' --why \"...\". End with Ctrl-C.")
    number = deliver_until_stopped(embedded, came, say)
    say("Ended; what was not delivered yet stays in the queue.")
    return number


def main() -> int:
    """Exit 0 ended by Ctrl-C, 143 by SIGTERM, 1 could not start or its folder was removed, 2 wrong
    input.
    """
    number: int = signal.SIGINT
    try:
        port = port_of(os.environ)
        with open_runtime(state_folder(os.environ), port=port) as embedded:
            message = note(port, embedded.server.port)
            if message:
                say(message)
            number = serve(embedded)
    except (ConfigError, FolderBusy, ArchiveError) as error:
        complain(error)
        return WRONG_INPUT
    except PipelineError as error:
        complain(error)
        return FAILED
    return TERMINATED if number == signal.SIGTERM else DONE


if __name__ == "__main__":
    sys.exit(run_command(main, then="What was not delivered yet stays in the queue."))
