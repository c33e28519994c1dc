"""Actions: they say why, show what they will do, and ask once."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import click

from local.console.asking import ask_yes, can_ask
from local.console.lines import complain
from local.nba.answer import Answer
from shared.core.errors import DataError

Work = Callable[..., Answer]


class NotConfirmed(DataError):
    """Nobody said yes: nothing was done."""


@dataclass(frozen=True)
class Consent:
    """What a person said of an action: why, and whether to ask."""

    why: str
    yes: bool

    def check(self) -> None:
        """Raises DataError without a reason: the audit has it."""
        if not self.why.strip():
            raise DataError("An action says why, for the audit.", next_step='add --why "the odds feed is back".')

    @property
    def signature(self) -> dict[str, str]:
        """Who and why: WHO, else the user of this machine."""
        self.check()
        return {"who": os.environ.get("WHO") or getpass.getuser(), "why": self.why}

    def ask(self, preview: Sequence[str]) -> None:
        """Show what will be done, and ask, unless --yes has said it.

        Raises NotConfirmed where the answer is no, or nobody is there to answer.
        """
        self.check()
        for sentence in preview:
            complain(sentence)
        if self.yes:
            return
        if not can_ask():
            raise NotConfirmed("Nothing was done: there is no terminal to ask at.", next_step="add --yes.")
        if not ask_yes("Do it?"):
            raise NotConfirmed("Nothing was done.")


def acts(work: Work) -> Work:
    """Give a command --why and --yes; its function gets them as `consent`. A --dry-run needs
    none.
    """

    def call(why: str, yes: bool, **given: Any) -> Answer:
        consent = Consent(why, yes)
        if not given.get("dry_run"):
            consent.check()
        return work(consent=consent, **given)

    update_wrapper(call, work)
    asked = click.option("--yes", "-y", is_flag=True, help="Do not ask: for scripts.")(call)
    return click.option("--why", default="", help="The reason, for the audit. Required.")(asked)
