"""One simulated game day: who is out, what was to be expected, and what happened.

Arrays are team x roster place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from local.league.players import ROSTER, ZONE_ACCURACY, ZONE_POINTS, Floats, Ints, Players, Teams

Bools = NDArray[np.bool_]

ROTATION = 10  # players expected to play; how many do is drawn from ROTATIONS, as in the real league
ROTATIONS = np.array([8, 9, 10, 11, 12])
ROTATION_CHANCES = np.array([0.08, 0.27, 0.33, 0.18, 0.14])
TEAM_MINUTES = 240
MOST_MINUTES = 41.0
HOME_ACCURACY = 0.005  # each way; about two points of home advantage a game
TIRED_ACCURACY = -0.013  # on the second night of a back-to-back
TIRED_MINUTES = 0.97
INJURY_RATE = 0.026  # a player and game, at frailty 1
MEAN_SPELL = 6.0  # games missed once injured; one in three misses a single game


@dataclass(slots=True)
class Expectation:
    """What is to be expected of each player of each playing team (K x ROSTER), before the game:
    means, but for `spread`.
    """

    minutes: Floats
    points: Floats
    spread: Floats  # standard deviation of points
    rebounds: Floats
    assists: Floats
    threes: Floats


@dataclass(slots=True)
class Outcome:
    """What happened (K x ROSTER, zones K x ROSTER x 6); zero minutes means he did not play."""

    minutes: Ints
    zone_attempts: Ints
    zone_makes: Ints
    free_throws: Ints
    free_throws_made: Ints
    points: Ints
    others: Ints  # K x ROSTER x 7: rebounds off., def., assists, steals, blocks, turnovers, fouls
    plus_minus: Ints


@dataclass(slots=True)
class Setting:
    """The day's games as K team rows: row 2g is the home team of game g, row 2g + 1 its guest."""

    team: Ints  # K, indices into Teams
    roster: Ints  # K x ROSTER, indices into Players
    tired: Bools  # K

    @property
    def opponent(self) -> Ints:
        """The row of each row's opponent."""
        return np.arange(len(self.team)) ^ 1


def miss_games(spell: Ints, setting: Setting, players: Players, rng: np.random.Generator) -> tuple[Bools, Bools]:
    """(out, newly out) of each player of the day, K x ROSTER; `spell` (games still to miss) is
    counted down.
    """
    roster = setting.roster
    already = spell[roster] > 0
    chance = INJURY_RATE * players.frailty[roster] * np.where(setting.tired[:, None], 1.7, 1.0)
    fresh = ~already & (rng.random(roster.shape) < chance)
    length = np.where(rng.random(roster.shape) < 1 / 3, 1, rng.geometric(1 / MEAN_SPELL, roster.shape))
    # At least ROTATION players stay: the worst case costs the league a game, and a real team signs
    # somebody.
    room = np.maximum(0, ROSTER - ROTATION - already.sum(axis=1, keepdims=True))
    fresh &= np.cumsum(fresh, axis=1) <= room
    spell[roster] = np.where(fresh, length, spell[roster])
    out = already | fresh
    spell[roster] -= out
    return out, fresh


def expect(setting: Setting, players: Players, teams: Teams, available: Bools) -> Expectation:
    """What is to be expected when exactly `available` can play."""
    minutes = _share_minutes(_draw_wanted(setting, players), available, np.array(ROTATION))
    weight = minutes * _usage(setting, players)
    shots = _team_shots(setting, teams)[:, None] * weight / weight.sum(axis=1, keepdims=True)
    share, accuracy = _zones(setting, players, teams)
    values = share * accuracy * ZONE_POINTS
    drawn, made = players.fouls_drawn[setting.roster], players.free_throw[setting.roster]
    each = values.sum(axis=2) + drawn * made
    second_moment = (values * ZONE_POINTS).sum(axis=2) + drawn * made
    points = shots * each
    # Compound Poisson, plus what minutes and shot share vary from game to game (0.25 relative).
    spread = np.sqrt(shots * second_moment + (0.25 * points) ** 2 + 0.25)
    counted = players.per36[setting.roster] * (minutes / 36)[:, :, None]
    threes = shots * (share * accuracy)[:, :, ZONE_POINTS == 3].sum(axis=2)
    return Expectation(minutes, points, spread, counted[:, :, :2].sum(axis=2), counted[:, :, 2], threes)


