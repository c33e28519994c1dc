-- The order in which the first row is the newest snapshot's; two of one moment are told apart by
-- their run and file. $1: the alias with its dot, or nothing.
$1snapshot_time DESC, $1run_id DESC, $1source_file DESC
