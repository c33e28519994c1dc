"""What the files of the official injury report are called: a name says when it was published."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from shared.core.clock import NEW_YORK

# Until then a report stood under its hour and was published half an hour later, each hour; since
# then each quarter of an hour, under its very minute.
LAST_HOURLY_DAY = date(2025, 12, 22)
_HOURLY_MINUTE = 30
_QUARTER = timedelta(minutes=15)
_NAME = re.compile(r"Injury-Report_(\d{4}-\d{2}-\d{2})_(\d{2})(?:_(\d{2}))?(AM|PM)\.pdf")


@dataclass(frozen=True)
class NamedReport:
    """A file as the league calls it, whether it is there or not."""

    name: str
    report_time: datetime
    """What its header should say, UTC."""


def reports_until(moment: datetime) -> Iterator[NamedReport]:
    """The reports that could be published at a moment, the newest first, without end.

    Of the hour that an autumn night has twice there is one file, the later.
    """
    at = moment.astimezone(UTC).replace(second=0, microsecond=0)
    at -= timedelta(minutes=at.minute % 15)
    named: set[str] = set()
    while True:
        name = _name_at(at)
        if name is not None and name not in named:
            named.add(name)
            yield NamedReport(name, at)
        at -= _QUARTER


def _name_at(report_time: datetime) -> str | None:
    """None where no report is published at the moment, a quarter of an hour."""
    local = report_time.astimezone(NEW_YORK)
    if local.date() > LAST_HOURLY_DAY:
        return f"Injury-Report_{local:%Y-%m-%d_%I_%M%p}.pdf"
    return f"Injury-Report_{local:%Y-%m-%d_%I%p}.pdf" if local.minute == _HOURLY_MINUTE else None


def parse_report_name(name: str) -> datetime | None:
    """The time of the report in a file of that name, UTC; None where the league names none so."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    day, hour, minute, half = found.groups()
    try:
        named = datetime.strptime(f"{day} {hour}:{minute or '00'} {half}", "%Y-%m-%d %I:%M %p").replace(tzinfo=NEW_YORK)
    except ValueError:
        return None
    is_hourly = minute is None
    if is_hourly != (named.date() <= LAST_HOURLY_DAY) or timedelta(minutes=named.minute) % _QUARTER:
        return None
    return (named.replace(minute=_HOURLY_MINUTE) if is_hourly else named).astimezone(UTC)
