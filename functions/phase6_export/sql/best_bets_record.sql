-- Every graded pick of the best bets up to the date, as they were really offered: of each game the
-- list that stood last before its tip-off. An export that was made, or made again, after tip-off
-- changes nothing. Parameters: @game_date, @now.
WITH
exported AS (
  SELECT *
  FROM nba_predictions.exported_best_bets
  -- A season and a summer.
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 400 DAY) AND @game_date
),
scheduled AS (
  SELECT game_id, tipoff_at
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time <= @now
    AND (replaced_at IS NULL OR replaced_at > @now)
),
-- Games that grading has settled: played, or void for everybody.
settled AS (
  SELECT
    grades.game_date,
    grades.game_id,
    MAX(IF(grades.void_reason NOT IN ('did_not_play', 'no_figure'), grades.void_reason, NULL)) AS void_reason,
    MAX(grades.graded_at) AS graded_at
  FROM nba_predictions.prediction_accuracy AS grades
  WHERE grades.game_date BETWEEN DATE_SUB(@game_date, INTERVAL 400 DAY) AND @game_date
    AND grades.graded_at <= @now
  GROUP BY grades.game_date, grades.game_id
),
-- A game began when the schedule says; one that was not played that day would have when its picks
-- say.
begun AS (
  SELECT
    settled.game_date,
    settled.game_id,
    settled.void_reason,
    settled.graded_at,
    COALESCE(
      MAX(IF(settled.void_reason IS NULL, scheduled.tipoff_at, NULL)), MIN(exported.tipoff_at)
    ) AS tipoff_at
  FROM settled
  INNER JOIN exported
    ON exported.game_date = settled.game_date
    AND exported.game_id = settled.game_id
  LEFT JOIN scheduled
    ON scheduled.game_id = settled.game_id
  GROUP BY settled.game_date, settled.game_id, settled.void_reason, settled.graded_at
),
standing AS (
  SELECT begun.*, lists.list_id, lists.exported_at
  FROM begun
  INNER JOIN exported AS lists
    ON lists.game_date = begun.game_date
    AND lists.rank = 0
    AND lists.exported_at < begun.tipoff_at
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY begun.game_date, begun.game_id
    ORDER BY lists.exported_at DESC, lists.list_id DESC
  ) = 1
),
facts AS (
  SELECT
    picks.game_date,
    picks.game_id,
    picks.player_id,
    picks.player_lookup,
    picks.player_name,
    picks.team,
    picks.opponent,
    picks.stat,
    picks.line_value,
    picks.line_kind,
    picks.side,
    picks.bookmaker,
    picks.price,
    picks.p_over,
    picks.expected_value,
    picks.rank,
    picks.exported_at,
    standing.graded_at,
    IF(standing.void_reason IS NULL, {{stat_value(games., , picks.stat, fg3m)}}, NULL) AS actual,
    CASE
      WHEN standing.void_reason IS NOT NULL THEN standing.void_reason
      WHEN games.player_id IS NULL THEN 'did_not_play'
      WHEN {{stat_value(games., , picks.stat, fg3m)}} IS NULL THEN 'no_figure'
    END AS void_reason
  FROM standing
  INNER JOIN exported AS picks
    ON picks.game_date = standing.game_date
    AND picks.game_id = standing.game_id
    AND picks.list_id = standing.list_id
    AND picks.exported_at = standing.exported_at
    AND picks.rank > 0
  LEFT JOIN nba_analytics.player_game_summary AS games
    ON games.game_date BETWEEN DATE_SUB(@game_date, INTERVAL 400 DAY) AND @game_date
    AND games.game_date = picks.game_date
    AND games.game_id = picks.game_id
    AND games.player_id = picks.player_id
),
outcomes AS (
  SELECT
    facts.*,
    CASE
      WHEN void_reason IS NOT NULL THEN 'void'
      -- A whole line that is hit exactly gives the stake back.
      WHEN CAST(actual AS NUMERIC) = line_value THEN 'push'
      WHEN (CAST(actual AS NUMERIC) > line_value) = (side = 'OVER') THEN 'win'
      ELSE 'loss'
    END AS outcome
  FROM facts
)
SELECT
  outcomes.*,
  -- American odds: +150 wins 1.5 units per unit staked, -120 wins 100/120.
  CASE
    WHEN outcome = 'win' AND price > 0 THEN price / 100
    WHEN outcome = 'win' THEN SAFE_DIVIDE(100, -price)
    WHEN outcome = 'loss' THEN -1.0
    WHEN outcome = 'push' THEN 0.0
  END AS profit
FROM outcomes
ORDER BY game_date, rank, game_id, player_id
