"""What a reader is told of the sources: their state and age in every file, injuries nobody listed,
a partial status.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from functions.phase6_export.export import run
from functions.phase6_export.schema_check import check
from functions.phase6_export.sources import Sources
from shared.chain.execution.context import Context
from shared.core.settings import Settings
from shared.nba.stats import POINTS, STATS
from tests.support.lent_warehouses import LaidOut
from tests.support.prediction_tables import (
    AS_OF,
    DAY,
    EARLY,
    LATE,
    Evening,
    batch,
    evening,
    expected_row,
    features,
    message,
    prediction_row,
    schedule_row,
    sources,
)

INJURIES = "nba_raw.injury_report_teams"
PLAYER_LINES = "nba_raw.odds_api_player_props"
GAME_LINES = "nba_raw.odds_api_game_lines"
BOXES = "nba_raw.nbac_player_boxscores"
SCHEDULE = "nba_raw.nbac_schedule"
FILES = {
    f"v1/predictions/{DAY}.json": "predictions",
    f"v1/best-bets/{DAY}.json": "best_bets",
    "v1/predictions/today.json": "predictions",
    "v1/best-bets/latest.json": "best_bets",
    "v1/tonight/all-players.json": "all_players",
    "v1/tonight/player/alpha.json": "player",
    "v1/tonight/player/outa.json": "player",
    "v1/status.json": "status",
}
HOUR = "2025-11-14T16:00:00Z"


_ROWS = LaidOut()


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    with evening(tmp_path) as opened:
        if not _ROWS.are_put_into(opened.warehouse):
            lay_out(opened)
            _ROWS.keep(opened.warehouse)
        yield opened


def lay_out(opened: Evening) -> None:
    """Alpha and Beta are predicted, Out A is left out; no source has said anything but the two
    games.
    """
    opened.add(SCHEDULE, [schedule_row(EARLY), schedule_row(LATE)])
    opened.add("nba_predictions.prediction_batches", [batch(EARLY), batch(LATE)])
    considered = [
        expected_row(EARLY, 1, "Alpha"),
        expected_row(LATE, 2, "Beta"),
        expected_row(EARLY, 4, "Out A", "out"),
    ]
    opened.add("nba_monitoring.expected_outputs", considered)
    listed = {"injury_status": "QUESTIONABLE"}
    opened.add("nba_predictions.ml_feature_store", [features(EARLY, 1, "Alpha") | listed])
    rows = [prediction_row(EARLY, 1, "Alpha"), prediction_row(LATE, 2, "Beta")]
    opened.add("nba_predictions.player_prop_predictions", rows)


def read(night: Evening, path: str) -> Any:
    return json.loads(night.runtime.exports.read(path).data)


def read_sources(night: Evening, path: str = "v1/status.json") -> dict[str, tuple[str, str | None, int | None]]:
    return {
        each["source"]: (each["state"], each["snapshot_at"], each["age_minutes"])
        for each in read(night, path)["sources"]
    }


def of(body: Any) -> dict[str, Any]:
    return {player["player_lookup"]: player for game in body["games"] for player in game["players"]}


def test_every_file_says_of_every_source_how_old_it_is(night: Evening) -> None:
    night.add_sources()
    outcome = run(message(), night.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("success", "")
    names = ("schedule", "box_scores", "injuries", "player_lines", "game_lines")
    for path, schema in FILES.items():
        check(read(night, path), schema, path)
        assert read_sources(night, path) == dict.fromkeys(names, ("current", HOUR, 60)), path
        assert {each["reason"] for each in read(night, path)["sources"]} == {None}
    alpha = of(read(night, "v1/tonight/all-players.json"))["alpha"]
    assert (alpha["injury_status"], alpha["injuries_unknown"]) == ("QUESTIONABLE", False)


def test_a_day_without_odds_and_injuries_is_partial_and_nobodys_injury_is_known(night: Evening) -> None:
    night.add_sources(without=(INJURIES, PLAYER_LINES, GAME_LINES))
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == "partial"
    reasons = (
        f"injuries missing: no injury list of {DAY} was known",
        f"player_lines missing: no answer about player lines of {DAY} was known",
        f"game_lines missing: no answer about game lines of {DAY} was known",
    )
    assert outcome.reason == "; ".join(reasons)
    status = read(night, "v1/status.json")
    assert (status["status"], status["reason"]) == ("partial", outcome.reason)
    assert (status["dates"][0]["status"], status["dates"][0]["reason"]) == ("partial", outcome.reason)
    for path, schema in FILES.items():
        check(read(night, path), schema, path)
    nothing = ("missing", None, None)
    at = ("current", HOUR, 60)
    assert read_sources(night, f"v1/predictions/{DAY}.json") == {
        "schedule": at,
        "box_scores": at,
        "injuries": nothing,
        "player_lines": nothing,
        "game_lines": nothing,
    }
    everybody = of(read(night, "v1/tonight/all-players.json"))
    assert {(each["injury_status"], each["injuries_unknown"]) for each in everybody.values()} == {("unknown", True)}
    his_own = read(night, "v1/tonight/player/alpha.json")["player"]
    assert (his_own["injury_status"], his_own["injuries_unknown"]) == ("unknown", True)
    assert [each["injuries_unknown"] for each in read(night, "v1/predictions/today.json")["players"]] == [True, True]
    bets = read(night, "v1/best-bets/latest.json")
    assert [each["injuries_unknown"] for each in bets["picks"]] == [True, True]
    assert bets["empty_reason"] is None


def with_settings(night: Evening, **settings: Any) -> Context:
    context = night.context("phase6_export")
    return replace(context, runtime=replace(context.runtime, settings=Settings(**settings)))


def test_picks_without_an_injury_list_are_withheld_where_the_setting_says_so(night: Evening) -> None:
    night.add_sources(without=(INJURIES,))
    run(message(), with_settings(night, withhold_picks_without_injuries=True))
    bets = read(night, "v1/best-bets/latest.json")
    check(bets, "best_bets", "latest.json")
    assert (bets["picks"], bets["total_candidates"]) == ([], 0)
    assert bets["empty_reason"] == "picks of 2 of 2 teams are withheld: no injury list was in force"
    assert read(night, "v1/predictions/today.json")["total_players"] == 2, "what is predicted is still shown"


def test_with_an_injury_list_the_setting_withholds_nothing(night: Evening) -> None:
    night.add_sources()
    run(message(), with_settings(night, withhold_picks_without_injuries=True))
    bets = read(night, "v1/best-bets/latest.json")
    assert (len(bets["picks"]), bets["empty_reason"]) == (2, None)


def only_earlier(hours: float, table: str, **changes: Any) -> Callable[[Evening], None]:
    """The table's rows are of so many hours before the features."""

    def change(night: Evening) -> None:
        at = AS_OF - timedelta(hours=hours)
        moments = {"snapshot_time": at}
        if table in (PLAYER_LINES, GAME_LINES):
            moments |= {"fetched_at": at, "answer_at": at}
        night.add(table, [row | moments | changes for row in sources()[table]])

    return change


