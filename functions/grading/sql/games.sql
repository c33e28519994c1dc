-- Every game of the date that has current predictions, and whether it can be graded: final with a box score, called
-- off (postponed, or moved to another day), or neither yet.
WITH
predicted AS (
  SELECT
    game_id,
    COUNT(*) AS predictions,
    COUNTIF(updated_at >= tipoff_at) AS made_late
  FROM nba_predictions.current_predictions
  WHERE game_date = @game_date
  GROUP BY game_id
),
-- A postponed game moves to another day: its latest row is looked for on every day around.
scheduled AS (
  SELECT game_id, game_date, season, status
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY snapshot_time DESC, run_id DESC, source_file DESC) = 1
),
box_scores AS (
  SELECT DISTINCT game_id
  FROM nba_analytics.player_game_summary
  WHERE game_date = @game_date
),
season_starts AS (
  SELECT season, MIN(game_date) AS season_start
  FROM scheduled
  GROUP BY season
)
SELECT
  predicted.game_id,
  predicted.predictions,
  predicted.made_late,
  season_starts.season_start,
  CASE
    WHEN scheduled.status = 'postponed' OR scheduled.game_date != @game_date THEN 'called_off'
    WHEN scheduled.status = 'final' AND box_scores.game_id IS NOT NULL THEN 'final'
    ELSE 'pending'
  END AS state
FROM predicted
LEFT JOIN scheduled
  ON scheduled.game_id = predicted.game_id
LEFT JOIN box_scores
  ON box_scores.game_id = predicted.game_id
LEFT JOIN season_starts
  ON season_starts.season = scheduled.season
ORDER BY predicted.game_id
