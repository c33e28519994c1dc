"""Phase 1: the schedule first, since it says what there is to ask for; then the mode's other
sources in parallel.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

from functions.phase1_scrape.fetch import Fetch, Harvest, open_fetch
from functions.phase1_scrape.sources.box_scores import Games, fetch_box_scores
from functions.phase1_scrape.sources.injuries import fetch_injuries
from functions.phase1_scrape.sources.odds import fetch_live_odds
from functions.phase1_scrape.sources.odds_history import fetch_past_odds
from functions.phase1_scrape.sources.official_history import fetch_past_reports
from functions.phase1_scrape.sources.official_reports import fetch_official_report
from functions.phase1_scrape.sources.schedule import (
    SeasonSchedule,
    fetch_schedule,
    read_newest_schedule,
    read_settled_schedule,
)
from functions.phase1_scrape.sources.shot_zones import fetch_shot_zones
from shared.chain.execution.context import Context, Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.clock import GAME_LENGTH, assumed_tipoff
from shared.core.concurrency import each, in_order
from shared.core.errors import SourceUnavailable
from shared.core.events import Event
from shared.nba.schedule import ScheduledGame, season_of, season_type_of, seasons_between
from shared.stores.ports import DateRange
from shared.stores.raw_files import RawFile

logger = logging.getLogger(__name__)

Task = Callable[[], Harvest]
# Without these the day is not worth going on with while a retry may still bring them.
REQUIRED = ("player_boxscores", "team_boxscores")
# The modes about games that are over.
_LOOK_BACK = ("results", "backfill")
# An age in hours says more up to two days.
_DAYS_FROM = 48


@dataclass(frozen=True)
class Plan:
    """What to fetch beyond the schedule, by name; or, with `nothing`, why there is nothing to
    fetch.
    """

    tasks: Mapping[str, Task]
    nothing: str = ""
    event: Event | None = None


def run(message: PhaseMessage, context: Context) -> Outcome:
    """Fetch all sources of the run's mode into the raw bucket and announce the files.

    Where the schedule fails the run goes on, partial, with the newest one of the season that the
    bucket has, and says how old that is. Raises SourceUnavailable (the delivery is retried, and
    fetches only what is missing) where there is none, where box scores fail or an older schedule is
    not enough and the message has attempts left. Other failures make the run partial.
    """
    with open_fetch(context, use_kept=message.use_kept and context.mode == "backfill") as fetch:
        schedules, failed = _schedules(fetch, context.dates)
        plan = _plan(fetch, context, schedules)
        if failed and not context.last_attempt and not _is_enough(plan, context, schedules):
            raise SourceUnavailable(
                f"{failed['schedule']}, which does not know how the days ended, or of any game.",
                next_step="the delivery is retried; at its last attempt the run goes on with that schedule.",
            )
        names = list(plan.tasks)
        results = in_order(each(plan.tasks, len(names)), names)
        quota, unread_quota = fetch.odds.quota, fetch.odds.unread_quota
    failed |= {name: str(error) for name, error in results.items() if isinstance(error, SourceUnavailable)}
    harvests = {name: harvest for name, harvest in results.items() if isinstance(harvest, Harvest)}
    _raise_if_worth_a_retry(failed, context)
    failed |= {name: harvest.failure for name, harvest in harvests.items() if harvest.failure}
    files = [*(schedule.file for schedule in schedules), *(f for harvest in harvests.values() for f in harvest.files)]
    metadata = _metadata(files, failed, harvests, schedules, quota)
    if unread_quota:
        metadata["notes"]["quota"] = {name: f"{text!r} is no number" for name, text in unread_quota.items()}
    rows = sum(file.rows for file in files)
    if quota:
        logger.info("quota of The Odds API", extra={"fields": quota})
    reason = "; ".join(f"{name}: {why}" for name, why in failed.items())
    if plan.nothing:
        nothing = "; ".join(filter(None, [plan.nothing, reason]))
        return Outcome("no_data", record_count=0, reason=nothing, metadata=metadata, event=plan.event)
    return Outcome("partial" if failed else "success", record_count=rows, reason=reason, metadata=metadata)


def _raise_if_worth_a_retry(failed: Mapping[str, str], context: Context) -> None:
    required = [name for name in failed if name in REQUIRED]
    if required and not context.last_attempt:
        raise SourceUnavailable(
            "; ".join(f"{name}: {failed[name]}" for name in required),
            next_step="the delivery is retried; what was fetched is kept and not fetched again.",
        )


def _schedules(fetch: Fetch, dates: DateRange) -> tuple[list[SeasonSchedule], dict[str, str]]:
    """The schedule of every season in the range, each kept under its first day of the range; and
    what failed.

    Where NBA.com does not give one, the newest that is known stands in for it. Raises
    SourceUnavailable where there is none.
    """
    seasons = seasons_between(dates.first, dates.last)
    days = {season: max(dates.first, _season_begin(season)) for season in seasons}
    fetched = partial(_schedule, fetch, dates)
    tasks = {season: fetch.watch("nba", partial(fetched, season, days[season])) for season in seasons}
    schedules, failed = [], []
    for season, found in in_order(each(tasks, len(tasks)), seasons).items():
        if not isinstance(found, SourceUnavailable):
            schedules.append(found)
            continue
        known = read_newest_schedule(fetch, season)
        if known is None or known.known_at is None:
            raise SourceUnavailable(f"schedule of {season}: {found}") from found
        schedules.append(known)
        failed.append(f"{found.message} The run goes on with {_how_old(season, known.known_at, fetch.now())}")
    return schedules, {"schedule": "; ".join(failed)} if failed else {}


def _schedule(fetch: Fetch, dates: DateRange, season: str, day: date) -> SeasonSchedule:
    """The schedule as it is now; where kept files serve, one that knows how all the days ended."""
    kept = read_settled_schedule(fetch, season, dates) if fetch.use_kept else None
    return kept or fetch_schedule(fetch, season, day)


def _how_old(season: str, known_at: datetime, now: datetime) -> str:
    hours = (now - known_at).total_seconds() / 3600
    age = f"{hours:.1f} hours" if hours < _DAYS_FROM else f"{hours / 24:.1f} days"
    return f"the schedule of {season} as it was at {known_at:%Y-%m-%dT%H:%M:%SZ}, {age} old"


def _is_enough(plan: Plan, context: Context, schedules: Sequence[SeasonSchedule]) -> bool:
    """Whether what an older schedule knows will do while a retry may still bring the one of now.

    For what is to come it does: nothing waits for the rest of a day. That a game is over, and how
    it ended, it has to say itself where results are what the run is for: they are graded by that.
    That there is nothing to do it may be wrong about.
    """
    if plan.nothing:
        return False
    known = [game for s in schedules if s.known_at for game in s.games if _is_in(context.dates, game) and game.counts]
    return context.mode not in _LOOK_BACK or all(game.status == "final" for game in known)


def _is_in(dates: DateRange, game: ScheduledGame) -> bool:
    return dates.first <= game.game_date <= dates.last


def _is_final(game: ScheduledGame, schedule: SeasonSchedule, now: datetime) -> bool:
    """Whether a game is over: its schedule says so or, where that is an older one, the clock
    does.
    """
    if game.status == "final" or schedule.known_at is None:
        return game.status == "final"
    return (game.tipoff_at or assumed_tipoff(game.game_date)) + GAME_LENGTH <= now


def _season_begin(season: str) -> date:
    """The first day that season_of counts as the season's."""
    day = date(int(season[:4]), 9, 1)
    return day if season_of(day) == season else date(int(season[:4]), 11, 1)


