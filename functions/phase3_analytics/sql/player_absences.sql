-- Rotation players who did not play in the games of @first_date to @last_date, from box scores
-- alone. Parameters: @first_date, @last_date. Reads player_game_summary.
WITH
-- Every game of every player with his form after it; a trade shows when he first plays for the new
-- team.
form AS (
  SELECT
    player_id, player_name, player_lookup, team, game_date, tipoff_at,
    AVG(minutes) OVER ten AS minutes_l10,
    AVG(points) OVER ten AS points_l10,
    LEAD(tipoff_at) OVER (PARTITION BY player_id ORDER BY tipoff_at, game_id) AS next_tipoff_at
  FROM nba_analytics.player_game_summary
  -- Ten games of a rotation player lie well within two years before the first day.
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 760 DAY) AND @last_date
  WINDOW ten AS (PARTITION BY player_id ORDER BY tipoff_at, game_id ROWS BETWEEN 9 PRECEDING AND CURRENT ROW)
),
team_games AS (
  SELECT DISTINCT game_date, game_id, team, tipoff_at, known_at
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first_date AND @last_date
)
SELECT
  g.game_date, g.game_id, f.player_id, f.player_name, f.player_lookup, g.team, g.tipoff_at, g.known_at,
  f.game_date AS last_game_date, f.minutes_l10, f.points_l10
FROM team_games AS g
JOIN form AS f
  ON f.team = g.team
  AND f.tipoff_at < g.tipoff_at
  AND (f.next_tipoff_at IS NULL OR g.tipoff_at < f.next_tipoff_at)
  AND f.game_date BETWEEN DATE_SUB(g.game_date, INTERVAL 30 DAY) AND g.game_date
WHERE f.minutes_l10 >= 15
