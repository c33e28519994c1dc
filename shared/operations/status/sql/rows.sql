-- Rows of @game_date in every table, by the phase that writes it, and their newest moment: what the
-- table says by its column. A row without `stat` is of the whole table; tables that have statistics
-- have a row more for each.
WITH
tables AS (
  SELECT
    'phase2' AS phase, 'nba_raw.nbac_schedule' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.nbac_schedule
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.nbac_player_boxscores' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.nbac_player_boxscores
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.nbac_team_boxscores' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.nbac_team_boxscores
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.shot_zones' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.shot_zones
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.injury_report' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.injury_report
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.injury_report_teams' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.injury_report_teams
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.odds_api_player_props' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.odds_api_player_props
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase2' AS phase, 'nba_raw.odds_api_game_lines' AS table_name,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.odds_api_game_lines
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.upcoming_team_game_context' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.upcoming_player_game_context' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_analytics.upcoming_player_game_context
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.upcoming_player_lines' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_analytics.upcoming_player_lines
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.resolved_names' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_analytics.resolved_names
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.player_game_summary' AS table_name,
    COUNT(*) AS row_count, MAX(known_at) AS newest
  FROM nba_analytics.player_game_summary
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.player_absences' AS table_name,
    COUNT(*) AS row_count, MAX(known_at) AS newest
  FROM nba_analytics.player_absences
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.team_offense_game_summary' AS table_name,
    COUNT(*) AS row_count, MAX(known_at) AS newest
  FROM nba_analytics.team_offense_game_summary
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.team_defense_game_summary' AS table_name,
    COUNT(*) AS row_count, MAX(known_at) AS newest
  FROM nba_analytics.team_defense_game_summary
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase4' AS phase, 'nba_precompute.player_daily_cache' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_precompute.player_daily_cache
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase4' AS phase, 'nba_precompute.player_shot_zone_analysis' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_precompute.player_shot_zone_analysis
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase4' AS phase, 'nba_precompute.team_defense_zone_analysis' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_precompute.team_defense_zone_analysis
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase4' AS phase, 'nba_precompute.player_composite_factors' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_precompute.player_composite_factors
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase4' AS phase, 'nba_predictions.ml_feature_store' AS table_name,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_predictions.ml_feature_store
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase5_coordinator' AS phase, 'nba_monitoring.expected_outputs' AS table_name,
    COUNT(*) AS row_count, MAX(recorded_at) AS newest
  FROM nba_monitoring.expected_outputs
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase5_consolidation' AS phase, 'nba_predictions.player_prop_predictions' AS table_name,
    COUNT(*) AS row_count, MAX(updated_at) AS newest
  FROM nba_predictions.player_prop_predictions
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase5_consolidation' AS phase, 'nba_predictions.current_predictions' AS table_name,
    COUNT(*) AS row_count, MAX(updated_at) AS newest
  FROM nba_predictions.current_predictions
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase5_consolidation' AS phase, 'nba_predictions.prediction_batches' AS table_name,
    COUNT(*) AS row_count, MAX(consolidated_at) AS newest
  FROM nba_predictions.prediction_batches
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'phase6' AS phase, 'nba_predictions.exported_best_bets' AS table_name,
    COUNT(*) AS row_count, MAX(exported_at) AS newest
  FROM nba_predictions.exported_best_bets
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'grading' AS phase, 'nba_predictions.prediction_accuracy' AS table_name,
    COUNT(*) AS row_count, MAX(graded_at) AS newest
  FROM nba_predictions.prediction_accuracy
  WHERE game_date = @game_date
  UNION ALL
  SELECT
    'grading' AS phase, 'nba_predictions.system_daily_performance' AS table_name,
    COUNT(*) AS row_count, MAX(graded_at) AS newest
  FROM nba_predictions.system_daily_performance
  WHERE game_date = @game_date
),
of_a_stat AS (
  SELECT
    'phase2' AS phase, 'nba_raw.odds_api_player_props' AS table_name, stat,
    COUNT(*) AS row_count, MAX(snapshot_time) AS newest
  FROM nba_raw.odds_api_player_props
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'phase3' AS phase, 'nba_analytics.upcoming_player_lines' AS table_name, stat,
    COUNT(*) AS row_count, MAX(features_as_of) AS newest
  FROM nba_analytics.upcoming_player_lines
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'phase5_consolidation' AS phase, 'nba_predictions.player_prop_predictions' AS table_name, stat,
    COUNT(*) AS row_count, MAX(updated_at) AS newest
  FROM nba_predictions.player_prop_predictions
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'phase5_consolidation' AS phase, 'nba_predictions.current_predictions' AS table_name, stat,
    COUNT(*) AS row_count, MAX(updated_at) AS newest
  FROM nba_predictions.current_predictions
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'phase6' AS phase, 'nba_predictions.exported_best_bets' AS table_name, stat,
    COUNT(*) AS row_count, MAX(exported_at) AS newest
  FROM nba_predictions.exported_best_bets
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'grading' AS phase, 'nba_predictions.prediction_accuracy' AS table_name, stat,
    COUNT(*) AS row_count, MAX(graded_at) AS newest
  FROM nba_predictions.prediction_accuracy
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
  UNION ALL
  SELECT
    'grading' AS phase, 'nba_predictions.system_daily_performance' AS table_name, stat,
    COUNT(*) AS row_count, MAX(graded_at) AS newest
  FROM nba_predictions.system_daily_performance
  WHERE game_date = @game_date AND stat IS NOT NULL
  GROUP BY stat
)
SELECT phase, table_name, CAST(NULL AS STRING) AS stat, row_count, newest FROM tables
UNION ALL
SELECT phase, table_name, stat, row_count, newest FROM of_a_stat
ORDER BY phase, table_name, stat
