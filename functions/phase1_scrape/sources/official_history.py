"""The official injury report's past: of each day with games the reports in force at 11:00, at 17:30
and just before each tip-off.

A day has one file with all of them. What was published does not change, so a report that any file
of the day has is not asked for again, nor a name that was not there long after its time. The
league keeps its reports for some months only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import islice

from functions.phase1_scrape.fetch import Fetch, Harvest
from functions.phase1_scrape.http_client import CONNECTIONS, Allowance, SourceClient
from functions.phase1_scrape.sources.official_reports import KIND, MOST_REQUESTS, RESPONSE, SOURCE, check_pdf
from functions.phase1_scrape.sources.patience import NotTried, Patience
from shared.core.clock import HISTORICAL_CUTOFF, assumed_tipoff, at_new_york
from shared.core.concurrency import each, in_order
from shared.core.errors import DataError, SourceUnavailable
from shared.nba.injury_report.names import NamedReport, reports_until
from shared.nba.schedule import ScheduledGame
from shared.stores.raw_files import RawContent, RawFile, Response, parse_raw_path

logger = logging.getLogger(__name__)

# Of the days before, nobody has ever seen one.
FIRST_DAY = date(2019, 12, 18)
_MORNING = time(11, 0)
_BEFORE = timedelta(seconds=1)
# A report that is not there so long after its time will not come any more.
_SETTLED = timedelta(hours=1)


@dataclass
class _Day:
    """What is known of a day's reports, by their names."""

    day: date
    answers: dict[str, Response] = field(default_factory=dict)
    absent: dict[str, datetime] = field(default_factory=dict)
    """When it was asked for and not there, by files whose other reports were: else the source may
    only have refused the address.
    """
    gone: set[str] = field(default_factory=set)
    """Those of them that will not come any more."""
    absent_now: set[str] = field(default_factory=set)
    files: dict[str, frozenset[str]] = field(default_factory=dict)
    """What the files of earlier executions hold, by path, the oldest first."""
    asked: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    news: bool = False
    """Whether a report came that no file has."""

    def add_file(self, path: str, content: RawContent) -> None:
        reports = {str(answer.request.get("path", ""))[1:]: answer for answer in content.answers_named(RESPONSE)}
        for name, answer in reports.items():
            self.answers[name] = Response(RESPONSE, answer.request, {}, json.dumps(answer.body).encode())
        self.absent |= dict.fromkeys(content.failed, content.fetched_at)
        self.files[path] = frozenset(reports)

    def is_to_be_asked(self, report: NamedReport) -> bool:
        asked_at = self.absent.get(report.name)
        if asked_at is not None and asked_at >= report.report_time + _SETTLED:
            self.gone.add(report.name)
        return report.name not in self.asked | self.gone


def fetch_past_reports(fetch: Fetch, official: SourceClient, games: Sequence[ScheduledGame]) -> Harvest:
    """The reports of all days with games; a retry, or publishing again, asks for those that are
    missing.

    A day without any is noted: it is too long ago, or the source refuses this address. What could
    not be had otherwise is the harvest's failure. Raises SourceUnavailable where something failed
    and nothing is there of any day.
    """
    by_day: dict[date, list[ScheduledGame]] = {}
    for game in games:
        if game.game_date >= FIRST_DAY:
            by_day.setdefault(game.game_date, []).append(game)
    before = len({game.game_date for game in games if game.game_date < FIRST_DAY})
    notes = {"before_history": f"{before} days before {FIRST_DAY}, from which on there are reports"} if before else {}
    days = sorted(by_day)
    known = {day: _Day(day) for day in days}
    for path in fetch.raw.snapshots(SOURCE, KIND, fetch.now()):
        day = parse_raw_path(path)[2]
        if day in known:
            _read_kept(fetch, known[day], path)
    patience = Patience()
    tasks = {day: partial(_fetch_day, fetch, official, known[day], by_day[day], patience) for day in days}
    found = in_order(each(tasks, CONNECTIONS), days)
    files = tuple(file for file in found.values() if isinstance(file, RawFile))
    failed = {day: next(iter(each_day.failed.values())) for day, each_day in known.items() if each_day.failed}
    failure = f"{len(failed)} of {len(days)} days failed, {min(failed)} so: {failed[min(failed)]}" if failed else ""
    if failure and not files:
        raise SourceUnavailable(failure)
    return Harvest(files, failure, notes | _notes(known, found))


