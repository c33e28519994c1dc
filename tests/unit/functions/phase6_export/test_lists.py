"""What a reader is told of injury lists: of each team whether it was there, whose and of when; of a
player his own status with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from functions.phase6_export.export import run
from functions.phase6_export.schema_check import check
from shared.stores.warehouse.schemas import load_schema
from tests.support import injury_lists
from tests.support.prediction_tables import (
    AS_OF,
    DAY,
    EARLY,
    LATE,
    Evening,
    evening,
    expected_row,
    features,
    message,
    prediction_row,
)
from tests.unit.functions.phase6_export.test_sources import (
    FILES,
    HOUR,
    INJURIES,
    lay_out,
    of,
    read,
    read_sources,
    with_settings,
)

CONTEXT = "nba_analytics.upcoming_player_game_context"
GUEST = (3, "Guest")


@pytest.fixture
def night(tmp_path: Path) -> Iterator[Evening]:
    with evening(tmp_path) as opened:
        lay_out(opened)
        yield opened


def add_report(night: Evening, teams: dict[str, bool], *players: tuple[str, str, str], hours: float = 1) -> None:
    """The league's own report of so many hours before the features."""
    at = AS_OF - timedelta(hours=hours)
    night.add(INJURIES, [injury_lists.make_team_row(DAY, "official", t, at, submitted=yes) for t, yes in teams.items()])
    night.add(injury_lists.PLAYERS, [injury_lists.make_player_row(DAY, "official", *player, at) for player in players])


def add_guest(night: Evening) -> None:
    """A player of Los Angeles, whose opponent Alpha's Boston is."""
    night.add("nba_monitoring.expected_outputs", [expected_row(EARLY, *GUEST) | {"team": "LAL"}])
    night.add("nba_predictions.player_prop_predictions", [prediction_row(EARLY, *GUEST)])


def test_each_team_says_whose_list_it_goes_by_and_of_when(night: Evening) -> None:
    """Boston lists somebody, Los Angeles has not submitted; of the late game ESPN alone knows, and
    it names nobody of Golden State or Denver.
    """
    add_guest(night)
    night.add_sources()
    add_report(night, {"BOS": True, "LAL": False}, ("Alpha", "BOS", "QUESTIONABLE"), hours=0.5)
    outcome = run(message(), night.context("phase6_export"))
    assert (outcome.status, outcome.reason) == ("success", ""), "that a list is not submitted is known, and no gap"
    half_past = "2025-11-14T16:30:00Z"
    boston = {"team": "BOS", "state": "listed", "source": "official", "snapshot_at": half_past}
    theirs = {"team": "LAL", "state": "no_list", "source": "official", "snapshot_at": half_past}
    denver = {"team": "DEN", "state": "nobody_listed", "source": "espn", "snapshot_at": HOUR}
    everybody = read(night, "v1/tonight/all-players.json")
    assert {game["game_id"]: game["injury_lists"] for game in everybody["games"]} == {
        EARLY: [boston, theirs], LATE: [denver, denver | {"team": "GSW"}],
    }  # fmt: skip
    players = of(everybody)
    assert {name: each["injury_list"] for name, each in players.items()} == {
        "alpha": boston, "outa": boston, "guest": theirs, "beta": denver,
    }  # fmt: skip
    assert {name for name, each in players.items() if each["injuries_unknown"]} == {"guest"}
    assert (players["guest"]["injury_status"], players["alpha"]["injury_status"]) == ("unknown", "QUESTIONABLE")
    for path, schema in FILES.items():
        check(read(night, path), schema, path)
    for path, entries in ((f"v1/predictions/{DAY}.json", "players"), (f"v1/best-bets/{DAY}.json", "picks")):
        found = {each["player_lookup"]: each for each in read(night, path)[entries]}
        assert {name: each["injury_list"] for name, each in found.items()} == {
            "alpha": boston, "guest": theirs, "beta": denver,
        }  # fmt: skip
        assert found["guest"]["injuries_unknown"]
    (source,) = (each for each in read(night, "v1/status.json")["sources"] if each["source"] == "injuries")
    assert (source["state"], source["snapshot_at"]) == ("current", HOUR)
    assert source["reason"] == f"LAL had not submitted its injury list of {DAY}"


def test_picks_are_withheld_of_the_team_whose_list_is_not_there(night: Evening) -> None:
    add_guest(night)
    night.add_sources()
    add_report(night, {"BOS": True, "LAL": False})
    run(message(), with_settings(night, withhold_picks_without_injuries=True))
    bets = read(night, "v1/best-bets/latest.json")
    assert sorted(each["player_lookup"] for each in bets["picks"]) == ["alpha", "beta"]
    assert bets["empty_reason"] == "picks of 1 of 3 teams are withheld: no injury list was in force"


@pytest.mark.parametrize(("hours", "state"), [(1, "current"), (12.1, "stale")])
def test_an_old_word_that_nothing_is_submitted_is_stale(night: Evening, hours: float, state: str) -> None:
    night.add_sources()
    add_report(night, {"BOS": True, "LAL": False}, hours=hours)
    run(message(), night.context("phase6_export"))
    assert read_sources(night)["injuries"][0] == state


