"""Checks as data: what each asks, and what it finds in one view of the stores."""
