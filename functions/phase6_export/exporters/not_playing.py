"""tonight/player/{lookup}.json of somebody who does not play on the date: what an earlier date left
is taken back.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from functions.phase6_export.schema_check import load

_OF_TWO = re.compile(r"-\d+$")


def is_ours(path: str) -> bool:
    """Whether a path under v1/ is that of a player's file; anything else in the folder is left
    alone.
    """
    return re.search(load("common")["$defs"]["not_playing"]["properties"]["file"]["pattern"], path) is not None


def content(path: str, before: Any, day: date, files: Sequence[str]) -> dict[str, Any]:
    """A player's file without a game: who he is as far as the file before said it, and why there is
    nothing.

    path: under v1/, as `file` has it; before: the body that the file had, whatever that is; files:
    the players' files of the date. Who shares a lookup with another player of the date has one with
    his id, which the reason names.
    """
    name = PurePosixPath(path).stem
    lookup = _OF_TWO.sub("", name)
    others = [each for each in files if _OF_TWO.sub("", PurePosixPath(each).stem) == lookup]
    reason = f"not among the players of the games on {day}" if files else f"no game on {day}"
    if others:
        reason = f"the file of this name on {day}: {', '.join(sorted(others))}"
    known = _identity(before)
    return {
        "player": {
            "player_id": known.get("player_id"),
            "player_lookup": lookup,
            "player_name": known.get("player_name"),
            "file": path,
            "status": "not_playing",
            "reason": reason,
        },
        "stats": {},
        "last_games": [],
    }


def _identity(before: Any) -> Mapping[str, Any]:
    """Id and name as the file had them; nothing of what is no player's file of ours."""
    bounds = load("common")["$defs"]["not_playing"]["properties"]["player_id"]
    match before:
        case {"player": {"player_id": int(player_id), "player_name": str(name)}} if name and not isinstance(
            player_id, bool
        ):
            if bounds["minimum"] <= player_id <= bounds["maximum"]:
                return {"player_id": player_id, "player_name": name}
    return {}