def add_context(night: Evening, state: str, source: str | None, status: str | None) -> None:
    """What phase 3 wrote of Alpha for the features."""
    reason = "Injury/Illness - Left Knee; Soreness" if status else None
    whole = features(EARLY, 1, "Alpha")
    context = {
        **{name: value for name, value in whole.items() if name in load_schema(CONTEXT).columns},
        **{"last_game_at": AS_OF, "last_game_date": DAY, "injury_list_state": state, "injury_report_source": source},
        **{"injury_status": status, "injury_reason": reason, "injury_snapshot_at": AS_OF - timedelta(hours=2)},
    }
    night.add(CONTEXT, [context])


@pytest.mark.parametrize(
    ("state", "source", "status", "shown", "reason"),
    [
        ("listed", "official", "QUESTIONABLE", "QUESTIONABLE", "Injury/Illness - Left Knee; Soreness"),
        ("listed", "official", None, None, None),
        ("no_list", None, None, "unknown", None),
        # a former team's list names him
        ("no_list", None, "QUESTIONABLE", "QUESTIONABLE", "Injury/Illness - Left Knee; Soreness"),
    ],
)
def test_his_own_status_is_shown_with_its_reason(
    night: Evening, state: str, source: str | None, status: str | None, shown: str | None, reason: str | None
) -> None:
    change = "UPDATE nba_predictions.ml_feature_store SET injury_status = @status WHERE game_date = @day"
    night.warehouse.execute(f"{change} AND player_id = 1", {"day": DAY, "status": status})
    night.add_sources()
    add_context(night, state, source, status)
    run(message(), night.context("phase6_export"))
    everybody = of(read(night, "v1/tonight/all-players.json"))
    predicted = {each["player_lookup"]: each for each in read(night, "v1/predictions/today.json")["players"]}
    picks = {each["player_lookup"]: each for each in read(night, "v1/best-bets/latest.json")["picks"]}
    for found in (everybody, predicted, picks):
        assert (found["alpha"]["injury_status"], found["alpha"]["injury_reason"]) == (shown, reason)
        assert (found["beta"]["injury_status"], found["beta"]["injury_reason"]) == (None, None)
    sentence = "He is listed as questionable (Injury/Illness - Left Knee; Soreness)."
    assert (sentence in picks["alpha"]["reason"]) == (status is not None)


@pytest.mark.parametrize(("state", "source"), [("nobody_listed", "espn"), ("no_list", None)])
def test_what_was_loaded_after_the_features_were_made_is_not_what_they_knew(
    night: Evening, state: str, source: str | None
) -> None:
    """A report of an hour before them that came in late: they went by a list of two hours before,
    or by none.
    """
    night.add_sources()
    add_context(night, state, source, None)
    add_report(night, {"BOS": True, "LAL": True}, ("Alpha", "BOS", "OUT"))
    run(message(), night.context("phase6_export"))
    everybody = read(night, "v1/tonight/all-players.json")
    boston = {"team": "BOS", "state": state, "source": source, "snapshot_at": "2025-11-14T15:00:00Z"}
    assert (of(everybody)["alpha"]["injury_list"], everybody["games"][0]["injury_lists"][0]) == (boston, boston)
    assert of(everybody)["alpha"]["injuries_unknown"] == (state == "no_list")
    assert everybody["games"][0]["injury_lists"][1]["source"] == "official", "of Los Angeles nobody has features"


def test_a_game_without_predictions_goes_by_the_lists_of_the_date(night: Evening) -> None:
    """Nobody of the late game is predicted: its teams' lists are as of the newest features."""
    for table in ("nba_predictions.player_prop_predictions", "nba_predictions.prediction_batches"):
        night.warehouse.execute(f"DELETE FROM {table} WHERE game_id = '{LATE}'")
    left_out = "UPDATE nba_monitoring.expected_outputs SET status = 'left_out', reason = 'low_minutes'"
    night.warehouse.execute(f"{left_out} WHERE game_id = '{LATE}'")
    night.add_sources(without=(INJURIES,))
    add_report(night, {"DEN": True, "GSW": False, "BOS": True, "LAL": True})
    run(message(), night.context("phase6_export"))
    found = {game["game_id"]: game["injury_lists"] for game in read(night, "v1/tonight/all-players.json")["games"]}
    assert [each["state"] for each in found[LATE]] == ["nobody_listed", "no_list"]
    assert of(read(night, "v1/tonight/all-players.json"))["beta"]["injuries_unknown"] is False


@pytest.mark.parametrize(("submitted", "state"), [({"BOS": True, "LAL": True}, "listed"), ({"LAL": False}, "no_list")])
def test_a_player_without_a_team_goes_by_both_lists(night: Evening, submitted: dict[str, bool], state: str) -> None:
    """A name with a line whose player is on neither roster: who is out is known where both lists
    are.
    """
    night.add("nba_monitoring.expected_outputs", [expected_row(EARLY, *GUEST, "not_on_roster") | {"team": None}])
    night.add_sources()
    add_report(night, submitted, ("Alpha", "BOS", "OUT"), hours=0.5)
    run(message(), night.context("phase6_export"))
    guest = of(read(night, "v1/tonight/all-players.json"))["guest"]
    assert (guest["injury_list"]["state"], guest["injury_list"]["team"]) == (state, None)
    assert (guest["injuries_unknown"], guest["injury_status"]) == (
        (False, None) if state == "listed" else (True, "unknown")
    )
