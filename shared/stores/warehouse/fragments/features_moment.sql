-- The moment of a game's features: the run's own, and for a game that has begun the last moment
-- before it that counts: a second after 17:30, when the evening's run has begun, so that the injury
-- list of 17:30 is known. $1: the table's alias with its dot, or nothing. Needs $1game_date,
-- $1tipoff_at and @as_of.
CASE
  WHEN $1tipoff_at > @as_of THEN @as_of
  ELSE LEAST(TIMESTAMP(DATETIME($1game_date, TIME '17:30:01'), 'America/New_York'), $1tipoff_at)
END
