"""The whole pipeline in one process on a seeded scheduler that owns time, delivery and
randomness.
"""
