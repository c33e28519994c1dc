-- Team box scores of @first_date to @last_date: scoring by kind, pace, rating, and the rotation
-- that was missing. Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's
-- upcoming_team_game_context, player_absences.
WITH
-- Games that do not count, and each game's two teams, as in player_game_summary.sql.
scheduled AS (
  SELECT game_id, home_team, away_team, called_off OR COALESCE(gone_at < @as_of, FALSE) AS not_played
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time < @as_of
    AND (replaced_at IS NULL OR NOT replaced_at < @as_of)
),
box AS (
  SELECT
    game_date, game_id, team, opponent, is_home, season, season_type, won, minutes, points,
    fgm, fga, fg3m, fg3a, ftm, fta, assists, offensive_rebounds, turnovers, rebounds, snapshot_time,
    fga + 0.44 * fta - offensive_rebounds + turnovers AS own_possessions
  FROM nba_raw.nbac_team_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date
    AND snapshot_time < @as_of
    AND season_type IN ('regular_season', 'playin', 'playoffs')
    AND points IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY {{newest_snapshot()}}) = 1
),
tipoffs AS (
  SELECT game_id, team, tipoff_at, status
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
zones AS (
  SELECT
    game_id, team,
    2 * (COALESCE(restricted_fgm, 0) + COALESCE(paint_fgm, 0)) AS paint_points,
    2 * COALESCE(mid_fgm, 0) AS mid_points
  FROM nba_raw.shot_zones
  WHERE game_date BETWEEN @first_date AND @last_date
    AND snapshot_time < @as_of AND player_id IS NULL
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY {{newest_snapshot()}}) = 1
),
missing AS (
  SELECT
    game_id, team, COUNT(*) AS missing_count,
    SUM(minutes_l10) AS missing_minutes, SUM(points_l10) AS missing_points
  FROM nba_analytics.player_absences
  WHERE game_date BETWEEN @first_date AND @last_date
  GROUP BY game_id, team
),
games AS (
  SELECT
    b.*, t.status,
    COALESCE(t.tipoff_at, TIMESTAMP(DATETIME(b.game_date, TIME '19:00:00'), 'America/New_York')) AS tipoff_at,
    -- Both teams have the same possessions but for the last one: their mean is steadier.
    (b.own_possessions + o.own_possessions) / 2 AS possessions,
    -- Minutes of old seasons are sums of whole numbers: 240 and 25 per overtime are exact.
    240.0 + 25.0 * COALESCE(GREATEST(ROUND((b.minutes - 240.0) / 25.0), 0.0), 0.0) AS team_minutes
  FROM box AS b
  JOIN box AS o ON o.game_id = b.game_id AND o.team = b.opponent
  LEFT JOIN tipoffs AS t ON t.game_id = b.game_id AND t.team = b.team
)
SELECT
  g.game_date, g.game_id, g.team, g.opponent, g.is_home, g.season, g.season_type, g.tipoff_at,
  TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR) AS known_at,
  g.won, g.team_minutes, g.points, g.fgm, g.fga, g.fg3m, g.fg3a, g.ftm, g.fta,
  g.assists, g.offensive_rebounds, g.turnovers,
  g.possessions,
  48 * g.possessions / (g.team_minutes / 5) AS pace,
  100 * SAFE_DIVIDE(g.points, g.possessions) AS offensive_rating,
  2 * (g.fgm - g.fg3m) AS fg2_points,
  3 * g.fg3m AS fg3_points,
  g.ftm AS ft_points,
  z.paint_points, z.mid_points,
  COALESCE(m.missing_count, 0) AS missing_count,
  COALESCE(m.missing_minutes, 0.0) AS missing_minutes,
  COALESCE(m.missing_points, 0.0) AS missing_points,
  g.rebounds
FROM games AS g
LEFT JOIN zones AS z ON z.game_id = g.game_id AND z.team = g.team
LEFT JOIN missing AS m ON m.game_id = g.game_id AND m.team = g.team
LEFT JOIN scheduled AS s ON s.game_id = g.game_id
-- A box score fetched while the game is on is none (inputs.sql).
WHERE (g.status = 'final' OR g.snapshot_time >= TIMESTAMP_ADD(g.tipoff_at, INTERVAL 3 HOUR))
  AND (s.game_id IS NULL OR (NOT s.not_played AND g.team IN (s.home_team, s.away_team)))
