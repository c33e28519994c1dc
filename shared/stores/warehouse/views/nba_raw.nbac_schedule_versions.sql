-- Every row of the schedule with how long it held: the one definition of what the schedule says at
-- a moment. In force at a moment is a row with snapshot_time before it, replaced_at not before it:
-- one of each game. The game is on the schedule if gone_at is not before the moment either, and
-- takes place if it is not called_off.
WITH
-- A game may move to another day: its next row replaces this one, whatever day that says.
versions AS (
  SELECT
    game_date, game_id, snapshot_time, season, season_type, home_team, away_team, tipoff_at, status,
    home_points, away_points,
    LEAD(snapshot_time) OVER (
      PARTITION BY game_id ORDER BY snapshot_time, run_id, source_file, game_date DESC
    ) AS replaced_at
  FROM nba_raw.nbac_schedule
),
-- Snapshots that list every game of their season from a day on: a game of such a day that is not in
-- them is gone.
listings AS (
  SELECT season, snapshot_time, MIN(covers_from) AS covers_from
  FROM nba_raw.nbac_schedule
  WHERE covers_from IS NOT NULL
  GROUP BY season, snapshot_time
),
followed AS (
  SELECT season, snapshot_time, LEAD(snapshot_time) OVER (PARTITION BY season ORDER BY snapshot_time) AS next_at
  FROM listings
),
-- Nearly every row is replaced by the very next snapshot: only the others have to be looked for.
open_rows AS (
  SELECT v.game_id, v.game_date, v.snapshot_time, v.season, v.replaced_at
  FROM versions AS v
  LEFT JOIN followed AS f ON f.season = v.season AND f.snapshot_time = v.snapshot_time
  WHERE f.next_at IS NULL OR v.replaced_at IS NULL OR f.next_at < v.replaced_at
),
missing AS (
  SELECT
    o.game_id, o.snapshot_time, o.season, l.snapshot_time AS missing_at,
    ROW_NUMBER() OVER (PARTITION BY o.game_id, o.snapshot_time ORDER BY l.snapshot_time) AS nth
  FROM open_rows AS o
  JOIN listings AS l
    ON l.season = o.season
    AND l.snapshot_time > o.snapshot_time
    AND l.covers_from <= o.game_date
    AND (o.replaced_at IS NULL OR l.snapshot_time < o.replaced_at)
),
-- More games at once than a round of playoffs can spare (8 series, 3 games each) and a play-in
-- besides: an answer that was cut short, which would look like days without games. Believed when
-- the next snapshot says so as well.
absences AS (
  SELECT
    game_id, snapshot_time, season,
    MIN(missing_at) AS missing_at,
    MIN(IF(nth = 2, missing_at, NULL)) AS missing_again_at
  FROM missing
  WHERE nth <= 2
  GROUP BY game_id, snapshot_time, season
),
gone AS (
  SELECT
    game_id, snapshot_time,
    IF(COUNT(*) OVER (PARTITION BY season, missing_at) > 30, missing_again_at, missing_at) AS gone_at
  FROM absences
)
SELECT
  v.game_date, v.game_id, v.snapshot_time, v.season, v.season_type, v.home_team, v.away_team, v.tipoff_at, v.status,
  v.home_points, v.away_points,
  v.replaced_at,
  a.gone_at,
  -- Only what the schedule calls scheduled, live or final takes place.
  v.status NOT IN ('scheduled', 'live', 'final') AS called_off
FROM versions AS v
LEFT JOIN gone AS a ON a.game_id = v.game_id AND a.snapshot_time = v.snapshot_time
