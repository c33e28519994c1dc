"""One row of player_prop_predictions: what one system says of a player at one tested line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from shared.nba.stats import POINTS, Stat
from shared.science.predictions.lines import (
    SUSPICIOUS,
    Best,
    Offer,
    Policy,
    best_prices,
    decide,
    fair_american,
    offers,
    tested_lines,
    to_datetime,
    to_half,
)
from shared.science.systems.output import DIGITS, SystemOutput

# The feature that says how likely a player of his status does not play.
ABSENCE = "absence_probability"


class PredictionRow(NamedTuple):
    """The columns of player_prop_predictions that a prediction makes; the worker and the MERGE add
    the others."""

    system_id: str
    model_version: str
    player_id: int
    player_lookup: str
    game_id: str
    game_date: date
    tipoff_at: datetime
    stat: str
    """What is predicted, by its name in shared/nba/stats.py; figures below are of it."""
    line_value: Decimal | None
    """In halves; None where there is no line."""
    line_kind: str
    """main, alternate or none."""
    over_price: int | None
    """American odds."""
    under_price: int | None
    over_bookmaker: str | None
    under_bookmaker: str | None
    recommendation: str
    """OVER, UNDER, PASS or NO_LINE."""
    reason: str
    quality_score: float | None
    uses_market: bool
    features_as_of: datetime
    line_snapshot_at: datetime | None
    error_code: str | None
    """Why the system has no forecast; every figure below is None then."""
    error_message: str | None
    explanation: str | None
    """JSON, see explain.py; of the main line's row, or the one without a line."""
    predicted: float | None
    predicted_sd: float | None
    predicted_no_market: float | None
    p_over: float | None
    """Of the tested line, like all below: None where it is not judged."""
    p_push: float | None
    fair_over_price: float | None
    edge: float | None
    """How far the forecast lies above the line."""
    bookmaker: str | None
    side: str | None
    """OVER or UNDER, the side that bookmaker, expected value and confidence are of."""
    expected_value: float | None
    """Profit per unit staked; a bet is void, and brings nothing, if he does not play."""
    confidence_score: float | None


def columns_of(rows: Sequence[PredictionRow]) -> dict[str, Sequence[Any]]:
    """Column -> its value in each row."""
    names = PredictionRow._fields
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


@dataclass(frozen=True)
class PlayerRequest:
    """One player of a request and what is offered on one of his statistics, read once for all
    systems.
    """

    row: Mapping[str, Any]
    game_date: date
    tipoff_at: datetime
    features_as_of: datetime
    stat: Stat
    main: Decimal | None
    tested: tuple[Decimal, ...]
    best: Mapping[Decimal, Best]
    line_snapshot_at: datetime | None
    suspicious: str | None = None
    """What is wrong of the main line; then none of the tested lines is judged, nor does any system
    see the line."""

    @classmethod
    def read(cls, player: Mapping[str, Any], stat: Stat) -> PlayerRequest:
        lines, row = _lines_of(player, stat), player["features"]
        moments = (_day(row["game_date"]), to_datetime(row["tipoff_at"]), to_datetime(row["features_as_of"]))
        if not lines or lines.get("main") is None:
            return cls(row, *moments, stat, None, (), {}, None)
        current = offers(lines["books"])
        main = to_half(Decimal(str(lines["main"])))
        tested, best = tuple(tested_lines(main, stat)), best_prices(current)
        latest = max((offer.snapshot_time for offer in current), default=None)
        return cls(row, *moments, stat, main, tested, best, latest, _doubt(current))


def _lines_of(player: Mapping[str, Any], stat: Stat) -> Mapping[str, Any] | None:
    """A request's lines of a statistic; one of a release that knew points alone has theirs without
    a name.
    """
    lines = player.get("lines") or {}
    by_stat = {POINTS.name: lines} if "books" in lines else lines
    return by_stat.get(stat.name)


def _doubt(current: Sequence[Offer]) -> str | None:
    """What is wrong of the main line where every book's is suspicious: then it is a suspicious
    one."""
    doubts = [offer.suspicious for offer in current if offer.is_main]
    return doubts[0] if doubts and all(doubts) else None


