"""Ground that anything may stand on: errors, events, clock, settings, pipeline.yaml, logs,
concurrency.
"""
