"""Days on a command line."""

from __future__ import annotations

from datetime import date

import click
from click.shell_completion import CompletionItem

from local.host.simulated_time import parse_at
from local.nba import completion
from shared.core.clock import YEARS


class DayType(click.ParamType[date]):
    """A day such as 2025-11-14; those that the state folder has exports of complete."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(str(value))
        except ValueError:
            day = None
        if day is None or day.year not in YEARS:
            self.fail(f"{str(value)[:80]!r} is no day such as 2025-11-14.", param, ctx)
        return day

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        return completion.dates(ctx, param, incomplete)


DAY = DayType()


def write_day(day: date | None) -> str:
    """A day as the API takes it, empty where it is not given."""
    return "" if day is None else day.isoformat()


class MomentType(click.ParamType[str]):
    """A moment such as 2025-11-14T09:00, in New York, or with an offset of its own; as ISO with
    one.
    """

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return parse_at(str(value)).isoformat()
        except ValueError as error:
            self.fail(str(error).removeprefix("AT="), param, ctx)


MOMENT = MomentType()
