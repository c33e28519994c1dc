"""Accuracy: systems beside the line and the season average on the same rows."""
