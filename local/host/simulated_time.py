"""The moments that simulated time may be set to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from shared.core.clock import FIRST_GAME_DAY, FURTHEST_AHEAD, NEW_YORK, Clock, SystemClock, new_york_date

# Before the first game models are trained and schedules published; after the last its grades come.
MARGIN = timedelta(days=31)
Span = tuple[date, date]


def parse_at(text: str) -> datetime:
    """Parse a moment as AT writes it: 2025-11-14T17:45 in New York, or with an offset of its own.
    Raises ValueError.
    """
    wrong = ValueError(f"AT={text[:80]!r} is no moment such as 2025-11-14T17:45 (New York time).")
    try:
        moment = datetime.fromisoformat(text)
        # in the years 1 and 9999 a zone leads out of the calendar
        meant = (moment if moment.tzinfo else moment.replace(tzinfo=NEW_YORK)).astimezone(UTC)
        shown = meant.astimezone(NEW_YORK).replace(tzinfo=None)
    except (ValueError, OverflowError):
        raise wrong from None
    if moment.tzinfo is None and shown != moment:
        raise ValueError(f"AT={text[:80]!r} is skipped in New York, where summer time begins then; see {shown}.")
    return meant


def check_simulated_time(moment: datetime, archive: Span | None, *, machine: Clock | None = None) -> None:
    """Raises ValueError unless the moment is within a month of an archive's days.

    archive: its first and last day; None where there is no archive: then from the league's first
    game to a year and a half from today. A later moment would be kept, and whatever comes after it
    be refused as too old.
    """
    today = new_york_date((machine or SystemClock()).now())
    first, last = archive or (FIRST_GAME_DAY, today + FURTHEST_AHEAD)
    margin = MARGIN if archive else timedelta(0)
    if not first - margin <= moment.date() <= last + margin:
        what = "the archive's days" if archive else "the days that a game can be of"
        raise ValueError(
            f"AT={moment:%H:%MZ} on {moment.date()} lies outside {what}, {first} to {last}"
            f"{', by more than a month' if archive else ''}. Next: choose a moment within."
        )
