-- What the odds feed said until the moment of the features; of that very moment, that a book offers
-- nothing. $1, $2: the aliases of the feed's table and of the games, with their dots.
($1snapshot_time < $2features_as_of
OR ($1bookmaker IS NULL AND $1snapshot_time = $2features_as_of AND $1fetched_at > $1snapshot_time))
