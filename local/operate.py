"""`make dlq`, `redrive`, `sweep`, `pause`, `resume`, `breakers`, `reset-breaker`: what operators do, on a running
runtime, on a state folder, or on Google Cloud (RUNTIME=gcp).

Settings come from the environment: LOCAL_DIR, or RUNTIME and PROJECT_ID, and what each command names below.
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

from local import deployed
from local.admin import parse_at
from local.ownership import FolderBusy, state_folder
from local.publish import DONE, FAILED, INTERRUPTED, NOT_LOST, WRONG_INPUT, Refused, publish, show
from local.replay import ArchiveError
from local.runtime import STATE_FILE, open_runtime
from local.server import HOST
from shared.errors import ConfigError, PipelineError, StorageFault

WIDTH_OF_FILES = 160
SWEEP = "nba-batch-sweep-trigger"
Environment = Mapping[str, str]


def ask(port: int, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """One request to the runtime's /admin. Raises Refused where it was wrong, StorageFault where the runtime
    cannot use its files, OSError where it failed."""
    connection = http.client.HTTPConnection(HOST, port)
    try:
        data = json.dumps(body) if body is not None else None
        connection.request(method, f"/admin{path}", data, {"Content-Type": "application/json"})
        response = connection.getresponse()
        text = response.read()
        if response.status == http.client.OK:
            return dict(json.loads(text))
        if 400 <= response.status < 500:
            raise Refused(json.loads(text)["error"])
        if response.status == http.client.SERVICE_UNAVAILABLE:
            raise StorageFault(json.loads(text)["error"])
        raise OSError(f"The runtime answered HTTP {response.status} to {method} {path}; its log says why.")
    finally:
        connection.close()


def filters(environment: Environment) -> dict[str, str]:
    """REASON and SUBSCRIPTION, as far as they are given."""
    names = {"reason": "REASON", "subscription": "SUBSCRIPTION"}
    return {key: environment[name] for key, name in names.items() if environment.get(name)}


def signed(environment: Environment) -> dict[str, str]:
    """Who acts and why: WHO, else the user of this machine; WHY has to be given. Raises Refused."""
    why = environment.get("WHY", "").strip()
    if not why:
        raise Refused('Say why, for the audit: WHY="the odds feed is back".')
    return {"who": environment.get("WHO") or getpass.getuser(), "why": why}


# --- commands: each takes the port of a runtime and returns the exit code ---------------------------------------


def dlq(port: int, environment: Environment, console: Console) -> int:
    """List the dead letters (REASON, SUBSCRIPTION); nothing is taken from them."""
    found = ask(port, "GET", f"/dead-letters?{urlencode(filters(environment))}")
    letters = found["dead_letters"]
    _show_held(found["held"], console)
    if not letters:
        console.print("No dead letters." if not filters(environment) else "No dead letters such as these.")
        return DONE
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("id", "origin", "reason", "age", "bytes", "error, or data"):
        table.add_column(column, justify="right" if column in ("age", "bytes") else "left", overflow="fold")
    for letter in letters:
        table.add_row(
            *(letter["id"], letter["origin_subscription"], letter["reason"], age(letter["age_seconds"])),
            *(str(letter["size"]), _said(letter)),
        )
    console.print(table)
    console.print(f'{len(letters)} in all. Next: make redrive ID=... (or REASON=..., or ALL=1) WHY="..."')
    return DONE


def redrive(port: int, environment: Environment, console: Console) -> int:
    """Publish dead letters once more (ID=..., REASON=..., SUBSCRIPTION=... or ALL=1) and see them through."""
    ids = environment.get("ID", "").replace(",", " ").split()
    everything = environment.get("ALL") == "1"
    if not (ids or everything or filters(environment)):
        raise Refused("Say which: ID=... (see `make dlq`), REASON=..., SUBSCRIPTION=... or ALL=1.")
    asked = {"ids": ids, "all": everything, **filters(environment), **signed(environment)}
    redriven = ask(port, "POST", "/redrive", asked)["redriven"]
    if not redriven:
        console.print("No dead letters such as these.")
        return DONE
    for letter in redriven:
        console.print(f"{letter['id']} of {letter['origin_subscription']}: {letter['said']}")
    refused = [letter for letter in redriven if not letter["redrivable"]]
    ask(port, "POST", "/idle")
    known = {(letter["subscription"], letter["id"]) for letter in redriven}
    origins = {letter["origin_message_id"] for letter in redriven}
    left = ask(port, "GET", "/dead-letters")
    _show_held(left["held"], console)
    again = [
        one
        for one in left["dead_letters"]
        if one["origin_message_id"] in origins and (one["subscription"], one["id"]) not in known
    ]
    for letter in again:
        said = f"{letter['reason']}: {letter['error']}"
        print(f"failed again, now dead letter {letter['id']}: {said}", file=sys.stderr)
    return FAILED if again or refused else DONE


def _said(letter: Mapping[str, Any]) -> str:
    """The error, or the data where none is known; redriven as it is, what the message is to blame for comes back."""
    said = str(letter["error"] or letter["preview"])
    return f"The message is to blame: {said}" if letter["blames"] == "message" else said


def _show_held(held: Sequence[Mapping[str, str]], console: Console) -> None:
    """Messages that a pause or an open breaker keeps back: they wait, and are no dead letters."""
    for (function, reason), count in sorted(Counter((one["function"], one["reason"]) for one in held).items()):
        console.print(f"held back: {count} of {function} ({reason}); the sweep releases them")


def pause(port: int, environment: Environment, console: Console) -> int:
    """Hold new work; what runs finishes, and what comes is kept."""
    return _switched(ask(port, "POST", "/pause", signed(environment)), console)


def resume(port: int, environment: Environment, console: Console) -> int:
    """Let new work through again, and release what was held."""
    _switched(ask(port, "POST", "/resume", signed(environment)), console)
    return sweep(port, environment, console)


def breakers(port: int, _environment: Environment, console: Console) -> int:
    """List the breakers that have failures, open or not."""
    found = ask(port, "GET", "/breakers")["breakers"]
    for one in found:
        console.print(f"{one['name']}: {one['standing']}, {one['failures']} failures in a row, {one['last_error']}")
    if not found:
        console.print("No breaker has failures.")
    return DONE


def reset_breaker(port: int, environment: Environment, console: Console) -> int:
    """Close a breaker (NAME=processor-phase1_scrape) once what was broken is mended, and release what it held."""
    name = environment.get("NAME", "")
    if not name:
        raise Refused("Say which: NAME=... (see `make breakers`).")
    ask(port, "POST", "/reset-breaker", {"name": name, **signed(environment)})
    console.print(f"{name} is closed")
    return sweep(port, environment, console)


def _switched(switch: Mapping[str, Any], console: Console) -> int:
    said = f"by {switch['who']}: {switch['reason']}" if "who" in switch else "nobody ever paused"
    console.print(f"{'paused' if switch['paused'] else 'running'}, {said}")
    return DONE


def sweep(port: int, environment: Environment, _console: Console) -> int:
    """Sweep now (AT=2025-11-14T18:10), and see what follows through."""
    at = environment.get("AT", "")
    if at:
        parse_at(at)
    asked = {"topic": SWEEP, "message": json.dumps({"game_date": "TODAY"}), "attributes": {}, "at": at}
    return max((show(event) for event in publish(port, asked)), default=FAILED)


COMMANDS: Mapping[str, Callable[[int, Environment, Console], int]] = {
    "dlq": dlq,
    "redrive": redrive,
    "pause": pause,
    "resume": resume,
    "sweep": sweep,
    "breakers": breakers,
    "reset-breaker": reset_breaker,
}


def age(seconds: float | None) -> str:
    """45 s, 12 min, 3 h, 2 d; ? where it is not known."""
    if seconds is None:
        return "?"
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{int(seconds)} s"


@contextmanager
def a_runtime(environment: Environment) -> Iterator[int]:
    """The port of the runtime that has the state folder open, or of one opened for the block; or, with RUNTIME=gcp, of
    this process's way to the deployed pipeline.

    Raises Refused where the folder holds no state: there is nothing to operate on.
    """
    if deployed.is_asked_for(environment):
        with deployed.open_deployed(environment) as port:
            yield port
        return
    folder = state_folder(environment)
    if not (folder / STATE_FILE).is_file():
        raise Refused(f"{folder} holds no state. Next: `make run` first, or say LOCAL_DIR=...")
    try:
        with open_runtime(folder) as embedded:
            yield embedded.server.port
    except FolderBusy as busy:
        if busy.owner is None or not busy.owner.port:
            raise
        yield busy.owner.port


def main(arguments: list[str]) -> int:
    """Exit 0 done, 1 it failed or ended in the dead letters again, 2 wrong input."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(f"Say one of: {', '.join(COMMANDS)}.", file=sys.stderr)
        return WRONG_INPUT
    fits = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(width=None if fits else WIDTH_OF_FILES, highlight=False, markup=False)
    try:
        with a_runtime(os.environ) as port:
            return COMMANDS[arguments[0]](port, os.environ, console)
    except (Refused, ValueError, ConfigError, ArchiveError, FolderBusy) as error:
        print(error, file=sys.stderr)
        return WRONG_INPUT
    except (PipelineError, OSError, http.client.HTTPException) as error:
        print(error, file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print(f"Interrupted. {NOT_LOST}", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
