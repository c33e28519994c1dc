-- What stands behind a player's features of a moment: the feature row, the injury lists, the lines,
-- and his games before, newest first. Parameters: @game_date, @game_id, @player_id,
-- @features_as_of; @first is the first day of the games looked at, @most how many of them, and
-- @stats the statistics whose values are asked for.
WITH
features AS (
  SELECT
    'features' AS kind, CAST(NULL AS STRING) AS name, features_as_of AS at, quality_score AS value,
    null_reasons AS note, game_date AS about, game_id, FALSE AS is_main
  FROM nba_predictions.ml_feature_store
  WHERE game_date = @game_date
    AND game_id = @game_id
    AND player_id = @player_id
    AND features_as_of = @features_as_of
),
-- His team's injury list (name: its source, note: listed, nobody_listed or no_list) and the
-- opponent's, then his own status with its reason.
context AS (
  SELECT
    game_date, game_id, injury_report_source, injury_snapshot_at, injury_list_state, opponent_injury_list_state,
    injury_status, injury_reason
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date = @game_date
    AND game_id = @game_id
    AND player_id = @player_id
    AND features_as_of = @features_as_of
),
injuries AS (
  SELECT
    'injury_list' AS kind, injury_report_source AS name, injury_snapshot_at AS at, CAST(NULL AS FLOAT64) AS value,
    injury_list_state AS note, game_date AS about, game_id, TRUE AS is_main
  FROM context
  UNION ALL
  SELECT
    'injury_list' AS kind, CAST(NULL AS STRING) AS name, CAST(NULL AS TIMESTAMP) AS at, CAST(NULL AS FLOAT64) AS value,
    opponent_injury_list_state AS note, game_date AS about, game_id, FALSE AS is_main
  FROM context
  UNION ALL
  SELECT
    'injury' AS kind, injury_status AS name, CAST(NULL AS TIMESTAMP) AS at, CAST(NULL AS FLOAT64) AS value,
    injury_reason AS note, game_date AS about, game_id, FALSE AS is_main
  FROM context
  WHERE injury_status IS NOT NULL
),
lines AS (
  SELECT
    'line' AS kind, bookmaker AS name, snapshot_time AS at, CAST(line AS FLOAT64) AS value, player_lookup AS note,
    game_date AS about, game_id, is_main, stat
  FROM nba_analytics.upcoming_player_lines
  WHERE game_date = @game_date
    AND game_id = @game_id
    AND player_id = @player_id
    AND features_as_of = @features_as_of
    AND stat IN UNNEST(@stats)
),
played AS (
  SELECT *
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first AND @game_date AND player_id = @player_id AND known_at < @features_as_of
  QUALIFY ROW_NUMBER() OVER (ORDER BY game_date DESC, game_id DESC) <= @most
),
games AS (
  SELECT
    'game' AS kind, played.opponent AS name, played.known_at AS at,
    CAST({{stat_value(played., , stat, fg3m)}} AS FLOAT64) AS value, CAST(NULL AS STRING) AS note,
    played.game_date AS about, played.game_id, FALSE AS is_main, stat
  FROM played
  CROSS JOIN UNNEST(@stats) AS stat
)
SELECT kind, name, at, value, note, about, game_id, is_main, CAST(NULL AS STRING) AS stat FROM features
UNION ALL
SELECT kind, name, at, value, note, about, game_id, is_main, CAST(NULL AS STRING) AS stat FROM injuries
UNION ALL
SELECT kind, name, at, value, note, about, game_id, is_main, stat FROM lines
UNION ALL
SELECT kind, name, at, value, note, about, game_id, is_main, stat FROM games
ORDER BY kind, about DESC, game_id, name, stat, value
