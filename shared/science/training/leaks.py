"""Features that know the result: each is asked by itself what it explains of the statistic that
form does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from shared.core.errors import DataError
from shared.nba.stats import STATS
from shared.science.systems import moving_average
from shared.science.systems.columns import Floats
from shared.science.training.rows import TrainingRows

# Share of the residual's variance. Of an honest feature the largest is 0.0060 (available_points,
# season 2024-25 of the real archive; `make backtest` prints it). A season's mean that includes the
# game itself reaches 0.05, the game's minutes 0.24, a mean of ten games 0.94.
LIMIT = 0.02
BINS = 20
# The latest rows are enough: at this number chance alone moves a share by a few tenths of a per
# mille.
MOST_ROWS = 30_000
# A share found in n rows has a standard error of about 2 sqrt(share / n), as a squared correlation
# has; so many of them are added to the limit, so that a short history is not refused by chance.
ERRORS = 4.0
# Fewer say more about chance: twenty bins of twenty-five.
FEWEST_ROWS = 500


@dataclass(frozen=True)
class Suspect:
    """A feature and the share of the residual's variance of a statistic that it explains by itself,
    0 to 1.
    """

    feature: str
    share: float
    stat: str

    def __str__(self) -> str:
        return f"{self.feature} alone explains {self.share:.1%} of what form leaves of the {self.stat}"


@dataclass(frozen=True)
class Scan:
    """What each feature explains of a statistic by itself, largest share first, as found in n rows;
    empty in too few.
    """

    stat: str
    n: int
    shares: Mapping[str, float]

    @property
    def limit(self) -> float:
        """The share above which a feature knows the result."""
        return LIMIT + ERRORS * 2.0 * sqrt(LIMIT / max(self.n, 1))

    @property
    def suspects(self) -> list[Suspect]:
        """The features above the limit, worst first."""
        return [Suspect(name, share, self.stat) for name, share in self.shares.items() if share > self.limit]


def scan(rows: TrainingRows) -> Scan:
    """The share of the variance that each feature explains of a base statistic minus
    moving_average's mean.

    Means in BINS quantile bins (and one of the unknown) of every other row are judged on the rows
    between, and the other way round, so that chance explains nothing (it comes out slightly below
    0). Bins are once of the feature as it is, once of what is left of it beyond a straight line in
    the player's last games: an average that includes the game itself differs from an honest one by
    a fraction of the result, which only that shows. The larger share counts.

    Only rows of players such as are predicted count; empty where there are fewer than FEWEST_ROWS.
    """
    residual = rows.actual - moving_average.expect(rows.features, STATS[rows.stat])
    chosen = np.flatnonzero(rows.predicted & ~np.isnan(residual))[-MOST_ROWS:]
    if len(chosen) < FEWEST_ROWS:
        return Scan(rows.stat, len(chosen), {})
    left, past = residual[chosen], _past_games(rows, chosen)
    shares = {}
    for name in rows.names:
        feature = rows.features[name][chosen]
        shares[name] = max(_share(feature, left), _share(_beyond(feature, past), left))
    return Scan(rows.stat, len(chosen), dict(sorted(shares.items(), key=lambda item: (-item[1], item[0]))))


def _past_games(rows: TrainingRows, chosen: NDArray[np.int64]) -> Floats:
    """An orthonormal basis of an intercept and the last games' points and minutes, float64[n, 2
    GAMES + 1].

    A game that is unknown is the mean of those known.
    """
    columns = []
    for name in (rows.stat, "minutes"):
        games = rows.history.values[name][chosen]
        count = np.maximum((~np.isnan(games)).sum(axis=1, keepdims=True), 1)
        columns.append(np.where(np.isnan(games), np.nansum(games, axis=1, keepdims=True) / count, games))
    basis: Floats = np.linalg.qr(np.column_stack([np.ones(len(chosen)), *columns]))[0]
    return basis


def _beyond(feature: Floats, past: Floats) -> Floats:
    """What is left of a feature beyond least squares on the past games; NaN where it is unknown."""
    known = ~np.isnan(feature)
    if not known.any():
        return feature
    filled = np.where(known, feature, feature[known].mean())
    # rounded, so that what is exactly on the line is one bin and not the noise of the arithmetic
    return np.where(known, np.round(filled - past @ (past.T @ filled), 9), np.nan)


def refuse_leaks(rows: TrainingRows) -> None:
    """Raises DataError naming the features that know the result."""
    found = scan(rows)
    if found.suspects:
        suspects = "; ".join(map(str, found.suspects))
        raise DataError(
            f"Training rows of {rows.stat}: {suspects}: more than {found.limit:.1%}, so it knows the result.",
            next_step="look for columns of the game itself or of what came after it in that feature's SQL.",
        )


def _share(feature: Floats, residual: Floats) -> float:
    bin_of = _bins(feature)
    even = np.arange(len(residual)) % 2 == 0
    rest, whole = 0.0, 0.0
    for learned, judged in ((even, ~even), (~even, even)):
        usual = float(residual[learned].mean())
        count = np.bincount(bin_of[learned], minlength=BINS + 1)
        total = np.bincount(bin_of[learned], weights=residual[learned], minlength=BINS + 1)
        mean = np.divide(total, count, out=np.full(BINS + 1, usual), where=count > 0)
        rest += float(((residual[judged] - mean[bin_of[judged]]) ** 2).sum())
        whole += float(((residual[judged] - usual) ** 2).sum())
    return 1.0 - rest / whole if whole > 0 else 0.0


def _bins(feature: Floats) -> NDArray[np.int64]:
    """Bin of each value by quantiles; unknown values have the last one."""
    known = feature[~np.isnan(feature)]
    if not len(known):
        return np.full(len(feature), BINS)
    edges = np.unique(np.quantile(known, np.linspace(0.0, 1.0, BINS + 1)[1:-1]))
    return np.where(np.isnan(feature), BINS, np.searchsorted(edges, feature, side="right"))
