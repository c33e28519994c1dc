"""Names and words of feeds that steer a terminal are stored, joined, told and exported as they
read.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from functions.phase6_export.document import Header, Order, document
from functions.phase6_export.sources import NAMES, Source
from tests.pipeline.test_scrape_faults import open_chain
from tests.support.fake_sources import DAY, Reply, box_rows, box_scores, event_odds, injuries

EVIL = "\x1b[2J\x1b]8;;https://evil.example\x1b\\Luka\x1b]8;;\x07\r\u202e [b]Dončić[/b]\u200b\x9b31m"
READS, LOOKUP = "Luka [b]Dončić[/b]", "lukabdoncicb"
STEERS = "\x1b\x07\r\u202e\u200b\x9b"


def test_texts_of_every_feed_come_into_the_raw_tables_as_they_read(tmp_path: Path) -> None:
    rows = box_rows("P")
    rows[0]["PLAYER_NAME"] = EVIL
    odds = event_odds("event0", props=True, lines=True)
    assert odds is not None
    book = odds["bookmakers"][0]
    book["key"] = "\x1b[1mdraft\u200bkings"
    for outcome in book["markets"][0]["outcomes"]:
        outcome["description"] = EVIL
    odds["home_team"] += "\u200b"
    injured = injuries()
    entry = injured["injuries"][0]["injuries"][0]
    entry["athlete"]["displayName"] = EVIL
    entry["details"] = {"type": "Knee\x1b[31m", "detail": "\x07Surgery\r"}
    named = "DISTINCT player_name, player_lookup"
    with open_chain(tmp_path / "today") as chain:
        chain.sources.says = {
            "injuries": Reply.of(injured),
            "live_odds event0": Reply.of(odds),
        }
        assert chain.load(chain.scrape("same_day")).status == "success"
        props = chain.rows("odds_api_player_props", f"{named}, bookmaker")
        (injury,) = chain.rows("injury_report WHERE source = 'espn'", "player_name, player_lookup, reason")
        spreads = chain.rows("odds_api_game_lines", "home_spread")
    with open_chain(tmp_path / "results") as chain:
        chain.sources.says = {"box P": Reply.of(box_scores("P", rows))}
        assert chain.load(chain.results(), "results").status == "success"
        players = chain.rows("nbac_player_boxscores", named)
    name = {"player_name": READS, "player_lookup": LOOKUP}
    assert name | {"bookmaker": "draftkings"} in props
    assert name in players
    assert injury == name | {"reason": "Knee, Surgery"}
    assert len(spreads) == 2


def test_what_is_refused_of_a_feed_is_told_as_it_reads(tmp_path: Path) -> None:
    rows = box_rows("P")
    rows[0]["PLAYER_NAME"] = "\x1b[2J\u202e"
    rows[1]["MATCHUP"] = EVIL
    with open_chain(tmp_path) as chain:
        chain.sources.says = {"box P": Reply.of(box_scores("P", rows))}
        loaded = chain.load(chain.results(), "results")
    assert loaded.records_failed == 2
    metadata = str(loaded.metadata)
    assert "of characters that are not printed" in metadata
    assert not any(sign in metadata for sign in STEERS)


def test_an_export_of_rows_that_were_stored_before_is_printable() -> None:
    moment = datetime(2025, 11, 14, tzinfo=UTC)
    sources = [Source(name, "missing", None, moment, f"none {EVIL}").as_json() for name in NAMES]
    header = Header(
        DAY, moment, Order(1, str(DAY), 1, "2025-11-14T00:00:00.000000Z"), ("batch",), True, f"why {EVIL}", sources
    )
    content = {
        "system_id": "ensemble_v1",
        "most_picks": 20,
        "most_per_player": 1,
        "total_candidates": 0,
        "left_out": {"bets": 0, "players": 0, "reason": None},
        "picks": [],
        "withheld": [],
        "empty_reason": None,
    }
    made = document("best-bets/latest.json", "best_bets", header, content, 300)
    text = made.data.decode()
    assert json.loads(text)["halt_reason"] == f"why {READS}"
    assert not any(sign in text for sign in STEERS)
    assert "Dončić" in text
