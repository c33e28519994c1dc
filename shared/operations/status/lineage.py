"""Where a pick comes from: back from the exports over predictions, features and rows to the raw
files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from shared.chain.batches.reading import get_batch
from shared.core.errors import NotFound
from shared.nba.stats import place_of
from shared.operations.status.runs import PACKAGE
from shared.stores.runtime import Runtime
from shared.stores.warehouse.sql import read_sql

# The latest of the games behind his features, and how far back they may lie: a season and a summer.
MOST_GAMES = 10
LOOKS_BACK = timedelta(days=400)


@dataclass(frozen=True)
class ExportedPick:
    """A place on an exported list of best bets."""

    list_id: str
    """The execution of the export."""
    exported_at: datetime
    rank: int
    stat: str
    system_id: str
    line: float | None
    side: str | None
    bookmaker: str | None
    price: int | None
    expected_value: float | None


@dataclass(frozen=True)
class PredictionRow:
    """A prediction that counts, and its grade."""

    batch_id: str
    stat: str
    """What is predicted, by its name in shared/nba/stats.py."""
    system_id: str
    model_version: str
    line: float | None
    line_kind: str
    predicted: float | None
    p_over: float | None
    recommendation: str
    reason: str | None
    features_as_of: datetime
    line_snapshot_at: datetime | None
    written_at: datetime
    error_code: str | None
    outcome: str | None
    """None: not graded."""
    actual: int | None
    graded_at: datetime | None


@dataclass(frozen=True)
class FeatureRow:
    """The row of nba_predictions.ml_feature_store that all systems saw."""

    features_as_of: datetime
    quality_score: float
    null_reasons: str | None
    """Why columns are NULL."""


@dataclass(frozen=True)
class Injuries:
    """What the features knew of injuries: of lists "listed", "nobody_listed" or "no_list"."""

    team_list: str
    """no_list: who is out for his team is not known."""
    opponent_list: str
    source: str | None
    """Of his team's list: official, espn or derived."""
    known_at: datetime | None
    """When his team's list was, or that it is not submitted."""
    status: str | None
    """His own; None: he is not listed."""
    reason: str | None


@dataclass(frozen=True)
class LineRow:
    """A bookmaker's line at that moment: his main one, or another that a pick was made on."""

    stat: str
    bookmaker: str
    line: float
    snapshot_time: datetime
    is_main: bool


@dataclass(frozen=True)
class GameRow:
    """One of his games before."""

    game_date: date
    game_id: str
    opponent: str
    values: Mapping[str, int | None]
    """What it brought, by the statistics predicted of him; None: the box score lacks it."""
    known_at: datetime


@dataclass(frozen=True)
class RawFileRow:
    """A file of the raw bucket that rows came from."""

    kind: str
    """schedule, lines, injuries or box_scores."""
    game_date: date
    path: str
    snapshot_time: datetime
    """The newest moment that the rows say."""
    run_id: str


@dataclass(frozen=True)
class Lineage:
    """A player's predictions of a date, back to the raw files."""

    game_date: date
    player_lookup: str
    player_id: int
    game_id: str
    picks: tuple[ExportedPick, ...]
    """Newest list first; empty: he was on none."""
    predictions: tuple[PredictionRow, ...]
    """By statistic, system and line."""
    model_versions: Mapping[str, Mapping[str, str]]
    """By statistic: system_id -> the version that predicted him."""
    batch_run_id: str | None
    """The run that opened the batch; None where its document is gone."""
    request_file: str | None
    """The raw bucket's object with the batch's inputs, as they were sent to the workers."""
    features: FeatureRow | None
    """None where the row is gone."""
    injuries: Injuries | None
    """None where the row is gone, or was written before lists were kept by team."""
    lines: tuple[LineRow, ...]
    games: tuple[GameRow, ...]
    """Newest first, at most ten."""
    files: tuple[RawFileRow, ...]


