"""Names of the runs that self_heal starts, and of the one that a refused export asks for."""

from __future__ import annotations

import re
from datetime import date

_HEAL_RUN = re.compile(r"\d{4}-\d{2}-\d{2}-heal-[a-z0-9_]+-\d+(?:-.+)?")
# What a message may carry as run_id, less the suffix.
_LONGEST = 180


def heal_run_id(game_date: date, phase: str, n: int) -> str:
    """The n-th restart of a phase of a date."""
    return f"{game_date}-heal-{phase}-{n}"


def is_heal_run(run_id: str) -> bool:
    """Whether self_heal started a run (or an operator forced one of its runs)."""
    return _HEAL_RUN.fullmatch(run_id) is not None


def asked_run_id(run_id: str) -> str:
    """The run of self_heal that a run's export asks for: one a run, however often it asks."""
    return f"{run_id[:_LONGEST]}-heal-asked"
