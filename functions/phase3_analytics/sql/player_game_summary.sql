-- Box scores of @first_date to @last_date, with the team's totals, usage and shooting by zone.
-- Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's
-- upcoming_team_game_context.
WITH
tipoffs AS (
  SELECT game_id, team, tipoff_at, tipoff_source, status
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- What the schedule says of each game. What was fetched of one that it has called off or lists no
-- more is no game.
scheduled AS (
  SELECT
    game_id, home_team, away_team,
    IF(status = 'final', home_points, NULL) AS home_points,
    IF(status = 'final', away_points, NULL) AS away_points,
    called_off OR COALESCE(gone_at < @as_of, FALSE) AS not_played
  FROM nba_raw.nbac_schedule_versions
  WHERE snapshot_time < @as_of
    AND (replaced_at IS NULL OR NOT replaced_at < @as_of)
),
-- The newest file that has rows of a game and team counts whole: a player whom a corrected box
-- score leaves out is gone. Rows of a third team are none of the game: they would stand for the
-- half that is missing.
files AS (
  SELECT
    b.game_date, b.game_id, b.player_id, b.player_name, b.player_lookup, b.team, b.opponent, b.is_home, b.season,
    b.season_type, b.won, b.minutes, b.points, b.rebounds, b.assists, b.steals, b.blocks, b.turnovers, b.fouls,
    b.fgm, b.fga, b.fg3m, b.fg3a, b.ftm, b.fta, b.plus_minus, b.snapshot_time, b.run_id, b.source_file
  FROM nba_raw.nbac_player_boxscores AS b
  LEFT JOIN scheduled AS s ON s.game_id = b.game_id
  WHERE b.game_date BETWEEN @first_date AND @last_date
    AND b.snapshot_time < @as_of
    AND b.season_type IN ('regular_season', 'playin', 'playoffs')
    AND (s.game_id IS NULL OR b.team IN (s.home_team, s.away_team))
  QUALIFY RANK() OVER (
    PARTITION BY b.game_id, b.team ORDER BY {{newest_snapshot(b.)}}
  ) = 1
),
box AS (
  SELECT
    game_date, game_id, player_id, player_name, player_lookup, team, opponent, is_home, season, season_type,
    won, minutes, points, rebounds, assists, steals, blocks, turnovers, fouls,
    fgm, fga, fg3m, fg3a, ftm, fta, plus_minus, snapshot_time
  FROM files
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_id, player_id ORDER BY {{newest_snapshot()}}, team
  ) = 1
),
-- The team's totals are summed from its players, so that shares never exceed one.
totals AS (
  SELECT
    b.*,
    SUM(minutes) OVER (PARTITION BY game_id, team) AS summed_minutes,
    SUM(fga) OVER (PARTITION BY game_id, team) AS team_fga,
    SUM(fg3a) OVER (PARTITION BY game_id, team) AS team_fg3a,
    SUM(fta) OVER (PARTITION BY game_id, team) AS team_fta,
    SUM(turnovers) OVER (PARTITION BY game_id, team) AS team_turnovers,
    SUM(points) OVER (PARTITION BY game_id, team) AS players_points
  FROM box AS b
  WHERE points IS NOT NULL
),
-- Minutes of old seasons are whole numbers, whose sum is a few off: 240 and 25 per overtime are
-- exact.
shares AS (
  SELECT
    t.*,
    240.0 + 25.0 * GREATEST(ROUND((summed_minutes - 240.0) / 25.0), 0.0) AS team_minutes,
    fga + 0.44 * fta + turnovers AS plays,
    team_fga + 0.44 * team_fta + team_turnovers AS team_plays
  FROM totals AS t
),
zones AS (
  SELECT
    game_id, player_id,
    COALESCE(restricted_fga, 0) + COALESCE(paint_fga, 0) AS paint_fga,
    COALESCE(restricted_fgm, 0) + COALESCE(paint_fgm, 0) AS paint_fgm,
    COALESCE(mid_fga, 0) AS mid_fga,
    COALESCE(mid_fgm, 0) AS mid_fgm
  FROM nba_raw.shot_zones
  WHERE game_date BETWEEN @first_date AND @last_date
    AND snapshot_time < @as_of AND player_id IS NOT NULL
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_id, player_id ORDER BY {{newest_snapshot()}}, team
  ) = 1
),
-- What the players' points have to add up to: the team's own box score, else the final score of the
-- schedule.
team_boxes AS (
  SELECT game_id, team, points
  FROM nba_raw.nbac_team_boxscores
  WHERE game_date BETWEEN @first_date AND @last_date
    AND snapshot_time < @as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY game_id, team ORDER BY {{newest_snapshot()}}) = 1
),
timed AS (
  SELECT
    s.*, c.status,
    COALESCE(c.tipoff_at, TIMESTAMP(DATETIME(s.game_date, TIME '19:00:00'), 'America/New_York')) AS tipoff_at,
    COALESCE(c.tipoff_source, 'assumed') AS tipoff_source,
    s.team_plays * s.minutes / (s.team_minutes / 5) AS plays_on_court
  FROM shares AS s
  LEFT JOIN tipoffs AS c ON c.game_id = s.game_id AND c.team = s.team
)
SELECT
  t.game_date, t.game_id, t.player_id, t.player_name, t.player_lookup, t.team, t.opponent, t.is_home,
  t.season, t.season_type, t.tipoff_at, t.tipoff_source,
  TIMESTAMP_ADD(t.tipoff_at, INTERVAL 3 HOUR) AS known_at,
  t.won, t.minutes, t.points, t.rebounds, t.assists, t.steals, t.blocks, t.turnovers, t.fouls,
  t.fgm, t.fga, t.fg3m, t.fg3a, t.ftm, t.fta, t.plus_minus,
  t.team_minutes, t.team_fga, t.team_fg3a, t.team_fta,
  t.plays, t.plays_on_court,
  SAFE_DIVIDE(t.plays, t.plays_on_court) AS usage_rate,
  SAFE_DIVIDE(t.points, 2 * (t.fga + 0.44 * t.fta)) AS true_shooting,
  z.paint_fga, z.paint_fgm, z.mid_fga, z.mid_fgm,
  t.snapshot_time,
  t.players_points,
  COALESCE(b.points, IF(t.team = s.home_team, s.home_points, s.away_points)) AS team_points
FROM timed AS t
LEFT JOIN zones AS z ON z.game_id = t.game_id AND z.player_id = t.player_id
LEFT JOIN team_boxes AS b ON b.game_id = t.game_id AND b.team = t.team
LEFT JOIN scheduled AS s ON s.game_id = t.game_id
-- A box score fetched while the game is on is none: the schedule says final, or three hours have
-- passed (inputs.sql).
WHERE (t.status = 'final' OR t.snapshot_time >= TIMESTAMP_ADD(t.tipoff_at, INTERVAL 3 HOUR))
  AND NOT COALESCE(s.not_played, FALSE)
  -- Who played no time has no game, though what is written of him is part of his team's sums.
  AND t.minutes > 0
