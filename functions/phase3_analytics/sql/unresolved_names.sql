-- Names of the feeds that no game of @first_date to @last_date could resolve, for
-- nba_reference.unresolved_names. Parameters: @as_of and @run_id (the run's), @first_date,
-- @last_date. Reads this run's resolved_names.
WITH
names AS (
  SELECT
    n.game_date, n.feed, n.player_lookup,
    MIN(n.player_name) AS player_name, MIN(n.teams) AS teams, MAX(n.reason) AS reason,
    COUNT(n.player_id) AS resolved
  FROM nba_analytics.resolved_names AS n
  JOIN nba_analytics.upcoming_team_game_context AS g
    ON g.game_date = n.game_date AND g.game_date BETWEEN @first_date AND @last_date
    AND g.game_id = n.game_id AND g.features_as_of = n.features_as_of
  WHERE n.game_date BETWEEN @first_date AND @last_date AND g.is_home
    AND n.features_as_of = {{features_moment(g.)}}
  GROUP BY n.game_date, n.feed, n.player_lookup
)
SELECT
  game_date, feed, player_name, player_lookup, teams, reason, @as_of AS seen_at, @run_id AS run_id
FROM names
WHERE resolved = 0
