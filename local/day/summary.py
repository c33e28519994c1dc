"""summary.json: what a played day came to, and the same as tables for a person."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from local.console.plain import plain
from local.day.day import Day, RunRecord
from local.host.simulation_host import SimulationHost
from shared.core.errors import NotFound
from shared.core.events import Event
from shared.core.pipeline import GRADING
from shared.nba.stats import place_of
from shared.science.systems.output import ENSEMBLE
from shared.stores.warehouse.sql import read_sql

SQL = Path(__file__).with_name("sql")
STATUS_FILE = "v1/status.json"
EXPORT = "phase6_export"
# How phase 6 says that a date has nothing to export, and that it is as it should be (logging.tf
# counts by the same).
NOTHING_PLAYED = (Event.NO_GAMES, Event.GAMES_POSTPONED, Event.GAMES_CALLED_OFF)


def summarise(
    embedded: SimulationHost, day: Day, archive: Path, runs: Sequence[RunRecord], seconds: dict[str, float]
) -> dict[str, Any]:
    """The summary's content; `seconds` are the real ones of the whole, the history and the
    training.
    """
    query = embedded.warehouse.query
    counts: Counter[str] = Counter()
    for run in runs:
        counts.update(run.messages)
    exports = embedded.stores.exports.list("v1/")
    unresolved = query(read_sql(SQL, "summary_unresolved"), {"game_date": day.game_date}).to_pylist()
    graded = query(read_sql(SQL, "summary_graded"), {"game_date": day.game_date}).to_pylist()
    return {
        "game_date": day.game_date.isoformat(),
        "archive": str(archive),
        "runtime": embedded.described,
        "epoch": day.epoch,
        "seconds": round(seconds["all"], 3),
        "history_seconds": round(seconds["history"], 3),
        "training_seconds": round(seconds["training"], 3),
        "runs": [
            {
                "schedule": run.schedule,
                "game_date": run.game_date,
                "run_id": run.run_id,
                "batch_id": run.batch_id,
                "seconds": run.seconds,
                "warehouse_statements": run.warehouse_statements,
                "phases": run.phases,
            }
            for run in runs
        ],
        **_last_revision(embedded, day),
        "unresolved_names": [row["player_name"] for row in unresolved],
        "warehouse_statements": sum(run.warehouse_statements for run in runs),
        "messages": {name: counts[name] for name in ("published", "delivered", "redelivered", "dead_lettered")},
        "exports": exports,
        "gaps": _list_gaps(embedded, day, runs),
        "graded": _by_stat(graded),
    }


def _by_stat(graded: Sequence[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Figures by statistic, as in STATS, then by system."""
    found: dict[str, dict[str, Any]] = {}
    for row in sorted(graded, key=lambda row: (place_of(row["stat"]), row["system_id"])):
        found.setdefault(row["stat"], {})[row["system_id"]] = {
            name: value for name, value in row.items() if name not in ("stat", "system_id")
        }
    return found


def _list_gaps(embedded: SimulationHost, day: Day, runs: Sequence[RunRecord]) -> list[str]:
    """What the day's last export and its grading lack, each in words; empty: nothing."""
    date = day.game_date.isoformat()
    try:
        dates = json.loads(embedded.stores.exports.read(STATUS_FILE).data)["dates"]
    except NotFound:
        dates = []
    found = [entry for entry in dates if entry["game_date"] == date]
    ours = [phase for run in runs if run.game_date == date for phase in run.phases]
    # an export of grades alone says nothing of the date's own files
    events = [phase["event"] for phase in ours if phase["name"] == EXPORT and phase["event"] != Event.NOTHING_GRADED]
    gaps = [f"export: {each['reason']}" for each in found if _has_gap(each["status"], events[-1] if events else None)]
    if not found:
        gaps.append(f"export: none of {date} is on record")
    for phase in ours:
        lacks = phase["status"] == "partial" or (phase["status"] == "no_data" and day.last_batch() is not None)
        if phase["name"] == GRADING and lacks:
            gaps.append(f"grading: {phase['reason'] or phase['status']}")
    return gaps


def _has_gap(status: str, event: str | None) -> bool:
    """Whether an export lacks something, by its status and its code."""
    return status in ("partial", "failed") or (status == "no_data" and event not in NOTHING_PLAYED)


def _last_revision(embedded: SimulationHost, day: Day) -> dict[str, Any]:
    """Counts of the date's last batch; zeros with the reason where there is none."""
    batch = day.last_batch()
    if batch is None:
        rows: list[dict[str, Any]] = []
    else:
        params = {"game_date": day.game_date, "batch_id": batch.batch_id}
        rows = embedded.warehouse.query(read_sql(SQL, "summary_batch"), params).to_pylist()
    expected = [row for row in rows if row["status"] == "expected"]
    predicted = [row for row in expected if row["predictions"]]
    left_out = [row for row in rows if row["status"] == "left_out"]
    missing = [row for row in expected if not row["predictions"]]
    lined = [row for row in rows if row["has_line"]]
    lined_out = Counter(row["reason"] for row in left_out if row["has_line"])
    lined_out.update("not_predicted" for row in missing if row["has_line"])
    return {
        "batch_id": batch.batch_id if batch else None,
        "games": len(batch.games) if batch else 0,
        "players_expected": len(expected),
        "players_predicted": len(predicted),
        "players_with_lines": sum(row["has_line"] for row in predicted),
        "predictions": sum(row["predictions"] for row in rows),
        "left_out": dict(sorted(Counter(row["reason"] for row in left_out).items())),
        "lined": {
            "total": len(lined),
            "predicted": sum(row["has_line"] for row in predicted),
            "left_out": dict(sorted(lined_out.items())),
        },
    }


