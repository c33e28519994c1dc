-- What the raw tables hold for @first_date to @last_date as far as known before @as_of: games, finals, box scores.
-- Parameters: @as_of, @first_date, @last_date, @near_first, @near_last.
WITH
schedule AS (
  SELECT game_date, game_id, season_type, status, tipoff_at, called_off
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time < @as_of
    AND (replaced_at IS NULL OR NOT replaced_at < @as_of)
    AND (gone_at IS NULL OR NOT gone_at < @as_of)
),
games AS (
  SELECT
    game_id, status,
    COALESCE(tipoff_at, TIMESTAMP(DATETIME(game_date, TIME '19:00:00'), 'America/New_York')) AS tipoff_at
  FROM schedule
  WHERE game_date BETWEEN @first_date AND @last_date
    AND season_type IN ('regular_season', 'playin', 'playoffs') AND NOT called_off
),
player_boxes AS (
  SELECT game_id, COUNT(DISTINCT team) AS teams, MAX(snapshot_time) AS fetched_at
  FROM nba_raw.nbac_player_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of AND minutes > 0
  GROUP BY game_id
),
team_boxes AS (
  SELECT game_id, COUNT(DISTINCT team) AS teams
  FROM nba_raw.nbac_team_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of AND points IS NOT NULL
  GROUP BY game_id
),
-- Over when the schedule says so, or when the box score was fetched three hours or more after tip-off: a schedule
-- that is not refreshed must not hold up the day's results.
counted AS (
  SELECT
    g.game_id,
    g.status = 'final'
      OR COALESCE(p.fetched_at >= TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR), FALSE) AS is_final,
    COALESCE(p.teams, 0) AS player_teams, COALESCE(t.teams, 0) AS team_teams
  FROM games AS g
  LEFT JOIN player_boxes AS p ON p.game_id = g.game_id
  LEFT JOIN team_boxes AS t ON t.game_id = g.game_id
)
SELECT
  (SELECT COUNT(*) FROM schedule WHERE game_date BETWEEN @near_first AND @near_last) AS schedule_rows_near,
  COUNT(*) AS games,
  COUNTIF(is_final) AS games_final,
  STRING_AGG(IF(is_final AND player_teams < 2, game_id, NULL), ',' ORDER BY game_id) AS games_without_player_box,
  STRING_AGG(IF(is_final AND team_teams < 2, game_id, NULL), ',' ORDER BY game_id) AS games_without_team_box
FROM counted
