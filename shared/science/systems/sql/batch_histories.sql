-- The last @last_games games of many players at once, newest first: what the batch loader sends to
-- the workers, and, with all games of all players, what training builds the same histories from.
-- Strictly before @as_of; @game_date only keeps later partitions unread.
WITH
-- A defence is judged by its fifteen games before the one at hand, so the past game is described as
-- it was seen then.
defences AS (
  SELECT
    game_id,
    team,
    ROUND(
      SAFE_DIVIDE(100 * SUM(points_allowed) OVER trailing, SUM(possessions) OVER trailing),
      4
    ) AS def_rating
  FROM nba_analytics.team_defense_game_summary
  WHERE game_date <= @game_date AND known_at < @as_of
  WINDOW trailing AS (
    PARTITION BY team ORDER BY tipoff_at, game_id ROWS BETWEEN 15 PRECEDING AND 1 PRECEDING
  )
),
-- Rest needs the game before, so it is counted before the number of games is cut.
games AS (
  SELECT
    player_id,
    game_date,
    game_id,
    tipoff_at,
    known_at,
    team,
    opponent,
    {{stat_counted(, columns, , *)}},
    minutes,
    fga,
    fg3a,
    fta,
    usage_rate,
    is_home,
    LEAST(
      DATE_DIFF(
        game_date,
        LAG(game_date) OVER (PARTITION BY player_id ORDER BY tipoff_at, game_id),
        DAY
      ) - 1,
      30
    ) AS rest_days,
    ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY tipoff_at DESC, game_id DESC) AS games_back
  FROM nba_analytics.player_game_summary
  WHERE game_date <= @game_date AND known_at < @as_of AND player_id IN UNNEST(@player_ids)
)
SELECT
  g.player_id,
  g.game_date,
  g.game_id,
  g.known_at,
  g.opponent,
  {{stat_counted(g., *, , *)}},
  g.minutes,
  g.fga,
  g.fg3a,
  g.fta,
  g.usage_rate,
  g.is_home,
  g.rest_days,
  d.def_rating AS opponent_def_rating,
  t.missing_points AS team_missing_points
FROM games AS g
LEFT JOIN defences AS d ON d.game_id = g.game_id AND d.team = g.opponent
LEFT JOIN nba_analytics.team_offense_game_summary AS t
  ON t.game_date = g.game_date AND t.game_date <= @game_date AND t.game_id = g.game_id AND t.team = g.team
WHERE g.games_back <= @last_games
ORDER BY g.player_id, g.tipoff_at DESC, g.game_id DESC
