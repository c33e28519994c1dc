-- The date's games, one row each, with what the tables hold of them; a day without games has one row without game_id.
-- Parameters: @game_date, @now; @as_of as a run would have it that begins now.
WITH
-- A game may move to another day: its latest snapshot decides. All kinds of games tell that a schedule is loaded.
latest AS (
  SELECT game_id, game_date, season_type, home_team, away_team, tipoff_at, status
  FROM nba_raw.nbac_schedule
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 200 DAY) AND DATE_ADD(@game_date, INTERVAL 200 DAY)
    AND snapshot_time <= @now
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY snapshot_time DESC, run_id DESC, source_file DESC) = 1
),
facts AS (
  SELECT @game_date AS game_date, COUNT(*) AS schedule_rows
  FROM latest
),
-- What phase 1 fetches of a day to come besides the schedule; an injury list that names nobody has a row, too.
feeds AS (
  SELECT COUNT(*) AS feed_rows
  FROM (
    SELECT snapshot_time
    FROM nba_raw.injury_report
    WHERE game_date = @game_date AND source <> 'derived'
    UNION ALL
    SELECT snapshot_time
    FROM nba_raw.odds_api_player_points_props
    WHERE game_date = @game_date
    UNION ALL
    SELECT snapshot_time
    FROM nba_raw.odds_api_game_lines
    WHERE game_date = @game_date
  )
  WHERE snapshot_time <= @now
),
games AS (
  SELECT game_date, game_id, home_team, away_team, tipoff_at, status
  FROM latest
  WHERE game_date = @game_date
    AND season_type IN ('regular_season', 'playin', 'playoffs')
),
-- The tip-off that phase 3 settled on, where the schedule has none: of the odds feed, or assumed.
tipoffs AS (
  SELECT game_id, MAX_BY(tipoff_at, features_as_of) AS tipoff_at
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date = @game_date AND features_as_of <= @as_of
  GROUP BY game_id
),
-- Teams somebody has played for in the 30 days that a roster goes back.
rosters AS (
  SELECT DISTINCT team
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@game_date, INTERVAL 30 DAY) AND @game_date AND known_at < @now
),
moments AS (
  SELECT game_id, MAX(features_as_of) AS features_as_of
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date = @game_date AND features_as_of <= @as_of
  GROUP BY game_id
),
-- Everybody in the newest context, and whether he has a feature row of that moment.
contexts AS (
  SELECT
    contexts.game_id,
    COUNT(DISTINCT contexts.team) AS context_teams,
    COUNT(*) AS context_players,
    COUNT(features.player_id) AS feature_players
  FROM nba_analytics.upcoming_player_game_context AS contexts
  INNER JOIN moments
    ON moments.game_id = contexts.game_id AND moments.features_as_of = contexts.features_as_of
  LEFT JOIN nba_predictions.ml_feature_store AS features
    ON features.game_date = contexts.game_date AND features.game_date = @game_date
    AND features.game_id = contexts.game_id
    AND features.player_id = contexts.player_id
    AND features.features_as_of = contexts.features_as_of
  WHERE contexts.game_date = @game_date
  GROUP BY contexts.game_id
),
summaries AS (
  SELECT game_id, COUNT(DISTINCT team) AS result_teams
  FROM nba_analytics.player_game_summary
  WHERE game_date = @game_date
  GROUP BY game_id
),
-- Only what was said before tip-off is graded, and of the batch that counts.
predictions AS (
  SELECT game_id, batch_id, COUNT(*) AS predictions
  FROM nba_predictions.current_predictions
  WHERE game_date = @game_date AND updated_at < tipoff_at
  GROUP BY game_id, batch_id
),
grades AS (
  SELECT game_id, batch_id, COUNT(*) AS grades
  FROM nba_predictions.prediction_accuracy
  WHERE game_date = @game_date
  GROUP BY game_id, batch_id
)
SELECT
  facts.schedule_rows,
  feeds.feed_rows,
  games.game_id,
  COALESCE(
    games.tipoff_at, tipoffs.tipoff_at, TIMESTAMP(DATETIME(@game_date, TIME '19:00:00'), 'America/New_York')
  ) AS tipoff_at,
  games.status,
  IF(home.team IS NULL, 0, 1) + IF(away.team IS NULL, 0, 1) AS roster_teams,
  COALESCE(contexts.context_teams, 0) AS context_teams,
  COALESCE(contexts.context_players, 0) AS context_players,
  COALESCE(contexts.feature_players, 0) AS feature_players,
  COALESCE(summaries.result_teams, 0) AS result_teams,
  COALESCE(predictions.predictions, 0) AS predictions,
  COALESCE(grades.grades, 0) AS grades
FROM facts
CROSS JOIN feeds
LEFT JOIN games
  ON games.game_date = facts.game_date
LEFT JOIN tipoffs
  ON tipoffs.game_id = games.game_id
LEFT JOIN rosters AS home
  ON home.team = games.home_team
LEFT JOIN rosters AS away
  ON away.team = games.away_team
LEFT JOIN contexts
  ON contexts.game_id = games.game_id
LEFT JOIN summaries
  ON summaries.game_id = games.game_id
LEFT JOIN predictions
  ON predictions.game_id = games.game_id
LEFT JOIN grades
  ON grades.game_id = games.game_id AND grades.batch_id = predictions.batch_id
ORDER BY games.game_id
