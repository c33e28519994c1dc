"""`make dlq`, `redrive`, `sweep`, `pause`, `resume`, `breakers`, `reset-breaker`: what operators
do, on a running runtime, on a state folder, or on Google Cloud (RUNTIME=gcp).

Settings come from the environment: LOCAL_DIR, or RUNTIME and PROJECT_ID, and what each command
names below.
"""

from __future__ import annotations

import getpass
import http.client
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from rich.console import Console
from rich.table import Table

from local.cli.connect import connect
from local.cli.publish import NOT_LOST, CommandRefused, check_response, publish, show
from local.console.command import run_command
from local.console.exit_codes import DONE, FAILED, WRONG_INPUT
from local.console.lines import complain
from local.console.plain import open_console, plain
from local.host import deployed
from local.host.connections import HOST
from local.host.folder_lock import FolderBusy
from local.host.simulated_time import parse_at
from local.host.token import Endpoint
from local.replay import ArchiveError
from shared.core.clock import format_age
from shared.core.errors import ConfigError, PipelineError
from shared.core.pipeline import BATCH_SWEEP, trigger_of

WIDTH_OF_FILES = 160
SWEEP = trigger_of(BATCH_SWEEP)
Environment = Mapping[str, str]


def ask(endpoint: Endpoint, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One request to the runtime's /admin; a POST without a body sends {}.

    Raises CommandRefused for what it calls wrong, StorageFault where the runtime cannot use its
    files, OSError where it fails.
    """
    connection = http.client.HTTPConnection(HOST, endpoint.port)
    try:
        data = json.dumps(body or {}) if method == "POST" else None
        connection.request(method, f"/admin{path}", data, endpoint.headers)
        response = check_response(connection.getresponse(), f"{method} {path}")
        return dict(json.loads(response.read()))
    finally:
        connection.close()


def filters(environment: Environment) -> dict[str, str]:
    """REASON and SUBSCRIPTION, as far as they are given."""
    names = {"reason": "REASON", "subscription": "SUBSCRIPTION"}
    return {key: environment[name] for key, name in names.items() if environment.get(name)}


def sign_action(environment: Environment) -> dict[str, str]:
    """Who acts and why: WHO, else the user of this machine; WHY has to be given. Raises
    CommandRefused.
    """
    why = environment.get("WHY", "").strip()
    if not why:
        raise CommandRefused('Say why, for the audit: WHY="the odds feed is back".')
    return {"who": environment.get("WHO") or getpass.getuser(), "why": why}


# --- commands: each takes the endpoint of a runtime and returns the exit code ---------------------


def dlq(endpoint: Endpoint, environment: Environment, console: Console) -> int:
    """List the dead letters (REASON, SUBSCRIPTION); nothing is taken from them."""
    found = ask(endpoint, "GET", f"/dead-letters?{urlencode(filters(environment))}")
    letters = found["dead_letters"]
    _show_deferred(found["deferred"], console)
    if not letters:
        console.print("No dead letters." if not filters(environment) else "No dead letters such as these.")
        return DONE
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "origin", "reason", "age", "bytes", "error, or data"):
        table.add_column(column, justify="right" if column in ("age", "bytes") else "left", overflow="fold")
    for letter in letters:
        table.add_row(
            *map(
                plain,
                (letter["id"], letter["origin_subscription"], letter["reason"], format_age(letter["age_seconds"])),
            ),
            *(str(letter["size"]), plain(_describe_error(letter))),
        )
    console.print(table)
    console.print(plain(f'{len(letters)} in all. Next: make redrive ID=... (or REASON=..., or ALL=1) WHY="..."'))
    return DONE


def redrive(endpoint: Endpoint, environment: Environment, console: Console) -> int:
    """Publish dead letters once more (ID=..., REASON=..., SUBSCRIPTION=... or ALL=1) and see them
    through.
    """
    ids = environment.get("ID", "").replace(",", " ").split()
    everything = environment.get("ALL") == "1"
    if not (ids or everything or filters(environment)):
        raise CommandRefused("Say which: ID=... (see `make dlq`), REASON=..., SUBSCRIPTION=... or ALL=1.")
    asked = {"ids": ids, "all": everything, **filters(environment), **sign_action(environment)}
    redriven = ask(endpoint, "POST", "/redrive", asked)["redriven"]
    if not redriven:
        console.print("No dead letters such as these.")
        return DONE
    for letter in redriven:
        console.print(plain(f"{letter['id']} of {letter['origin_subscription']}: {letter['message']}"))
    refused = [letter for letter in redriven if not letter["redrivable"]]
    ask(endpoint, "POST", "/idle")
    known = {(letter["subscription"], letter["id"]) for letter in redriven}
    origins = {letter["origin_message_id"] for letter in redriven}
    left = ask(endpoint, "GET", "/dead-letters")
    _show_deferred(left["deferred"], console)
    again = [
        one
        for one in left["dead_letters"]
        if one["origin_message_id"] in origins and (one["subscription"], one["id"]) not in known
    ]
    for letter in again:
        message = f"{letter['reason']}: {letter['error']}"
        complain(f"failed again, now dead letter {letter['id']}: {message}")
    return FAILED if again or refused else DONE


def _describe_error(letter: Mapping[str, Any]) -> str:
    """The error, or the data where none is known; redriven as it is, what the message is to blame
    for comes back.
    """
    message = str(letter["error"] or letter["preview"])
    return f"The message is to blame: {message}" if letter["blames"] == "message" else message


def _show_deferred(deferred: Sequence[Mapping[str, str]], console: Console) -> None:
    """Messages that a pause or an open breaker keeps back: they wait, and are no dead letters."""
    for (function, reason), count in sorted(Counter((one["function"], one["reason"]) for one in deferred).items()):
        console.print(plain(f"held back: {count} of {function} ({reason}); the sweep releases them"))


def pause(endpoint: Endpoint, environment: Environment, console: Console) -> int:
    """Hold new work; what runs finishes, and what comes is kept."""
    return _print_switch(ask(endpoint, "POST", "/pause", sign_action(environment)), console)


def resume(endpoint: Endpoint, environment: Environment, console: Console) -> int:
    """Let new work through again, and release what was held."""
    _print_switch(ask(endpoint, "POST", "/resume", sign_action(environment)), console)
    return sweep(endpoint, environment, console)


def breakers(endpoint: Endpoint, _environment: Environment, console: Console) -> int:
    """List the breakers that have failures, open or not."""
    found = ask(endpoint, "GET", "/breakers")["breakers"]
    for one in found:
        console.print(plain(f"{one['name']}: {one['state']}, {one['failures']} failures in a row, {one['last_error']}"))
    if not found:
        console.print("No breaker has failures.")
    return DONE


def reset_breaker(endpoint: Endpoint, environment: Environment, console: Console) -> int:
    """Close a breaker (NAME=processor-phase1_scrape) once what was broken is mended, and release
    what it held.
    """
    name = environment.get("NAME", "")
    if not name:
        raise CommandRefused("Say which: NAME=... (see `make breakers`).")
    ask(endpoint, "POST", "/reset-breaker", {"name": name, **sign_action(environment)})
    console.print(plain(f"{name} is closed"))
    return sweep(endpoint, environment, console)


def _print_switch(switch: Mapping[str, Any], console: Console) -> int:
    message = f"by {switch['who']}: {switch['reason']}" if "who" in switch else "nobody ever paused"
    console.print(plain(f"{'paused' if switch['paused'] else 'running'}, {message}"))
    return DONE


def sweep(endpoint: Endpoint, environment: Environment, _console: Console) -> int:
    """Sweep now (AT=2025-11-14T18:10), and see what follows through."""
    at = environment.get("AT", "")
    if at:
        parse_at(at)
    asked = {"topic": SWEEP, "message": json.dumps({"game_date": "TODAY"}), "attributes": {}, "at": at}
    return max((show(event) for event in publish(endpoint, asked)), default=FAILED)


COMMANDS: Mapping[str, Callable[[Endpoint, Environment, Console], int]] = {
    "dlq": dlq,
    "redrive": redrive,
    "pause": pause,
    "resume": resume,
    "sweep": sweep,
    "breakers": breakers,
    "reset-breaker": reset_breaker,
}


@contextmanager
def connect_or_serve(environment: Environment) -> Iterator[Endpoint]:
    """The endpoint of the state folder's runtime (see connect); or, with RUNTIME=gcp, of this
    process's way to the deployed pipeline.
    """
    opened = deployed.open_deployed if deployed.is_asked_for(environment) else connect
    with opened(environment) as endpoint:
        yield endpoint


def main(arguments: list[str]) -> int:
    """Exit 0 done, 1 it failed or ended in the dead letters again, 2 wrong input."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        complain(f"Say one of: {', '.join(COMMANDS)}.")
        return WRONG_INPUT
    console = open_console(WIDTH_OF_FILES)
    try:
        with connect_or_serve(os.environ) as endpoint:
            return COMMANDS[arguments[0]](endpoint, os.environ, console)
    except (CommandRefused, ValueError, ConfigError, ArchiveError, FolderBusy) as error:
        complain(error)
        return WRONG_INPUT
    except (PipelineError, OSError, http.client.HTTPException) as error:
        complain(error)
        return FAILED


if __name__ == "__main__":
    sys.exit(run_command(lambda: main(sys.argv[1:]), then=NOT_LOST))
