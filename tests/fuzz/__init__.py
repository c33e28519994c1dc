"""Mutated answers of every source: whatever a feed sends, a row or a named refusal comes of it, and
no other error.
"""
