"""Features of rebounds, assists and threes on paper, in the evening of features_evening.py.

The star's are in OF_THE_STAR; BUSY is a man of the other team, whose figures go up and down, at
home and away.
"""

from __future__ import annotations

from typing import Any

from tests.support.features_evening import BUSY_GAMES, LINES
from tests.support.form_on_paper import PaperGame, circumstances_on_paper, form_on_paper, mean_08

# Newest first: twelve games for Boston, the first of them at home, then two for Denver.
_STAR_VALUES = {
    "rebounds": [*range(12, 0, -1), 3, 3],
    "assists": [*range(1, 13), 10, 10],
    "threes": [1] * 12 + [0, 0],
}
_BUSY_VALUES = {stat: [game[stat] for game in reversed(BUSY_GAMES)] for stat in ("rebounds", "assists", "threes")}
# What the others bring, every game the same: the star's team-mate, who is out, and the man from the
# bench; of the other team the usual man, the doubtful and the small one.
_MATE = {"rebounds": 7, "assists": 4, "threes": 0}
_BENCH = {"rebounds": 2, "assists": 1, "threes": 0}
_FOE = {"rebounds": 15, "assists": 9, "threes": 5}
_DOUBTFUL = {"rebounds": 6, "assists": 2, "threes": 4}
_SMALL = {"rebounds": 1, "assists": 0, "threes": 2}
_BUSY_RANKS = {"rebounds": 2, "assists": 2, "threes": 2}


def _star(stat: str) -> dict[str, Any]:
    games = [
        PaperGame(value, 30, is_home=at % 2 == 1, opponent="NYK") for at, value in enumerate(_STAR_VALUES[stat][:12])
    ]
    second, first = _STAR_VALUES[stat][12:]
    games += [PaperGame(second, 20, is_home=False, opponent="LAL", is_this_season=False)]
    games += [PaperGame(first, 20, is_home=True, opponent="LAL", is_this_season=False)]
    # one is doubtful: 98 of 100 such do not play; the small one is no man of the rotation
    around = circumstances_on_paper(
        stat,
        mates=float(_MATE[stat]),
        own=mean_08(_STAR_VALUES[stat]),
        others=float(_BENCH[stat]),
        rank=1,
        opponents=0.98 * _DOUBTFUL[stat],
    )
    return form_on_paper(stat, games, "LAL") | around


def _busy(stat: str) -> dict[str, Any]:
    games = [
        PaperGame(
            game[stat],
            game["minutes"],
            is_home=game["team_at_home"] == "LAL",
            opponent=game["opponent"],
            is_this_season=game["day"].year == 2025 and game["day"].month > 9,
        )
        for game in reversed(BUSY_GAMES)
    ]
    around = circumstances_on_paper(
        stat,
        mates=0.98 * _DOUBTFUL[stat],
        own=mean_08(_BUSY_VALUES[stat]),
        others=_FOE[stat] + 0.02 * _DOUBTFUL[stat] + _SMALL[stat],
        rank=_BUSY_RANKS[stat],
        opponents=float(_MATE[stat]),
    )
    return form_on_paper(stat, games, "BOS") | around


# Los Angeles' opponent takes 50 rebounds and gives 30 assists in five games of 134 team games, all
# others 44 and 25.
_LEAGUE = {"rebounds": (129 * 44 + 5 * 50) / 134, "assists": (129 * 25 + 5 * 30) / 134}
ALLOWED_BY_LOS_ANGELES = {
    "opponent_rebounds_allowed_rel": 50 / _LEAGUE["rebounds"] - 1,
    "opponent_assists_allowed_rel": 30 / _LEAGUE["assists"] - 1,
}
# No-vig at the line of two books: -120/+100 and -140/+110.
_P_OVER = ((120 / 220) / (120 / 220 + 1 / 2) + (140 / 240) / (140 / 240 + 100 / 210)) / 2
_LINES = {f"{stat}_line": float(line) for stat, line in LINES.items()} | {
    f"{stat}_line_p_over": _P_OVER for stat in LINES
}
OF_THE_STAR: dict[str, Any] = _star("rebounds") | _star("assists") | _star("threes") | ALLOWED_BY_LOS_ANGELES | _LINES
OF_THE_BUSY_ONE: dict[str, Any] = _busy("rebounds") | _busy("assists") | _busy("threes")
