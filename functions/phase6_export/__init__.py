"""Phase 6: validates the current predictions of a date and writes the JSON exports."""
