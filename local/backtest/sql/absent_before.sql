-- Every team of the games from @first_date to @last_date with the rotation players missing from its
-- previous game of the season: a row for each of them, or one without a player. Before a team's
-- first game nothing is known; no season is longer than a year. Parameters: @first_date,
-- @last_date.
WITH team_games AS (
  SELECT
    game_date, game_id, team, season,
    LAG(game_id) OVER (PARTITION BY team, season ORDER BY tipoff_at, game_id) AS previous_id
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 365 DAY) AND @last_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY features_as_of DESC) = 1
)
SELECT
  g.game_date, g.team, a.player_id, a.player_name, a.player_lookup, p.player_lookup_base,
  g.previous_id IS NOT NULL AS is_known
FROM team_games AS g
LEFT JOIN nba_analytics.player_absences AS a
  ON a.game_id = g.previous_id AND a.team = g.team AND a.game_date BETWEEN DATE_SUB(@first_date, INTERVAL 365 DAY) AND @last_date
LEFT JOIN nba_reference.players AS p ON p.player_id = a.player_id
WHERE g.game_date BETWEEN @first_date AND @last_date
ORDER BY g.game_date, g.team, a.player_id
