-- The moment of a game's features: the run's own, and for a game that has begun the last moment
-- before it that counts. $1: the table's alias with its dot, or nothing. Needs $1game_date,
-- $1tipoff_at and @as_of.
CASE
  WHEN $1tipoff_at > @as_of THEN @as_of
  ELSE LEAST(TIMESTAMP(DATETIME($1game_date, TIME '17:30:00'), 'America/New_York'), $1tipoff_at)
END