def _plan(fetch: Fetch, context: Context, schedules: Sequence[SeasonSchedule]) -> Plan:
    dates, now = context.dates, fetch.now()
    label = f"{'on' if dates.first == dates.last else 'from'} {dates}"
    listed = [g for s in schedules for g in s.games if _is_in(dates, g)]
    games = [game for game in listed if game.counts]
    if not games:
        return Plan({}, f"no games {label} in the schedule{_describe_uncounted(listed)}", Event.NO_GAMES)
    final = [g for s in schedules for g in s.games if _is_in(dates, g) and g.counts and _is_final(g, s, now)]
    if context.mode in _LOOK_BACK:
        if not final:
            return Plan({}, f"none of the {len(games)} games {label} is final yet", Event.NO_FINAL_GAMES)
        tasks = _result_tasks(fetch, final)
        if context.mode == "backfill":
            begun = [game for game in games if game.has_begun(now)]
            tasks["odds_history"] = fetch.watch("odds_api", partial(fetch_past_odds, fetch, begun))
            official = fetch.official
            if official is not None:
                past = partial(fetch_past_reports, fetch, official, begun)
                tasks["official_history"] = fetch.watch("official", past)
        return Plan(tasks)
    upcoming = [game for game in games if not game.has_begun(now)]
    if not upcoming:
        return Plan({}, f"all {len(games)} games {label} have begun; nothing is left to predict", Event.ALL_BEGUN)
    return Plan(_tasks_to_come(fetch, dates.first, len(upcoming)))


