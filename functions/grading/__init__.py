"""Grading: what was predicted against what happened, and the performance of each system."""
