"""What is played on this machine: a day, a backtest, a runtime that stays up; and whether two days
are the same.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import click

from local.console.exit_codes import TERMINATED
from local.console.lines import complain, say
from local.embedded.contents import STATE_FILE
from local.host.token import Endpoint
from local.nba.answer import Answer
from local.nba.client import HOST, find_running
from local.nba.command import WIDTH_OF_FILES, command, kept_when_interrupted
from local.nba.days import DAY
from local.nba.exit_codes import ATTENTION, DONE, OF_OLDER
from local.nba.place import Place

AGAIN = "The same command goes on where it stopped."
OPEN = "/dashboard/open"
_seasons = click.option("--history-seasons", type=click.IntRange(0, 20), help="Seasons of history to load before.")


@command("play")
@click.option("--date", "day", type=DAY, help="Which day; by default the archive's last.")
@_seasons
def play(place: Place, day: date | None, history_seasons: int | None) -> Answer:
    """Play a day of the simulated league or of --archive, from scraping to grading."""
    place.local_only("play", "the schedules play there; ./nba rerun starts a phase again.")
    from local.cli import run
    from local.day.inputs import Arguments

    arguments = Arguments.of(_settings(place, DATE=day, HISTORY_SEASONS=history_seasons))
    summary = arguments.played_in / "summary.json"
    before = _written_at(summary)
    with kept_when_interrupted(AGAIN), _screen() as screen:
        code = run.play(arguments, screen)
    written = _written_at(summary) != before
    document = json.loads(summary.read_text(encoding="utf-8")) if written else {"played": False}
    return Answer(document, OF_OLDER[code], next_command=f"./nba status{place.options}" if written else "")


def _written_at(file: Path) -> int:
    return file.stat().st_mtime_ns if file.is_file() else 0


@command("backtest")
@click.option("--from", "first", type=DAY, help="First day; by default of the archive's last season.")
@click.option("--to", "last", type=DAY, help="Last day.")
@_seasons
def backtest(place: Place, first: date | None, last: date | None, history_seasons: int | None) -> Answer:
    """Judge the prediction systems on days gone by, of the simulated league or --archive."""
    place.local_only("backtest", "take an archive of its days: --archive.")
    from local.backtest.arguments import Arguments
    from local.backtest.play import play as play_days

    arguments = Arguments.of(_settings(place, FROM=first, TO=last, HISTORY_SEASONS=history_seasons))
    with kept_when_interrupted(AGAIN), _screen() as screen:
        document = play_days(arguments, screen)
    return Answer(document, ATTENTION if document["alarms"] else DONE)


def _settings(place: Place, **given: Any) -> dict[str, str]:
    """The place's environment with what the command line says besides."""
    return {**place.environment, **{name: str(value) for name, value in given.items() if value not in ("", None)}}


@contextmanager
def _screen() -> Iterator[Any]:
    from local.console.plain import open_console
    from local.day.screen import Screen

    with Screen(open_console(WIDTH_OF_FILES)) as screen:
        yield screen


@command("compare", place=False)
@click.argument("a", type=click.Path(file_okay=False, path_type=Path))
@click.argument("b", type=click.Path(file_okay=False, path_type=Path))
def compare(a: Path, b: Path) -> Answer:
    """Compare predictions, grades and exports of two state folders."""
    from local.cli import compare as older

    compared, differences = older.compare(a, b)
    document = {
        "same": not differences,
        "compared": compared,
        "differences": [asdict(each) for each in differences],
    }

    def show(_console: object) -> None:
        say(*compared, sep="\n")
        for difference in differences[: older.SHOWN]:
            say(difference)
        more = f"; the first {older.SHOWN} are shown" if len(differences) > older.SHOWN else ""
        say(f"Different in {len(differences)} places{more}." if differences else "The same.")

    return Answer(document, ATTENTION if differences else DONE, show)


@command("dashboard")
@click.option("--port", type=click.IntRange(0, 65_535), help="Where to serve; 0 takes a free port.")
def dashboard(place: Place, port: int | None) -> Answer:
    """Open the dashboard: start the runtime, say its address, serve until Ctrl-C."""
    if place.on_google:
        return _proxy(place)
    folder = place.folder
    running = find_running(folder) if (folder / STATE_FILE).is_file() else None
    if running is not None:
        return _address(running, folder, "has it open already")
    from local.cli.serve import deliver_until_stopped, stop_on_signals
    from local.host.ports import note, port_of
    from local.host.runtime import open_runtime

    wanted = port_of(_settings(place, PORT=port))
    with ExitStack() as opening:
        embedded = opening.enter_context(open_runtime(folder, port=wanted))
        if message := note(wanted, embedded.server.port):
            complain(message)
        stack = opening.pop_all()
    came = stop_on_signals(embedded)

    def serve() -> int:
        with stack:
            number = deliver_until_stopped(embedded, came, complain)
        return TERMINATED if number == signal.SIGTERM else DONE

    answer = _address(embedded.server.endpoint, folder, "serves it until Ctrl-C")
    return Answer(answer.document, DONE, answer.show, afterwards=serve)


def _address(endpoint: Endpoint, folder: Path, how: str) -> Answer:
    """The address with the token in it: a browser brings it once, and has a cookie from then
    on.
    """
    address = f"http://{HOST}:{endpoint.port}{OPEN}?{urlencode({'token': endpoint.token})}"
    return Answer(
        {"address": address, "folder": str(folder)},
        DONE,
        lambda _console: say(f"{address} shows {folder}; the runtime {how}."),
    )


def _proxy(place: Place) -> Answer:
    """How the deployed page is opened: through a proxy that brings the caller's identity."""
    call = f"gcloud run services proxy {place.name_prefix}dashboard --project={place.project} --port=8080"
    document = {"command": call, "address": "http://127.0.0.1:8080/"}
    return Answer(document, DONE, lambda _console: say("The page is open to named people alone."), call)
