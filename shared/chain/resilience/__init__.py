"""What keeps the chain going: locks, breakers, the pause switch, deferred messages, dead
letters.
"""