def play(setting: Setting, players: Players, teams: Teams, available: Bools, rng: np.random.Generator) -> Outcome:
    """Draw the games. Points are 2 fgm + fg3m + ftm by construction, and no game ends level."""
    roster = setting.roster
    shape = roster.shape
    wanted = _draw_wanted(setting, players) * np.exp(rng.normal(0, 0.15, shape))
    rotation = rng.choice(ROTATIONS, size=(len(roster), 1), p=ROTATION_CHANCES)
    minutes = _whole_minutes(_share_minutes(wanted, available, rotation))
    weight = minutes * _usage(setting, players) * np.exp(rng.normal(0, 0.17, shape))
    pace = np.repeat(np.exp(rng.normal(0, 0.035, len(roster) // 2)), 2)
    # A team's attempts vary little around its pace; who takes them varies a lot.
    in_all = np.rint(_team_shots(setting, teams) * pace + rng.normal(0, 3.5, len(roster))).astype(np.int64)
    part = weight / weight.sum(axis=1, keepdims=True)
    shots = in_all[:, None] * part
    attempts = rng.multinomial(in_all, part)
    share, accuracy = _zones(setting, players, teams)
    zone_attempts = rng.multinomial(attempts, share)
    night = rng.normal(0, 0.015, (len(roster), 1, 1)) + rng.normal(0, 0.02, (*shape, 1))
    zone_makes = rng.binomial(zone_attempts, np.clip(accuracy + night, 0.01, 0.95))
    free_throws = rng.poisson(shots * players.fouls_drawn[roster])
    free_throws_made = rng.binomial(free_throws, players.free_throw[roster])
    others = rng.poisson(players.per36[roster] * (minutes / 36)[:, :, None])
    others[:, :, 6] = np.minimum(others[:, :, 6], 6)

    points = (zone_makes * ZONE_POINTS.astype(np.int64)).sum(axis=2) + free_throws_made
    level = points[0::2].sum(axis=1) == points[1::2].sum(axis=1)
    # A level game is won at the line by the home side's leading scorer.
    for game in np.flatnonzero(level).tolist():
        hero = int(points[2 * game].argmax())
        for column in (free_throws, free_throws_made, points):
            column[2 * game, hero] += 1
    margin = points.sum(axis=1) - points.sum(axis=1)[setting.opponent]
    return Outcome(
        minutes, zone_attempts, zone_makes, free_throws, free_throws_made, points, others,
        _plus_minus(minutes, margin, rng),
    )  # fmt: skip


def _draw_wanted(setting: Setting, players: Players) -> Floats:
    base = players.base_minutes[setting.roster] * np.exp(players.role_drift[setting.roster])
    return base * np.where(setting.tired[:, None] & (base > 28), TIRED_MINUTES, 1.0)


def _usage(setting: Setting, players: Players) -> Floats:
    return players.usage[setting.roster] * np.exp(players.form[setting.roster])


def _team_shots(setting: Setting, teams: Teams) -> Floats:
    """Both teams of a game get about the same number of attempts: the mean of their paces."""
    own = teams.shots[setting.team]
    return 0.5 * (own + own[setting.opponent])


def _zones(setting: Setting, players: Players, teams: Teams) -> tuple[Floats, Floats]:
    """Shot shares and accuracy by zone against today's opponent, K x ROSTER x 6."""
    opponent = setting.team[setting.opponent]
    share = players.zone_share[setting.roster] * teams.allowed_share[opponent][:, None, :]
    share /= share.sum(axis=2, keepdims=True)
    home = np.where(np.arange(len(setting.team)) % 2 == 0, HOME_ACCURACY, -HOME_ACCURACY)
    mood = home + np.where(setting.tired, TIRED_ACCURACY, 0.0)
    accuracy = ZONE_ACCURACY + players.zone_skill[setting.roster] + teams.defence[opponent][:, None, :]
    return share, np.clip(accuracy + mood[:, None, None], 0.01, 0.95)


def _share_minutes(wanted: Floats, available: Bools, rotation: Ints) -> Floats:
    """Minutes of the `rotation` most wanted who can play, scaled to 240 a team, nobody above
    MOST_MINUTES.
    """
    wish = np.where(available, wanted, 0.0)
    rank = np.argsort(np.argsort(-wish, axis=1, kind="stable"), axis=1, kind="stable")
    minutes = np.where(rank < rotation, wish, 0.0)
    # Scaling pushes some over the cap, and the cap takes minutes away again: four rounds settle it.
    for _ in range(4):
        minutes = np.minimum(minutes * (TEAM_MINUTES / minutes.sum(axis=1, keepdims=True)), MOST_MINUTES)
    return minutes


def _whole_minutes(minutes: Floats) -> Ints:
    """Rounded by largest remainder, so that a team's minutes stay its 240; who plays, plays at
    least one.
    """
    floor = np.where(minutes > 0, np.maximum(1, np.floor(minutes)), 0)
    left = TEAM_MINUTES - floor.sum(axis=1, keepdims=True)
    rank = np.argsort(np.argsort(-(minutes - floor), axis=1, kind="stable"), axis=1, kind="stable")
    whole: Ints = (floor + ((rank < left) & (floor > 0))).astype(np.int64)
    return whole


def _plus_minus(minutes: Ints, margin: Ints, rng: np.random.Generator) -> Ints:
    """Margins while on court: five times the team's margin in all, but for rounding."""
    share = minutes / 48
    raw = share * margin[:, None] + rng.normal(0, 6, minutes.shape) * np.sqrt(share * np.maximum(0, 1 - share))
    surplus = (5 * margin - raw.sum(axis=1)) / TEAM_MINUTES
    whole: Ints = np.rint(raw + surplus[:, None] * minutes).astype(np.int64) * (minutes > 0)
    return whole
