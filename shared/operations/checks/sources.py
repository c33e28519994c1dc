"""Freshness of each source: its newest answer against what the schedules should have brought.

A source is due once a run that asks for it fell due and had half an hour; where no game is played,
as in summer, nothing is. Results of a game that was not final then are due with the next run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from shared.core.clock import new_york_date
from shared.core.errors import split_next_step
from shared.core.redaction import excerpt
from shared.operations.checks.days import SETTLED
from shared.operations.checks.readings import LONGEST_BREAK
from shared.operations.checks.rows import SourceRow
from shared.operations.checks.texts import act_text, clock_text, span_text
from shared.operations.checks.view import View
from shared.operations.levels import Check, Finding, Level, Severity
from shared.operations.schedules.firings import Firing

CHECK = "source-fresh"
# A schedule or a list of half a day still serves; an older one does not know what has happened
# since.
IN_FORCE = timedelta(hours=12)
# A report is published each quarter of an hour, and phase 1 asks two hours back.
REPORT_REACH = timedelta(hours=2)
# Runs of these modes find the day's lists and lines opened; of tomorrow's books may have none yet.
OF_THE_DAY = ("overnight", "same_day")
RESULTS = ("results",)
SCHEDULE = "nbac_schedule"
_LONGEST = 300
NOTHING_RAN = "nothing ran here when the last run fell due"
# So far back the newest due run lies at most: each mode has one a day at least.
_A_DAY = timedelta(hours=36)


@dataclass(frozen=True)
class Source:
    """A source as the warehouse holds it."""

    name: str
    find: Callable[[View, Source], Finding]
    breaker: str
    """Of phase 1, which leaves the source alone while it is open."""
    tasks: tuple[str, ...]
    """What phase 1 calls its parts where one fails."""

    def finding(
        self,
        level: Level,
        says: str,
        step: str = "",
        due: Firing | None = None,
        day: date | None = None,
        severity: Severity = Severity.WARNING,
    ) -> Finding:
        """A finding about the source; `due`: the run that should have brought it."""
        figures = {"breaker": self.breaker, "schedule": None if due is None else due.schedule.name}
        return Finding(CHECK, self.name, level, says, step, figures, severity, day)


def find_sources(view: View) -> Iterable[Finding]:
    return [source.find(view, source) for source in SOURCES]


def _newest_due(view: View, modes: tuple[str, ...]) -> Firing | None:
    """The newest run of these modes that should be through."""
    due = [each for each in view.firings(view.now - _A_DAY, modes) if each.at + SETTLED <= view.now]
    return due[-1] if due else None


def _is_before_all(view: View, due: Firing) -> bool:
    """Whether a run fell due before anything ran here: nobody could have begun it. Asked last, for
    it reads the state, which may be what is down.
    """
    return view.began is not None and due.at < view.began


def _not_due(source: Source, newest: SourceRow | None, why: str) -> Finding:
    known = "" if newest is None else f"; the newest is of {clock_text(newest.newest_at)}"
    return source.finding(Level.GREEN, f"nothing due: {why}{known}")


def _of(source: Source, newest: SourceRow) -> Finding:
    return source.finding(Level.GREEN, f"the newest is of {clock_text(newest.newest_at)}")


def _late(source: Source, view: View, due: Firing, newest: datetime | None, day: date) -> Finding:
    """Yellow while what is there still serves; `day` is what phase 1 is to be run for again."""
    why = _why(source, view, due)
    asked, step = f"{due.schedule.name} was due at {clock_text(due.at)}{why.says}", why.step(day)
    if newest is None:
        says = f"there is no answer about {due.day}, and {asked}"
        return source.finding(Level.RED, says, step, due, due.day, Severity.ERROR)
    age = view.now - newest
    says = f"the newest about {due.day} is of {clock_text(newest)}, {span_text(age)} old, and {asked}"
    if age <= IN_FORCE:
        return source.finding(Level.YELLOW, says, step, due, due.day)
    return source.finding(Level.RED, says, step, due, due.day, Severity.ERROR)


@dataclass(frozen=True)
class _Why:
    """What phase 1 said of a source that did not answer; empty where it said nothing."""

    reason: str = ""
    mend: str = ""

    @property
    def says(self) -> str:
        return f"; phase 1 says: {self.reason}" if self.reason else ""

    def step(self, day: date) -> str:
        first = self.mend.rstrip(".") or "./nba breakers"
        return f"{first}; then {act_text('rerun', str(day), 'phase1')}"


def _why(source: Source, view: View, due: Firing) -> _Why:
    """Of the run that should have brought it, or of one by hand since."""
    fired = view.fired.get(due.schedule.name)
    if fired is None or fired.ran is None or fired.due.at != due.at:
        return _Why()
    failed = fired.ran.metadata.get("failed")
    texts = [failed[task] for task in source.tasks if task in failed] if isinstance(failed, Mapping) else []
    reason, mend = split_next_step(str(texts[0]) if texts else "")
    return _Why(excerpt(reason, _LONGEST), excerpt(mend, _LONGEST))


def _find_schedule(view: View, source: Source) -> Finding:
    """Every run asks for it."""
    newest, today = view.sources.get((source.name, None)), new_york_date(view.now)
    due = _newest_due(view, tuple(view.pipeline.modes))
    if due is None:
        return _not_due(source, newest, "no run fell due")
    if newest is not None and newest.newest_at >= due.at:
        return _of(source, newest)
    played = [day for day, games in view.games.items() if games.games]
    if newest is not None and not any(abs(day - today) <= LONGEST_BREAK for day in played):
        return _not_due(source, newest, view.describe_no_games(today))
    if _is_before_all(view, due):
        return _not_due(source, newest, NOTHING_RAN)
    if newest is None:
        why = _why(source, view, due)
        says = f"no schedule is loaded, and {due.schedule.name} was due at {clock_text(due.at)}{why.says}"
        return source.finding(Level.RED, says, why.step(today), due, severity=Severity.ERROR)
    return _late(source, view, due, newest.newest_at, today)


def _find_of_the_day(view: View, source: Source) -> Finding:
    """Injuries and lines of the newest date that was to be predicted, while it had games to
    come.
    """
    due = _newest_due(view, OF_THE_DAY)
    if due is None:
        return _not_due(source, None, "no prediction run fell due")
    newest = view.sources.get((source.name, due.day))
    if newest is not None and newest.newest_at >= due.at:
        return _of(source, newest)
    needless = _why_not_due(view, due)
    if needless:
        return _not_due(source, newest, needless)
    at = None if newest is None else newest.newest_at
    return _late(source, view, due, at, due.day)


def _why_not_due(view: View, due: Firing) -> str:
    """Why a run had no games to come to ask about; empty where it had."""
    games = view.games_of(due.day)
    if not games.games:
        return _describe(view, due.day)
    if games.last_tipoff is not None and games.last_tipoff <= due.at + SETTLED:
        return f"all games of {due.day} had begun when {due.schedule.name} was due"
    return NOTHING_RAN if _is_before_all(view, due) else ""


def _find_official_report(view: View, source: Source) -> Finding:
    """The league's own report, which counts before ESPN's list and without which that serves; one
    that was not understood is as if there were none.
    """
    if not view.runtime.settings.official_reports_base_url:
        return _not_due(source, None, "the source is switched off (OFFICIAL_REPORTS_BASE_URL)")
    due = _newest_due(view, OF_THE_DAY)
    if due is None:
        return _not_due(source, None, "no prediction run fell due")
    newest = view.sources.get((source.name, due.day))
    if newest is not None and newest.newest_at >= due.at - REPORT_REACH:
        return _of(source, newest)
    needless = _why_not_due(view, due)
    if needless:
        return _not_due(source, newest, needless)
    why = _why(source, view, due)
    found = f"the newest is of {clock_text(newest.newest_at)}" if newest is not None else "there is none"
    says = f"of the reports about {due.day} {found}, and {due.schedule.name} was due at {clock_text(due.at)}"
    return source.finding(Level.YELLOW, f"{says}; ESPN's list has to serve{why.says}", why.step(due.day), due, due.day)


def _describe(view: View, day: date) -> str:
    """Why a date has nothing to ask for."""
    called_off = view.games_of(day).called_off_games
    if called_off:
        return f"none of the {called_off} games of {day} takes place"
    return f"{day} has {view.describe_no_games(day)}" if view.games else f"{day} has no games that anybody knows of"


def _find_box_scores(view: View, source: Source) -> Finding:
    """Both teams and the players of every game of the day that results were due for."""
    due = _newest_due(view, RESULTS)
    if due is None:
        return _not_due(source, None, "no results fell due")
    games = view.games_of(due.day)
    tables = [view.sources.get((name, due.day)) for name in ("player_boxscores", "team_boxscores")]
    known = [each for each in tables if each is not None]
    if not games.games:
        return _not_due(source, None, _describe(view, due.day))
    have = min(each.games if each is not None else 0 for each in tables)
    if have >= games.games:
        return _of(source, max(known, key=lambda each: each.newest_at))
    if _is_before_all(view, due):
        return _not_due(source, None, NOTHING_RAN)
    says, again = f"box scores of {have} of {games.games} games of {due.day} are loaded", view.find_following(due)
    if again is not None and _is_rest_to_come(view, due, have):
        return source.finding(Level.GREEN, f"{says}, {_describe_rest(again)}")
    why = _why(source, view, due)
    says = f"{says}, and {due.schedule.name} was due at {clock_text(due.at)}{why.says}"
    if again is None:
        return source.finding(Level.RED, says, why.step(due.day), due, due.day, Severity.ERROR)
    says = f"{says}; {again.schedule.name} asks again at {clock_text(again.at)}"
    return source.finding(Level.YELLOW, says, why.step(due.day), due, due.day)


def _is_rest_to_come(view: View, due: Firing, have: int) -> bool:
    """Whether there is all of the games that are final, by a schedule as new as the run."""
    schedule = view.sources.get((SCHEDULE, None))
    return schedule is not None and schedule.newest_at >= due.at and have >= view.games_of(due.day).final_games


def _describe_rest(again: Firing) -> str:
    return f"the rest was not final; {again.schedule.name} asks again at {clock_text(again.at)}"


def _find_zones(view: View, source: Source) -> Finding:
    """Optional: not asked for without its address, and seasons are missing from it."""
    due = _newest_due(view, RESULTS)
    newest = max(
        (row for (name, _), row in view.sources.items() if name == source.name),
        key=lambda row: row.newest_at,
        default=None,
    )
    if not view.runtime.settings.zones_base_url:
        return _not_due(source, newest, "the optional source is not configured (ZONES_BASE_URL)")
    if due is None or not view.games_of(due.day).games:
        why = "no results fell due" if due is None else _describe(view, due.day)
        return _not_due(source, newest, why)
    if newest is None:
        return _not_due(source, None, f"it has nothing of the last {LONGEST_BREAK.days} days: a season may be missing")
    found, games = view.sources.get((source.name, due.day)), view.games_of(due.day)
    if found is not None and found.games >= games.games:
        return _of(source, found)
    if _is_before_all(view, due):
        return _not_due(source, newest, NOTHING_RAN)
    have = 0 if found is None else found.games
    loaded, again = f"shot zones of {have} of {games.games} games of {due.day} are loaded", view.find_following(due)
    if again is not None and _is_rest_to_come(view, due, have):
        return source.finding(Level.GREEN, f"{loaded}, {_describe_rest(again)}")
    says = f"{loaded}; features go without the rest"
    return source.finding(Level.YELLOW, says, _why(source, view, due).step(due.day), due, due.day)


SOURCES = (
    Source(SCHEDULE, _find_schedule, "source-nba", ("schedule",)),
    Source("box_scores", _find_box_scores, "source-nba", ("player_boxscores", "team_boxscores")),
    Source("official_report", _find_official_report, "source-official", ("official_report",)),
    Source("injury_report", _find_of_the_day, "source-espn", ("injuries",)),
    Source("player_lines", _find_of_the_day, "source-odds_api", ("odds",)),
    Source("game_lines", _find_of_the_day, "source-odds_api", ("odds",)),
    Source("shot_zones", _find_zones, "source-zones", ("shot_zones",)),
)
CHECKS: tuple[Check[View], ...] = (Check(CHECK, "Is each source as new as the schedules ask?", find_sources),)
