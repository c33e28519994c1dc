"""What an operator reads and does: one answer for the command line, a page and an alert.

No HTTP, no terminal.
"""
