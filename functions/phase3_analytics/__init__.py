"""Phase 3: raw tables to summaries of games played and the context of games to come."""
