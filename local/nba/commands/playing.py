"""What is played on this machine: a day, a backtest; and whether two days are the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import click

from local.console.lines import say
from local.nba.answer import Answer
from local.nba.command import WIDTH_OF_FILES, command, kept_when_interrupted
from local.nba.days import DAY
from local.nba.exit_codes import ATTENTION, DONE, OF_OLDER
from local.nba.place import Place

AGAIN = "The same command goes on where it stopped."
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
@click.option("--learn", help="What models learn absences from: lists (the default), or derived from box scores.")
@click.option("--stats", help="Statistics to judge, commas between; by default all.")
def backtest(
    place: Place,
    first: date | None,
    last: date | None,
    history_seasons: int | None,
    learn: str | None,
    stats: str | None,
) -> Answer:
    """Judge the prediction systems on days gone by, of the simulated league or --archive."""
    place.local_only("backtest", "take an archive of its days: --archive.")
    from local.backtest.arguments import Arguments
    from local.backtest.play import play as play_days

    given = {"FROM": first, "TO": last, "HISTORY_SEASONS": history_seasons, "LEARN": learn, "STATS": stats}
    arguments = Arguments.of(_settings(place, **given))
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