def add_empty_list(night: Evening) -> None:
    """The newest list names nobody: what an earlier one said is out of force."""
    only_earlier(2, INJURIES)(night)
    only_earlier(1, INJURIES, submitted=False, source_file="later")(night)


def lines_of_one_game(night: Evening) -> None:
    night.add(PLAYER_LINES, [row for row in sources()[PLAYER_LINES] if row["home_team"] == "BOS"])


def lines_with_the_teams_turned(night: Evening) -> None:
    rows = sources()[PLAYER_LINES]
    night.add(PLAYER_LINES, [row | {"home_team": row["away_team"], "away_team": row["home_team"]} for row in rows])


def no_box_scores_of_yesterday(night: Evening) -> None:
    before = DAY - timedelta(days=3)
    night.add(BOXES, [row | {"game_date": before, "game_id": "0022500001"} for row in sources()[BOXES]])


@pytest.mark.parametrize(
    ("source", "table", "change", "state", "reason"),
    [
        ("injuries", INJURIES, only_earlier(12, INJURIES), ("current", 720), None),
        ("injuries", INJURIES, only_earlier(12.1, INJURIES), ("stale", 726), "more than 12 hours old"),
        ("injuries", INJURIES, only_earlier(0, INJURIES), ("missing", None), "no injury list"),
        (
            "injuries",
            INJURIES,
            only_earlier(1, INJURIES, game_date=DAY - timedelta(days=1)),
            ("missing", None),
            "list of",
        ),
        ("injuries", INJURIES, add_empty_list, ("missing", 60), "names nobody"),
        ("player_lines", PLAYER_LINES, only_earlier(12, PLAYER_LINES), ("current", 720), None),
        ("player_lines", PLAYER_LINES, only_earlier(12.1, PLAYER_LINES), ("stale", 726), "out of force"),
        (
            "player_lines",
            PLAYER_LINES,
            only_earlier(-1, PLAYER_LINES),
            ("missing", None),
            "no answer about player lines",
        ),
        ("player_lines", PLAYER_LINES, lines_of_one_game, ("missing", 60), "was known for 1 of 2 games"),
        ("player_lines", PLAYER_LINES, lines_with_the_teams_turned, ("current", 60), None),
        ("game_lines", GAME_LINES, only_earlier(12.1, GAME_LINES), ("stale", 726), "out of force"),
        ("game_lines", GAME_LINES, only_earlier(0, GAME_LINES), ("missing", None), "no answer about game lines"),
        ("box_scores", BOXES, lambda night: None, ("missing", None), "no box score was known"),
        ("box_scores", BOXES, only_earlier(0, BOXES), ("missing", None), "no box score was known"),
        ("box_scores", BOXES, no_box_scores_of_yesterday, ("stale", 60), "of 1 of 1 games of 2025-11-13"),
        ("schedule", SCHEDULE, only_earlier(17, SCHEDULE), ("stale", 1020), "was of 2025-11-13"),
        ("schedule", SCHEDULE, only_earlier(11, SCHEDULE), ("current", 660), None),
    ],
)
def test_a_source_that_counts_no_more_makes_the_export_partial(
    night: Evening,
    source: str,
    table: str,
    change: Callable[[Evening], None],
    state: tuple[str, int | None],
    reason: str | None,
) -> None:
    night.add_sources(without=(table,))
    change(night)
    outcome = run(message(), night.context("phase6_export"))
    (found,) = (each for each in read(night, "v1/status.json")["sources"] if each["source"] == source)
    assert (found["state"], found["age_minutes"]) == state
    assert outcome.status == ("success" if state[0] == "current" else "partial"), outcome.reason
    if reason is None:
        assert outcome.reason == ""
    else:
        assert reason in outcome.reason
        assert reason in found["reason"]


