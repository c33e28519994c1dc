-- Games of each day as the schedule has them now, those that it lists no more left out: how many
-- take place, how many of them are final, and the first and last tip-off. Parameters: @first,
-- @last, @now.
SELECT
  game_date,
  COUNTIF(NOT called_off) AS games,
  COUNTIF(status = 'final') AS final_games,
  COUNTIF(called_off) AS called_off_games,
  MIN(IF(called_off, NULL, tipoff_at)) AS first_tipoff,
  MAX(IF(called_off, NULL, tipoff_at)) AS last_tipoff
FROM nba_raw.nbac_schedule_versions
WHERE game_date BETWEEN @first AND @last
  AND season_type IN ('regular_season', 'playin', 'playoffs')
  AND snapshot_time <= @now
  AND (replaced_at IS NULL OR replaced_at > @now)
  AND (gone_at IS NULL OR gone_at > @now)
GROUP BY game_date
ORDER BY game_date
