"""Probabilities as bookmakers' prices."""

from __future__ import annotations

import numpy as np

from local.league.players import Floats

OVERROUND = 1.046  # both sides' implied probabilities together; 4.6% is common for player points


def american(chance: Floats) -> Floats:
    """American price of a fair probability after the overround, in whole numbers: -110 risks 110 to
    win 100.
    """
    implied = np.clip(chance * OVERROUND, 0.02, 0.98)
    favourite = implied >= 0.5
    price: Floats = np.rint(np.where(favourite, -100 * implied / (1 - implied), 100 * (1 - implied) / implied))
    return price


def normal_cdf(z: Floats) -> Floats:
    """Standard normal distribution function, Abramowitz and Stegun 26.2.17 (error under 1e-7)."""
    t = 1 / (1 + 0.2316419 * np.abs(z))
    series = (0.319381530, -0.356563782, 1.781477937, -1.821255978, 1.330274429)
    tail = np.zeros_like(z)
    for coefficient in reversed(series):
        tail = t * (coefficient + tail)
    upper = tail * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
    below: Floats = np.where(z >= 0, 1 - upper, upper)
    return below
