-- The order in which the first row is the newest snapshot's; two of one moment are told apart by their run and file.
snapshot_time DESC, run_id DESC, source_file DESC
