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
  FROM nba_raw.odds_api_player_props
  WHERE game_date = @game_date AND stat IN UNNEST(@stats) AND player_lookup IN UNNEST(@lookups)
    AND snapshot_time < @features_as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY event_id, bookmaker, stat, line ORDER BY {{newest_snapshot()}}) = 1
  UNION ALL
  -- The lists in force of the two teams; what was derived from box scores has no file.
  SELECT 'injuries' AS kind, i.game_date AS about, i.source_file, i.snapshot_time AS at, i.run_id
  FROM nba_raw.injury_report_teams AS i
  JOIN nba_analytics.upcoming_player_game_context AS c
    ON c.game_date = @game_date AND c.game_id = @game_id AND c.player_id = @player_id
    AND c.features_as_of = @features_as_of AND i.team IN (c.team, c.opponent)
  WHERE i.game_date = @game_date AND i.snapshot_time < @features_as_of
  QUALIFY ROW_NUMBER() OVER (PARTITION BY i.team ORDER BY {{report_in_force(i.)}}) = 1
  UNION ALL
  SELECT 'box_scores' AS kind, game_date AS about, source_file, snapshot_time AS at, run_id
  FROM nba_raw.nbac_player_boxscores
  WHERE game_date BETWEEN @first AND @game_date AND player_id = @player_id AND snapshot_time < @features_as_of
  QUALIFY DENSE_RANK() OVER (ORDER BY game_date DESC, game_id DESC) <= @most
    AND ROW_NUMBER() OVER (PARTITION BY game_id ORDER BY {{newest_snapshot()}}) = 1
)
SELECT kind, about, source_file, run_id, MAX(at) AS at
FROM found
WHERE source_file IS NOT NULL
GROUP BY kind, about, source_file, run_id
ORDER BY kind, about DESC, at DESC, source_file, run_id
