"""The league simulator: a seeded, fictional league written in the format of the real archive."""

from __future__ import annotations

from local.league.write import write_league

__all__ = ["write_league"]
