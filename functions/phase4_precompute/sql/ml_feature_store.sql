-- The features of every player of the run's games: one row for training, backtest and serving
-- alike. Parameters: @as_of (the run's), @first_date, @last_date.
-- Reads this run's upcoming contexts, player_daily_cache, both zone analyses and
-- player_composite_factors.
--
-- quality_score, 0 to 100: 20 for any game known, 30 for ten of them (in proportion), 10 for a game
-- within two weeks (5 within the month), 15 and 5 for five or more games of the opponent and the
-- own team, 10 for an injury report, 2 for shot data, 3 for a game line, 5 for a player line. Ten
-- games and a recent one are at least 55.
WITH
joined AS (
  SELECT
    c.game_date, c.game_id, c.player_id, c.features_as_of, c.player_name, c.player_lookup, c.team, c.opponent,
    c.tipoff_at, c.tipoff_source, c.season, c.season_type, c.last_game_at, c.last_game_date,
    c.last_team, c.suspicious_lines,
    c.injury_report_source, c.injury_status, c.injury_source,
    c.rest_days, c.is_back_to_back, c.team_rest_days, c.opponent_rest_days, c.rest_advantage, c.is_home,
    c.season_day, c.is_playoffs, c.implied_team_total, c.spread, c.game_total,
    c.line, c.line_opening, c.line_movement, c.line_books, c.line_sd, c.line_range, c.line_p_over, c.line_snapshot_at,
    {{stat_lines(c., others)}},
    {{stat_columns(d., *)}},
    d.games_season, d.games_known,
    d.minutes_last, d.minutes_second_last, d.minutes_l5, d.minutes_l10, d.minutes_l20, d.minutes_season,
    d.minutes_ewma_10, d.minutes_ewma_20, d.minutes_max_l10,
    d.minutes_slope_l10, d.minutes_sd_l10,
    d.attempts_per_minute_l5, d.attempts_per_minute_l20, d.points_per_attempt_l60,
    d.usage_l10, d.usage_season, d.fga_last, d.fga_l10, d.fg3a_l10, d.fta_l10,
    d.fga_share_l10, d.fg3a_share_l10, d.fta_share_l10,
    d.fg2_pct_l20, d.fg3_pct_l20, d.ft_pct_l40, d.true_shooting_l20,
    d.points2_l20, d.points3_l20, d.points1_l20,
    d.steals_l10, d.blocks_l10, d.turnovers_l10, d.fouls_l10, d.plus_minus_l10,
    d.rebounds_l40, d.assists_l40,
    d.games_last_7, d.games_last_14, d.minutes_last_7,
    d.versus_opponent_games, d.days_since_team_change, d.career_games,
    o.games_l15 AS opponent_games, t.games_l15 AS team_games, o.league_games,
    o.points_allowed_l15 AS opponent_points_allowed_l15,
    o.pace_l15 AS opponent_pace_l15,
    o.def_rating_l15 AS opponent_def_rating_l15,
    o.def_rating_rel AS opponent_def_rating_rel,
    o.fg2_allowed_rel AS opponent_fg2_allowed_rel,
    o.fg3_allowed_rel AS opponent_fg3_allowed_rel,
    o.ft_allowed_rel AS opponent_ft_allowed_rel,
    o.rebounds_allowed_rel AS opponent_rebounds_allowed_rel,
    o.assists_allowed_rel AS opponent_assists_allowed_rel,
    o.paint_allowed_rel AS opponent_paint_allowed_rel,
    o.mid_allowed_rel AS opponent_mid_allowed_rel,
    o.three_allowed_rel AS opponent_three_allowed_rel,
    o.league_pace,
    t.pace_l15 AS team_pace_l15,
    t.off_rating_l15 AS team_off_rating_l15,
    z.paint_share_l20, z.mid_share_l20, z.three_share_l20,
    f.pace_factor, f.zone_mismatch, f.zone_source,
    f.teammates_out_count, f.teammates_out_minutes, f.teammates_out_usage,
    {{stat_circumstances(f., *)}},
    f.teammates_out_points_recent, f.teammates_out_points_delta, f.teammates_out_minutes_delta,
    f.teammates_out_lines, f.available_minutes, f.available_rotation, f.minutes_share,
    f.opponents_out_count, f.opponents_out_minutes, f.absence_probability
  FROM nba_analytics.upcoming_player_game_context AS c
  JOIN nba_precompute.player_daily_cache AS d
    ON d.game_date = c.game_date AND d.game_date BETWEEN @first_date AND @last_date
    AND d.game_id = c.game_id AND d.player_id = c.player_id
    AND d.features_as_of = c.features_as_of
  JOIN nba_precompute.player_composite_factors AS f
    ON f.game_date = c.game_date AND f.game_date BETWEEN @first_date AND @last_date
    AND f.game_id = c.game_id AND f.player_id = c.player_id
    AND f.features_as_of = c.features_as_of
  JOIN nba_precompute.team_defense_zone_analysis AS o
    ON o.game_date = c.game_date AND o.game_date BETWEEN @first_date AND @last_date
    AND o.game_id = c.game_id AND o.team = c.opponent
    AND o.features_as_of = c.features_as_of
  JOIN nba_precompute.team_defense_zone_analysis AS t
    ON t.game_date = c.game_date AND t.game_date BETWEEN @first_date AND @last_date
    AND t.game_id = c.game_id AND t.team = c.team
    AND t.features_as_of = c.features_as_of
  LEFT JOIN nba_precompute.player_shot_zone_analysis AS z
    ON z.game_date = c.game_date AND z.game_date BETWEEN @first_date AND @last_date
    AND z.game_id = c.game_id AND z.player_id = c.player_id
    AND z.features_as_of = c.features_as_of
  WHERE c.game_date BETWEEN @first_date AND @last_date
    AND c.features_as_of = {{features_moment(c.)}}
),
-- Every NULL has its group's reason here.
explained AS (
  SELECT
    j.*,
    NULLIF(RTRIM(CONCAT(
      IF(games_known < 2, 'spread=one_game,', ''),
      CASE WHEN games_season = 0 THEN 'season=no_games,' WHEN games_season = 1 THEN 'season=one_game,' ELSE '' END,
      IF({{stat_unvaried(*)}}, 'z_score=no_variation,', ''),
      IF(points_prev_season IS NULL, 'prev_season=no_games,', ''),
      -- Where the last five games have minutes, so have all longer windows.
      IF(attempts_per_minute_l5 IS NULL OR (games_season > 0 AND points_per_minute_season IS NULL),
        'per_minute=no_minutes,', ''),
      IF(usage_l10 IS NULL OR (games_season > 0 AND usage_season IS NULL), 'usage=no_plays,', ''),
      IF(fga_share_l10 IS NULL OR fg3a_share_l10 IS NULL OR fta_share_l10 IS NULL, 'shares=no_team_attempts,', ''),
      IF(fg2_pct_l20 IS NULL OR fg3_pct_l20 IS NULL OR ft_pct_l40 IS NULL OR true_shooting_l20 IS NULL,
        'shooting=no_attempts,', ''),
      IF({{stat_incomplete(*)}} OR fga_last IS NULL OR steals_l10 IS NULL OR blocks_l10 IS NULL
        OR turnovers_l10 IS NULL OR fouls_l10 IS NULL OR plus_minus_l10 IS NULL
        OR (opponent_games > 0 AND league_games > 0
          AND (opponent_rebounds_allowed_rel IS NULL OR opponent_assists_allowed_rel IS NULL)),
        'box_score=incomplete,', ''),
      IF(home_points_diff IS NULL, 'home_away=one_venue,', ''),
      IF(versus_opponent_points IS NULL, 'versus=no_games,', ''),
      CASE
        WHEN days_since_team_change IS NOT NULL THEN ''
        WHEN team <> last_team THEN 'team_change=no_game_yet,'
        ELSE 'team_change=one_team,'
      END,
      IF(team_rest_days IS NULL OR opponent_rest_days IS NULL, 'rest=no_earlier_game,', ''),
      IF(team_games = 0, 'team_form=no_games,', ''),
      IF(opponent_games = 0, 'opponent_form=no_games,', ''),
      IF(league_games = 0, 'league=too_few_games,', ''),
      IF(paint_share_l20 IS NULL OR opponent_paint_allowed_rel IS NULL, 'shot_zones=no_data,', ''),
      IF(zone_mismatch IS NULL, 'matchup=unknown,', ''),
      -- His team's list, and the opponent's.
      IF(injury_report_source IS NULL, 'injuries=no_list,', ''),
      IF(opponents_out_count IS NULL, 'opponents=no_list,', ''),
      CASE
        WHEN injury_report_source IS NULL THEN ''
        WHEN injury_status IN ('OUT', 'DOUBTFUL') AND points_rank IS NULL THEN 'available=listed_out,'
        WHEN minutes_share IS NULL OR points_share IS NULL THEN 'available=no_minutes_or_points,'
        ELSE ''
      END,
      CASE
        WHEN teammates_out_points_recent IS NOT NULL THEN ''
        WHEN team <> last_team THEN 'teammates_recent=new_team,'
        ELSE 'teammates_recent=no_team_box_score,'
      END,
      IF(implied_team_total IS NULL, 'game_line=none,', ''),
      CASE
        WHEN line IS NOT NULL THEN ''
        WHEN suspicious_lines IS NOT NULL THEN 'market=suspicious_line,'
        ELSE 'market=no_line,'
      END,
      IF(line IS NOT NULL AND line_opening IS NULL, 'opening=one_snapshot,', ''),
      IF(line IS NOT NULL AND line_sd IS NULL, 'line_spread=one_book,', ''),
      IF(line IS NOT NULL AND line_p_over IS NULL, 'line_price=not_offered,', ''),
      IF({{stat_unlined(others)}}, 'other_lines=not_offered,', '')
    ), ','), '') AS null_reasons,
    20.0 * LEAST(games_known, 1)
      + 3.0 * LEAST(games_known, 10)
      + IF(last_game_date >= DATE_SUB(game_date, INTERVAL 14 DAY), 10.0, 5.0)
      + IF(opponent_games >= 5, 15.0, 0.0)
      + IF(team_games >= 5, 5.0, 0.0)
      + IF(injury_report_source IS NOT NULL, 10.0, 0.0)
      + IF(zone_source = 'shot_zones', 2.0, 0.0)
      + IF(implied_team_total IS NOT NULL, 3.0, 0.0)
      + IF(line IS NOT NULL, 5.0, 0.0) AS quality_score
  FROM joined AS j
)
SELECT
  game_date, game_id, player_id, features_as_of, player_name, player_lookup, team, opponent,
  tipoff_at, tipoff_source, season, season_type, last_game_at, injury_status, injury_source,
  quality_score, null_reasons,
  {{stat_columns(, *)}},
  games_season, games_known,
  minutes_last, minutes_second_last, minutes_l5, minutes_l10, minutes_l20, minutes_season,
  minutes_ewma_10, minutes_ewma_20, minutes_max_l10, minutes_slope_l10, minutes_sd_l10,
  attempts_per_minute_l5, attempts_per_minute_l20, points_per_attempt_l60,
  usage_l10, usage_season, fga_last, fga_l10, fg3a_l10, fta_l10, fga_share_l10, fg3a_share_l10, fta_share_l10,
  fg2_pct_l20, fg3_pct_l20, ft_pct_l40, true_shooting_l20, points2_l20, points3_l20, points1_l20,
  steals_l10, blocks_l10, turnovers_l10, fouls_l10, plus_minus_l10,
  rebounds_l40, assists_l40,
  games_last_7, games_last_14, minutes_last_7,
  rest_days, is_back_to_back, team_rest_days, opponent_rest_days, rest_advantage, is_home,
  opponent_points_allowed_l15, opponent_pace_l15, opponent_def_rating_l15, opponent_def_rating_rel,
  opponent_fg2_allowed_rel, opponent_fg3_allowed_rel, opponent_ft_allowed_rel,
  opponent_rebounds_allowed_rel, opponent_assists_allowed_rel,
  team_pace_l15, team_off_rating_l15, league_pace, pace_factor,
  paint_share_l20, mid_share_l20, three_share_l20,
  opponent_paint_allowed_rel, opponent_mid_allowed_rel, opponent_three_allowed_rel, zone_mismatch, zone_source,
  teammates_out_count, teammates_out_minutes, teammates_out_usage,
  {{stat_circumstances(, *)}},
  teammates_out_points_recent, teammates_out_points_delta, teammates_out_minutes_delta,
  available_minutes, available_rotation, minutes_share,
  opponents_out_count, opponents_out_minutes, absence_probability,
  versus_opponent_games,
  season_day, is_playoffs, days_since_team_change, career_games,
  implied_team_total, spread, game_total,
  line, line_opening, line_movement, line_books, line_sd, line_range, line_p_over, line_snapshot_at,
  teammates_out_lines,
  {{stat_lines(, others)}}
FROM explained