def _tasks_to_come(fetch: Fetch, day: date, upcoming: int) -> dict[str, Task]:
    """Who is out, the league's own report first, and lines of so many games."""
    tasks: dict[str, Task] = {}
    official = fetch.official
    if official is not None:
        tasks["official_report"] = fetch.watch("official", partial(fetch_official_report, fetch, official, day))
    tasks["odds"] = fetch.watch("odds_api", partial(fetch_live_odds, fetch, day, upcoming))
    tasks["injuries"] = fetch.watch("espn", partial(fetch_injuries, fetch, day))
    return tasks


def _result_tasks(fetch: Fetch, final: Sequence[ScheduledGame]) -> dict[str, Task]:
    """Box scores and shot zones of finished games: one request a season and kind."""
    by_season: dict[str, list[ScheduledGame]] = {}
    for game in final:
        by_season.setdefault(game.season, []).append(game)
    seasons = [Games(season, by_season[season]) for season in sorted(by_season)]

    def all_seasons(one: Callable[[Games], Harvest]) -> Harvest:
        return _together([one(games) for games in seasons])

    players = partial(all_seasons, lambda games: fetch_box_scores(fetch, "P", games, games.first))
    teams = partial(all_seasons, lambda games: fetch_box_scores(fetch, "T", games, games.first))
    tasks = {"player_boxscores": fetch.watch("nba", players), "team_boxscores": fetch.watch("nba", teams)}
    zones = fetch.zones
    if zones is not None:
        shots = partial(all_seasons, lambda games: fetch_shot_zones(fetch, zones, games, games.first))
        tasks["shot_zones"] = fetch.watch("zones", shots)
    return tasks


def _together(harvests: Sequence[Harvest]) -> Harvest:
    return Harvest(
        files=tuple(file for harvest in harvests for file in harvest.files),
        failure="; ".join(harvest.failure for harvest in harvests if harvest.failure),
        notes={f"{name}_{n}" if n else name: note for n, h in enumerate(harvests) for name, note in h.notes.items()},
    )


def _describe_uncounted(listed: Sequence[ScheduledGame]) -> str:
    """What the day has instead of games that count, for the reason."""
    if not listed:
        return ""
    kinds = sorted({"postponed" if g.status == "postponed" else season_type_of(g.game_id) for g in listed})
    return f" that count ({len(listed)} {' and '.join(kinds).replace('_', '-')})"


def _metadata(
    files: Sequence[RawFile],
    failed: Mapping[str, str],
    harvests: Mapping[str, Harvest],
    schedules: Sequence[SeasonSchedule],
    quota: Mapping[str, int],
) -> dict[str, Any]:
    notes = {name: dict(harvest.notes) for name, harvest in harvests.items() if harvest.notes}
    unreadable = [why for schedule in schedules for why in schedule.unreadable]
    if unreadable:
        notes["schedule"] = {"unreadable": f"{len(unreadable)} entries, the first so: {unreadable[0]}"}
    return {
        "files": [file.to_message() for file in files],
        "failed": dict(failed),
        "quota": dict(quota),
        "notes": notes,
    }
