"""./nba logs: the functions' lines, of the state folder's file or of Cloud Logging."""

from __future__ import annotations

from collections.abc import Iterable

import click

from local.console.lines import say, say_json
from local.nba import completion
from local.nba.answer import Answer
from local.nba.command import command
from local.nba.exit_codes import DONE
from local.nba.log_lines import LEVELS, Line, LogFile, Wanted
from local.nba.place import Place


@command("logs")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C; --json prints a document a line."
)
@click.option("--run", "run_id", default="", help="Of a run; ./nba runs has their names.")
@click.option("--function", default="", help="Of a function.", shell_complete=completion.functions)
@click.option("--level", type=click.Choice(LEVELS, case_sensitive=False), default="INFO", help="From this level on.")
@click.option("--lines", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, the latest.")
@click.pass_context
def logs(
    context: click.Context, place: Place, follow: bool, run_id: str, function: str, level: str, lines: int
) -> Answer:
    """Show the functions' logs."""
    as_json = bool(context.params["as_json"])
    wanted = Wanted(run_id, function, level.upper())
    if place.on_google:
        from local.nba.cloud_logging import CloudLogging

        source: LogFile | CloudLogging = CloudLogging(place.project, place.name_prefix, wanted)
    else:
        source = LogFile(place.folder, wanted)
    found = source.latest(lines)
    document = {"source": source.name, "lines": found}

    def go_on() -> int:
        _print(found, as_json=as_json)
        _print(source.following(), as_json=as_json)
        return DONE

    if follow:
        return Answer(document, DONE, afterwards=go_on, streams=True)
    return Answer(document, DONE, lambda _console: _print(found, as_json=False))


def _print(lines: Iterable[Line], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            say_json(line, indent=None)
        else:
            say(_one(line))


def _one(line: Line) -> str:
    """2025-11-14T08:15:07 WARNING phase3_analytics: what happened; an exception below it."""
    function = f" {line['function']}:" if line.get("function") else ""
    exception = f"\n{line['exception']}" if line.get("exception") else ""
    time = str(line.get("simulated_time") or line.get("time", ""))[:19]
    return f"{time} {line.get('severity', ''):<7}{function} {line.get('message', '')}{exception}"
