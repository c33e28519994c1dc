"""Mutants of the core: one small change at a time, and whether the tests that should notice it
do.
"""