@pytest.mark.parametrize(
    ("minutes", "state", "reason"),
    [(720, "current", None), (721, "stale", "the newest schedule known was more than 12 hours old")],
)
def test_a_schedule_of_the_morning_is_stale_in_the_evening(minutes: int, state: str, reason: str | None) -> None:
    """What was postponed or moved since is not known: no other date's schedule, and too old to go
    by.
    """
    as_of = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
    known = as_of - timedelta(minutes=minutes)
    row = {"game_id": None, "features_as_of": as_of, "schedule_at": known, "box_scores_at": None}
    schedule = Sources(DAY, [row]).of([])[0]
    assert (schedule.state, schedule.reason, schedule.as_json()["age_minutes"]) == (state, reason, minutes)


def test_an_answer_without_a_line_is_an_answer(night: Evening) -> None:
    night.add_sources(without=(PLAYER_LINES,))
    nothing = dict.fromkeys(("bookmaker", "line", "over_price", "under_price"))
    night.add(PLAYER_LINES, [each | nothing for each in sources()[PLAYER_LINES]])
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == "success"
    found = {each["source"]: each for each in read(night, "v1/status.json")["sources"]}["player_lines"]
    assert (found["state"], found["reason"]) == ("current", "no bookmaker offered player lines for some game")


@pytest.mark.parametrize(
    ("source", "null_reasons", "seen"),
    [
        ("injuries", "matchup=unknown,injuries=no_list", False),
        ("injuries", "opponents=no_list,injuries=no_list,market=no_line", False),
        ("player_lines", "injuries=no_list,market=no_line", False),
        ("game_lines", "game_line=none,market=no_line", False),
        ("player_lines", "injuries=no_list,market=suspicious_line", True),
        ("game_lines", "line_price=not_offered", True),
        ("injuries", "line_price=not_offered", True),
    ],
)
def test_what_was_loaded_after_the_features_were_made_is_not_said_to_be_in_them(
    night: Evening, source: str, null_reasons: str, seen: bool
) -> None:
    """A list or an answer of 16:59 that a retry loads at 17:10: known at the features' moment, and
    not to them.
    """
    night.add_sources()
    night.add("nba_predictions.ml_feature_store", [features(LATE, 2, "Beta") | {"null_reasons": null_reasons}])
    run(message(), night.context("phase6_export"))
    found = {each["source"]: each for each in read(night, "v1/status.json")["sources"]}[source]
    assert found["state"] == ("current" if seen else "missing")
    assert seen or found["reason"].endswith(
        "is not in the features: it was loaded after they were made, or nothing of it could be used for 1 of 2 games"
    )
    beta = of(read(night, "v1/tonight/all-players.json"))["beta"]
    assert (beta["injury_status"] == "unknown") == ("injuries=" in null_reasons)


