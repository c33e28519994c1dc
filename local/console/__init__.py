"""The only way to a person's terminal: tests/unit/local/console/test_console.py finds every other
one.
"""
