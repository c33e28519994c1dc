-- The moment that an answer of the odds feed stands for. A historical answer is fetched later and
-- stands for what was known at its own time; where that was not kept yet (rows without answer_at,
-- fetched after tip-off), for its newest snapshot. $1, $2: the aliases of the feed's table and of
-- the games, with their dots.
COALESCE($1answer_at, IF(
  $1fetched_at > $1commence_time,
  MAX($1snapshot_time) OVER (PARTITION BY $2game_id, $1source_file),
  $1fetched_at
))
