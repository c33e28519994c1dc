"""Recovery every ten minutes: what stalled is closed, what was not sent is sent, what died is
shown.
"""
