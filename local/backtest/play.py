"""A backtest from beginning to end: the world, the rows, the walk, the judgement, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from local.backtest import result, scoring
from local.backtest.arguments import FROM_DERIVED, Arguments, find_days
from local.backtest.availability import read_availability
from local.backtest.bets import best_at
from local.backtest.evaluation_rows import ALL, KINDS, LINED, read_evaluation_rows
from local.backtest.flaws import read_flaws
from local.backtest.judging import Played, judge
from local.backtest.learning import Learning, find_learning, read_derived
from local.backtest.parts import Parts
from local.backtest.rows import FeatureRows, read_rows
from local.backtest.sources import PREDICTION_CODE, code_print, digest
from local.backtest.walk import THREADS, Forecast, Forecasts, Month, Walked, months, walk_all
from local.backtest.what_if import open_what_if
from local.backtest.world import Spent, describe_origin, open_world, stretches, world_folder
from local.backtest.worlds import EVENING, LISTS, OTHERS
from local.day.inputs import Arguments as Run
from local.day.inputs import find_archive
from local.day.plan import HISTORY_AT, DateSpan
from local.day.screen import Screen
from local.embedded.contents import check_not_foreign
from local.host.folder_lock import lock_folder
from local.replay import Archive
from shared.core.clock import at_new_york
from shared.nba.stats import STATS
from shared.science.evaluation import Scored
from shared.science.systems.xgboost_v1 import library_version
from shared.science.training.leaks import scan
from shared.science.training.rows import FIRST_DAY


def play(arguments: Arguments, screen: Screen) -> dict[str, Any]:
    """Run the backtest, write its files, show its figures; returns the document of backtest.json.

    Raises PipelineError for whatever stops it (FolderBusy: another backtest), OSError where a file
    cannot be written.
    """
    check_not_foreign(arguments.folder)
    with lock_folder(arguments.kept_in):
        return _play(arguments, screen)


def _play(arguments: Arguments, screen: Screen) -> dict[str, Any]:
    started, spent = perf_counter(), Spent()
    archive = Archive(_archive_of(arguments, screen))
    if arguments.archive is not None:
        archive.check()
    first, last = find_days(arguments, archive)
    played = predict_days(arguments, archive, first, last, screen, spent)
    judging = perf_counter()
    screen.part("Judging", len(arguments.stats))
    figures: dict[str, list[dict[str, Any]]] = {name: [] for name in LISTS}
    drawn: dict[str, list[Scored]] = {kind: [] for kind in KINDS}
    counts: dict[str, list[dict[str, Any]]] = {kind: [] for kind in KINDS}
    for stat in arguments.stats:
        lists, rows = judge(played, stat)
        for name, found in result.figures_of(lists).items():
            figures[name] += found
        for kind in KINDS:
            drawn[kind] += lists[kind] if len(lists[kind][0]) else []
            counts[kind].append(rows[kind])
        screen.step(f"{stat}: {len(lists[LINED][0]):,} rows with a line, {len(lists[ALL][0]):,} in all")
    leaks = [scan(rows) for stat, rows in played.asked.world.known.items() if not STATS[stat].is_sum]
    document: dict[str, Any] = {
        "from": str(first),
        "to": str(last),
        "archive": archive.folder.resolve().name,
        "learned_from": played.learned_from,
        "flaws": [flaw.row() for flaw in played.flaws],
        **figures,
        "availability": played.availability,
        "alarms": result.alarms_of(figures, leaks),
        "leak_scan": [result.leak_summary(one) for one in leaks],
        "rows": counts,
        "training": list(played.training),
    }
    spent.seconds["evaluation"] = perf_counter() - judging
    spent.seconds["all"] = perf_counter() - started
    document["timings"] = {name: round(value, 2) for name, value in spent.seconds.items()}
    files = result.write(arguments.folder, document, drawn)
    screen.step(f"Figures and page: {perf_counter() - judging:.1f} s")
    result.show(screen.console, document, files)
    return document


def _archive_of(arguments: Arguments, screen: Screen) -> Path:
    if arguments.archive is not None:
        return arguments.archive
    return find_archive(Run(None, None, arguments.history_seasons, arguments.folder), screen)


def predict_days(
    arguments: Arguments, archive: Archive, first: date, last: date, screen: Screen, spent: Spent
) -> Played:
    """All forecasts of first to last: what was kept of an earlier run, and the rest walked now."""
    stats = arguments.stats
    lists = read_evaluation_rows(archive, first, last, stats)
    flaws = read_flaws(archive, first, last, stats)
    kept_in, seasons = arguments.kept_in, arguments.history_seasons
    folder = world_folder(kept_in, archive, first, seasons)
    end = at_new_york(last + timedelta(days=2), HISTORY_AT)
    spans = stretches(archive, first, last, seasons, covered=())
    learning = _find_learning(arguments, archive, spans, screen)
    parts = _open_parts(kept_in, archive, folder, learning, stats)
    with ExitStack() as stack:
        world = stack.enter_context(open_world(folder, archive, first, last, seasons, screen, spent))
        reading = perf_counter()
        tested = read_rows(world.warehouse, end, first, stats)
        asked = scoring.ask(tested, [rows for of_stat in lists.values() for rows in of_stat.values()])
        best = {
            stat: best_at(world.warehouse, stat, first, last, asked.keys, asked.tested_line(stat)) for stat in stats
        }
        availability = read_availability(world.warehouse, spans, first, last)
        todo = _months(asked, first, last)
        done = {month: parts.load(month, keys) for month, keys in todo.items()}
        missing = {month: todo[month] for month, walked in done.items() if walked is None}
        known = read_rows(world.warehouse, end, FIRST_DAY, stats) if missing and not learning.needs_copy else tested
        spent.seconds["features"] += perf_counter() - reading
        screen.say(f"{len(asked.places):,} rows asked for, {len(known):,} feature rows read")
    if missing:
        if learning.needs_copy:
            known = read_derived(kept_in, folder, archive, spans, end, stats, screen, spent)
        rows = {EVENING.name: tested}
        for other in OTHERS:
            copy = kept_in / other.name
            with open_what_if(other, copy, folder, archive, [(first, last)], screen, spent) as embedded:
                rows[other.name] = read_rows(embedded.warehouse, end, first, stats)
        for walked in _walk(known, rows, missing, stats, parts, screen, spent):
            done[walked.month] = walked
    walks = [walked for walked in done.values() if walked is not None]
    training = [each for walked in walks for each in walked.training]
    forecasts = _join_walks(walks)
    return Played(lists, asked, best, forecasts, training, learning.learned_from, availability, flaws)


def _find_learning(arguments: Arguments, archive: Archive, spans: Sequence[DateSpan], screen: Screen) -> Learning:
    learning = find_learning(arguments.learn, archive, spans)
    if arguments.learn == FROM_DERIVED and not learning.needs_copy:
        screen.say(
            f"{archive.folder} has no injury list of these seasons: absences are derived from box scores, with or"
            f" without LEARN={FROM_DERIVED}."
        )
    return learning


def _open_parts(kept_in: Path, archive: Archive, world: Path, learning: Learning, stats: Sequence[str]) -> Parts:
    """The months kept of the same data, code, rows to learn from and statistics: a line of points
    and rebounds moves what is said of points.
    """
    made_from = [*describe_origin(archive).values(), world.name, code_print(PREDICTION_CODE), library_version()]
    return Parts(kept_in / "parts", digest([*made_from, learning.learned_from, *stats]))


Todo = Mapping[Month, list[tuple[str, int]]]


def _months(asked: scoring.Asked, first: date, last: date) -> Todo:
    """Of each month with rows asked for, their keys."""
    day, keys = asked.world.day[asked.places], asked.keys
    found: dict[Month, list[tuple[str, int]]] = {}
    for month in months(first, last):
        inside = np.flatnonzero(month.holds(day))
        if len(inside):
            found[month] = [keys[i] for i in inside]
    return found


def _walk(
    known: FeatureRows,
    worlds: Mapping[str, FeatureRows],
    missing: Todo,
    stats: Sequence[str],
    parts: Parts,
    screen: Screen,
    spent: Spent,
) -> list[Walked]:
    screen.part("Months: training and prediction", len(missing))
    screen.watch(f"{next(iter(missing)).cutoff}", None)
    rows = {month: {name: world.of(keys) for name, world in worlds.items()} for month, keys in missing.items()}
    found: list[Walked] = []
    started = perf_counter()
    pool = ThreadPoolExecutor(THREADS)
    try:
        for walked in walk_all(known, rows, stats, pool):
            parts.save(walked, missing[walked.month])
            screen.step(
                f"{walked.month.cutoff} to {walked.month.last}: trained on {walked.training[0]['rows']:,} rows in"
                f" {walked.training_seconds:.1f} s, {len(missing[walked.month]):,} rows predicted in"
                f" {walked.prediction_seconds:.1f} s"
            )
            found.append(walked)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    # Months overlap in time, so that theirs add up to more than passed.
    spent.seconds["prediction"] += sum(walked.prediction_seconds for walked in found)
    spent.seconds["training"] += perf_counter() - started - spent.seconds["prediction"]
    return found


def _join_walks(walks: Sequence[Walked]) -> dict[str, Forecasts]:
    first, *_ = walks
    return {
        world: {
            stat: {variant: _join([walked.forecasts[world][stat][variant] for walked in walks]) for variant in variants}
            for stat, variants in forecasts.items()
        }
        for world, forecasts in first.forecasts.items()
    }


def _join(parts: Sequence[Forecast]) -> Forecast:
    return Forecast(
        np.concatenate([part.point for part in parts]),
        np.concatenate([part.mean for part in parts]),
        np.concatenate([part.sd for part in parts]),
        np.concatenate([part.plays for part in parts]),
        tuple(error for part in parts for error in part.error),
    )
