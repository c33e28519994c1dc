-- The last ten games of every player considered for the date, newest first: what a page shows
-- beside a line.
WITH
players AS (
  SELECT player_id, MAX(features_as_of) AS features_as_of
  FROM nba_monitoring.expected_outputs
  WHERE game_date = @game_date
    AND player_id IS NOT NULL
    AND features_as_of IS NOT NULL
  GROUP BY player_id
)
SELECT
  games.player_id,
  games.game_date,
  games.opponent,
  games.is_home,
  games.minutes,
  games.points,
  games.rebounds,
  games.assists,
  games.fg3m AS threes
FROM nba_analytics.player_game_summary AS games
INNER JOIN players
  ON players.player_id = games.player_id
-- A year and a bit reaches over the summer to the season before; older partitions are not read.
WHERE games.game_date >= DATE_SUB(@game_date, INTERVAL 400 DAY)
  AND games.game_date < @game_date
  AND games.known_at < players.features_as_of
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY games.player_id
  ORDER BY games.tipoff_at DESC, games.game_id DESC
) <= 10
ORDER BY games.player_id, games.tipoff_at DESC, games.game_id DESC
