"""Who is predicted and who is left out: every reason, its order, and that nobody disappears."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.phase5_coordinator.players import Player, select_players
from functions.phase5_coordinator.requests import players_per_unit
from shared.core.settings import Settings
from shared.science.predictions.eligibility import reason_to_leave_out

NOW = datetime(2025, 11, 14, 22, 30, tzinfo=UTC)
SETTINGS = Settings()
# In the order in which they are looked for: the first that holds is the one recorded.
REASONS = (
    "tipped_off",
    "out",
    "doubtful",
    "no_history",
    "low_minutes",
    "low_quality",
    "not_on_roster",
    "unresolved_name",
)


def player(player_id: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "game_id": "0022500201",
        "player_id": player_id,
        "player_lookup": f"player{player_id}",
        "player_name": f"Player {player_id}",
        "team": "BOS",
        "features_as_of": NOW - timedelta(seconds=30),
        "tipoff_at": NOW + timedelta(hours=2),
        "injury_status": None,
        "games_known": 20,
        "minutes_l10": 30.0,
        "quality_score": 80.0,
        **changes,
    }


def line(player_id: int | None, *, is_main: bool = True, **changes: Any) -> dict[str, Any]:
    return {
        "game_id": "0022500201",
        "features_as_of": NOW,
        "player_id": player_id,
        "player_lookup": f"player{player_id}",
        "player_name": f"Player {player_id}",
        "stat": "points",
        "bookmaker": "bookone",
        "is_main": is_main,
        "line": Decimal("20.5"),
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"tipoff_at": NOW}, "tipped_off"),
        ({"tipoff_at": NOW + timedelta(seconds=1)}, None),
        ({"injury_status": "OUT"}, "out"),
        ({"injury_status": "DOUBTFUL"}, "doubtful"),
        ({"injury_status": "QUESTIONABLE"}, None),
        ({"injury_status": "PROBABLE"}, None),
        ({"games_known": 0, "minutes_l10": None}, "no_history"),
        ({"games_known": None, "minutes_l10": None}, "no_history"),
        ({"games_known": 1, "minutes_l10": 15.0}, None),  # fewer than ten games count as they are
        ({"minutes_l10": 15.0}, None),  # a threshold that is met exactly is met
        ({"minutes_l10": 14.99}, "low_minutes"),
        ({"quality_score": 50.0}, None),
        ({"quality_score": 49.9}, "low_quality"),
        # the first reason that holds is the one recorded
        ({"tipoff_at": NOW, "injury_status": "OUT", "minutes_l10": 1.0}, "tipped_off"),
        ({"injury_status": "OUT", "games_known": 0, "minutes_l10": None}, "out"),
        ({"minutes_l10": 1.0, "quality_score": 0.0}, "low_minutes"),
    ],
)
def test_reasons(changes: dict[str, Any], reason: str | None) -> None:
    assert reason_to_leave_out(player(**changes), SETTINGS, NOW) == reason
    assert reason is None or reason in REASONS


def test_thresholds_are_settings() -> None:
    strict = Settings(min_minutes=31.0, min_quality=90.0)
    assert reason_to_leave_out(player(), strict, NOW) == "low_minutes"
    assert reason_to_leave_out(player(minutes_l10=32.0), strict, NOW) == "low_quality"


def test_lines_go_to_their_player_and_only_main_ones_make_him_lined() -> None:
    lines = [line(1), line(1, bookmaker="booktwo"), line(2, is_main=False), line(1, game_id="0022500202")]
    (first, second), left_out = select_players([player(2), player(1)], lines[:3], SETTINGS, NOW)
    assert (first.player_id, len(first.books["points"]), first.has_line) == (1, 2, True)
    assert (second.player_id, len(second.books["points"]), second.has_line) == (2, 1, False)
    assert left_out == []
    (only,), strangers = select_players([player(1)], lines[3:], SETTINGS, NOW)
    assert only.books == {}
    assert [one.reason for one in strangers] == ["not_on_roster"]


def test_everyone_left_out_says_whether_he_had_a_line() -> None:
    roster = [player(1, injury_status="OUT"), player(2, minutes_l10=3.0)]
    expected, left_out = select_players(roster, [line(1)], SETTINGS, NOW)
    assert expected == []
    assert [(one.identity["player_id"], one.reason, one.has_line) for one in left_out] == [
        (1, "out", True),
        (2, "low_minutes", False),
    ]


def test_names_with_a_line_that_no_roster_has_are_recorded_once() -> None:
    lines = [
        line(9),
        line(9, bookmaker="booktwo"),
        line(None, player_lookup="nobodyknown", player_name="Nobody Known"),
        line(None, player_lookup="alternateonly", is_main=False),
    ]
    _, left_out = select_players([player(1)], lines, SETTINGS, NOW)
    assert [(one.identity["player_lookup"], one.reason, one.has_line) for one in left_out] == [
        ("nobodyknown", "unresolved_name", True),
        ("player9", "not_on_roster", True),
    ]


@given(
    roster=st.lists(
        st.builds(
            player,
            st.integers(1, 30),
            injury_status=st.sampled_from([None, "OUT", "DOUBTFUL", "QUESTIONABLE"]),
            minutes_l10=st.sampled_from([None, 3.0, 30.0]),
            quality_score=st.sampled_from([0.0, 90.0]),
        ),
        unique_by=lambda each: each["player_id"],
    ),
    lined=st.lists(st.one_of(st.none(), st.integers(1, 40))),
)
def test_nobody_disappears(roster: list[dict[str, Any]], lined: list[int | None]) -> None:
    """Everyone on a roster, and everyone with a line, is expected or left out, exactly once."""
    expected, left_out = select_players(roster, [line(one) for one in lined], SETTINGS, NOW)
    accounted = [one.features["player_lookup"] for one in expected] + [
        one.identity["player_lookup"] for one in left_out
    ]
    assert sorted(accounted) == sorted({f"player{one}" for one in lined} | {one["player_lookup"] for one in roster})
    assert all(one.reason in REASONS for one in left_out)


@pytest.mark.parametrize(("players", "most", "units"), [(1, 200, 1), (200, 200, 200), (201, 200, 200), (450, 20, 20)])
def test_units_are_players_or_groups_of_the_same_work(players: int, most: int, units: int) -> None:
    chosen = [Player(player(n), {}) for n in range(players)]
    grouped = players_per_unit(chosen, most)
    assert len(grouped) == units <= most
    assert sorted((one for group in grouped.values() for one in group), key=lambda one: one.player_id) == chosen
    sizes = {len(group) for group in grouped.values()}
    assert max(sizes) - min(sizes) <= 1
    assert players_per_unit(chosen, most) == grouped, "a retry sends what the first try sent"
    assert players > most or list(grouped) == [str(n) for n in range(players)]


def test_who_has_a_line_is_more_work_and_shares_a_unit_with_fewer() -> None:
    """Five tested lines against one row: of two lined players and ten without, in two units, one
    has each.
    """
    lined = [Player(player(n), {"points": [line(n)]}) for n in range(2)]
    unlined = [Player(player(n), {}) for n in range(10, 20)]
    grouped = players_per_unit([*lined, *unlined], 2)
    assert [[one.has_line for one in group].count(True) for group in grouped.values()] == [1, 1]
    assert [len(group) for group in grouped.values()] == [6, 6]


def test_who_is_in_two_games_is_in_one_unit() -> None:
    chosen = [Player(player(n, game_id=game), {}) for n in (1, 2, 3) for game in ("0022500201", "0022500202")]
    for most in (2, 20):
        grouped = players_per_unit(chosen, most)
        homes = [unit for unit, group in grouped.items() for one in group if one.player_id == 2]
        assert len(homes) == 2
        assert len(set(homes)) == 1
