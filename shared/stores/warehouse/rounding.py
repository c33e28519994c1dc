"""How replace_partition rounds FLOAT64 columns, on every implementation alike."""

from __future__ import annotations

FLOAT_DECIMALS = 6
# Sums of floats end in another last bit when the rows come in another order, and a mean of rounded figures often lies
# right between two roundings (20.1382145), where that bit decides. Rounded here first, the bit is gone.
NOISE_DECIMALS = 9
