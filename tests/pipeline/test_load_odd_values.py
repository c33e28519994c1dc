"""Phase 2 on real embedded stores where feeds sent odd values: the run is partial, names them, and
loads the rest.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from functions.phase2_raw.load_raw import run as load_raw
from shared.chain.execution.context import Outcome
from shared.chain.messages.messages import PhaseMessage
from shared.core.errors import DataError
from shared.stores.raw_files import CONTENT_TYPE, Response, encode_raw, raw_path
from shared.stores.runtime import Runtime
from tests.support.embedded import ManualClock
from tests.support.fake_sources import DAY, box_rows, box_scores, event_odds, injuries, schedule
from tests.support.stores import context_of, open_stores

FETCHED = datetime(2025, 11, 14, 16, 30, tzinfo=UTC)
ANSWERS = {"schedule": "schedule", "player_boxscores": "leaguegamelog", "team_boxscores": "leaguegamelog"}


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Runtime]:
    with open_stores(tmp_path, ManualClock(FETCHED)) as opened:
        yield opened


def write(runtime: Runtime, source: str, kind: str, *bodies: bytes) -> str:
    """A raw file of answers as they came."""
    path = raw_path(source, kind, DAY, FETCHED, "key")
    name = ANSWERS.get(kind, "injuries" if source == "espn" else "odds")
    responses = [Response(name, {}, {}, body) for body in bodies]
    runtime.raw.write(path, encode_raw(source, kind, DAY, "run-1", FETCHED, responses, {}), content_type=CONTENT_TYPE)
    return path


def load(runtime: Runtime, *paths: Any) -> Outcome:
    metadata = {"files": [{"path": path} for path in paths]}
    message = PhaseMessage(game_date=DAY, status="success", metadata=metadata)
    return load_raw(message, context_of(runtime, "phase2_raw", DAY, mode="same_day"))


def as_bytes(value: Any) -> bytes:
    return json.dumps(value).encode()


def test_one_odd_value_of_each_source_is_named_and_the_rest_is_loaded(runtime: Runtime) -> None:
    games = schedule(final=False)
    games["leagueSchedule"]["gameDates"][0]["games"][0]["gameDateTimeUTC"] = "0001-01-01T00:00:00Z"
    rows = box_rows("P")
    rows[0]["PTS"] = 10**26
    odds = event_odds("event0", lines=True)
    assert odds is not None
    odds["bookmakers"][0]["markets"][1]["outcomes"][0]["point"] = 231.00000000000003
    odds["bookmakers"].append({"key": ["fanduel"], "markets": []})
    listed = injuries()
    listed["injuries"][0]["injuries"].append({"status": "Out", "athlete": {"displayName": ["A"]}})
    loaded = load(
        runtime,
        write(runtime, "nba", "schedule", as_bytes(games)),
        write(runtime, "nba", "player_boxscores", as_bytes(box_scores("P", rows))),
        write(runtime, "odds_api", "game_lines", as_bytes(odds)),
        write(runtime, "espn", "injuries", as_bytes(listed)),
    )
    assert (loaded.status, loaded.records_failed) == ("partial", 4)
    assert loaded.metadata["rows"] == {
        "nba_raw.injury_report": 1,
        "nba_raw.injury_report_teams": 30,
        "nba_raw.nbac_player_boxscores": 3,
        "nba_raw.nbac_schedule": 1,
        "nba_raw.odds_api_game_lines": 1,
    }
    for message in (
        "year",
        "PTS is 100000000000000000000000000",
        "key of a bookmaker is a list",
        "athlete.displayName",
    ):
        assert any(message in sentence for sentence in loaded.metadata["problems"]), message
    [line] = runtime.warehouse.query("SELECT total, answer_at FROM nba_raw.odds_api_game_lines").to_pylist()
    assert (str(line["total"]), line["answer_at"]) == ("231.000000000", FETCHED)
    [game] = runtime.warehouse.query("SELECT game_id, covers_from FROM nba_raw.nbac_schedule").to_pylist()
    assert game == {"game_id": "0022500202", "covers_from": None}


@pytest.mark.parametrize(
    "body", [b"[" * 100_000 + b"]" * 100_000, b'{"leagueSchedule": 7}', b"null", b'"\\ud800"', b"9" * 5000]
)
def test_a_schedule_that_cannot_be_read_at_all_fails_no_run(runtime: Runtime, body: bytes) -> None:
    """Alone it is partial with nothing loaded, and says what to do; beside others they are
    loaded.
    """
    path = write(runtime, "nba", "schedule", body)
    alone = load(runtime, path)
    assert (alone.status, alone.record_count, list(alone.metadata["failed_files"])) == ("partial", 0, [path])
    assert "run phase 1 for the date again" in alone.reason
    beside = load(runtime, path, write(runtime, "nba", "team_boxscores", as_bytes(box_scores("T"))))
    assert (beside.status, beside.record_count) == ("partial", 4)


def test_an_answer_that_names_no_book_is_a_row(runtime: Runtime) -> None:
    odds = event_odds("event0", props=True)
    assert odds is not None
    load(runtime, write(runtime, "odds_api", "player_points", as_bytes(odds | {"bookmakers": []})))
    rows = runtime.warehouse.query(
        "SELECT event_id, bookmaker, line, answer_at FROM nba_raw.odds_api_player_props"
    ).to_pylist()
    assert rows == [{"event_id": "event0", "bookmaker": None, "line": None, "answer_at": FETCHED}]


@pytest.mark.parametrize("path", [["raw"], {}, 7, None, "raw/nba/schedule/0001-01-01/a.json.gz", "x" * 100_000,
                                  "raw/nba/schedule/2025-11-14/\ud800.json.gz"])  # fmt: skip
def test_a_path_that_is_none_is_the_messages_fault(runtime: Runtime, path: Any) -> None:
    with pytest.raises(DataError):
        load(runtime, path)
