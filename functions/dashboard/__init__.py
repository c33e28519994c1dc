"""dashboard: what an operator sees and does, as pages and as JSON; shared/operations answers."""
