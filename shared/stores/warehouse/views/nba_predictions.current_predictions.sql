-- What counts: for each game, the rows of the last consolidated batch that covered it before
-- tip-off. Exports, grading and every check read this view alone; rows of earlier revisions stay in
-- the table as history.
WITH
-- A batch that was consolidated again (a late completion) has a row for each time: one of them is
-- enough.
counting AS (
  SELECT game_date, game_id, batch_id
  FROM nba_predictions.prediction_batches
  QUALIFY ROW_NUMBER() OVER (
    PARTITION BY game_date, game_id
    ORDER BY revision DESC, consolidated_at DESC, batch_id DESC
  ) = 1
)
SELECT predictions.*
FROM nba_predictions.player_prop_predictions AS predictions
INNER JOIN counting
  ON counting.game_date = predictions.game_date
  AND counting.game_id = predictions.game_id
  AND counting.batch_id = predictions.batch_id
