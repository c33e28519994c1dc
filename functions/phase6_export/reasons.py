"""Reasons in words: why a line is a pick or a pass, and what is known of the player that the
forecast is made of.

A pick's reason tells the player's evening: forecast against line and price; who is out of his team;
his form; the opponent, venue and rest; who is out of theirs; and what moved the forecast most, by
the system's exact contributions. All figures are those that the prediction saw: its own row, and
the feature row of the same as-of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from functions.phase6_export.by_stat import figure_of
from functions.phase6_export.exporters.advice import BETS, Advice
from functions.phase6_export.labels import label, label_of_stat
from functions.phase6_export.rows import Row
from shared.science.predictions.lines import SUSPICIOUS
from shared.science.systems.error_codes import NOTHING_TO_SAY

# Of what moved a forecast, as much as a sentence takes; the file lists all that is stored beside
# it.
MOST_MOVES = 3
SUSPICIONS = {
    "absurd_price": "its price is far from the other books'",
    "far_from_books": "it is far from the other books' lines",
    "far_from_form": "it is far from his form",
}
# Of a player who is out nothing is predicted.
INJURIES = ("DOUBTFUL", "QUESTIONABLE", "PROBABLE")


def explanation(main: Row) -> list[dict[str, Any]]:
    """What moved the forecast most, as the row stores it, each with its label; empty where it
    stores none.
    """
    stored: list[dict[str, Any]] = json.loads(main["explanation"] or "[]")
    return [{"feature": each["feature"], "label": label(each["feature"]), **each} for each in stored]


def line_reasons(rows: Sequence[Row], main: Row, player: Row) -> Iterator[str]:
    """Why lines are what they are: the whole story for a pick, what is missing for a pass.

    rows: of one system, player and statistic; main: that of them that has the explanation; player:
    of players.sql.
    """
    around = None
    for row in rows:
        advice = Advice.of(row)
        verdict = _verdict(row, advice, player)
        if advice.recommendation in BETS and row["error_code"] is None:
            around = around or _describe(main, player)
            verdict = f"{verdict} {around}".rstrip()
        yield verdict


def full_reason(row: Row, main: Row, player: Row) -> str:
    """The verdict on a line and all that is known of the player, whether it is a pick or not."""
    verdict = _verdict(row, Advice.of(row), player)
    return verdict if row["error_code"] is not None else f"{verdict} {_describe(main, player)}".rstrip()


def _describe(main: Row, player: Row) -> str:
    """What is the same of all lines of a system, player and statistic."""
    return " ".join(part for part in (*story(player, main["stat"]), _moves(main)) if part)


def _verdict(row: Row, advice: Advice, player: Row) -> str:
    if row["error_code"] == NOTHING_TO_SAY:
        return f"Pass: {row['system_id']} has nothing of its own to say of {label_of_stat(row['stat'])}."
    if row["error_code"] is not None:
        why = (row["error_message"] or row["error_code"]).removesuffix(".")
        return f"Pass: {row['system_id']} could not predict, {why}."
    if advice.recommendation == "NO_LINE":
        forecast = f"{_name(player, row)} is forecast at {_figure(row['predicted'])}"
        return f"No bookmaker has a line on his {label_of_stat(row['stat'])}; {forecast}."
    heads = row["reason"].split("; ")
    if heads[0] == SUSPICIOUS:
        why = heads[1] if len(heads) > 1 else "nobody can mean it"
        return f"Pass: the line of {_count(row)} or its price is suspicious, {SUSPICIONS.get(why, why)}."
    if advice.recommendation in BETS:
        return " ".join((_pick(row, advice), _forecast(row, player)))
    if not advice.priced:
        return (
            f"Pass: no bookmaker prices a line of {_count(row)}{_why_unpriced(row, advice)}. {_forecast(row, player)}"
        )
    return f"Pass: {heads[0]}. {_forecast(row, player)}"


def _pick(row: Row, advice: Advice) -> str:
    return (
        f"{advice.recommendation.capitalize()} {_count(row)} at {advice.price:+d} ({advice.bookmaker}) wins with "
        f"{_chance(row)}: an expected value of {row['expected_value']:+.3f} a unit."
    )


def _why_unpriced(row: Row, advice: Advice) -> str:
    if advice.side is None:
        return ""
    return f", and the {advice.side.lower()} lacks one: it is nearer to a bet with {_chance(row)}"


def _chance(row: Row) -> str:
    """Given no push; where the line may be hit exactly, the probability that the stake comes
    back.
    """
    push = f" and a {row['p_push']:.1%} chance of a push" if row["p_push"] else ""
    chance = "an unknown" if row["confidence_score"] is None else f"a {row['confidence_score']:.1%}"
    return f"{chance} chance{push}"


def _forecast(row: Row, player: Row) -> str:
    """The forecast is a median; with a whole line P(over) leaves the push out."""
    gap = row["edge"]
    place = f"{abs(gap):.1f} {'above' if gap > 0 else 'below'}" if abs(gap) >= 0.05 else "right at"
    forecast = f"{_figure(row['predicted'])} {label_of_stat(row['stat'])}"
    sentence = f"{_name(player, row)} is forecast at {forecast}, {place} the line of {_line(row)}"
    return f"{sentence} (P(over) {row['p_over']:.1%})."


def story(player: Row, stat: str) -> list[str]:
    """Sentences on who is out, form in a statistic, opponent, rest and his own health, as the
    features say; what is unknown is left out, but of an injury list it is said.
    """
    parts = (_health(player), _absences(player), _form(player, stat), _opponent(player), _their_absences(player))
    return [part for part in parts if part]


def _health(player: Row) -> str:
    status, why = player["injury_status"], player["injury_reason"]
    if status not in INJURIES:
        return ""
    absent = player["absence_probability"]
    listed = f"He is listed as {status.lower()}{f' ({why})' if why else ''}"
    if absent is None:
        return f"{listed}. A bet on him is void if he does not play."
    return f"{listed}: of such players {1 - absent:.0%} play. A bet on him is void if he does not."


def _absences(player: Row) -> str:
    """Rotation team-mates listed out or doubtful, by name, how that differs from his recent games,
    and who is questionable.
    """
    if not player["has_features"]:
        return ""
    count, team = player["teammates_out_count"], player["team"] or "his team"
    if count is None:
        return _describe_unknown(team)
    recently, usual = player["teammates_out_points_recent"], player["teammates_out_usual"] or 0.0
    more = 0.0 if recently is None else usual - recently
    doubts = _doubts(team, [name for name in _names(player["teammates_doubted"]) if name != player["player_name"]])
    if not count:
        recent = f", while his recent games missed {-more:.1f} points more" if more <= -3 else ""
        return f"{team} has no rotation player listed out{recent}.{doubts}"
    change = ""
    if abs(more) >= 3:
        change = f", {abs(more):.1f} {'more' if more > 0 else 'fewer'} than were missing in his recent games"
    scored = f", who usually score{'s' if count == 1 else ''} {usual:.1f} points"
    return f"{team} is without {_who(player['teammates_out'], count)}{scored}{change}.{doubts}"


def _doubts(team: str, names: list[str]) -> str:
    """A sentence after another one; empty where nobody is questionable."""
    return f" {team} may be without {_join_names(names)} (questionable)." if names else ""


def _form(player: Row, stat: str) -> str:
    five, ten, season = (figure_of(player, stat, over) for over in ("l5", "l10", "season"))
    word = label_of_stat(stat)
    if five is None or ten is None:
        return ""
    games = int(player["games_season"] or 0)
    played = f"{games} game{'s' if games != 1 else ''}"
    against = f"against {season:.1f} in {played} this season" if season is not None else "none of it this season"
    known = player["games_known"]
    if known is not None and known < 5:
        only = f"his only {int(known)} games" if known != 1 else "his only game"
        return f"He averages {ten:.1f} {word} over {only}, {against}."
    longer = "his last 10" if known is None or known >= 10 else f"all his {int(known)}"
    return f"He averages {five:.1f} {word} over his last 5 games and {ten:.1f} over {longer}, {against}."


def _opponent(player: Row) -> str:
    opponent, home, defence = player["opponent"], player["is_home"], player["opponent_def_rating_rel"]
    if opponent is None or home is None:
        return ""
    parts = [f"{'At home against' if home else 'Away at'} {opponent}"]
    if defence is not None:
        far = f"allows {abs(defence):.1f} points {'more' if defence > 0 else 'fewer'} per 100 possessions than"
        parts.append(f"whose defence {far if abs(defence) >= 0.05 else 'allows as much as'} the league")
    rest = player["rest_days"]
    if rest is not None:
        days = f"after {int(rest)} day{'s' if rest != 1 else ''} of rest"
        parts.append(days if rest > 0 else "without a day of rest")
    return f"{', '.join(parts)}."


def _their_absences(player: Row) -> str:
    """Rotation players of the opponent, listed out, doubtful or questionable."""
    count, opponent = player["opponents_out_count"], player["opponent"]
    if not player["has_features"] or opponent is None:
        return ""
    if count is None:
        return _describe_unknown(opponent)
    doubts = _doubts(opponent, _names(player["opponents_doubted"]))
    if not count:
        return doubts.strip()
    usual = f"usually score{'s' if count == 1 else ''} {player['opponents_out_usual'] or 0.0:.1f} points"
    return f"{opponent} is without {_who(player['opponents_out'], count)}, who {usual}.{doubts}"


def _describe_unknown(team: str) -> str:
    return f"Who is out for {team} is not known: there is no injury list of the team."


def _who(names: str | None, count: float) -> str:
    """Names between bars as words, else how many there are."""
    listed = _names(names)
    return _join_names(listed) if listed else f"{int(count)} rotation player{'s' if count != 1 else ''}"


def _names(names: str | None) -> list[str]:
    return [name for name in (names or "").split("|") if name]


def _moves(main: Row) -> str:
    moved = [f"{each['label']} {each['effect']:+.1f}" for each in explanation(main) if abs(each["effect"]) >= 0.05]
    unit = label_of_stat(main["stat"])
    return f"What moved the forecast most, in {unit}: {', '.join(moved[:MOST_MOVES])}." if moved else ""


def _name(player: Row, row: Row) -> str:
    return str(player.get("player_name") or row["player_lookup"])


def _line(row: Row) -> str:
    return f"{float(row['line_value']):.1f}"


def _count(row: Row) -> str:
    """The line with what it counts."""
    return f"{_line(row)} {label_of_stat(row['stat'])}"


def _figure(value: float) -> str:
    return f"{value:.1f}"


def _join_names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
