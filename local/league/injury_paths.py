"""What each injury list of a game says of a player: drawn from what happens to him, as often right
and wrong as the real lists of 2024-25 (1,210 games).

Of the absences of the rotation 33, 46 and 53% are listed as OUT or DOUBTFUL at 11:00, 17:30 and
tip-off; 44%, most of them of small roles, are on no list. OUT is true in 99.8% at 17:30, DOUBTFUL
in 98%; of the QUESTIONABLE about half play, of the PROBABLE 91%.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from local.league.players import Floats, Ints

Bools = NDArray[np.bool_]

# The reports of a game: 17:30 of the evening before, then 10:30, 13:30 and 17:30 of its day, then
# the last one before its tip-off. All below is by report, in this order.
REPORTS = 5
LAST = REPORTS - 1

STATUSES = ("", "OUT", "DOUBTFUL", "QUESTIONABLE", "PROBABLE", "AVAILABLE")
UNLISTED, OUT, DOUBTFUL, QUESTIONABLE, PROBABLE, AVAILABLE = range(len(STATUSES))

# Share of teams that have submitted by then. Who plays the second night in a row has until the
# early afternoon.
SUBMITTED = np.array([[0.56, 1.0, 1.0, 1.0, 1.0], [0.0, 0.013, 0.47, 0.99, 1.0]])

# Share of spells that no list ever names, of players of 15 minutes or more and of the others.
LARGE_ROLE = 15.0  # minutes a game
UNNAMED = (0.16, 0.855)

# Share of listed absences that are known by then: of those who missed the game before too, and of
# the newly absent.
KNOWN = np.array([[0.78, 0.865, 0.91, 0.945, 0.985], [0.04, 0.14, 0.27, 0.40, 0.82]])
# As what they are listed until then.
BEFORE, BEFORE_CHANCES = np.array([QUESTIONABLE, PROBABLE, UNLISTED]), (0.88, 0.06, 0.06)
# Listed as DOUBTFUL instead of OUT until the last report, by the same two kinds.
AS_DOUBTFUL = np.array([0.02, 0.08])

# Of those who play: share on a list as ..., and the share of them that is AVAILABLE by then.
PLAYS_LISTED = (QUESTIONABLE, PROBABLE, OUT, DOUBTFUL)
PLAYS_CHANCES = np.array([0.0235, 0.0133, 0.0006, 0.00006])
CLEARED = np.array(
    [
        [0.0, 0.0, 0.15, 0.35, 0.78],
        [0.0, 0.0, 0.05, 0.20, 0.50],
        [0.0, 0.1, 0.35, 0.80, 1.0],
        [0.0, 0.0, 0.10, 0.40, 1.0],
    ]
)
APPEARS = np.array([0.6, 0.95, 0.97, 1.0, 1.0])  # share of them that is on the list by then


def draw_submitted(tired: Bools, rng: np.random.Generator) -> Bools:
    """Whether each team has submitted, K x REPORTS; `tired` plays the second night in a row."""
    return _by_then(SUBMITTED[tired.astype(np.int64)], rng)


def draw_unnamed(minutes: Floats, rng: np.random.Generator) -> Bools:
    """Whether no list will name an absence that begins, by minutes a game."""
    drawn: Bools = rng.random(minutes.shape) < np.where(minutes >= LARGE_ROLE, *UNNAMED)
    return drawn


def draw_statuses(named: Bools, newly: Bools, plays: Bools, rng: np.random.Generator) -> Ints:
    """What each report says of each player, the arrays' shape x REPORTS, as places in STATUSES.

    Args:
        named: who is absent, and listed sooner or later.
        newly: who was not absent in the game before.
        plays: who plays.
    """
    statuses = np.zeros((*named.shape, REPORTS), dtype=np.int8)
    statuses[named] = _draw_absent(newly[named].astype(np.int64), rng)
    statuses[plays] = _draw_present(int(plays.sum()), rng)
    return statuses


def _draw_absent(kind: Ints, rng: np.random.Generator) -> Ints:
    before = rng.choice(BEFORE, size=kind.size, p=BEFORE_CHANCES)
    statuses = np.where(_by_then(KNOWN[kind], rng), OUT, before[:, None])
    doubtful = (rng.random(kind.size) < AS_DOUBTFUL[kind])[:, None] & (np.arange(REPORTS) < LAST)
    return np.where(doubtful & (statuses == OUT), DOUBTFUL, statuses)


def _draw_present(count: int, rng: np.random.Generator) -> Ints:
    statuses = np.zeros((count, REPORTS), dtype=np.int64)
    kind = np.searchsorted(np.cumsum(PLAYS_CHANCES), rng.random(count), side="right")
    listed = np.flatnonzero(kind < len(PLAYS_LISTED))
    kind = kind[listed]
    as_what = np.where(_by_then(CLEARED[kind], rng), AVAILABLE, np.array(PLAYS_LISTED)[kind][:, None])
    statuses[listed] = np.where(_by_then(np.tile(APPEARS, (listed.size, 1)), rng), as_what, UNLISTED)
    return statuses


def _by_then(shares: Floats, rng: np.random.Generator) -> Bools:
    """For rows of growing shares: whether it has happened by each report; what has, stays so."""
    happened: Bools = rng.random((len(shares), 1)) < shares
    return happened
