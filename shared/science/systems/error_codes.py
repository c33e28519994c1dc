"""Why a system predicts nothing for a row: the stored values of the column error_code."""

from __future__ import annotations

# What the system lacks.
NO_MODEL = "no_model"  # no training has given it a model yet
NO_GAMES = "no_games"  # no earlier game of the player is known
NO_ZONES = "no_zones"  # no points by zone are known of the player
TOO_FEW_GAMES = "too_few_games"  # too few games of the player are known
NO_INPUTS = "no_inputs"  # none of the systems that it combines could predict
NOTHING_TO_SAY = "nothing_to_say"  # the system has nothing of its own to say of the statistic

# What went wrong.
MODEL_DAMAGED = "model_damaged"  # its trained model is not the one that was saved
SYSTEM_FAILED = "system_failed"  # it failed for these rows at every try
BREAKER_OPEN = "breaker_open"  # its circuit breaker leaves it out
