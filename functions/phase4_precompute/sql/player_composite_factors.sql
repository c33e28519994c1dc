-- What moves a player off his usual figures: matchup, pace, fatigue, who is missing. Above 1 means
-- more points. Parameters: @as_of (the run's), @first_date, @last_date.
-- Reads this run's upcoming_player_game_context, player_daily_cache, both zone analyses.
WITH
players AS (
  SELECT
    c.game_date, c.game_id, c.player_id, c.features_as_of, c.team, c.opponent, c.is_back_to_back,
    c.injury_report_source,
    COALESCE(c.opponent_injury_list_state, 'no_list') = 'no_list' AS opponent_unknown,
    COALESCE(c.injury_status IN ('OUT', 'DOUBTFUL') AND d.minutes_l10 >= 15, FALSE) AS is_rotation_out,
    IF(c.injury_status IS NULL AND c.injury_report_source IS NULL, NULL,
      {{absence_probability(c.injury_status)}}) AS absence_probability,
    IF(d.minutes_l10 >= 15, {{absence_probability(c.injury_status)}}, 0.0) AS rotation_absence,
    c.line, d.minutes_ewma_20,
    {{stat_usual(*)}},
    d.minutes_l10, d.usage_l10, d.games_last_7, d.missing_points_l10, d.missing_minutes_l10,
    d.points2_l20, d.points3_l20, d.points1_l20
  FROM nba_analytics.upcoming_player_game_context AS c
  JOIN nba_precompute.player_daily_cache AS d
    ON d.game_date = c.game_date AND d.game_date BETWEEN @first_date AND @last_date
    AND d.game_id = c.game_id AND d.player_id = c.player_id
    AND d.features_as_of = c.features_as_of
  WHERE c.game_date BETWEEN @first_date AND @last_date
    AND c.features_as_of = {{features_moment(c.)}}
),
-- Rotation players by team: how many are listed out or doubtful, and how much of what they usually
-- play and score is expected to be missing: who is questionable counts with his probability.
missing AS (
  SELECT
    game_id, team,
    COUNTIF(is_rotation_out) AS players,
    SUM(rotation_absence * minutes_l10) AS minutes,
    {{stat_missing(*)}},
    SUM(rotation_absence * usage_l10 * minutes_l10 / 48) AS usage_sum
  FROM players
  WHERE rotation_absence > 0
  GROUP BY game_id, team
),
-- Who is expected to share the team's 240 minutes and its points, and what the books did not know:
-- lines of rotation players who are listed out now. Of past games only the rotation's absences are
-- known, so that a list's others must not count.
available AS (
  SELECT
    game_id, team,
    SUM((1 - rotation_absence) * minutes_ewma_20) AS minutes,
    {{stat_available(*)}},
    COUNTIF(NOT is_rotation_out AND minutes_l10 >= 15) AS rotation,
    SUM(IF(is_rotation_out, COALESCE(line, 0.0), 0.0)) AS lined_out
  FROM players
  GROUP BY game_id, team
),
ranks AS (
  SELECT
    game_id, player_id,
    {{stat_rank(*)}}
  FROM players
  WHERE injury_report_source IS NOT NULL AND NOT is_rotation_out
),
-- Unknown where the team's own injury list is, of opponents where theirs is. A player is not his
-- own team-mate, and for himself he plays: a forecast is of the games in which he does.
counted AS (
  SELECT
    p.*,
    IF(p.injury_report_source IS NULL, NULL, COALESCE(t.players, 0) - IF(p.is_rotation_out, 1, 0)) AS mates_count,
    IF(p.injury_report_source IS NULL, NULL,
      COALESCE(t.minutes, 0.0) - p.rotation_absence * p.minutes_l10) AS mates_minutes,
    {{stat_mates(*)}},
    IF(p.injury_report_source IS NULL, NULL,
      COALESCE(t.usage_sum, 0.0) - COALESCE(p.rotation_absence * p.usage_l10 * p.minutes_l10 / 48, 0.0)) AS mates_usage,
    IF(p.injury_report_source IS NULL, NULL, v.minutes + p.own_absence * p.minutes_ewma_20) AS available_minutes,
    IF(p.injury_report_source IS NULL, NULL, v.rotation) AS available_rotation,
    -- Listed out himself he has no share.
    IF(p.injury_report_source IS NULL OR p.is_rotation_out, NULL,
      SAFE_DIVIDE(240 * p.minutes_ewma_20, v.minutes + p.own_absence * p.minutes_ewma_20)) AS minutes_share,
    IF(p.injury_report_source IS NULL, NULL,
      COALESCE(v.lined_out, 0.0) - IF(p.is_rotation_out, COALESCE(p.line, 0.0), 0.0)) AS teammates_out_lines,
    IF(p.opponent_unknown, NULL, COALESCE(o.players, 0)) AS opponents_count,
    IF(p.opponent_unknown, NULL, COALESCE(o.minutes, 0.0)) AS opponents_minutes
  FROM (SELECT *, IF(is_rotation_out, 0.0, rotation_absence) AS own_absence FROM players) AS p
  LEFT JOIN missing AS t ON t.game_id = p.game_id AND t.team = p.team
  LEFT JOIN missing AS o ON o.game_id = p.game_id AND o.team = p.opponent
  LEFT JOIN available AS v ON v.game_id = p.game_id AND v.team = p.team
  LEFT JOIN ranks AS r ON r.game_id = p.game_id AND r.player_id = p.player_id
),
-- By zone where the player and the opponent have shot data, else by two-pointers, three-pointers
-- and free throws.
matched AS (
  SELECT
    c.*,
    SAFE_DIVIDE(t.pace_l15 + o.pace_l15 - o.league_pace, o.league_pace) AS pace_factor,
    z.paint_share_l20 * o.paint_allowed_rel + z.mid_share_l20 * o.mid_allowed_rel
      + z.three_share_l20 * o.three_allowed_rel AS shot_zone_mismatch,
    SAFE_DIVIDE(
      c.points2_l20 * o.fg2_allowed_rel + c.points3_l20 * o.fg3_allowed_rel + c.points1_l20 * o.ft_allowed_rel,
      c.points2_l20 + c.points3_l20 + c.points1_l20
    ) AS box_score_mismatch
  FROM counted AS c
  JOIN nba_precompute.team_defense_zone_analysis AS t
    ON t.game_date = c.game_date AND t.game_date BETWEEN @first_date AND @last_date
    AND t.game_id = c.game_id AND t.team = c.team
    AND t.features_as_of = c.features_as_of
  JOIN nba_precompute.team_defense_zone_analysis AS o
    ON o.game_date = c.game_date AND o.game_date BETWEEN @first_date AND @last_date
    AND o.game_id = c.game_id AND o.team = c.opponent
    AND o.features_as_of = c.features_as_of
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS z
    ON z.game_date = c.game_date AND z.game_date BETWEEN @first_date AND @last_date
    AND z.game_id = c.game_id AND z.player_id = c.player_id
    AND z.features_as_of = c.features_as_of
),
compared AS (
  SELECT
    m.*,
    COALESCE(shot_zone_mismatch, box_score_mismatch) AS zone_mismatch,
    teammates_out_points - missing_points_l10 AS points_delta,
    mates_minutes - missing_minutes_l10 AS minutes_delta
  FROM matched AS m
)
SELECT
  game_date, game_id, player_id, features_as_of, team,
  pace_factor,
  zone_mismatch,
  CASE
    WHEN shot_zone_mismatch IS NOT NULL THEN 'shot_zones'
    WHEN box_score_mismatch IS NOT NULL THEN 'box_score'
  END AS zone_source,
  GREATEST(
    1.0 - IF(is_back_to_back, 0.02, 0.0) - 0.01 * GREATEST(games_last_7 - 3, 0), 0.94
  ) AS fatigue_factor,
  LEAST(GREATEST(1.0 + 0.5 * zone_mismatch, 0.9), 1.1) AS matchup_factor,
  LEAST(GREATEST(1.0 + 0.004 * points_delta, 0.9), 1.15) AS teammates_factor,
  mates_count AS teammates_out_count,
  mates_minutes AS teammates_out_minutes,
  mates_usage AS teammates_out_usage,
  missing_points_l10 AS teammates_out_points_recent,
  points_delta AS teammates_out_points_delta,
  minutes_delta AS teammates_out_minutes_delta,
  teammates_out_lines,
  available_minutes, available_rotation, minutes_share,
  {{stat_circumstances(, *)}},
  opponents_count AS opponents_out_count,
  opponents_minutes AS opponents_out_minutes,
  absence_probability
FROM compared
