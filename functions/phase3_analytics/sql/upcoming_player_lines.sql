-- Each bookmaker's lines in force at the row's own moment: of each statistic one main line a
-- player, and the alternates. In force is a game's newest answer about a statistic, as a whole:
-- what it does not name is offered no more, however recent its last line is, and an answer that
-- names no book leaves nothing. An answer older than 12 hours says nothing of now. Within the
-- answer a book's newest snapshot of a market counts (shared/science/predictions/lines.py reads the
-- same rows by the same rule). Feeds differ in which team is at home: a game is its day and its two
-- teams, so both its rows are joined. A line or a price that no book would mean is marked
-- suspicious, with what is wrong of it, and nobody counts on it
-- (functions/phase3_analytics/suspicious.py has the bounds and what they rest on).
-- Parameters: @as_of (the run's), @first_date, @last_date and those of suspicious.py. Reads this
-- run's upcoming_team_game_context and resolved_names.
WITH
-- The statistics and their bounds, which travel as one JSON list.
stats AS (
  SELECT
    JSON_VALUE(stat, '$.name') AS stat,
    JSON_VALUE(stat, '$.main_market') AS main_market,
    JSON_VALUE(stat, '$.alternate_market') AS alternate_market,
    CAST(JSON_VALUE(stat, '$.usual') AS FLOAT64) AS usual,
    CAST(JSON_VALUE(stat, '$.variance') AS FLOAT64) AS variance,
    CAST(JSON_VALUE(stat, '$.variance_each') AS FLOAT64) AS variance_each,
    CAST(JSON_VALUE(stat, '$.far_from_books') AS FLOAT64) AS far_from_books
  FROM UNNEST(JSON_QUERY_ARRAY(@stats)) AS stat
),
games AS (
  SELECT game_date, game_id, features_as_of, team, opponent
  FROM nba_analytics.upcoming_team_game_context
  WHERE game_date BETWEEN @first_date AND @last_date
    AND features_as_of = {{features_moment()}}
),
-- Every answer of a game until the moment. A historical answer is fetched later and stands for what
-- was known at its own time; where that was not kept yet (rows without answer_at, fetched after
-- tip-off), for its newest snapshot.
answers AS (
  SELECT
    g.game_date, g.game_id, g.features_as_of, p.player_lookup, p.bookmaker, p.stat, p.market, p.line,
    p.over_price, p.under_price, p.snapshot_time, p.fetched_at,
    {{answered_at(p., g.)}} AS answered_at
  FROM games AS g
  JOIN nba_raw.odds_api_player_props AS p
    ON p.game_date = g.game_date AND p.game_date BETWEEN @first_date AND @last_date
    AND p.home_team = g.team AND p.away_team = g.opponent
  WHERE {{until_the_moment(p., g.)}}
),
-- Each game's newest answer about each statistic. What was fetched at the moment itself is not
-- known yet; a historical answer of it is.
answered AS (
  SELECT a.*, MAX(answered_at) OVER (PARTITION BY game_id, stat) AS newest_at
  FROM answers AS a
  WHERE {{is_known()}}
),
-- Every run of a day fetches the same snapshot again: once is enough.
seen AS (
  SELECT
    a.game_date, a.game_id, a.features_as_of, a.player_lookup, n.player_name, n.player_id,
    -- Two spellings at one bookmaker are one player once both are resolved.
    COALESCE(CAST(n.player_id AS STRING), a.player_lookup) AS player_key,
    a.stat, a.bookmaker, a.market = t.main_market AS is_main, a.line, a.over_price, a.under_price, a.snapshot_time,
    LOGICAL_OR(
      a.answered_at = a.newest_at AND a.newest_at >= TIMESTAMP_SUB(a.features_as_of, INTERVAL 12 HOUR)
    ) AS is_in_force
  FROM answered AS a
  JOIN stats AS t ON t.stat = a.stat AND a.market IN (t.main_market, t.alternate_market)
  JOIN nba_analytics.resolved_names AS n
    ON n.game_date = a.game_date AND n.game_date BETWEEN @first_date AND @last_date
    AND n.game_id = a.game_id AND n.features_as_of = a.features_as_of
    AND n.feed = 'odds_api_player_props' AND n.player_lookup = a.player_lookup
  WHERE a.bookmaker IS NOT NULL
  GROUP BY
    a.game_date, a.game_id, a.features_as_of, a.player_lookup, n.player_name, n.player_id,
    a.stat, a.bookmaker, a.market, t.main_market, a.line, a.over_price, a.under_price, a.snapshot_time
),
-- What the two prices imply, and how far apart their probabilities are; 2 where a price is missing.
priced AS (
  SELECT s.*, COALESCE(ABS(over_implied - under_implied), 2) AS imbalance
  FROM (
    SELECT
      s.*,
      IF(over_price < 0, -over_price, 100) / (100 + ABS(over_price)) AS over_implied,
      IF(under_price < 0, -under_price, 100) / (100 + ABS(under_price)) AS under_implied
    FROM seen AS s
  ) AS s
),
dated AS (
  SELECT
    p.*,
    MAX(IF(is_in_force, snapshot_time, NULL)) OVER (
      PARTITION BY game_id, stat, bookmaker, is_main
    ) AS latest_snapshot_time,
    MIN(snapshot_time) OVER (PARTITION BY game_id, player_key, stat, bookmaker, is_main) AS first_snapshot_time,
    FIRST_VALUE(line) OVER (
      PARTITION BY game_id, player_key, stat, bookmaker, is_main
      ORDER BY snapshot_time, imbalance, line, player_lookup, over_price, under_price
    ) AS first_line
  FROM priced AS p
),
-- A book that shows two main lines at once means the one whose prices are nearest to even.
latest AS (
  SELECT
    d.*,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, stat, bookmaker, is_main
      ORDER BY imbalance, line, player_lookup, over_price, under_price
    ) AS main_rank,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, stat, bookmaker, is_main, line
      ORDER BY imbalance, player_lookup, over_price, under_price
    ) AS line_rank
  FROM dated AS d
  WHERE is_in_force AND snapshot_time = latest_snapshot_time
),
-- What a player has had in his last 20 games known, together.
recent_games AS (
  SELECT
    player_id, known_at,
    LEAD(known_at) OVER (PARTITION BY player_id ORDER BY tipoff_at, game_id) AS next_known_at,
    COUNT(*) OVER recent AS games,
    {{stat_recent(columns, *)}}
  FROM nba_analytics.player_game_summary
  WHERE game_date BETWEEN DATE_SUB(@first_date, INTERVAL 400 DAY) AND @last_date
  WINDOW recent AS (
    PARTITION BY player_id ORDER BY tipoff_at, game_id ROWS BETWEEN 19 PRECEDING AND CURRENT ROW
  )
),
-- His form in each statistic, with three games of a usual player so that one game says little.
-- Sought once for each player and moment: a season has ten lines of each and more.
form_then AS (
  SELECT
    m.player_id, m.features_as_of, t.stat,
    ({{stat_value(f., , t.stat, threes)}} + 3 * t.usual) / (f.games + 3) AS form
  FROM (SELECT DISTINCT player_id, features_as_of FROM latest) AS m
  JOIN recent_games AS f
    ON f.player_id = m.player_id AND f.known_at < m.features_as_of
    AND (f.next_known_at IS NULL OR NOT f.next_known_at < m.features_as_of)
  CROSS JOIN stats AS t
),
-- How many standard deviations of what a game brings the line lies above the form.
formed AS (
  SELECT
    f.*,
    CAST(line AS FLOAT64) - form AS from_form,
    (CAST(line AS FLOAT64) - form) / SQRT(variance + variance_each * form) AS deviations
  FROM (
    SELECT l.*, COALESCE(f.form, t.usual) AS form, t.variance, t.variance_each, t.far_from_books
    FROM latest AS l
    JOIN stats AS t ON t.stat = l.stat
    LEFT JOIN form_then AS f
      ON f.player_id = l.player_id AND f.features_as_of = l.features_as_of AND f.stat = l.stat
    WHERE IF(l.is_main, l.main_rank, l.line_rank) = 1
  ) AS f
),
first_look AS (
  SELECT
    f.*,
    CASE
      WHEN deviations > @most_deviations_above OR deviations < -@most_deviations_below THEN 'far_from_form'
      WHEN over_implied + under_implied NOT BETWEEN @least_implied_sum AND @most_implied_sum THEN 'absurd_price'
    END AS first_suspicion
  FROM formed AS f
),
-- The other books' lines, and their prices of the same line, as far as nothing is wrong of them by
-- themselves.
compared AS (
  SELECT
    f.*,
    COUNTIF(is_main AND first_suspicion IS NULL) OVER (PARTITION BY game_id, player_key, stat) AS books,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, stat
      ORDER BY IF(is_main AND first_suspicion IS NULL, 0, 1), line, bookmaker, is_main
    ) AS book_rank,
    MAX(IF(is_main AND first_suspicion IS NULL, ABS(from_form), NULL)) OVER (PARTITION BY game_id, player_key, stat) AS farthest,
    FIRST_VALUE(line) OVER (
      PARTITION BY game_id, player_key, stat
      ORDER BY IF(is_main AND first_suspicion IS NULL, 0, 1), ABS(from_form), line, bookmaker, is_main
    ) AS nearest_line,
    COUNTIF(first_suspicion IS NULL AND over_implied IS NOT NULL) OVER (PARTITION BY game_id, player_key, stat, line) AS overs,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, stat, line
      ORDER BY IF(first_suspicion IS NULL AND over_implied IS NOT NULL, 0, 1), over_implied, bookmaker, is_main
    ) AS over_rank,
    COUNTIF(first_suspicion IS NULL AND under_implied IS NOT NULL) OVER (PARTITION BY game_id, player_key, stat, line) AS unders,
    ROW_NUMBER() OVER (
      PARTITION BY game_id, player_key, stat, line
      ORDER BY IF(first_suspicion IS NULL AND under_implied IS NOT NULL, 0, 1), under_implied, bookmaker, is_main
    ) AS under_rank
  FROM first_look AS f
),
-- Medians as the mean of the one or two middle values. Of two books that disagree about a line the
-- one farther from the player's form is meant, of two about a price the one that pays more. More
-- than two may agree on nonsense: where most of them are far both from form and from the line that
-- is nearest to it, they are suspicious as well as that one, and nobody's line counts. Where they
-- are not far from form they may know of fewer minutes, and the single one is meant.
medians AS (
  SELECT
    c.*,
    CAST(AVG(IF(book_rank * 2 IN (books, books + 1, books + 2) AND book_rank <= books, line, NULL))
      OVER (PARTITION BY game_id, player_key, stat) AS NUMERIC) AS main_line,
    MAX(IF(is_main AND first_suspicion IS NULL, line, NULL)) OVER (PARTITION BY game_id, player_key, stat)
      - MIN(IF(is_main AND first_suspicion IS NULL, line, NULL)) OVER (PARTITION BY game_id, player_key, stat) AS line_range,
    AVG(IF(over_rank * 2 IN (overs, overs + 1, overs + 2) AND over_rank <= overs, over_implied, NULL)) OVER (PARTITION BY game_id, player_key, stat, line)
      AS over_median,
    MAX(IF(over_rank <= overs, over_implied, NULL)) OVER (PARTITION BY game_id, player_key, stat, line) AS over_highest,
    AVG(IF(under_rank * 2 IN (unders, unders + 1, unders + 2) AND under_rank <= unders, under_implied, NULL))
      OVER (PARTITION BY game_id, player_key, stat, line) AS under_median,
    MAX(IF(under_rank <= unders, under_implied, NULL)) OVER (PARTITION BY game_id, player_key, stat, line) AS under_highest
  FROM compared AS c
),
judged AS (
  SELECT
    m.*,
    CASE
      WHEN first_suspicion IS NOT NULL THEN first_suspicion
      WHEN is_main AND books > 2 AND ABS(line - main_line) >= far_from_books THEN 'far_from_books'
      WHEN
        is_main AND books > 2 AND ABS(line - nearest_line) >= far_from_books
        AND ABS(main_line - nearest_line) >= far_from_books
        AND ABS(CAST(main_line AS FLOAT64) - CAST(line AS FLOAT64) + from_form) >= far_from_books
        THEN 'far_from_books'
      WHEN is_main AND books = 2 AND line_range >= far_from_books AND ABS(from_form) >= farthest THEN 'far_from_books'
      WHEN overs > 2 AND ABS(over_implied - over_median) > @far_price THEN 'absurd_price'
      WHEN overs = 2 AND over_highest - over_implied > @far_price THEN 'absurd_price'
      WHEN unders > 2 AND ABS(under_implied - under_median) > @far_price THEN 'absurd_price'
      WHEN unders = 2 AND under_highest - under_implied > @far_price THEN 'absurd_price'
    END AS suspicious
  FROM medians AS m
)
SELECT
  game_date, game_id, features_as_of, player_lookup, player_name, player_id, bookmaker, is_main, line,
  over_price, under_price, snapshot_time,
  IF(is_main AND first_snapshot_time < snapshot_time, first_line, NULL) AS opening_line,
  IF(is_main AND first_snapshot_time < snapshot_time, first_snapshot_time, NULL) AS opening_snapshot_time,
  -- Alternates are a ladder around the book's main line, and as far off as that is.
  COALESCE(
    suspicious,
    MAX(IF(is_main AND suspicious = 'far_from_books', suspicious, NULL)) OVER (PARTITION BY game_id, player_key, stat, bookmaker)
  ) AS suspicious,
  stat
FROM judged
