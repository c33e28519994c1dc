"""A click group that imports a command's file when the command is called: --help and completion of
names import none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module

import click


@dataclass(frozen=True)
class Entry:
    """Where a command is and what it does: `path` is module:attribute, `family` its heading in the
    list.
    """

    path: str
    help: str
    family: str


class LazyGroup(click.Group):
    """A group whose commands are a table of entries. `default` is the one that is meant where none
    is named.
    """

    def __init__(
        self, name: str, entries: Mapping[str, Entry], about: str, epilog: str = "", default: str = ""
    ) -> None:
        super().__init__(name, help=about, epilog=epilog, context_settings={"help_option_names": ["-h", "--help"]})
        self.entries = entries
        self.default = default

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and (not args[0].startswith("-") or args[0] in ctx.help_option_names)
        # while a shell completes, a word may still come
        if self.default and not named and not ctx.resilient_parsing:
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.path.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in self.entries and not name.startswith("-") and not ctx.resilient_parsing:
            raise click.UsageError(unknown("command", name, list(self.entries)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for family in dict.fromkeys(entry.family for entry in self.entries.values()):
            with formatter.section(family):
                formatter.write_dl([(n, each.help) for n, each in self.entries.items() if each.family == family])


def unknown(what: str, name: str, names: list[str]) -> str:
    """A sentence on a command or an option that is not there, with the nearest that is."""
    nearest = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"There is no {what} {name!r}{f'; the nearest is {nearest[0]}' if nearest else ''}."
