"""Phase 2: raw files become rows of the nba_raw tables."""
