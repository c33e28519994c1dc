"""Serving: all five systems for many players in one process and one thread, with explanations and
without.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from local.bench.measure import BenchFailed, Progress, milliseconds, ratio, time_work
from local.embedded.file_blobs import FileBlobs
from shared.core.settings import Settings
from shared.nba.stats import PREDICTED
from shared.science.model_registry.promotions import current_versions
from shared.science.model_registry.registry import load_models
from shared.science.predictions.predict import predict_players

REPEATS = 7
# A worker's unit is one player up to 200 of them: the same players one a call cost more, as numpy
# and trees start anew.
UNITS_REPEATS = 3


def measure(state: Path, most: int, progress: Progress) -> dict[str, Any]:
    """Milliseconds for the first `most` players of the last batch that was played in a state
    folder, with its models.

    Loading the models is not counted. The two ways take turns, so that a busy moment does not fall
    on one alone; the fastest of each counts. Raises BenchFailed where they differ in more than the
    explanations.
    """
    players = requested_players(state)[:most]
    blobs, policy = FileBlobs(state / "models"), Settings.from_environment()
    models = {stat: load_models(blobs, stat, current_versions(blobs, stat)) for stat in PREDICTED}
    ways = [partial(predict_players, models=models, policy=policy, explained=explained) for explained in (False, True)]
    plain, whole = (way(players) for way in ways)
    expect_same([row._asdict() for row in plain], [row._asdict() for row in whole])
    together: list[list[float]] = [[], []]
    alone: list[list[float]] = [[], []]
    for done in range(REPEATS):
        for way, seconds, units in zip(ways, together, alone, strict=True):
            seconds.append(time_work(partial(way, players))[0])
            if done < UNITS_REPEATS:
                units.append(time_work(lambda way=way: [way([player]) for player in players])[0])  # type: ignore[misc]
        progress(done + 1, REPEATS)
    without, with_, units_without, units_with = (min(each) for each in (*together, *alone))
    return {
        "players": len(players),
        "rows": len(whole),
        "explained": sum(row.explanation is not None for row in whole),
        "without_ms": milliseconds(without),
        "with_ms": milliseconds(with_),
        "ratio": ratio(with_, without),
        "units_without_ms": milliseconds(units_without),
        "units_with_ms": milliseconds(units_with),
        "units_ratio": ratio(units_with, units_without),
    }


def requested_players(state: Path) -> list[dict[str, Any]]:
    """The players of the newest batch, as its recorded requests have them."""
    files = sorted((state / "raw" / "requests").rglob("*.jsonl.gz"), key=lambda file: file.stat().st_mtime_ns)
    if not files:
        raise BenchFailed(f"{state} has no recorded requests.", next_step="play a day in it.")
    lines = gzip.decompress(files[-1].read_bytes()).decode().splitlines()
    return [player for line in lines for player in json.loads(line)["players"]]


def expect_same(plain: Sequence[dict[str, Any]], whole: Sequence[dict[str, Any]]) -> None:
    """The rows differ in explanations alone, and some are explained, or BenchFailed."""
    if [{**row, "explanation": None} for row in whole] != plain or not any(row["explanation"] for row in whole):
        raise BenchFailed(
            f"{len(plain)} rows without explanations, {len(whole)} with: they differ in more, or none has one.",
            next_step="look at shared/science/predictions/explain.py.",
        )
