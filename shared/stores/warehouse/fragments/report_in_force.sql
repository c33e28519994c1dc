-- The order in which the first row is of the injury list in force: a real list before one derived
-- from box scores, then the newest. $1: the table's alias with its dot.
IF($1source = 'derived', 1, 0), $1snapshot_time DESC, $1source_file DESC, $1player_lookup
