"""Completion in the shell: names of commands, options, dates, phases, functions, topics,
subscriptions.

`./nba completion bash` prints what a shell has to read; the shell then asks the program by an
environment variable, as click does it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import click
from click.shell_completion import BashComplete, CompletionItem, FishComplete, ShellComplete, ZshComplete

from local.console.lines import say
from local.nba.answer import Answer
from local.nba.command import run
from local.nba.place import place_of
from shared.core.clock import SystemClock, new_york_date
from shared.core.pipeline import load_pipeline

COMPLETE_VARIABLE = "_NBA_COMPLETE"
PROGRAM = "nba"
# So many days back are offered where no state says which there are.
_DAYS = 14
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


class _Zsh(ZshComplete):
    """As click's, but for the program: it is asked as it was typed (./nba), and need not be on the
    PATH.
    """

    source_template = re.sub(
        r" *\(\( ! \$\+commands.*\n",
        "",
        ZshComplete.source_template.replace("zsh_complete %(prog_name)s)", 'zsh_complete "${words[1]}")'),
    )


class _Fish(FishComplete):
    """As click's, but for the program: it is asked as it was typed."""

    source_template = FishComplete.source_template.replace(
        "(commandline -t) %(prog_name)s)", "(commandline -t) (commandline -opc)[1])"
    )


class _Bash(BashComplete):
    """As click's; which version of bash reads it is not looked up."""

    def source(self) -> str:
        return ShellComplete.source(self)


SHELLS: dict[str, type[ShellComplete]] = {"bash": _Bash, "zsh": _Zsh, "fish": _Fish}


def complete(program: click.Command, instruction: str) -> int:
    """Answer a shell that completes: bash_complete, zsh_complete, fish_complete. 1 for another
    instruction.
    """
    shell, _, what = instruction.partition("_")
    kind = SHELLS.get(shell)
    if kind is None or what != "complete":
        return 1
    say(kind(program, {}, PROGRAM, COMPLETE_VARIABLE).complete())
    return 0


@click.command("completion")
@click.argument("shell", type=click.Choice(list(SHELLS)))
@click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")
def completion(shell: str, as_json: bool) -> int:
    """Print what a shell reads to complete this command."""
    script = SHELLS[shell](click.Command(PROGRAM), {}, PROGRAM, COMPLETE_VARIABLE).source().strip()
    return run(lambda: Answer({"shell": shell, "script": script}, show=lambda _console: say(script)), as_json=as_json)


# --- what may be said in a place of a command line ------------------------------------------------

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def _offer(names: Callable[[click.Context], Iterable[str]]) -> Complete:
    """What begins as the word that is being typed."""

    def offer(context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        return [CompletionItem(name) for name in names(context) if name.startswith(begun)]

    return offer


def _dates(context: click.Context) -> list[str]:
    """Days that the state folder has exports of, the latest first; else the last two weeks."""
    given = {name: str(context.params.get(name) or "") for name in ("folder", "archive", "project", "prefix")}
    place = place_of(os.environ, **given)
    if not place.on_google and (found := _find_exported(place.folder)):
        return found
    today = new_york_date(SystemClock().now())
    return [str(today - timedelta(days=back)) for back in range(_DAYS)]


def _find_exported(folder: Path) -> list[str]:
    names = (each.name for each in (folder / "exports" / "v1").glob("**/*2*"))
    return sorted({found[0] for name in names if (found := _DATE.search(name))}, reverse=True)


def topic_names() -> list[str]:
    """Topics but those of dead letters."""
    pipeline = load_pipeline()
    dead = {each.dead_letter_topic for each in pipeline.subscriptions.values()}
    return [each for each in pipeline.topics if each not in dead]


dates = _offer(_dates)
functions = _offer(lambda _context: load_pipeline().functions)
phases = _offer(lambda _context: dict.fromkeys(each.phase for each in load_pipeline().functions.values()))
subscriptions = _offer(lambda _context: load_pipeline().subscriptions)
topics = _offer(lambda _context: topic_names())
