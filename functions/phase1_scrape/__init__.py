"""Phase 1: fetches every source of a run's mode and keeps the responses as they came."""
