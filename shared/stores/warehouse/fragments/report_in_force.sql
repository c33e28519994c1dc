-- The order in which the first row is of the injury list in force: the league's own report before
-- ESPN's list before one derived from box scores (a backtest's "what if" before all), then the
-- newest. $1: the table's alias with its dot, or nothing.
CASE $1source WHEN 'what_if' THEN 0 WHEN 'official' THEN 1 WHEN 'espn' THEN 2 ELSE 3 END,
$1snapshot_time DESC, $1source_file DESC
