"""What every command has in common: --json, the place it is about, and how it ends."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from functools import partial, update_wrapper
from typing import Any

import click

from local.console.command import Terminated
from local.console.lines import complain, say, say_json
from local.nba.answer import Answer
from local.nba.place import place_of

Work = Callable[..., Answer]
# In a file or a pipe there is no screen to fit.
WIDTH_OF_FILES = 160


def command(name: str, *, place: bool = True) -> Callable[[Work], click.Command]:
    """Make a click command of a function that returns an Answer.

    Args:
        place: whether it is about a pipeline: it then has --dir, --archive, --project and --prefix,
            and the function gets a Place first.
    """

    def make(work: Work) -> click.Command:
        def call(**given: Any) -> int:
            as_json = given.pop("as_json")
            if place:
                options = {each: given.pop(each) or "" for each in ("folder", "archive", "project", "prefix")}
                given["place"] = place_of(os.environ, **options)
            return run(partial(work, **given), as_json=as_json)

        update_wrapper(call, work)
        decorated = _with_options(call, place=place)
        return click.command(name)(decorated)

    return make


@contextmanager
def kept_when_interrupted(then: str) -> Iterator[None]:
    """Where a signal ends the block, say what is kept of its work, and what to do next.

    A signal anywhere else ends a command without a word: nothing was done.
    """
    try:
        yield
    except (KeyboardInterrupt, Terminated):
        complain(f"Interrupted. {then}")
        raise


def _with_options(call: Callable[..., int], *, place: bool) -> Callable[..., int]:
    wrapped = click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(call)
    if not place:
        return wrapped
    folders = click.Path(file_okay=False)
    for option, name, kind, text in (
        ("--prefix", "prefix", str, "Another environment of the project than the first, such as dev-."),
        ("--project", "project", str, "The pipeline deployed to this project of Google Cloud."),
        ("--archive", "archive", folders, "The state folder of the days of this archive."),
        ("--dir", "folder", folders, "The state folder; by default .local of the project."),
    ):
        wrapped = click.option(option, name, type=kind, help=text)(wrapped)
    return wrapped


def run(work: Callable[[], Answer], *, as_json: bool) -> int:
    """Do a command's work and print its answer; returns the exit code.

    With as_json, standard output has the document and nothing else: what the work says goes to
    standard error.
    """
    with redirect_stdout(sys.stderr) if as_json else nullcontext():
        answer = work()
    if as_json and not answer.streams:
        say_json(answer.document)
    elif not answer.streams:
        _show(answer)
    return answer.code if answer.afterwards is None else answer.afterwards()


def _show(answer: Answer) -> None:
    if answer.show is not None:
        from local.console.plain import open_console  # rich costs a tenth of a second

        answer.show(open_console(WIDTH_OF_FILES))
    if answer.next_command:
        say(f"Next: {answer.next_command}")
