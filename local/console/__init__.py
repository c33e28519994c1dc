"""The only way to a person's terminal: tests/unit/test_console.py finds every other one."""
