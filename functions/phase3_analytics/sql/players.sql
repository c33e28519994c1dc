-- Every player with his latest name and team and all names he ever had; one whose box score came
-- again is updated. Parameters: @as_of (the run's), @first_date, @last_date: only players of these
-- days are touched.
MERGE nba_reference.players AS t
USING (
  WITH
  games AS (
    SELECT
      player_id, player_name, player_lookup, team, game_date, tipoff_at, game_id,
      -- The base drops a generational suffix that is the last of three words or more
      -- (shared/nba/player_names.py).
      IF(
        REGEXP_CONTAINS(LOWER(player_name), r'^[^ ]+ +[^ ].* +(jr|sr|ii|iii|iv)[.]?$'),
        REGEXP_REPLACE(player_lookup, r'(jr|sr|ii|iii|iv)$', ''),
        player_lookup
      ) AS player_lookup_base
    FROM nba_analytics.player_game_summary
    WHERE game_date BETWEEN @first_date AND @last_date
  ),
  every_name AS (
    SELECT player_id, player_lookup_base AS one_name
    FROM games
    UNION DISTINCT
    SELECT p.player_id, one_name
    FROM nba_reference.players AS p
    CROSS JOIN UNNEST(SPLIT(p.every_lookup, ',')) AS one_name
  ),
  names AS (
    SELECT player_id, STRING_AGG(one_name, ',' ORDER BY one_name) AS every_lookup
    FROM every_name
    GROUP BY player_id
  ),
  latest AS (
    SELECT player_id, player_name, player_lookup, player_lookup_base, team, game_date AS last_game_date
    FROM games
    QUALIFY ROW_NUMBER() OVER (PARTITION BY player_id ORDER BY tipoff_at DESC, game_id DESC) = 1
  )
  SELECT
    l.player_id, l.player_name, l.player_lookup, l.player_lookup_base, l.team, l.last_game_date, n.every_lookup
  FROM latest AS l
  JOIN names AS n ON n.player_id = l.player_id
) AS s
ON t.player_id = s.player_id
WHEN MATCHED AND t.last_game_date <= s.last_game_date THEN UPDATE SET
  player_name = s.player_name,
  player_lookup = s.player_lookup,
  player_lookup_base = s.player_lookup_base,
  team = s.team,
  last_game_date = s.last_game_date,
  every_lookup = s.every_lookup
WHEN MATCHED THEN UPDATE SET every_lookup = s.every_lookup
WHEN NOT MATCHED THEN INSERT (
  player_id, player_name, player_lookup, player_lookup_base, team, last_game_date, every_lookup
)
VALUES (s.player_id, s.player_name, s.player_lookup, s.player_lookup_base, s.team, s.last_game_date, s.every_lookup)
