"""pipeline.yaml's schedules: when they fire, what a firing makes of a date, and what ran for it."""
