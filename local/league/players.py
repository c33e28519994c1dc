"""The people of the simulated league: players with skill, role and habits, teams with pace and
defence by zone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.league.names import make_names

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROSTER = 15
MOST_USAGE = 1.7  # nobody takes much more than a third of his team's shots while he plays
ZONES = ("ra", "paint_nonra", "mid", "corner3", "ab3", "backcourt")
ZONE_POINTS = np.array([2.0, 2.0, 2.0, 3.0, 3.0, 3.0])
# League accuracy by zone, 2024-25 of the real archive: makes over attempts.
ZONE_ACCURACY = np.array([0.664, 0.444, 0.417, 0.388, 0.353, 0.025])
# Shares of a player's shots by zone for guards, forwards and centres; together about the real
# league's shares.
_POSITION_ZONES = np.array(
    [
        [0.19, 0.19, 0.13, 0.09, 0.397, 0.003],
        [0.27, 0.18, 0.09, 0.14, 0.318, 0.002],
        [0.45, 0.29, 0.09, 0.03, 0.138, 0.002],
    ]
)
_POSITION_OF_SLOT = np.array([0, 1, 2, 0, 1, 1, 0, 2, 1, 0, 2, 0, 1, 2, 0])
# Minutes a game by place in the rotation when everybody is healthy.
_SLOT_MINUTES = np.array([35.0, 33.5, 32, 30, 28, 23, 19.5, 17, 13.5, 9.5, 6, 4, 3, 2, 1.5])
# Rebounds (offensive, defensive), assists, steals, blocks, turnovers, fouls per 36 minutes by
# position.
_PER36 = np.array(
    [
        [0.8, 3.4, 5.8, 1.3, 0.3, 2.3, 2.5],
        [1.4, 5.0, 2.9, 1.1, 0.6, 1.7, 2.9],
        [3.3, 7.4, 2.5, 0.9, 1.5, 1.8, 3.6],
    ]
)


@dataclass(slots=True)
class Players:
    """Everybody who ever plays in the league; arrays over players (P), zones are ZONES."""

    player_id: Ints
    name: list[str]
    zone_share: Floats  # P x 6, sums to 1
    zone_skill: Floats  # P x 6, added to the league's accuracy
    base_minutes: Floats  # a game, all team-mates healthy
    usage: Floats  # shots per minute relative to the league's
    fouls_drawn: Floats  # free throws attempted per shot
    free_throw: Floats  # share made
    per36: Floats  # P x 7, see _PER36
    frailty: Floats  # factor on the chance of an injury
    form: Floats  # log factor on usage; drifts slowly
    role_drift: Floats  # log factor on minutes; drifts slowly


@dataclass(slots=True)
class Teams:
    """Teams (T); what they allow is relative to the league."""

    shots: Floats  # attempts a game the team tends to, league 88
    defence: Floats  # T x 6, added to the opponents' accuracy
    allowed_share: Floats  # T x 6, factor on the opponents' shot shares
    roster: Ints  # T x ROSTER, indices into Players


def make_players(count: int, rng: np.random.Generator) -> Players:
    """`count` players whose role is their place modulo ROSTER: the first five of a team start."""
    slot = np.arange(count) % ROSTER
    position = _POSITION_OF_SLOT[slot]
    zones = _POSITION_ZONES[position] * np.exp(rng.normal(0, 0.35, (count, 6)))
    talent = rng.normal(0, 1, count)
    inside, outside = rng.normal(0, 0.025, count), rng.normal(0, 0.02, count)
    star = np.where(slot < 2, 1.28, np.where(slot < 5, 0.98, 0.92))
    return Players(
        player_id=1_640_001 + np.cumsum(rng.integers(1, 9, count)),
        name=make_names(count, rng),
        zone_share=zones / zones.sum(axis=1, keepdims=True),
        zone_skill=np.stack([inside] * 3 + [outside] * 2 + [np.zeros(count)], axis=1) + 0.006 * talent[:, None],
        base_minutes=_SLOT_MINUTES[slot] * np.exp(rng.normal(0, 0.07, count)),
        usage=np.minimum(star * np.exp(0.16 * talent + rng.normal(0, 0.12, count)), MOST_USAGE),
        fouls_drawn=0.24 * np.exp(rng.normal(0, 0.35, count)),
        free_throw=np.clip(rng.normal(0.78, 0.07, count), 0.5, 0.93),
        per36=_PER36[position] * np.exp(rng.normal(0, 0.22, (count, 7))),
        frailty=np.exp(rng.normal(0, 0.4, count)),
        form=rng.normal(0, 0.08, count),
        role_drift=rng.normal(0, 0.05, count),
    )


def make_teams(count: int, rng: np.random.Generator) -> Teams:
    """`count` teams with rosters 0..14, 15..29, and so on."""
    return Teams(
        shots=rng.normal(88, 2.2, count),
        defence=rng.normal(0, 0.016, (count, 6)) + rng.normal(0, 0.010, (count, 1)),
        allowed_share=np.exp(rng.normal(0, 0.10, (count, 6))),
        roster=np.arange(count * ROSTER).reshape(count, ROSTER),
    )


def drift(players: Players, who: Ints, rng: np.random.Generator) -> None:
    """One game day's change of form and role of the players in `who`; both return slowly to their
    mean.
    """
    players.form[who] = 0.975 * players.form[who] + rng.normal(0, 0.030, who.size)
    players.role_drift[who] = 0.985 * players.role_drift[who] + rng.normal(0, 0.022, who.size)


def new_season(players: Players, teams: Teams, fresh: Ints, rng: np.random.Generator) -> None:
    """A summer: skills and defences move, and `fresh` (one or more players a team) replace the last
    of the bench.

    `fresh` holds rookies as count-of-teams x n; the replaced never return.
    """
    count = len(players.player_id)
    players.usage = np.minimum(players.usage * np.exp(rng.normal(0, 0.07, count)), MOST_USAGE)
    players.base_minutes *= np.exp(rng.normal(0, 0.10, count))
    players.zone_skill[:, :5] += rng.normal(0, 0.008, (count, 5))
    teams.shots = 88 + 0.6 * (teams.shots - 88) + rng.normal(0, 1.7, teams.shots.size)
    teams.defence = 0.5 * teams.defence + rng.normal(0, 0.014, teams.defence.shape)
    # Rookies come into the middle of the rotation now and then, so that the league is not the same
    # every year.
    leaving = rng.permuted(np.tile(np.arange(6, ROSTER), (len(teams.roster), 1)), axis=1)[:, : fresh.shape[1]]
    rows = np.arange(len(teams.roster))[:, None]
    players.base_minutes[fresh] = players.base_minutes[teams.roster[rows, leaving]]
    teams.roster[rows, leaving] = fresh


def trade(teams: Teams, rng: np.random.Generator) -> None:
    """Two teams swap the players of one rotation place."""
    a, b = rng.choice(len(teams.roster), size=2, replace=False)
    place = int(rng.integers(2, 9))
    teams.roster[a, place], teams.roster[b, place] = teams.roster[b, place], teams.roster[a, place]