def _notes(known: Mapping[date, _Day], found: Mapping[date, RawFile | SourceUnavailable | None]) -> dict[str, str]:
    notes = {}
    without = [day for day, file in found.items() if file is None and not known[day].failed]
    if without:
        notes["no_report"] = (
            f"{len(without)} of {len(found)} days have no report, {without[0]} the first: the league has none so old,"
            " or refuses this address"
        )
    kept = sum(len(day.answers) for day in known.values() if day.files and not day.news)
    if kept:
        notes["kept"] = f"{kept} reports are there from earlier runs and were not asked for again"
    return notes


def _read_kept(fetch: Fetch, known: _Day, path: str) -> None:
    """A file that cannot be read is left aside: its reports are asked for anew."""
    try:
        known.add_file(path, fetch.raw.read(path))
    except DataError as error:
        logger.warning("%s is fetched anew: %s", known.day, error)


def _fetch_day(
    fetch: Fetch, official: SourceClient, known: _Day, games: Sequence[ScheduledGame], patience: Patience
) -> RawFile | None:
    """The day's file: one that is there where it has all, else a new one with all that is known;
    None where there is no report.
    """
    fixed, tipoffs = _list_times(known.day, games, fetch.now())
    needed = {_find(fetch, official, known, moment, patience) for moment in fixed}
    if needed != {None}:  # else the league has nothing so old
        needed |= {_find(fetch, official, known, moment, patience) for moment in tipoffs}
    names = {name for name in needed if name is not None}
    if not names:
        return None
    whole = [path for path, reports in known.files.items() if names <= reports]
    if whole and not known.news:
        return RawFile(SOURCE, KIND, known.day, whole[-1], len(known.files[whole[-1]]))
    responses = [known.answers[name] for name in sorted(names)]
    gone = dict.fromkeys(sorted(known.gone | (known.absent_now if known.news else set())), "not there")
    return fetch.raw.write(SOURCE, KIND, known.day, fetch.now(), responses, len(responses), gone)


def _list_times(day: date, games: Sequence[ScheduledGame], now: datetime) -> tuple[list[datetime], list[datetime]]:
    """The day's own moments, and those before tip-offs, as far as they are over.

    A report of a moment of the day's own counts: who looks at a past day asks what was known a
    second after it. One of the tip-off itself came too late for any run.
    """
    fixed = [at_new_york(day, clock) for clock in (HISTORICAL_CUTOFF, _MORNING)]
    tipoffs = {game.tipoff_at or assumed_tipoff(day) for game in games}
    before = [tipoff - _BEFORE for tipoff in sorted(tipoffs)]
    return [moment for moment in fixed if moment <= now], [moment for moment in before if moment <= now]


def _find(fetch: Fetch, official: SourceClient, known: _Day, moment: datetime, patience: Patience) -> str | None:
    """The name of the newest report at a moment, asked for where no file has it; None: there is
    none.
    """
    for report in islice(reports_until(moment), MOST_REQUESTS):
        if report.name in known.answers:
            return report.name
        if not known.is_to_be_asked(report):
            continue
        known.asked.add(report.name)
        try:
            patience.check(known.day)
            file = official.get_file(f"/{report.name}", check_pdf, Allowance(MOST_REQUESTS))
        except SourceUnavailable as error:
            patience.note(error)
            known.failed[report.name] = str(error)
            if isinstance(error, NotTried):
                return None
            continue
        if file is None:
            known.absent_now.add(report.name)
        else:
            known.news = True
            known.answers[report.name] = file.as_response(RESPONSE)
            return report.name
    return None
