-- Each bookmaker's latest lines before the row's own moment: one main line a player, and the alternates.
-- What a book offers is its newest snapshot of a game's market: a player who is not in it any more has no line there,
-- however recent his last one is (shared/systems/lines.py reads the same rows by the same rule).
-- Parameters: @as_of (the run's), @first_date, @last_date. Reads this run's upcoming_team_game_context and resolved_names.
WITH
games AS (
  SELECT game_date, game_id, features_as_of, team, opponent
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date AND is_home
    AND features_as_of = CASE
      WHEN tipoff_at > @as_of THEN @as_of
      ELSE LEAST(TIMESTAMP(DATETIME(game_date, TIME '17:30:00'), 'America/New_York'), tipoff_at)
    END
),
-- Every run of a day fetches the same snapshot again: once is enough.
seen AS (
  SELECT DISTINCT
    g.game_date, g.game_id, g.features_as_of, p.player_lookup, n.player_name, n.player_id,
    -- Two spellings at one bookmaker are one player once both are resolved.
    COALESCE(CAST(n.player_id AS STRING), p.player_lookup) AS player_key,
    p.bookmaker, p.market = 'player_points' AS is_main, p.line, p.over_price, p.under_price, p.snapshot_time,
    -- How far the two prices' implied probabilities are apart; 2 where a price is missing.
    COALESCE(ABS(
      IF(p.over_price < 0, -p.over_price, 100) / (100 + ABS(p.over_price))
      - IF(p.under_price < 0, -p.under_price, 100) / (100 + ABS(p.under_price))
    ), 2) AS imbalance
  FROM games AS g
  JOIN nba_raw.odds_api_player_points_props AS p
    ON p.game_date = g.game_date AND p.game_date BETWEEN @first_date AND @last_date
    AND p.home_team = g.team AND p.away_team = g.opponent
  JOIN nba_analytics.resolved_names AS n
    ON n.game_date = g.game_date AND n.game_date BETWEEN @first_date AND @last_date
    AND n.game_id = g.game_id AND n.features_as_of = g.features_as_of
    AND n.feed = 'odds_api_player_points_props' AND n.player_lookup = p.player_lookup
  WHERE p.snapshot_time < g.features_as_of
    AND p.market IN ('player_points', 'player_points_alternate')
),
dated AS (
  SELECT
    s.*,
    MAX(snapshot_time) OVER (PARTITION BY game_id, bookmaker, is_main) AS latest_snapshot_time,
    MIN(snapshot_time) OVER (PARTITION BY game_id, player_key, bookmaker, is_main) AS first_snapshot_time,
    FIRST_VALUE(line) OVER (
      PARTITION BY game_id, player_key, bookmaker, is_main
      ORDER BY snapshot_time, imbalance, line, player_lookup, over_price, under_price
    ) AS first_line
  FROM seen AS s
),
-- A book that shows two main lines at once means the one whose prices are nearest to even.
latest AS (
  SELECT
    d.*,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, bookmaker, is_main
      ORDER BY imbalance, line, player_lookup, over_price, under_price
    ) AS main_rank,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, bookmaker, is_main, line
      ORDER BY imbalance, player_lookup, over_price, under_price
    ) AS line_rank
  FROM dated AS d
  WHERE snapshot_time = latest_snapshot_time
)
SELECT
  game_date, game_id, features_as_of, player_lookup, player_name, player_id, bookmaker, is_main, line,
  over_price, under_price, snapshot_time,
  IF(is_main AND first_snapshot_time < snapshot_time, first_line, NULL) AS opening_line,
  IF(is_main AND first_snapshot_time < snapshot_time, first_snapshot_time, NULL) AS opening_snapshot_time
FROM latest
WHERE IF(is_main, main_rank, line_rank) = 1