@pytest.mark.parametrize("stat", STATS)
def test_lines_of_one_statistic_are_player_lines_in_the_features(night: Evening, stat: str) -> None:
    """Books may offer it before they offer points."""
    night.add_sources()
    line = {"line" if stat == POINTS.name else f"{stat}_line": 6.5}
    reasons = "market=not_offered" if stat == POINTS.name else "market=no_line"
    row = features(LATE, 2, "Beta") | line | {"null_reasons": reasons}
    night.add("nba_predictions.ml_feature_store", [row])
    run(message(), night.context("phase6_export"))
    found = {each["source"]: each["state"] for each in read(night, "v1/status.json")["sources"]}
    assert found["player_lines"] == "current"


def test_an_export_again_says_the_same_whatever_came_in_since(night: Evening) -> None:
    """The list and the lines of an hour later are not what the predictions knew."""
    night.add_sources(without=(INJURIES, PLAYER_LINES))
    path = f"v1/predictions/{DAY}.json"
    run(message(), night.context("phase6_export"))
    before = read(night, path)["sources"]
    night.add_sources(until=AS_OF + timedelta(hours=2))
    night.clock.move(hours=5)
    run(message(), night.context("phase6_export"))
    assert read(night, path)["sources"] == before


def test_each_game_goes_by_the_moment_of_its_own_features(night: Evening) -> None:
    """The early game was predicted before the list came, the late one after it."""
    night.add_sources(without=(INJURIES,))
    night.add(INJURIES, [row | {"snapshot_time": AS_OF + timedelta(hours=1)} for row in sources()[INJURIES]])
    later = AS_OF + timedelta(hours=2)
    night.add("nba_predictions.prediction_batches", [batch(LATE, 2)])
    night.add(
        "nba_monitoring.expected_outputs", [expected_row(LATE, 2, "Beta", revision=2) | {"features_as_of": later}]
    )
    again = prediction_row(LATE, 2, "Beta", revision=2, features_as_of=later)
    night.add("nba_predictions.player_prop_predictions", [again])
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.reason == f"injuries missing: no injury list of {DAY} was known for 1 of 2 games"
    everybody = of(read(night, "v1/tonight/all-players.json"))
    assert {name: each["injury_status"] for name, each in everybody.items()} == {
        "alpha": "unknown", "outa": "unknown", "beta": None,
    }  # fmt: skip
    run(message(), with_settings(night, withhold_picks_without_injuries=True))
    bets = read(night, "v1/best-bets/latest.json")
    assert [each["player_lookup"] for each in bets["picks"]] == ["beta"]
    assert bets["empty_reason"] == "picks of 1 of 2 teams are withheld: no injury list was in force"


def test_a_halt_is_said_instead_of_partial(night: Evening) -> None:
    night.runtime.state.create("control/halt", {"halted": True, "reason": "off-season"})
    outcome = run(message(), night.context("phase6_export"))
    assert outcome.status == "halted"
    assert outcome.reason.startswith("halted: off-season; ")
    status = read(night, "v1/status.json")
    assert (status["status"], status["halted"]) == ("halted", True)
