"""`make run`: plays a day of an archive, or of the simulated league, from scraping to grading the
next morning.

Exit codes: 0 done (also a day without games, which it says), 1 failed, 2 wrong input, 3 done, with
gaps: what the day's last export or its grading lacks, which the last line says. `make` itself ends
with 2 after any of them and names it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from textwrap import shorten
from time import perf_counter

from local.console.command import run_command
from local.console.exit_codes import DONE, WITH_GAPS
from local.console.lines import complain
from local.day.command import RUN_AGAIN, run_on_screen
from local.day.day import Day, RunRecord
from local.day.inputs import Arguments, find_archive, find_date, without_games
from local.day.screen import Screen
from local.day.summary import result, show, summarise, write_summary
from local.host.ports import note
from local.host.runtime import WAREHOUSE_FILE, open_runtime
from local.host.simulation_host import SimulationHost
from local.replay import Archive

A_WEEK = timedelta(days=7)


@contextmanager
def open_host(arguments: Arguments, archive: Path) -> Iterator[SimulationHost]:
    """The embedded runtime, or emulators. Raises what either raises where it cannot be opened."""
    if arguments.emulators:
        # only here are clients of Google Cloud needed
        from local.emulators.emulated.runtime import open_emulated

        with open_emulated(arguments.played_in, archive=archive) as emulated:
            yield emulated
    else:
        with open_runtime(arguments.played_in, archive=archive, port=arguments.port) as embedded:
            message = note(arguments.port, embedded.server.port)
            if message:
                complain(message)
            embedded.playing = "A day"
            yield embedded


def stay(say: Callable[[], None]) -> None:
    """Wait for SIGINT or SIGTERM, also where a shell started this in the background with SIGINT
    ignored.
    """
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda _signal, _frame: ended.set())
    say()
    ended.wait()


def play(arguments: Arguments, screen: Screen) -> int:
    """Play the day and write its summary; the exit code.

    A day without games is answered before history is loaded for it. In a state that lacks a few
    days at most it is played, as on Google Cloud: its exports say that it has none.

    Raises PipelineError for whatever stops it.
    """
    folder = find_archive(arguments, screen)
    archive = Archive(folder)
    game_date = find_date(arguments, archive)
    nothing = without_games(archive, game_date)
    if nothing and not (arguments.played_in / WAREHOUSE_FILE).exists():
        screen.say(nothing)
        return DONE
    started = perf_counter()
    with open_host(arguments, folder) as embedded:
        embedded.stores.file.on_wait = screen.say
        day = Day(embedded, archive, game_date, screen.watch)
        history = day.missing_history(arguments.history_seasons)
        if nothing and any(each.last - each.first >= A_WEEK for each in history):
            screen.say(nothing)
            return DONE
        screen.part("History", len(history))
        history_seconds = 0.0
        for stretch in history:
            loaded = day.load_history(stretch)
            history_seconds += loaded.seconds
            figures = f"{loaded.seconds:.1f} s, {shorten(result(loaded.phases), 70, placeholder=' ...')}"
            screen.step(f"History {stretch.season}, {stretch.first} to {stretch.last}: {figures}")
        training_seconds = 0.0
        if day.needs_training():
            screen.part("Training", 1)
            trained = day.train()
            training_seconds = trained.seconds
            parts = [trained.phases[0]["status"], trained.phases[0]["reason"], f"{training_seconds:.1f} s"]
            screen.step(f"Training: {', '.join(word for word in parts if word)}")
        events = day.events
        screen.part(f"{game_date}", len(events))
        runs: list[RunRecord] = []
        for event in events:
            run = day.play(event)
            runs.append(run)
            screen.step(
                f"{event.at:%Y-%m-%d %H:%MZ} {event.schedule}: {run.seconds:.1f} s, {run.batch_id or 'no batch'}"
            )
        seconds = {"all": perf_counter() - started, "history": history_seconds, "training": training_seconds}
        summary = summarise(embedded, day, folder, runs, seconds)
        write_summary(arguments.played_in, summary)
        day.finish()
        show(screen.console, summary, arguments.played_in)
        if arguments.emulators and arguments.stay:
            stay(lambda: screen.say(f"Up until Ctrl-C. The export again:\n{embedded.retrigger(str(game_date))}"))
    return WITH_GAPS if summary["gaps"] else DONE


def main() -> int:
    """Run from the environment's settings."""
    return run_on_screen(lambda screen: play(Arguments.of(os.environ), screen))


if __name__ == "__main__":
    sys.exit(run_command(main, then=RUN_AGAIN))