class _Judgement(NamedTuple):
    """What a system's forecast makes of a tested line; the figures are None where the line is not
    judged."""

    recommendation: str
    reason: str
    p_over: float | None = None
    p_push: float | None = None
    fair_over_price: float | None = None
    edge: float | None = None
    bookmaker: str | None = None
    side: str | None = None
    expected_value: float | None = None
    confidence: float | None = None


def prediction_row(
    player: PlayerRequest,
    output: SystemOutput,
    index: int,
    line: Decimal | None,
    probability: tuple[float, float],
    policy: Policy,
    explanation: str | None,
) -> PredictionRow:
    """Make the row of one system, player and tested line.

    Args:
        player: As the request brings him.
        output: The system's, for all players of the request.
        index: His place in it.
        line: The tested line; None where he has none.
        probability: P(over) and P(push) of that line.
        policy: What recommendations need.
        explanation: What moved the forecast, as JSON; None where another row has it.
    """
    features = player.row
    best = Best() if line is None else player.best.get(line, Best())
    error = output.error_code[index]
    judged = _judge(player, output, index, line, best, probability, policy)
    return PredictionRow(
        system_id=output.system_id,
        model_version=output.model_version,
        player_id=int(features["player_id"]),
        player_lookup=features["player_lookup"],
        game_id=features["game_id"],
        game_date=player.game_date,
        tipoff_at=player.tipoff_at,
        stat=player.stat.name,
        line_value=line,
        line_kind="none" if line is None else ("main" if line == player.main else "alternate"),
        over_price=best.over,
        under_price=best.under,
        over_bookmaker=best.over_book,
        under_bookmaker=best.under_book,
        recommendation=judged.recommendation,
        reason=judged.reason,
        quality_score=features["quality_score"],
        uses_market=bool(output.uses_market[index]),
        features_as_of=player.features_as_of,
        line_snapshot_at=player.line_snapshot_at,
        error_code=error,
        error_message=output.error_message[index],
        explanation=explanation,
        predicted=None if error else float(output.forecast[index]),
        predicted_sd=None if error else float(output.sd[index]),
        predicted_no_market=None if error else float(output.forecast_no_market[index]),
        p_over=judged.p_over,
        p_push=judged.p_push,
        fair_over_price=judged.fair_over_price,
        edge=judged.edge,
        bookmaker=judged.bookmaker,
        side=judged.side,
        expected_value=judged.expected_value,
        confidence_score=judged.confidence,
    )


def _judge(
    player: PlayerRequest,
    output: SystemOutput,
    index: int,
    line: Decimal | None,
    best: Best,
    probability: tuple[float, float],
    policy: Policy,
) -> _Judgement:
    """Decide on a line: not at all without a forecast, without a line, or where line or price is
    suspicious."""
    error, why = output.error_code[index], output.reason[index]
    if error is not None:
        return _Judgement("NO_LINE" if line is None else "PASS", f"{error}; {output.error_message[index]}")
    if line is None:
        return _Judgement("NO_LINE", f"no_line; {why}")
    if player.suspicious or best.suspicious:
        # no probability either: at a line that nobody means it would only flatter or spoil the
        # figures of all others
        return _Judgement("PASS", f"{SUSPICIOUS}; {player.suspicious or best.suspicious}; {why}")
    over, push = probability
    plays = 1.0 - (player.row.get(ABSENCE) or 0.0)
    decision = decide(over, push, best, policy, plays)
    return _Judgement(
        recommendation=decision.recommendation,
        reason=f"{decision.reason}; {why}",
        p_over=over,
        p_push=push,
        fair_over_price=fair_american(over, max(0.0, 1.0 - over - push)),
        edge=round(float(output.forecast[index]) - float(line), DIGITS),
        bookmaker=decision.bookmaker,
        side=decision.side,
        expected_value=decision.expected_value,
        confidence=decision.confidence,
    )


def _day(value: Any) -> date:
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(str(value))
