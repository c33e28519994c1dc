"""The program: its commands, and how whatever goes wrong is message and ends."""

from __future__ import annotations

import os
import traceback
from collections.abc import Sequence

import click

from local.console.command import run_command
from local.console.lines import complain, say_json
from local.nba.exit_codes import DONE, FAILED
from local.nba.lazy import LazyGroup, unknown
from local.nba.table import ENTRIES
from shared.core.errors import PipelineError

HELP = """Operate the pipeline: see what is short, and mend it.

It works on the state folder .local (--dir names another), through the runtime that has it open
where there is one; or on Google Cloud (--project, or RUNTIME=gcp and PROJECT_ID). Every command
takes --json. What changes something asks for --why, shows what it will do, and asks once.
"""
EPILOG = "Exit codes: 0 healthy or done, 1 needs attention, 2 failed or wrong input."


def make_program() -> LazyGroup:
    """The group of all commands."""
    return LazyGroup("nba", ENTRIES, about=HELP, epilog=EPILOG)


def main(arguments: Sequence[str]) -> int:
    """Run a command line; returns the exit code (local/nba/exit_codes.py)."""
    instruction = os.environ.get("_NBA_COMPLETE")
    if instruction:
        from local.nba.completion import complete  # reads pipeline.yaml, for the names in it

        return complete(make_program(), instruction)
    return run_command(lambda: _run(list(arguments) or ["--help"]), then="")


def _run(arguments: list[str]) -> int:
    try:
        program = make_program()
        with program.make_context("nba", arguments) as context:
            code = program.invoke(context)
            return code if isinstance(code, int) else DONE
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        return _fail(_usage(error), arguments)
    except (PipelineError, ValueError, OSError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        return _fail(str(error) or type(error).__name__, arguments)
    except Exception as error:
        # a defect: Python would end with 1, which is another answer here
        complain("".join(traceback.format_exception(error)).rstrip())
        raise SystemExit(FAILED) from error


def _fail(sentence: str, arguments: list[str]) -> int:
    complain(sentence)
    if "--json" in arguments:
        say_json({"error": sentence})
    return FAILED


def _usage(error: click.ClickException) -> str:
    """What is wrong with a command line, in one line with the next step."""
    context = getattr(error, "ctx", None)
    asked = f"./{context.command_path}" if context is not None else "./nba"
    message = error.format_message()
    if isinstance(error, click.NoSuchOption):
        message = unknown("option", error.option_name, list(error.possibilities or ()))
    return f"{' '.join(message.split())} Next: {asked} --help"
