"""Phases 1 and 2 of a real day, from a message on the bus to the rows, through the served functions
and the replay.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, time
from pathlib import Path

import pytest

from local.host.runtime import open_runtime
from shared.core.clock import at_new_york
from shared.core.pipeline import load_pipeline


@pytest.mark.heavy
def test_the_lines_of_2025_11_14_reach_the_tables(nba_archive: Path, tmp_path: Path) -> None:
    pipeline = load_pipeline()
    both = {name: pipeline.functions[name] for name in ("phase1_scrape", "phase2_raw")}
    with open_runtime(tmp_path, archive=nba_archive, pipeline=replace(pipeline, functions=both)) as runtime:
        runtime.clock.set(at_new_york(date(2025, 11, 14), time(17, 30)))
        message = {"game_date": "TODAY", "mode": "same_day"}
        runtime.bus.publish("nba-phase1-trigger", json.dumps(message).encode(), {"schedule": "pre-game-predictions"})
        answers = []
        runtime.run_until_idle(lambda completed: answers.append(completed))
        assert [(each.function, each.status_code) for each in answers] == [("phase1_scrape", 200), ("phase2_raw", 200)]
        [lines] = runtime.warehouse.query(
            "SELECT COUNT(DISTINCT player_lookup) AS players, COUNT(DISTINCT event_id) AS games,"
            " MAX(snapshot_time) < MIN(fetched_at) AS earlier FROM nba_raw.odds_api_player_props"
            # A market that nobody offers is a row without a line, as of the answer that said so.
            " WHERE line IS NOT NULL"
        ).to_pylist()
        assert lines == {"players": 132, "games": 9, "earlier": True}
        [games] = runtime.warehouse.query(
            "SELECT COUNT(*) AS games, COUNTIF(status = 'scheduled') AS coming FROM nba_raw.nbac_schedule"
            " WHERE game_date = DATE '2025-11-14'"
        ).to_pylist()
        assert games == {"games": 9, "coming": 9}
