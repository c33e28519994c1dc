"""monitor: asks every check, keeps incidents, tells people, records latency; no more."""
