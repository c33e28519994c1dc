-- The raw files that these rows came from, each with the newest moment it says. Parameters: as
-- lineage_inputs, and @lookups, the player's name in the feeds.
WITH
found AS (
  SELECT 'schedule' AS kind, game_date AS about, source_file, snapshot_time AS at, run_id
  FROM nba_raw.nbac_schedule
  WHERE game_date = @game_date AND game_id = @game_id AND snapshot_time < @features_as_of
  QUALIFY ROW_NUMBER() OVER (ORDER BY {{newest_snapshot()}}) = 1
  UNION ALL
  SELECT 'lines' AS kind, game_date AS about, source_file, snapshot_time AS at, run_id
  FROM nba_raw.odds_api_player_points_props
  WHERE game_date = @game_date AND player_lookup IN UNNEST(@lookups) AND snapshot_time < @features_as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id, bookmaker, line ORDER BY {{newest_snapshot()}}) = 1
  UNION ALL
  SELECT 'injuries' AS kind, game_date AS about, source_file, snapshot_time AS at, run_id
  FROM nba_raw.injury_report
  WHERE game_date = @game_date AND player_lookup IN UNNEST(@lookups) AND snapshot_time < @features_as_of
  QUALIFY ROW_NUMBER() OVER (ORDER BY {{report_in_force()}}) = 1
  UNION ALL
  SELECT 'box_scores' AS kind, game_date AS about, source_file, snapshot_time AS at, run_id
  FROM nba_raw.nbac_player_boxscores
  WHERE game_date BETWEEN @first AND @game_date AND player_id = @player_id AND snapshot_time < @features_as_of
  QUALIFY DENSE_RANK() OVER (ORDER BY game_date DESC, game_id DESC) <= @most
    AND ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY {{newest_snapshot()}}) = 1
)
SELECT kind, about, source_file, run_id, MAX(at) AS at
FROM found
GROUP BY kind, about, source_file, run_id
ORDER BY kind, about DESC, at DESC, source_file, run_id
