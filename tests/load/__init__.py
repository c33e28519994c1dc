"""Tests of load: counts, never times."""
