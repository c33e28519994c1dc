-- Games whose home and away team the odds feed has the other way round, as far as known before @as_of.
-- Parameters: @as_of, @first_date, @last_date. Reads this run's upcoming_team_game_context.
WITH
pairs AS (
  SELECT DISTINCT game_date, home_team, away_team
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of
  UNION DISTINCT
  SELECT DISTINCT game_date, home_team, away_team
  FROM nba_raw.odds_api_game_lines
  WHERE game_date BETWEEN @first_date AND @last_date AND snapshot_time < @as_of
)
SELECT COUNT(DISTINCT g.game_id) AS games, STRING_AGG(DISTINCT g.game_id, ',' ORDER BY g.game_id) AS game_ids
FROM nba_analytics.upcoming_team_game_context AS g
JOIN pairs AS p ON p.game_date = g.game_date AND p.home_team = g.opponent AND p.away_team = g.team
WHERE g.game_date BETWEEN @first_date AND @last_date AND g.is_home
  AND g.features_as_of = CASE
    WHEN g.tipoff_at > @as_of THEN @as_of
    ELSE LEAST(TIMESTAMP(DATETIME(g.game_date, TIME '17:30:00'), 'America/New_York'), g.tipoff_at)
  END
