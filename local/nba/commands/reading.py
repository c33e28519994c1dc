"""What the checks find, how long things take, and who did what."""

from __future__ import annotations

from datetime import date

import click
from rich.console import Console

from local.nba import calls, completion
from local.nba.answer import Answer
from local.nba.command import command
from local.nba.days import DAY, write_day
from local.nba.place import Place
from local.nba.rendering import (
    GREEN,
    Column,
    Document,
    Kind,
    attention,
    by_exit_code,
    by_levels,
    format_timestamp,
    hours,
    of,
    percent,
    render,
    times,
)
from local.nba.showing import seconds
from shared.nba.stats import STATS

FINDINGS = Kind(
    rows=lambda document: [finding for check in document["checks"] for finding in check["findings"]],
    columns=(
        Column("level", "level"),
        Column("check", "check"),
        Column("about", "subject"),
        Column("what", "says"),
        Column("next", "next_step"),
    ),
    empty="Nothing was found.",
)
SLOWDOWNS = Kind(
    rows=of("rows"),
    columns=(
        Column("level", "level"),
        Column("function", "function"),
        Column("mode", "mode"),
        Column("seconds", "seconds", seconds),
        Column("usual", "mean_seconds", seconds),
        Column("times", "times", times),
        Column("of time-out", "share", percent),
        Column("what", "says"),
    ),
    empty="Nothing has run lately.",
)
LATENCIES = Kind(
    rows=of("dates"),
    columns=(
        Column("date", "game_date"),
        Column("games", "games"),
        Column("graded", "graded"),
        Column("last end", "last_end", format_timestamp),
        Column("final seen", "final_seen_at", format_timestamp),
        Column("results", "loaded_at", format_timestamp),
        Column("graded at", "graded_at", format_timestamp),
        Column("hours", "seconds", hours),
        Column("waiting", "waiting_seconds", hours),
    ),
    empty="No games in these days.",
)
REGRESSIONS = Kind(
    title="Regressions",
    rows=of("regressions"),
    columns=(
        Column("function", "function"),
        Column("mode", "mode"),
        Column("began", "began_on"),
        Column("ended", "ended_on"),
        Column("times", "times", times),
        Column("what", "says"),
    ),
    empty="None.",
)
_PERIOD = (
    Column("from", "starts_on"),
    Column("function", "function"),
    Column("mode", "mode"),
    Column("runs", "runs"),
    Column("failures", "failures"),
    Column("p50", "p50", seconds),
    Column("p95", "p95", seconds),
    Column("change", "change", percent),
)
WEEKS = Kind(title="By week", rows=of("weeks"), columns=_PERIOD, empty="Nothing has run.")
MONTHS = Kind(title="By month", rows=of("months"), columns=_PERIOD)
AUDIT = Kind(
    rows=of("audit"),
    columns=(
        Column("at", "at", format_timestamp),
        Column("who", "who"),
        Column("action", "action"),
        Column("why", "reason"),
        Column("date", "details.game_date"),
        Column("outcome", "outcome"),
    ),
    empty="Nobody did anything.",
)


@command("health")
@click.option("--window", type=click.IntRange(1, 44_640), default=1_440, show_default=True, help="Minutes back.")
@click.option("--verbose", is_flag=True, help="Also what is green.")
def health(place: Place, window: int, verbose: bool) -> Answer:
    """Run the checks of a morning, of the state store, sources, queues and deployed code."""
    answer = calls.read(place, calls.HEALTH, FINDINGS, code=by_exit_code, window=str(window))
    if verbose:
        return answer

    def show(console: Console) -> None:
        """What needs a person; --json has the whole document."""
        render(console, _without_green(answer.document), [FINDINGS])

    return Answer(answer.document, answer.code, show, f"./nba health --verbose{place.options}")


def _without_green(document: Document) -> Document:
    checks = [
        {**check, "findings": [each for each in check["findings"] if each["level"] != GREEN]}
        for check in document["checks"]
    ]
    return {**document, "checks": checks}


