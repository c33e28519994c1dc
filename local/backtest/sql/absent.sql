-- Every team of the games from @first_date to @last_date with the rotation players who did not play
-- in it, as its box score shows: a row for each of them, or one without a player. Parameters:
-- @first_date, @last_date.
WITH team_games AS (
  SELECT game_date, game_id, team
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY features_as_of DESC) = 1
)
SELECT
  g.game_date, g.team, a.player_id, a.player_name, a.player_lookup, p.player_lookup_base, TRUE AS is_known
FROM team_games AS g
LEFT JOIN nba_analytics.player_absences AS a
  ON a.game_id = g.game_id AND a.team = g.team AND a.game_date BETWEEN @first_date AND @last_date
LEFT JOIN nba_reference.players AS p ON p.player_id = a.player_id
ORDER BY g.game_date, g.team, a.player_id
