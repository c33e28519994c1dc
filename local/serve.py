"""`make serve`: the runtime up on one port until interrupted (SIGINT or SIGTERM)."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from local.console.lines import complain, say
from local.ownership import FolderBusy, state_folder
from local.replay import ArchiveError
from local.runtime import EmbeddedRuntime, open_runtime
from shared.errors import ConfigError, PipelineError
from shared.pipeline import load_pipeline

LAST_PORT = 65_535


def serve(embedded: EmbeddedRuntime) -> None:
    """Print what is served and deliver whatever comes, until a signal."""

    def end(_signal: int, _frame: FrameType | None) -> None:
        embedded.dispatcher.stop()

    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, end)
    embedded.stores.file.on_wait = lambda text: say(text)
    url = embedded.server.base_url
    say(f"Serving {embedded.folder} on {url} at simulated time {embedded.clock.now().isoformat()}")
    for name in load_pipeline().functions:
        say(f"  {url}/functions/{name}")
    say(f"  {url}/replay/   {url}/admin/status")
    say("Publish with: make publish TOPIC=... MESSAGE='{...}'. End with Ctrl-C.")
    embedded.dispatcher.run_until_stopped()
    say("Ended; what was not delivered yet stays in the queue.")


def main() -> int:
    """Exit 0 ended by a signal, 1 could not start, 2 wrong input."""
    port = os.environ.get("PORT") or "0"
    if not (port.isascii() and port.isdigit()) or int(port) > LAST_PORT:
        complain(f"PORT={port!r} is not a number from 0 to {LAST_PORT}. Leave it out for a free port.")
        return 2
    try:
        with open_runtime(state_folder(os.environ), port=int(port)) as embedded:
            serve(embedded)
    except (ConfigError, FolderBusy, ArchiveError) as error:
        complain(error)
        return 2
    except PipelineError as error:
        complain(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