@command("slowdown")
@click.option("--function", default="", help="Of one function.", shell_complete=completion.functions)
def slowdown(place: Place, function: str) -> Answer:
    """Compare each function's latest run with its last seven days and its time-out."""
    slow = "./nba runs --slow"
    return calls.read(place, calls.SLOWDOWN, SLOWDOWNS, code=by_levels("rows"), following=slow, function=function)


@command("latency")
@click.option("--days", type=click.IntRange(1, 400), default=14, show_default=True, help="How many days before today.")
def latency(place: Place, days: int) -> Answer:
    """Show how long games took from their end to their grades, against the six hours' target."""
    return calls.read(place, calls.LATENCY, LATENCIES, code=_of_latency, following="./nba grid", days=str(days))


def _of_latency(found: Document) -> int:
    return attention(any(each["is_over_target"] for each in found["dates"]))


@command("report")
@click.option("--weeks", type=click.IntRange(1, 53), default=8, show_default=True, help="How many weeks.")
def report(place: Place, weeks: int) -> Answer:
    """Report runs, failures and seconds by function, week and month, and the regressions."""
    kinds = (REGRESSIONS, WEEKS, MONTHS)
    return calls.read(place, calls.REPORT, *kinds, code=_of_report, following="./nba slowdown", weeks=str(weeks))


def _of_report(found: Document) -> int:
    """A regression that ended needs nobody."""
    return attention(any(each["ended_on"] is None for each in found["regressions"]))


@command("audit")
@click.option("--limit", type=click.IntRange(1, 1_000), default=100, show_default=True, help="The newest so many.")
def audit(place: Place, limit: int) -> Answer:
    """List what people and recovery functions did on purpose: who, when, what and why."""
    return calls.read(place, calls.AUDIT, AUDIT, limit=str(limit))


PICKS = Kind(
    rows=of("picks"),
    columns=(
        Column("rank", "rank"),
        Column("player", "player"),
        Column("side", "side"),
        Column("line", "line"),
        Column("statistic", "stat"),
        Column("chance", "chance", "{:.1%}".format),
        Column("forecast", "predicted", "{:.1f}".format),
        Column("injuries", "injuries"),
    ),
)
SYSTEMS = Kind(
    rows=of("windows"),
    columns=(
        Column("statistic", "stat"),
        Column("window", "window"),
        Column("system", "system"),
        Column("n", "n"),
        Column("error", "mae", "{:.3f}".format),
        Column("line's", "line_mae", "{:.3f}".format),
        Column("season average's", "season_average_mae", "{:.3f}".format),
    ),
    empty="Nothing is graded.",
)
STARTED = Kind(
    rows=of("actions"),
    columns=(
        Column("at", "at", format_timestamp),
        Column("who", "who"),
        Column("action", "action"),
        Column("why", "why"),
        Column("outcome", "outcome"),
    ),
    empty="Nobody started anything.",
)


@command("picks")
def picks(place: Place) -> Answer:
    """Show tonight's picks as they are exported."""
    return calls.read(place, calls.PICKS, PICKS)


@command("accuracy")
@click.option("--weeks", type=click.IntRange(1, 53), default=8, show_default=True, help="So many weeks.")
@click.option("--stat", type=click.Choice(tuple(STATS)), default=None, help="Of one statistic alone.")
def accuracy(place: Place, weeks: int, stat: str | None) -> Answer:
    """Show the systems' errors beside the line's and the season average's, on the same rows."""
    return calls.read(place, calls.ACCURACY, SYSTEMS, weeks=str(weeks), stat=stat or "")


@command("started")
@click.argument("day", metavar="DATE", type=DAY)
def list_started(place: Place, day: date) -> Answer:
    """List what people started of a date by hand, with why and what came of it."""
    return calls.read(place, calls.ACTIONS_OF_DATE, STARTED, game_date=write_day(day))
