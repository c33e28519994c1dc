"""A backtest from beginning to end: the world, the rows, the walk, the judgement, the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from local.backtest import result, scoring
from local.backtest.arguments import FROM_DERIVED, Arguments, find_days
from local.backtest.availability import Availability, read_availability
from local.backtest.bets import best_at
from local.backtest.evaluation_rows import EvaluationRows, read_evaluation_rows
from local.backtest.learning import Learning, find_learning, read_derived
from local.backtest.parts import Parts
from local.backtest.rows import FeatureRows, read_rows
from local.backtest.sources import PREDICTION_CODE, code_print, digest
from local.backtest.walk import THREADS, VARIANTS, Forecast, Month, Variant, Walked, months, walk_all
from local.backtest.what_if import open_what_if
from local.backtest.world import Spent, describe_origin, open_world, stretches, world_folder
from local.backtest.worlds import EVENING, OTHERS, WORLDS
from local.day.inputs import Arguments as Run
from local.day.inputs import find_archive
from local.day.plan import HISTORY_AT, DateSpan
from local.day.screen import Screen
from local.embedded.contents import check_not_foreign
from local.host.folder_lock import lock_folder
from local.replay import Archive
from shared.core.clock import at_new_york
from shared.core.settings import Settings
from shared.nba.stats import POINTS
from shared.science.evaluation import Scored
from shared.science.predictions.lines import Best
from shared.science.systems.xgboost_v1 import library_version
from shared.science.training.leaks import scan
from shared.science.training.rows import FIRST_DAY


@dataclass(frozen=True)
class Played:
    """Everything that was predicted for the rows asked for, in their order, the trainings behind
    it, and who played.
    """

    lists: Mapping[str, EvaluationRows]
    asked: scoring.Asked
    best: Sequence[Best]
    forecasts: Mapping[str, Mapping[Variant, Forecast]]
    training: Sequence[Mapping[str, Any]]
    learned_from: str
    """FROM_LISTS or FROM_DERIVED."""
    availability: Availability


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
    screen.part("Judging", 1)
    lists, counts = _lists(played)
    figures = result.figures_of(lists)
    leaks = scan(played.asked.world.known)
    document: dict[str, Any] = {
        "from": str(first),
        "to": str(last),
        "archive": archive.folder.resolve().name,
        "learned_from": played.learned_from,
        **figures,
        "availability": played.availability,
        "alarms": result.alarms_of(figures, leaks),
        "leak_scan": result.leak_summary(POINTS.name, leaks),
        "rows": counts,
        "training": [{"stat": POINTS.name, **one} for one in played.training],
    }
    spent.seconds["evaluation"] = perf_counter() - judging
    spent.seconds["all"] = perf_counter() - started
    document["timings"] = {name: round(value, 2) for name, value in spent.seconds.items()}
    files = result.write(arguments.folder, document, lists)
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
    lists = read_evaluation_rows(archive, first, last)
    kept_in, seasons = arguments.kept_in, arguments.history_seasons
    folder = world_folder(kept_in, archive, first, seasons)
    end = at_new_york(last + timedelta(days=2), HISTORY_AT)
    spans = stretches(archive, first, last, seasons, covered=())
    learning = _find_learning(arguments, archive, spans, screen)
    parts = _open_parts(kept_in, archive, folder, learning)
    with ExitStack() as stack:
        world = stack.enter_context(open_world(folder, archive, first, last, seasons, screen, spent))
        reading = perf_counter()
        tested = read_rows(world.warehouse, end, first)
        asked = scoring.ask(tested, lists)
        best = best_at(world.warehouse, first, last, asked.keys, asked.tested_line)
        availability = read_availability(world.warehouse, spans, first, last)
        todo = _months(asked, first, last)
        done = {month: parts.load(month, keys) for month, keys in todo.items()}
        missing = {month: todo[month] for month, walked in done.items() if walked is None}
        known = read_rows(world.warehouse, end, FIRST_DAY) if missing and not learning.needs_copy else tested
        spent.seconds["features"] += perf_counter() - reading
        screen.say(f"{len(asked.places):,} rows asked for, {len(known):,} feature rows read")
    if missing:
        if learning.needs_copy:
            known = read_derived(kept_in, folder, archive, spans, end, screen, spent)
        rows = {EVENING.name: tested}
        for other in OTHERS:
            copy = kept_in / other.name
            with open_what_if(other, copy, folder, archive, [(first, last)], screen, spent) as embedded:
                rows[other.name] = read_rows(embedded.warehouse, end, first)
        for walked in _walk(known, rows, missing, parts, screen, spent):
            done[walked.month] = walked
    walks = [walked for walked in done.values() if walked is not None]
    training = [walked.training for walked in walks]
    return Played(lists, asked, best, _join_walks(walks), training, learning.learned_from, availability)


def _find_learning(arguments: Arguments, archive: Archive, spans: Sequence[DateSpan], screen: Screen) -> Learning:
    learning = find_learning(arguments.learn, archive, spans)
    if arguments.learn == FROM_DERIVED and not learning.needs_copy:
        screen.say(
            f"{archive.folder} has no injury list of these seasons: absences are derived from box scores, with or"
            f" without LEARN={FROM_DERIVED}."
        )
    return learning


def _open_parts(kept_in: Path, archive: Archive, world: Path, learning: Learning) -> Parts:
    """The months kept of the same data, code and rows to learn from."""
    made_from = [*describe_origin(archive).values(), world.name, code_print(PREDICTION_CODE), library_version()]
    return Parts(kept_in / "parts", digest([*made_from, learning.learned_from]))


Todo = Mapping[Month, list[tuple[str, int]]]


def _months(asked: scoring.Asked, first: date, last: date) -> Todo:
    """Of each month with rows asked for, their keys."""
    day, keys = asked.world.known.day[asked.places], asked.keys
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
        for walked in walk_all(known, rows, pool):
            parts.save(walked, missing[walked.month])
            screen.step(
                f"{walked.month.cutoff} to {walked.month.last}: trained on {walked.training['rows']:,} rows in"
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


def _join_walks(walks: Sequence[Walked]) -> dict[str, dict[Variant, Forecast]]:
    def join_parts(parts: Sequence[Forecast]) -> Forecast:
        return Forecast(
            np.concatenate([part.point for part in parts]),
            np.concatenate([part.mean for part in parts]),
            np.concatenate([part.sd for part in parts]),
            np.concatenate([part.plays for part in parts]),
            tuple(error for part in parts for error in part.error),
        )

    return {
        world: {variant: join_parts([walked.forecasts[world][variant] for walked in walks]) for variant in VARIANTS}
        for world in (each.name for each in WORLDS)
    }


def _lists(played: Played) -> tuple[dict[str, list[Scored]], dict[str, Any]]:
    """All lists, and of the headline's how many rows were asked for, predicted and left out."""
    worlds = list(played.forecasts.values())
    predicted = scoring.predicted_by_all(worlds)
    listed = predicted & played.asked.has_list
    # an archive without lists has bounds alone
    bounded = listed if listed.any() else predicted
    policy = Settings()
    lists: dict[str, list[Scored]] = {}
    counts: dict[str, Any] = {}
    for world in WORLDS:
        found = scoring.answers(played.asked, played.forecasts[world.name], played.best, policy)
        compared = bounded if world.is_bound else listed
        for kind in world.kinds:
            lists[world.list_of(kind)] = scoring.score(kind, played.lists[kind], played.asked, compared, found)
    for kind, rows in played.lists.items():
        counts[kind] = {
            "stat": POINTS.name,
            "source": rows.source,
            "asked": len(rows),
            "predicted": len(lists[kind][0]),
            "left_out": scoring.count_left_out(rows, played.asked.of(rows), listed, worlds),
        }
    return lists, counts
