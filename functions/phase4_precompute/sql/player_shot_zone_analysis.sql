-- Where each player of the run's games scores from, over those of his last 20 games that have shot
-- data. Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's
-- upcoming_player_game_context.
WITH
targets AS (
  SELECT game_date, game_id, player_id, features_as_of
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- Sums over 20 games after each game, and when the player's next one was known.
games AS (
  SELECT
    player_id, known_at,
    COUNT(paint_fga) OVER twenty AS zone_games,
    SUM(2 * paint_fgm) OVER twenty AS paint_points,
    SUM(2 * mid_fgm) OVER twenty AS mid_points,
    SUM(IF(paint_fga IS NULL, NULL, 3 * fg3m)) OVER twenty AS three_points,
    LEAD(known_at) OVER (PARTITION BY player_id ORDER BY tipoff_at, game_id) AS next_known_at
  FROM nba_analytics.player_game_summary
  WHERE game_date <= @last_date AND player_id IN (SELECT player_id FROM targets)
  WINDOW twenty AS (
    PARTITION BY player_id ORDER BY tipoff_at, game_id ROWS BETWEEN 19 PRECEDING AND CURRENT ROW
  )
),
-- Fewer than five games of shot data say too little; zero points say nothing.
latest AS (
  SELECT
    t.*, g.zone_games, g.paint_points, g.mid_points, g.three_points,
    IF(g.zone_games >= 5, g.paint_points + g.mid_points + g.three_points, NULL) AS field_points
  FROM targets AS t
  JOIN games AS g
    ON g.player_id = t.player_id
    AND g.known_at < t.features_as_of
    AND (g.next_known_at IS NULL OR NOT g.next_known_at < t.features_as_of)
)
SELECT
  game_date, game_id, player_id, features_as_of, zone_games,
  SAFE_DIVIDE(paint_points, field_points) AS paint_share_l20,
  SAFE_DIVIDE(mid_points, field_points) AS mid_share_l20,
  SAFE_DIVIDE(three_points, field_points) AS three_share_l20
FROM latest
