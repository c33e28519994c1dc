"""`make compare` calls two state folders the same only where predictions, grades and exports
are.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from local.cli import compare

SETUP = """
CREATE SCHEMA nba_predictions;
CREATE TABLE nba_predictions.player_prop_predictions (
    prediction_id VARCHAR, batch_id VARCHAR, game_date DATE, game_id VARCHAR, player_id BIGINT,
    system_id VARCHAR, line_value DECIMAL(38, 9), predicted DOUBLE, tipoff_at TIMESTAMPTZ,
    load_seconds DOUBLE,
    extra STRUCT(run_id VARCHAR, note VARCHAR), created_at TIMESTAMPTZ);
INSERT INTO nba_predictions.player_prop_predictions
SELECT 'p' || n, 'b1', DATE '2025-11-14', '0022500200', n, system, line, 20.1 + n,
       TIMESTAMPTZ '2025-11-15 00:00:00+00',
       n, {'run_id': 'r1', 'note': 'x'}, TIMESTAMPTZ '2025-11-14 12:00:00+00'
FROM range(5) players(n), (VALUES ('ensemble_v1'), ('xgboost_v1')) systems(system),
     (VALUES (24.5), (25), (NULL)) l(line);
CREATE VIEW nba_predictions.current_predictions AS FROM nba_predictions.player_prop_predictions;
CREATE TABLE nba_predictions.prediction_accuracy AS
SELECT game_date, game_id, player_id, system_id, line_value, predicted - 20 AS error,
       now() AS graded_at
