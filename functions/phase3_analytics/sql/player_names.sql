-- Every name that a player had in box scores, and when it was first known: whoever bore it once is found by it.
-- Parameters: @first_date, @last_date: only games of these days are looked at.
MERGE nba_reference.player_names AS t
USING (
  SELECT
    player_id, player_lookup, player_name,
    -- The base drops a generational suffix that is the last of three words or more (shared/names.py).
    IF(
      REGEXP_CONTAINS(LOWER(player_name), r'^[^ ]+ +[^ ].* +(jr|sr|ii|iii|iv)[.]?$'),
      REGEXP_REPLACE(player_lookup, r'(jr|sr|ii|iii|iv)$', ''),
      player_lookup
    ) AS player_lookup_base,
    first_known_at AS known_at
  FROM (
    SELECT player_id, player_lookup, MIN(player_name) AS player_name, MIN(known_at) AS first_known_at
    FROM nba_analytics.player_game_summary
    WHERE game_date BETWEEN @first_date AND @last_date
    GROUP BY player_id, player_lookup
  )
) AS s
ON t.player_id = s.player_id AND t.player_lookup = s.player_lookup
WHEN MATCHED AND t.known_at > s.known_at THEN UPDATE SET known_at = s.known_at
WHEN NOT MATCHED THEN INSERT (player_id, player_lookup, player_lookup_base, player_name, known_at)
VALUES (s.player_id, s.player_lookup, s.player_lookup_base, s.player_name, s.known_at)
