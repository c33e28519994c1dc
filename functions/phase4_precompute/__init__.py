"""Phase 4: summaries and contexts to features."""