FROM nba_predictions.player_prop_predictions;
CREATE TABLE nba_predictions.system_daily_performance AS
SELECT DISTINCT game_date, system_id, '7_days' AS window_name, 5.0::DOUBLE AS mae
FROM nba_predictions.player_prop_predictions;
"""
EXPORT = {
    "generated_at": "2025-11-14T18:00:00Z",
    "batch_id": "b1",
    "games": [{"players": [{"line": 24.5}, {}]}],
}


@pytest.fixture
def states(tmp_path: Path) -> tuple[Path, Path]:
    a, b = tmp_path / "a", tmp_path / "b"
    (a / "exports" / "v1" / "tonight").mkdir(parents=True)
    change(a, SETUP)
    write_export(a, EXPORT)
    shutil.copytree(a, b)
    return a, b


def change(folder: Path, sql: str) -> None:
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute(sql)


def write_export(folder: Path, content: dict[str, Any], name: str = "tonight/all-players.json") -> None:
    (folder / "exports" / "v1" / name).write_text(json.dumps(content), encoding="utf-8")


def test_two_runs_of_the_same_inputs_are_the_same(states: tuple[Path, Path], capsys: Any) -> None:
    a, b = states
    change(
        b,
        """UPDATE nba_predictions.player_prop_predictions SET prediction_id = 'q', batch_id = 'b2',
               load_seconds = 99, created_at = now(), extra = {'run_id': 'r2', 'note': 'x'};
           UPDATE nba_predictions.prediction_accuracy SET graded_at = now();
           CREATE TABLE other AS SELECT * FROM nba_predictions.player_prop_predictions ORDER BY random();
           DELETE FROM nba_predictions.player_prop_predictions;
           INSERT INTO nba_predictions.player_prop_predictions SELECT * FROM other""",
    )
    write_export(b, {"batch_id": "b2", "games": EXPORT["games"], "generated_at": "later", "run_seconds": 3})
    assert compare.main([str(a), str(b)]) == 0
    printed = capsys.readouterr().out
    assert "nba_predictions.current_predictions: 30 rows in A, 30 in B" in printed
    assert "nba_predictions.system_daily_performance: 2 rows in A, 2 in B" in printed
    assert "exports/v1: 1 files in A, 1 in B" in printed


PREDICTIONS = "nba_predictions.player_prop_predictions"
ONE_ROW = "WHERE player_id = 3 AND system_id = 'xgboost_v1' AND line_value = 24.5"


@pytest.mark.parametrize(
    ("sql", "places", "shown"),
    [
        (
            f"UPDATE {PREDICTIONS} SET predicted = nextafter(predicted, 99::DOUBLE) {ONE_ROW}",
            1,
            "nba_predictions.current_predictions game_date=2025-11-14, game_id='0022500200', player_id=3, "
            "system_id='xgboost_v1', line_value=24.500000000 predicted\n    A: 23.1\n"
            "    B: 23.100000000000005",
        ),
        (f"DELETE FROM {PREDICTIONS} {ONE_ROW}", 1, "A: 1 rows\n    B: 0 rows"),
        (f"INSERT INTO {PREDICTIONS} FROM {PREDICTIONS} {ONE_ROW}", 1, "A: 1 rows\n    B: 2 rows"),
        (f"UPDATE {PREDICTIONS} SET line_value = 24 {ONE_ROW}", 2, "line_value=24.000000000"),
        (f"UPDATE {PREDICTIONS} SET extra = {{'run_id': 'r1', 'note': 'y'}} {ONE_ROW}", 1, "note: 'y'"),
        (f"UPDATE {PREDICTIONS} SET predicted = NULL {ONE_ROW}", 1, "B: None"),
        (
            f"UPDATE {PREDICTIONS} SET predicted = 0",
            30,
            "Different in 30 places; the first 20 are shown.",
        ),
        ("UPDATE nba_predictions.prediction_accuracy SET error = -error WHERE player_id = 3", 6, "error\n"),
        ("UPDATE nba_predictions.system_daily_performance SET mae = 4", 2, "window_name='7_days' mae"),
        ("ALTER TABLE nba_predictions.system_daily_performance ADD COLUMN n BIGINT", 1, "n\n    A: absent"),
    ],
)
def test_a_difference_in_a_table_is_shown(
    states: tuple[Path, Path], capsys: Any, sql: str, places: int, shown: str
) -> None:
    a, b = states
    change(b, sql)
    assert compare.main([str(a), str(b)]) == 1
    printed = capsys.readouterr().out
    assert f"Different in {places} places" in printed
    assert shown in printed


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (
            {**EXPORT, "games": [{"players": [{"line": 25.5}, {}]}]},
            ".games[0].players[0].line\n    A: 24.5\n    B: 25.5",
        ),
        (
            {**EXPORT, "games": [{"players": [{"line": 24.5}]}]},
            ".games[0].players\n    A: 2 items\n    B: 1 items",
        ),
        (
            {**EXPORT, "games": [{"players": [{"line": 24.5}, {"x": None}]}]},
            ".games[0].players[1].x\n    A: absent\n    B: there",
        ),
        ({**EXPORT, "games": []}, ".games\n    A: 1 items\n    B: 0 items"),
        ({**EXPORT, "games": 1}, ".games\n    A: [{players"),
    ],
)
def test_a_difference_in_an_export_is_shown(
    states: tuple[Path, Path], capsys: Any, content: dict[str, Any], shown: str
) -> None:
    a, b = states
    write_export(b, content)
    assert compare.main([str(a), str(b)]) == 1
    assert f"tonight/all-players.json {shown}" in capsys.readouterr().out


def test_a_whole_number_is_not_a_float(states: tuple[Path, Path]) -> None:
    a, b = states
    write_export(a, {"line": 25})
    write_export(b, {"line": 25.0})
    assert compare.main([str(a), str(b)]) == 1


def test_an_export_on_one_side_only_is_a_difference(states: tuple[Path, Path], capsys: Any) -> None:
    a, b = states
    write_export(b, {}, name="status.json")
    assert compare.main([str(a), str(b)]) == 1
    assert "status.json\n    A: absent\n    B: there" in capsys.readouterr().out


def test_the_environment_names_the_folders(states: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = states
    monkeypatch.setenv("A", str(a))
    monkeypatch.setenv("B", str(b))
    assert compare.main([]) == 0
    monkeypatch.setenv("B", "")
    assert compare.main([]) == 2


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (shutil.rmtree, "There is no folder"),
        (lambda b: (b / "warehouse.duckdb").unlink(), "has no warehouse.duckdb"),
        (lambda b: (b / "warehouse.duckdb").write_bytes(b"nothing of the kind"), "cannot be opened"),
        (lambda b: change(b, "DROP TABLE nba_predictions.prediction_accuracy"), "lacks a compared table"),
        (lambda b: (b / "exports/v1/tonight/all-players.json").write_text("{"), "is not JSON"),
    ],
)
def test_wrong_input_is_a_sentence_and_exit_2(
    states: tuple[Path, Path], capsys: Any, spoil: Any, sentence: str
) -> None:
    a, b = states
    spoil(b)
    assert compare.main([str(a), str(b)]) == 2
    assert sentence in capsys.readouterr().err


def test_a_warehouse_in_use_is_a_sentence(states: tuple[Path, Path], capsys: Any) -> None:
    a, b = states
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()",
            str(b / "warehouse.duckdb"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        assert compare.main([str(a), str(b)]) == 2
        holder.communicate(b"\n")
    assert "stop the runtime" in capsys.readouterr().err


def test_two_empty_states_are_not_called_the_same(states: tuple[Path, Path], capsys: Any) -> None:
    for folder in states:
        change(
            folder,
            f"""DELETE FROM {PREDICTIONS}; DELETE FROM nba_predictions.prediction_accuracy;
                DELETE FROM nba_predictions.system_daily_performance""",
        )
    assert compare.main([str(states[0]), str(states[1])]) == 2
    assert "holds a prediction" in capsys.readouterr().err


def test_a_name_that_no_folder_can_have_is_wrong_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(["x" * 300, "y"]) == 2
    assert "cannot be used: File name too long" in capsys.readouterr().err