def write_summary(folder: Path, summary: dict[str, Any]) -> Path:
    """Write summary.json whole or not at all."""
    path = folder / "summary.json"
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(summary, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
    return path


def show(console: Console, summary: dict[str, Any], folder: Path) -> None:
    """The closing tables."""
    runs = Table(title=f"Runs of {summary['game_date']}", title_justify="left", box=SIMPLE_HEAD)
    for name in ("run", "games of", "s", "SQL"):
        runs.add_column(name, no_wrap=True, justify="right" if name in ("s", "SQL") else "left")
    runs.add_column("result")
    for run in summary["runs"]:
        figures = (f"{run['seconds']:.1f}", str(run["warehouse_statements"]))
        runs.add_row(run["schedule"], run["game_date"], *figures, plain(result(run["phases"])))
    console.print(runs)
    for table in make_tables_of_grades(summary["graded"]):
        console.print(table)
    console.print(plain(_batch_sentence(summary)))
    console.print(plain(f"Runtime: {summary['runtime']}."), highlight=False)
    console.print(
        plain(
            f"{summary['seconds']:.1f} s in all (history {summary['history_seconds']:.1f}, training "
            f"{summary['training_seconds']:.1f}); {summary['warehouse_statements']} warehouse statements, "
            f"{summary['messages']['delivered']} deliveries, {summary['messages']['dead_lettered']} dead letters."
        )
    )
    exports = folder / "exports" / "v1"
    where = f"Exports: {exports} ({len(summary['exports'])} files); all figures: {folder / 'summary.json'}"
    console.print(plain(where))
    console.print(plain(f"Look at it in a browser: ./nba dashboard --dir {folder}"), soft_wrap=True)
    console.print(plain(last_line(summary)), highlight=False, soft_wrap=True)


def last_line(summary: dict[str, Any]) -> str:
    """How it ended, in a sentence: what the exit code says."""
    return f"Done, with gaps: {'; '.join(summary['gaps'])}." if summary["gaps"] else "Done."


def _batch_sentence(summary: dict[str, Any]) -> str:
    """The last revision in a sentence, or why there is none."""
    if summary["batch_id"] is None:
        reason = _reason_for_no_data(summary) or "no batch was opened"
        return f"Nothing was predicted on {summary['game_date']}: {reason}."
    lined = summary["lined"]
    left = ", ".join(f"{count} {reason}" for reason, count in lined["left_out"].items()) or "none"
    return (
        f"{summary['batch_id']}: {summary['games']} games, {summary['players_predicted']} of "
        f"{summary['players_expected']} expected players predicted ({summary['predictions']} rows). With lines: "
        f"{lined['total']}, predicted {lined['predicted']}, left out: {left}."
    )


def _reason_for_no_data(summary: dict[str, Any]) -> str | None:
    """The first reason that a run of the day itself gives for having no data."""
    for run in summary["runs"]:
        for phase in run["phases"] if run["game_date"] == summary["game_date"] else ():
            if phase["status"] == "no_data":
                return str(phase["reason"])
    return None


def result(phases: Sequence[dict[str, Any]]) -> str:
    """success, or the first other status with its reason; that a mode ends early is no news."""
    for phase in phases:
        if phase["status"] not in ("success", "skipped"):
            return f"{phase['status']}: {phase['reason']}" if phase["reason"] else str(phase["status"])
    return "success"


def make_tables_of_grades(graded: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[Table]:
    """The first statistic's systems, and of the other statistics what exports and picks are made
    of: eight tables are none that somebody reads. summary.json has all figures.

    graded: of a summary, by statistic and system.
    """
    tables = []
    for stat, systems in list(graded.items())[:1]:
        tables.append(_table_of_grades(f"Graded, {stat}", "system", systems))
    others = {stat: systems[ENSEMBLE] for stat, systems in list(graded.items())[1:] if ENSEMBLE in systems}
    if others:
        tables.append(_table_of_grades(f"Graded, {ENSEMBLE} on the others", "statistic", others))
    return tables


def _table_of_grades(title: str, first: str, rows: Mapping[str, Mapping[str, Any]]) -> Table:
    """rows: by what stands in the first column."""
    table = Table(
        title=f"{title}: mean absolute errors, a row's all on the same games", title_justify="left", box=SIMPLE_HEAD
    )
    for name in (first, "n", "MAE", "line", "season avg", "hit rate"):
        table.add_column(name, justify="left" if name == first else "right", no_wrap=True)
    for name, row in rows.items():
        hit = "-" if row["hit_rate"] is None else f"{row['wins']}/{row['bets']} = {row['hit_rate']:.1%}"
        figures = [
            f"{row[figure]:.3f}" if row[figure] is not None else "-" for figure in ("mae", "line_mae", "season_avg_mae")
        ]
        table.add_row(name, str(row["n"]), *figures, hit)
    return table
