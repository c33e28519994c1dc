-- Pace, ratings and what is allowed by zone, for each team of the run's games, over its last 15
-- games known, and relative to the league's latest 225 games known (about a month of a season).
-- Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's
-- upcoming_team_game_context.
WITH
targets AS (
  SELECT game_date, game_id, team, features_as_of
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
games AS (
  SELECT
    d.team, d.game_id, d.tipoff_at, d.known_at, d.possessions, d.points_allowed, o.points,
    d.team_minutes / 5 AS minutes,
    d.fg2_points_allowed AS fg2, d.fg3_points_allowed AS fg3, d.ft_points_allowed AS ft,
    d.paint_points_allowed AS paint, d.mid_points_allowed AS mid,
    IF(d.paint_points_allowed IS NULL, NULL, d.fg3_points_allowed) AS zone_three,
    d.rebounds_allowed AS rebounds, d.assists_allowed AS assists,
    IF(d.paint_points_allowed IS NULL, 0, 1) AS has_zones
  FROM nba_analytics.team_defense_game_summary AS d
  JOIN nba_analytics.team_offense_game_summary AS o
    ON o.game_date = d.game_date AND o.game_date BETWEEN DATE_SUB(@first_date, INTERVAL 760 DAY) AND @last_date
    AND o.game_id = d.game_id AND o.team = d.team
  -- 225 games are reached within a season and the end of the one before.
  WHERE d.game_date BETWEEN DATE_SUB(@first_date, INTERVAL 760 DAY) AND @last_date
),
-- A team's last 15 games after each of its games.
team_windows AS (
  SELECT
    team, known_at,
    LEAD(known_at) OVER (PARTITION BY team ORDER BY tipoff_at, game_id) AS next_known_at,
    COUNT(*) OVER fifteen AS games,
    SUM(has_zones) OVER fifteen AS zone_games,
    SUM(possessions) OVER fifteen AS possessions,
    SUM(minutes) OVER fifteen AS minutes,
    SUM(points) OVER fifteen AS points,
    SUM(points_allowed) OVER fifteen AS points_allowed,
    SUM(fg2) OVER fifteen AS fg2,
    SUM(fg3) OVER fifteen AS fg3,
    SUM(ft) OVER fifteen AS ft,
    SUM(paint) OVER fifteen AS paint,
    SUM(mid) OVER fifteen AS mid,
    SUM(zone_three) OVER fifteen AS zone_three,
    AVG(rebounds) OVER fifteen AS rebounds,
    AVG(assists) OVER fifteen AS assists
  FROM games
  WINDOW fifteen AS (PARTITION BY team ORDER BY tipoff_at, game_id ROWS BETWEEN 14 PRECEDING AND CURRENT ROW)
),
-- The league's latest 225 games (450 rows, one per team) after each game.
league_windows AS (
  SELECT
    known_at,
    LEAD(known_at) OVER (ORDER BY tipoff_at, game_id, team) AS next_known_at,
    COUNT(*) OVER month AS games,
    SUM(has_zones) OVER month AS zone_games,
    SUM(possessions) OVER month AS possessions,
    SUM(minutes) OVER month AS minutes,
    SUM(points) OVER month AS points,
    SUM(fg2) OVER month AS fg2,
    SUM(fg3) OVER month AS fg3,
    SUM(ft) OVER month AS ft,
    SUM(paint) OVER month AS paint,
    SUM(mid) OVER month AS mid,
    SUM(zone_three) OVER month AS zone_three,
    AVG(rebounds) OVER month AS rebounds,
    AVG(assists) OVER month AS assists
  FROM games
  WINDOW month AS (ORDER BY tipoff_at, game_id, team ROWS BETWEEN 449 PRECEDING AND CURRENT ROW)
),
moments AS (
  SELECT DISTINCT features_as_of FROM targets
),
-- Of rows with the same known_at the last one has the others in its window; fewer than 50 games are
-- no league.
league AS (
  SELECT
    m.features_as_of, l.games, l.zone_games, l.possessions, l.minutes, l.points,
    SAFE_DIVIDE(l.fg2, l.games) AS fg2, SAFE_DIVIDE(l.fg3, l.games) AS fg3, SAFE_DIVIDE(l.ft, l.games) AS ft,
    SAFE_DIVIDE(l.paint, l.zone_games) AS paint,
    SAFE_DIVIDE(l.mid, l.zone_games) AS mid,
    SAFE_DIVIDE(l.zone_three, l.zone_games) AS zone_three,
    l.rebounds, l.assists
  FROM moments AS m
  JOIN league_windows AS l
    ON l.known_at < m.features_as_of
    AND (l.next_known_at IS NULL OR NOT l.next_known_at < m.features_as_of)
    AND l.games >= 100
),
latest AS (
  SELECT
    t.game_date, t.game_id, t.team, t.features_as_of,
    COALESCE(w.games, 0) AS games, COALESCE(w.zone_games, 0) AS zone_games,
    w.possessions, w.minutes, w.points, w.points_allowed,
    SAFE_DIVIDE(w.fg2, w.games) AS fg2, SAFE_DIVIDE(w.fg3, w.games) AS fg3, SAFE_DIVIDE(w.ft, w.games) AS ft,
    IF(w.zone_games >= 5, w.paint / w.zone_games, NULL) AS paint,
    IF(w.zone_games >= 5, w.mid / w.zone_games, NULL) AS mid,
    IF(w.zone_games >= 5, w.zone_three / w.zone_games, NULL) AS zone_three,
    w.rebounds, w.assists
  FROM targets AS t
  LEFT JOIN team_windows AS w
    ON w.team = t.team
    AND w.known_at < t.features_as_of
    AND (w.next_known_at IS NULL OR NOT w.next_known_at < t.features_as_of)
)
SELECT
  t.game_date, t.game_id, t.team, t.features_as_of,
  t.games AS games_l15,
  t.zone_games AS zone_games_l15,
  COALESCE(DIV(l.games, 2), 0) AS league_games,
  SAFE_DIVIDE(t.points_allowed, t.games) AS points_allowed_l15,
  48 * SAFE_DIVIDE(t.possessions, t.minutes) AS pace_l15,
  100 * SAFE_DIVIDE(t.points_allowed, t.possessions) AS def_rating_l15,
  100 * SAFE_DIVIDE(t.points, t.possessions) AS off_rating_l15,
  48 * SAFE_DIVIDE(l.possessions, l.minutes) AS league_pace,
  100 * SAFE_DIVIDE(l.points, l.possessions) AS league_rating,
  100 * SAFE_DIVIDE(t.points_allowed, t.possessions) - 100 * SAFE_DIVIDE(l.points, l.possessions) AS def_rating_rel,
  SAFE_DIVIDE(t.fg2, l.fg2) - 1 AS fg2_allowed_rel,
  SAFE_DIVIDE(t.fg3, l.fg3) - 1 AS fg3_allowed_rel,
  SAFE_DIVIDE(t.ft, l.ft) - 1 AS ft_allowed_rel,
  IF(l.zone_games >= 100, SAFE_DIVIDE(t.paint, l.paint) - 1, NULL) AS paint_allowed_rel,
  IF(l.zone_games >= 100, SAFE_DIVIDE(t.mid, l.mid) - 1, NULL) AS mid_allowed_rel,
  IF(l.zone_games >= 100, SAFE_DIVIDE(t.zone_three, l.zone_three) - 1, NULL) AS three_allowed_rel,
  SAFE_DIVIDE(t.rebounds, l.rebounds) - 1 AS rebounds_allowed_rel,
  SAFE_DIVIDE(t.assists, l.assists) - 1 AS assists_allowed_rel
FROM latest AS t
LEFT JOIN league AS l ON l.features_as_of = t.features_as_of
