"""Actions: they say why, show what they will do, and ask once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any

import click

from local.console.asking import ask_yes, can_ask
from local.console.lines import complain
from local.nba.answer import Answer
from local.nba.place import Place
from shared.core.errors import DataError

Work = Callable[..., Answer]


class NotConfirmed(DataError):
    """Nobody said yes: nothing was done."""


@dataclass(frozen=True)
class Consent:
    """What a person said of an action: why, whether to ask, and who acts where another does."""

    why: str
    yes: bool
    who: str = ""

    def check(self) -> None:
        """Raises DataError without a reason: the audit has it."""
        if not self.why.strip():
            raise DataError("An action says why, for the audit.", next_step='add --why "the odds feed is back".')

    def sign(self, place: Place) -> dict[str, str]:
        """Who and why: --who, WHO, else whoever the place knows. Raises as Place.find_user."""
        self.check()
        return {"who": self.who or place.find_user(), "why": self.why}

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
    """Give a command --why, --who and --yes; its function gets them as `consent`. A --dry-run
    needs none.
    """

    def call(why: str, who: str, yes: bool, **given: Any) -> Answer:
        consent = Consent(why, yes, who)
        if not given.get("dry_run"):
            consent.check()
        return work(consent=consent, **given)

    update_wrapper(call, work)
    asked = click.option("--yes", "-y", is_flag=True, help="Do not ask: for scripts.")(call)
    asked = click.option("--who", default="", help="Who acts, for the audit; by default you.")(asked)
    return click.option("--why", default="", help="The reason, for the audit. Required.")(asked)
