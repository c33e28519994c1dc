-- Every player with his latest name and team; a player whose box score came again is updated.
-- Parameters: @as_of (the run's), @first_date, @last_date: only players of these days are touched.
MERGE nba_reference.players AS t
USING (
  SELECT
    player_id, player_name, player_lookup,
    -- The base drops a generational suffix that is the last of three words or more (shared/names.py).
    IF(
      REGEXP_CONTAINS(LOWER(player_name), r'^[^ ]+ +[^ ].* +(jr|sr|ii|iii|iv)[.]?$'),
      REGEXP_REPLACE(player_lookup, r'(jr|sr|ii|iii|iv)$', ''),
      player_lookup
    ) AS player_lookup_base,
    team, game_date AS last_game_date
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN @first_date AND @last_date
  QUALIFY ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY tipoff_at DESC, game_id DESC) = 1
) AS s
ON t.player_id = s.player_id
WHEN MATCHED AND t.last_game_date <= s.last_game_date THEN UPDATE SET
  player_name = s.player_name,
  player_lookup = s.player_lookup,
  player_lookup_base = s.player_lookup_base,
  team = s.team,
  last_game_date = s.last_game_date
WHEN NOT MATCHED THEN INSERT (player_id, player_name, player_lookup, player_lookup_base, team, last_game_date)
VALUES (s.player_id, s.player_name, s.player_lookup, s.player_lookup_base, s.team, s.last_game_date)