def read_lineage(runtime: Runtime, day: date, player_lookup: str) -> Lineage:
    """From a player's predictions of a date back to the raw files; of four statements.

    Args:
        player_lookup: lower-case ASCII letters and digits of his name, as files of the exports are
            named.

    Raises NotFound where no prediction of his counts for the date, and StoreUnavailable.
    """
    who = {"game_date": day, "player_lookup": player_lookup}
    rows = _query(runtime, "lineage_predictions", who)
    if not rows:
        raise NotFound(
            f"No prediction of {player_lookup!r} counts for {day}.",
            next_step="name him as the exports do, such as lukadoncic; or look at who was left out of the batch.",
        )
    first = max(rows, key=lambda row: (row["features_as_of"], row["game_id"]))
    behind = {
        "game_date": day,
        "game_id": first["game_id"],
        "player_id": int(first["player_id"]),
        "features_as_of": first["features_as_of"],
        "first": day - LOOKS_BACK,
        "most": MOST_GAMES,
    }
    stats = sorted({row["stat"] for row in rows}, key=place_of)
    inputs = _query(runtime, "lineage_inputs", {**behind, "stats": stats})
    names = sorted({player_lookup, *(row["note"] for row in inputs if row["kind"] == "line")})
    files = _query(runtime, "lineage_files", {**behind, "lookups": names, "stats": stats})
    picks = tuple(_pick(row) for row in _query(runtime, "lineage_picks", who))
    picked = {(pick.stat, pick.bookmaker, pick.line) for pick in picks}
    lines = sorted(map(_line, (row for row in inputs if row["kind"] == "line")), key=lambda each: place_of(each.stat))
    run_id, requests = _batch(runtime, day, str(first["batch_id"]))
    return Lineage(
        game_date=day,
        player_lookup=player_lookup,
        player_id=int(first["player_id"]),
        game_id=first["game_id"],
        picks=picks,
        predictions=tuple(sorted((_prediction(row) for row in rows), key=lambda each: place_of(each.stat))),
        model_versions={
            stat: {row["system_id"]: row["model_version"] for row in rows if row["stat"] == stat} for stat in stats
        },
        batch_run_id=run_id,
        request_file=requests,
        features=next((_features(row) for row in inputs if row["kind"] == "features"), None),
        injuries=_injuries(inputs),
        lines=tuple(each for each in lines if each.is_main or (each.stat, each.bookmaker, each.line) in picked),
        games=_games([row for row in inputs if row["kind"] == "game"], stats),
        files=tuple(
            RawFileRow(row["kind"], row["about"], row["source_file"], row["at"], row["run_id"]) for row in files
        ),
    )


def _query(runtime: Runtime, name: str, params: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    found: list[dict[str, Any]] = runtime.warehouse.query(read_sql(PACKAGE, name), params).to_pylist()
    return found


def _batch(runtime: Runtime, day: date, batch_id: str) -> tuple[str | None, str | None]:
    """The run that opened a batch, and the object that keeps its inputs, as far as they are
    there.
    """
    batch = get_batch(runtime.state, batch_id)
    paths = runtime.raw.list(f"requests/{day}/{batch_id}.")
    return (None if batch is None else batch.run_id), (paths[-1] if paths else None)


def _pick(row: Mapping[str, Any]) -> ExportedPick:
    return ExportedPick(
        list_id=row["list_id"],
        exported_at=row["exported_at"],
        rank=int(row["rank"]),
        stat=row["stat"],
        system_id=row["system_id"],
        line=_float(row["line_value"]),
        side=row["side"],
        bookmaker=row["bookmaker"],
        price=row["price"],
        expected_value=row["expected_value"],
    )


def _prediction(row: Mapping[str, Any]) -> PredictionRow:
    return PredictionRow(
        batch_id=row["batch_id"],
        stat=row["stat"],
        system_id=row["system_id"],
        model_version=row["model_version"],
        line=_float(row["line_value"]),
        line_kind=row["line_kind"],
        predicted=row["predicted"],
        p_over=row["p_over"],
        recommendation=row["recommendation"],
        reason=row["reason"],
        features_as_of=row["features_as_of"],
        line_snapshot_at=row["line_snapshot_at"],
        written_at=row["updated_at"],
        error_code=row["error_code"],
        outcome=row["outcome"] or row["void_reason"],
        actual=row["actual"],
        graded_at=row["graded_at"],
    )


def _features(row: Mapping[str, Any]) -> FeatureRow:
    return FeatureRow(row["at"], float(row["value"]), row["note"])


def _injuries(inputs: Sequence[Mapping[str, Any]]) -> Injuries | None:
    lists = {row["is_main"]: row for row in inputs if row["kind"] == "injury_list"}
    if not lists or lists[True]["note"] is None:
        return None
    own, listed = lists[True], next((row for row in inputs if row["kind"] == "injury"), None)
    return Injuries(
        team_list=own["note"],
        opponent_list=lists[False]["note"],
        source=own["name"],
        known_at=own["at"],
        status=None if listed is None else listed["name"],
        reason=None if listed is None else listed["note"],
    )


def _line(row: Mapping[str, Any]) -> LineRow:
    return LineRow(row["stat"], row["name"], float(row["value"]), row["at"], row["is_main"])


def _games(rows: Sequence[Mapping[str, Any]], stats: Sequence[str]) -> tuple[GameRow, ...]:
    """A game has a row for each statistic; newest first."""
    values: dict[str, dict[str, int | None]] = {row["game_id"]: dict.fromkeys(stats) for row in rows}
    for row in rows:
        values[row["game_id"]][row["stat"]] = None if row["value"] is None else int(row["value"])
    first = {row["game_id"]: row for row in reversed(rows)}
    found = [GameRow(row["about"], game, row["name"], values[game], row["at"]) for game, row in first.items()]
    return tuple(sorted(found, key=lambda each: (each.game_date, each.game_id), reverse=True))


def _float(value: Any) -> float | None:
    """A NUMERIC as a number that JSON has; lines are in halves, which are exact."""
    return None if value is None else float(value)
