"""Tonight's picks, as a front end reads them: the exported list of best bets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from shared.core.clock import new_york_date
from shared.core.errors import NotFound
from shared.operations.contracts.exported import ROOT
from shared.stores.runtime import Runtime

PATH = f"{ROOT}/best-bets/latest.json"


@dataclass(frozen=True)
class Pick:
    """A place on the list."""

    rank: int
    player: str
    player_lookup: str
    team: str
    opponent: str
    tipoff_at: datetime
    side: str
    """OVER or UNDER."""
    stat: str
    """What is bet on, by its name in shared/nba/stats.py; line and predicted are of it."""
    line: float
    bookmaker: str | None
    price: int | None
    """American odds."""
    chance: float
    """That it wins, 0 to 1."""
    expected_value: float | None
    """Units won per unit staked."""
    predicted: float
    injuries: str
    """His own status with its reason, or that the injuries of his team are unknown; else empty."""


@dataclass(frozen=True)
class Picks:
    """The list that is exported now."""

    says: str
    """One sentence: of which date, when, how many."""
    game_date: date | None = None
    exported_at: datetime | None = None
    is_today: bool = False
    halted: bool = False
    """Readers are told that no advice is given."""
    halt_reason: str | None = None
    candidates: int = 0
    left_out: str = ""
    """How many other bets on the same players are not on the list, and why; empty: none."""
    picks: tuple[Pick, ...] = ()


def read_picks(runtime: Runtime) -> Picks:
    """The exported list; no warehouse statement.

    Raises StoreUnavailable. A file that is not there, or none of phase 6's making, is said.
    """
    try:
        data = runtime.exports.read(PATH).data
    except NotFound:
        return Picks("No picks are exported yet.")
    try:
        return _picks(json.loads(data), new_york_date(runtime.clock.now()))
    except (ValueError, KeyError, TypeError) as error:
        return Picks(f"{PATH} is not as phase 6 writes it: {type(error).__name__} {error}.")


def _picks(content: Mapping[str, Any], today: date) -> Picks:
    day = date.fromisoformat(content["game_date"])
    picks = tuple(_pick(each) for each in content["picks"])
    candidates = int(content["total_candidates"])
    when = "today" if day == today else str(day)
    return Picks(
        says=f"{len(picks)} picks of {candidates} candidates for {when}.",
        game_date=day,
        exported_at=datetime.fromisoformat(content["generated_at"]),
        is_today=day == today,
        halted=bool(content["halted"]),
        halt_reason=content["halt_reason"],
        candidates=candidates,
        left_out=content["left_out"]["reason"] or "",
        picks=picks,
    )


def _pick(each: Mapping[str, Any]) -> Pick:
    return Pick(
        rank=each["rank"],
        player=each["player_name"],
        player_lookup=each["player_lookup"],
        team=each["team"],
        opponent=each["opponent"],
        tipoff_at=datetime.fromisoformat(each["tipoff_at"]),
        side=each["side"],
        stat=each["stat"],
        line=each["line"],
        bookmaker=each["bookmaker"],
        price=each["price"],
        chance=each["confidence"],
        expected_value=each["expected_value"],
        predicted=each["predicted"],
        injuries=_describe_injuries(each),
    )


def _describe_injuries(each: Mapping[str, Any]) -> str:
    """A file of before says of injuries only whether they are unknown."""
    if each["injuries_unknown"]:
        return "injuries unknown"
    plays = each.get("play_probability")
    status = each.get("injury_status")
    if status and plays is not None and 0 < plays < 1:
        status = f"{status} (plays in {plays:.0%})"
    return ": ".join(part for part in (status, each.get("injury_reason")) if part)
